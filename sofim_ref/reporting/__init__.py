"""One page template, and one table that prints in a terminal and on a page."""
