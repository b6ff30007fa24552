"""
Six methods on one loss
=======================

Logistic regression on the breast-cancer data, all rows in every step. Each method has the best step size of a grid
with two a decade.
"""

import matplotlib.pyplot as plt
import sklearn.datasets

import sofim_ref as sr

plt.style.use("seaborn-v0_8-colorblind")
X, y = sklearn.datasets.load_breast_cancer(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
problem = sr.problems.LogisticRegression(X, y, l2=1e-3)
methods = {
    "SGD": sr.SGD(lr=3.0),
    "Adam": sr.Adam(lr=0.1),
    "SOFIM, v = M̂": sr.SOFIM(lr=0.3),
    "SOFIM, v = g": sr.SOFIM(lr=3.0, vector="gradient"),
    "empirical natural gradient": sr.NaturalGradient(lr=0.3, fisher="empirical"),
    "natural gradient": sr.NaturalGradient(lr=1.0, damping=1e-3),
}
optimal_loss = float(problem.value(problem.optimum()))
figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
looks = zip("os^vDx", ("#0072B2", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "black"), strict=True)
for (name, method), (marker, colour) in zip(methods.items(), looks, strict=True):
    trace = sr.minimize(problem, method, steps=60, record_every=1)
    axes.semilogy(
        trace["step"], trace["loss"] - optimal_loss + 1e-16, marker=marker, markevery=6, color=colour, label=name
    )
axes.set(xlabel="step", ylabel="loss above the optimum", ylim=(1e-10, 2))
axes.set_title("The exact Fisher matrix, here the Hessian, is worth many steps")
axes.legend()
plt.show()
