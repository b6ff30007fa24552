"""
The same model in other parameters
==================================

A normal distribution fitted to data, in its standard deviation's logarithm s, or in r = 3s. Drawn in (μ, s), gradient
descent takes two ways and natural gradient only one.
"""

import matplotlib.pyplot as plt
import numpy as np

import sofim_ref as sr

plt.style.use("seaborn-v0_8-colorblind")
sample = np.random.default_rng(0).normal(1.0, 0.5, 100)
fit = sr.problems.GaussianFit(sample)
T = np.diag([1.0, 1 / 3])  # w = Tθ, θ = (μ, 3s)


def path(method, change, steps):
    """Return the points w of a run in the parameters θ with w = change θ."""
    w = np.asarray([-0.2, 0.6])
    points = [w]
    for _ in range(steps):
        oracle = fit.oracle(w)
        g, F = change.T @ oracle.gradient(), change.T @ sr.curvature.fisher(oracle).to_dense() @ change
        w = w - 0.2 * change @ (np.linalg.solve(F, g) if method == "natural" else g)
        points.append(w)
    return np.asarray(points)


figure, panels = plt.subplots(1, 2, figsize=(11, 4.8), layout="constrained", sharey=True)
for axes, (method, title) in zip(panels, (("plain", "gradient descent"), ("natural", "natural gradient")), strict=True):
    for change, style, name in ((np.eye(2), "o-", "steps in (μ, s)"), (T, "x--", "steps in (μ, 3s)")):
        axes.plot(*path(method, change, 25).T, style, markersize=9, label=name)
    axes.plot(*fit.optimum(), "k*", markersize=14, label="optimum")
    axes.set(xlabel="mean μ", title=title)
    axes.legend()
panels[0].set_ylabel("log standard deviation s")
figure.suptitle("Natural gradient doesn't depend on how the model is parametrized")
plt.show()
