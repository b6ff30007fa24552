"""Independent truths: algebra in 50 digits by mpmath, derivatives by JAX, minima by SciPy. Tests only."""
