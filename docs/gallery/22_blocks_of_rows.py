"""
The same run, block by block
============================

A loss over blocks of rows, of which one at a time has to be in memory. The path is that of the loss in one piece, up
to the order in which numbers are summed.
"""

import matplotlib.pyplot as plt
import numpy as np

import sofim_ref as sr
from sofim_ref.problems import Blocks, LogisticRegression

plt.style.use("seaborn-v0_8-colorblind")
rng = np.random.default_rng(0)
X = rng.standard_normal((4000, 10))
y = (X[:, 0] + rng.standard_normal(4000) > 0).astype(float)
method = sr.NaturalGradient(lr=0.5, damping=1e-3)
whole = sr.minimize(LogisticRegression(X, y), method, steps=12, store_points=True)
figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
for number, marker in ((4, "o"), (16, "s"), (64, "^")):
    blocks = Blocks(LogisticRegression, list(zip(np.array_split(X, number), np.array_split(y, number), strict=True)))
    trace = sr.minimize(blocks, method, steps=12, store_points=True)
    apart = [np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in zip(trace.points[1:], whole.points[1:], strict=True)]
    axes.semilogy(range(1, 13), np.maximum(apart, 1e-17), marker=marker, label=f"{number} blocks")
axes.axhline(np.finfo(float).eps, color="black", linewidth=1, label="eps")
axes.set(xlabel="step of natural gradient", ylabel="relative distance to the run in one piece", ylim=(1e-17, 1e-13))
axes.set_title("However the rows are cut, the run is the same to rounding")
axes.legend()
plt.show()
