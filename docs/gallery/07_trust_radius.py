"""
SOAA's trust radius
===================

SOAA multiplies its radius d by the ratio of the loss's fall to the predicted one, and keeps it between two bounds that
become narrower as the run goes on.
"""

import matplotlib.pyplot as plt
import numpy as np
import sklearn.datasets

import sofim_ref as sr

plt.style.use("seaborn-v0_8-colorblind")
X, y = sklearn.datasets.load_breast_cancer(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
problem = sr.problems.LogisticRegression(X, y, l2=1e-3)
T = 150
optimizer = sr.SOAA(lr=0.02, steps=T)
rng, w = np.random.default_rng(0), problem.initial_point()
state, radii, bounds = optimizer.init(w), [], []
for t in range(T):
    w, state = optimizer.step(w, state, problem.oracle(w, rng.integers(0, len(y), 32)))
    radii.append(state.radius)
    bounds.append(optimizer.bounds(t))
figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
steps = np.arange(1, T + 1)
axes.fill_between(steps, *np.transpose(bounds), color="#BBBBBB", alpha=0.5, label="where d may lie")
axes.plot(steps, radii, ".-", color="#D55E00", linewidth=1, label="d after the step")
at_a_bound = np.mean([np.isclose(r, b).any() for r, b in zip(radii, bounds, strict=True)])
axes.set(xlabel="step", ylabel="radius d", title=f"The radius is at one of its bounds in {at_a_bound:.0%} of the steps")
axes.legend()
plt.show()
