"""The trajectories of `sofim_ref.testing`: the methods' formulas in 50 digits, and the gradients that they take.

Nothing here imports `sofim_ref`. A method's function takes the starting point and a list of steps, each a dict of its
arguments (``gradient``, ``loss``, ``inputs``, ``output_gradients``, ``layers``) in mpmath's numbers, and returns the
points w, the starting one first.
"""
