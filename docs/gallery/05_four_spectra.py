"""
Four matrices, four spectra
===========================

Hessian, exact Fisher, empirical Fisher and the outer product of the mean gradient, of a small network far from its
minimum and near it.
"""

import matplotlib.pyplot as plt
import numpy as np
import sklearn.datasets

import sofim_ref as sr

plt.style.use("seaborn-v0_8-colorblind")
X, y = sklearn.datasets.load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
problem = sr.problems.MLPClassifier(X, y, hidden=(5,))
trained = sr.minimize(problem, sr.Adam(lr=0.05), steps=300).w
figure, panels = plt.subplots(1, 2, figsize=(11, 4.8), layout="constrained", sharey=True)
for axes, (where, w) in zip(panels, {"at the start": problem.initial_point(), "trained": trained}.items(), strict=True):
    oracle = problem.oracle(w)
    g = oracle.gradient()
    matrices = {
        "Hessian, |λ|": oracle.hessian(),
        "exact Fisher": sr.curvature.fisher(oracle).to_dense(),
        "empirical Fisher": sr.curvature.empirical_fisher(oracle).to_dense(),
        "ggᵀ, g the mean gradient": np.outer(g, g),
    }
    for (name, M), marker in zip(matrices.items(), "os^D", strict=True):
        eigenvalues = np.sort(np.abs(np.linalg.eigvalsh(M)))[::-1]
        axes.semilogy(
            np.arange(1, len(g) + 1), np.where(eigenvalues > 1e-9, eigenvalues, np.nan), marker, ls="-", label=name
        )
    axes.set(title=where, xlabel="eigenvalue number, largest first")
panels[0].set_ylabel("eigenvalue")
figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
figure.suptitle("Near a minimum the mean gradient's matrix vanishes; the others don't")
plt.show()
