"""
SOFIM of rank k
===============

With the last k gradients in place of their mean, C has up to k directions of curvature. Its spectrum beside the
Hessian's.
"""

import matplotlib.pyplot as plt
import numpy as np
import sklearn.datasets

import sofim_ref as sr

plt.style.use("seaborn-v0_8-colorblind")
X, y = sklearn.datasets.load_breast_cancer(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
problem = sr.problems.LogisticRegression(X, y, l2=1e-3)
figure, axes = plt.subplots(figsize=(8, 4.8), layout="constrained")
for k, marker in ((1, "o"), (4, "s"), (16, "^")):
    optimizer = sr.RankKSOFIM(lr=0.05, rho=1e-3, columns=k, collected="gradient", vector="gradient")
    rng, w = np.random.default_rng(0), problem.initial_point()
    state = optimizer.init(w)
    for _ in range(30):
        oracle = problem.oracle(w, rng.integers(0, len(y), 16))
        _, choice = optimizer.precondition(state, oracle)
        w, state = optimizer.step(w, state, oracle)
    eigenvalues = choice.matrix.eigenvalues()[::-1]
    axes.semilogy(np.arange(1, problem.dim + 1), eigenvalues, marker, ls="-", label=f"C with k = {k}")
H = problem.oracle(w).hessian()
axes.bar(np.arange(1, problem.dim + 1), np.linalg.eigvalsh(H)[::-1], color="#DDDDDD", label="the Hessian there")
axes.set(xlabel="eigenvalue number, largest first", ylabel="eigenvalue")
axes.set_title("Each gradient that is kept adds one eigenvalue above ρ")
axes.legend()
plt.show()
