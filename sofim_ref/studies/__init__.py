"""Studies: each a function from objects to a result, and a report made of the result."""
