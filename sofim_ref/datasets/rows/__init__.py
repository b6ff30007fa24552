"""Tables of more rows than memory holds: where they lie, how they are read, what one pass over them finds."""
