"""
How many columns of the Hessian are enough?
===========================================

A Nyström approximation is made of k columns of the Hessian. It is exact once they span its range; before, it depends
on how fast the eigenvalues fall.
"""

import matplotlib.pyplot as plt
import numpy as np
import sklearn.datasets

import sofim_ref as sr

plt.style.use("seaborn-v0_8-colorblind")
X, y = sklearn.datasets.load_breast_cancer(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
problem = sr.problems.LogisticRegression(X, y)
oracle = problem.oracle(problem.initial_point())
H = oracle.hessian()
eigenvalues = np.sort(np.linalg.eigvalsh(H))[::-1]
columns = np.arange(1, problem.dim + 1, 2)
errors = []
for k in columns:
    draws = [sr.curvature.nystrom_factor(oracle, np.random.default_rng(seed), columns=int(k)) for seed in range(10)]
    errors.append([np.linalg.norm(Z @ Z.T - H) / np.linalg.norm(H) for Z in draws])
best = [np.linalg.norm(eigenvalues[k:]) / np.linalg.norm(eigenvalues) for k in columns]
figure, axes = plt.subplots(figsize=(8, 4.8), layout="constrained")
low, middle, high = np.quantile(np.maximum(errors, 1e-16), (0, 0.5, 1), axis=1)
axes.fill_between(columns, low, high, alpha=0.25, color="#0072B2")
axes.semilogy(columns, middle, "o-", color="#0072B2", label="k random columns: median and range of 10 draws")
axes.semilogy(
    columns, np.maximum(best, 1e-16), "s--", color="#D55E00", label="the k largest eigenvalues, the best possible"
)
axes.set(xlabel="columns k", ylabel="‖ZZᵀ − H‖ / ‖H‖, Frobenius", ylim=(1e-6, 2))
axes.set_title("Random columns follow the best approximation at a distance")
axes.legend()
plt.show()
