"""
A performance profile
=====================

Many problems, several methods: the share of the problems that a method solves within a factor τ of the best of them.
At τ = 1 that is how often it is the best, on the right how often it gets there at all.
"""

import matplotlib.pyplot as plt
import numpy as np

import sofim_ref as sr
from sofim_ref.studies.race import performance_profiles

plt.style.use("seaborn-v0_8-colorblind")
methods = {
    "SGD": sr.SGD(lr=1.0),
    "heavy ball": sr.SGD(lr=0.5, momentum=0.8),
    "SOFIM": sr.SOFIM(lr=1.0, rho=0.5, beta=0.8),
    "L-BFGS": sr.LBFGS(),
}
costs = {name: [] for name in methods}
for seed in range(12):  # quadratics of several condition numbers
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.standard_normal((20, 20)))[0]
    eigenvalues = np.geomspace(1, 10 ** -rng.uniform(0.5, 2.5), 20)
    A = (Q * eigenvalues) @ Q.T
    problem = sr.problems.Quadratic((A + A.T) / 2, np.zeros(20))
    for name, method in methods.items():
        losses = sr.minimize(problem, method, steps=120, w0=rng.standard_normal(20), record_every=1)["loss"]
        reached = np.flatnonzero(losses < 1e-4 * losses[0])
        costs[name].append(float(reached[0]) if len(reached) else np.inf)
factors = np.geomspace(1, 40, 200)
figure, axes = plt.subplots(figsize=(8, 4.8), layout="constrained")
for (name, profile), marker in zip(performance_profiles(costs).items(), "os^v", strict=True):
    axes.semilogx(factors, [profile.share(tau) for tau in factors], marker=marker, markevery=25, label=name)
axes.set(xlabel="factor τ of the fewest steps of any method", ylabel="share of 12 quadratics solved", ylim=(0, 1.02))
axes.set_title("L-BFGS needs the fewest steps on every one of these quadratics")
axes.legend()
plt.show()
