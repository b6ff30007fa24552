"""
SPRING remembers what a batch doesn't see
=========================================

Natural gradient with small batches knows of a few rows at a time. SPRING begins each solve at the direction before it,
so that what earlier batches said is kept.
"""

import matplotlib.pyplot as plt
import numpy as np

import sofim_ref as sr

plt.style.use("seaborn-v0_8-colorblind")
rng = np.random.default_rng(0)
X = rng.standard_normal((60, 20))
problem = sr.problems.LeastSquares(X, X @ rng.standard_normal(20), intercept=False)
figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
for mu, marker in ((0.0, "o"), (0.5, "s"), (0.9, "^")):
    optimizer = sr.SPRING(lr=0.25, damping=1e-3, mu=mu)
    runs = [sr.minimize(problem, optimizer, steps=100, batch_size=5, seed=seed, record_every=3) for seed in range(3)]
    losses = np.stack([trace["loss"] for trace in runs])
    label = "natural gradient, μ = 0" if mu == 0 else f"SPRING, μ = {mu}"
    axes.semilogy(runs[0]["step"], np.median(losses, axis=0), marker=marker, markevery=5, label=label)
    axes.fill_between(runs[0]["step"], losses.min(axis=0), losses.max(axis=0), alpha=0.15)
axes.set(xlabel="step, 5 of 60 examples in each", ylabel="loss, median and range of 3 runs")
axes.set_title("A memory of earlier directions helps where batches are small")
axes.legend()
plt.show()
