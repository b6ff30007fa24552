"""
What AdaHessian's squares estimate
==================================

With a random sign vector z, the mean of z ∘ Hz is the Hessian's diagonal. AdaHessian averages its squares instead,
whose mean is Σⱼ H_ij²: the squared norms of the Hessian's rows.
"""

import matplotlib.pyplot as plt
import numpy as np

import sofim_ref as sr

plt.style.use("seaborn-v0_8-colorblind")
rng = np.random.default_rng(0)
X = rng.standard_normal((200, 8)) @ (np.eye(8) + 0.6)  # correlated features: a Hessian with much off its diagonal
problem = sr.problems.LeastSquares(X, rng.standard_normal(200), intercept=False)
oracle = problem.oracle(problem.initial_point())
H = oracle.hessian()
z = np.where(rng.random((4000, 8)) < 0.5, -1.0, 1.0)
estimates = z * np.stack([oracle.hvp(sign) for sign in z])
figure, axes = plt.subplots(figsize=(8, 4.8), layout="constrained")
place = np.arange(8)
axes.bar(place - 0.3, np.diagonal(H), 0.2, label="the diagonal, H_ii")
axes.bar(place - 0.1, estimates.mean(axis=0), 0.2, label="mean of z ∘ Hz, 4000 draws")
axes.bar(place + 0.1, np.linalg.norm(H, axis=1), 0.2, label="norms of H's rows")
axes.bar(place + 0.3, np.sqrt(np.mean(estimates**2, axis=0)), 0.2, label="root of the mean of (z ∘ Hz)²")
axes.set(
    xlabel="parameter i", ylabel="curvature", title="Averaged as squares, Hutchinson's estimates are norms of rows"
)
axes.legend(ncols=2, loc="upper left")
axes.set_ylim(top=1.35 * axes.get_ylim()[1])
plt.show()
