"""
Order of convergence
====================

The next error against the present one. In this picture a method of order q is a line of slope q.
"""

import matplotlib.pyplot as plt
import numpy as np

import sofim_ref as sr

plt.style.use("seaborn-v0_8-colorblind")
rng = np.random.default_rng(1)
X = rng.standard_normal((60, 3))
problem = sr.problems.LogisticRegression(X, (X[:, 0] + rng.standard_normal(60) > 0).astype(float), l2=0.05)
optimum = problem.optimum()
away = rng.standard_normal(problem.dim)
away /= np.linalg.norm(away)
distances = np.geomspace(0.3, 1e-3, 12)
figure, axes = plt.subplots(figsize=(7, 5.4), layout="constrained")
methods = {"Newton": sr.Newton(line_search=False), "SOFIM": sr.SOFIM(lr=0.5, rho=0.5)}
for (name, method), marker in zip(methods.items(), "os", strict=True):
    after = []
    for distance in distances:
        w = optimum + distance * away
        after.append(np.linalg.norm(method.step(w, method.init(w), problem.oracle(w))[0] - optimum))
    order = sr.convergence.order_of_convergence(distances, after, floor=0.0).order
    axes.loglog(distances, after, marker, ls="-", label=f"one step of {name}: slope {order:.2f}")
axes.loglog(distances, distances, color="black", linewidth=1, label="no progress")
axes.set(xlabel="error before the step, ‖Δ‖", ylabel="error after it, ‖Δ⁺‖")
axes.set_title("Newton squares the error, SOFIM multiplies it")
axes.legend()
plt.show()
