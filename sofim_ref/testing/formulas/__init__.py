"""The methods' formulas in 50 digits, the gradients that they take, and the trajectories that follow.

Nothing here imports the rest of the library. A method's transcription takes the starting point and a list of steps,
each a dict of its arguments (``gradient``, ``loss``, ``inputs``, ``output_gradients``, ``layers``) in mpmath's numbers,
and yields the points w, one a step.
"""
