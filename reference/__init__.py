"""The trajectories of `sofim_ref.testing`: the methods' formulas in 50 digits, and the gradients they are fed."""
