"""
The linear-quadratic bound along a run
======================================

From each error the bound ‖Δ⁺‖ ≤ ξ₁‖Δ‖ + ξ₂‖Δ‖² says how large the next one can be. The band is the distance from what
happened.
"""

import matplotlib.pyplot as plt
import numpy as np

import sofim_ref as sr

plt.style.use("seaborn-v0_8-colorblind")
rng = np.random.default_rng(0)
X = rng.standard_normal((80, 4))
problem = sr.problems.LogisticRegression(X, (X[:, 0] + rng.standard_normal(80) > 0).astype(float), l2=0.1)
runs = {"Newton": (sr.Newton(line_search=False), 4), "SOFIM, v = g": (sr.SOFIM(lr=1.0, rho=0.5, vector="gradient"), 40)}
figure, panels = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained", sharey=True)
start = problem.optimum() + 0.1
for axes, (name, (method, steps)) in zip(panels, runs.items(), strict=True):
    trace = sr.minimize(problem, method, steps=steps, w0=start, store_points=True)
    found = sr.convergence.linear_quadratic_bound(problem, method, trace)
    k = np.arange(len(found.error) + 1)
    axes.semilogy(k, [*found.error, found.next_error[-1]], "o-", color="#0072B2", label="error ‖w − w*‖")
    axes.semilogy(k[1:], found.bound, "--", color="#D55E00", label="bound on it, from the error before")
    axes.fill_between(k[1:], found.next_error, found.bound, color="#D55E00", alpha=0.2)
    axes.set(xlabel="step", title=f"{name}: bound {'held' if found.holds else 'broken'}", ylim=(1e-16, 1))
    axes.legend()
panels[0].set_ylabel("error")
figure.suptitle("Newton's bound falls quadratically, SOFIM's by a constant factor")
plt.show()
