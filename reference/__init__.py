"""The trajectories of `sofim_ref.testing`: the methods' formulas in 50 digits, and the gradients they are fed.

Nothing here imports `sofim_ref`. A method's function takes the starting point and a list of steps, dicts of what a step
is told (``gradient``, ``loss``, ``inputs``, ``output_gradients``, ``layers``), all numbers mpmath's, and returns the
points w, the starting one first.
"""
