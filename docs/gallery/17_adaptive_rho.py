"""
A rho that follows the gradient
===============================

ρ has the unit of a squared gradient. With a fixed ρ the path changes when the loss is multiplied by a number; with ρ =
‖M̂‖² it does not, if η is multiplied by that number too.
"""

import matplotlib.pyplot as plt
import numpy as np
import sklearn.datasets

import sofim_ref as sr
from sofim_ref.optimizers import SquaredMoment

plt.style.use("seaborn-v0_8-colorblind")
X, y = sklearn.datasets.load_breast_cancer(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
problem = sr.problems.LogisticRegression(X, y, l2=1e-2)
optimal_loss = float(problem.value(problem.optimum()))
figure, panels = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained", sharey=True)
rules = {"ρ = 0.5": 0.5, "ρ = ‖M̂‖²": SquaredMoment()}
for axes, (name, rho) in zip(panels, rules.items(), strict=True):
    for scale, style in ((0.1, "o-"), (1.0, "s--"), (10.0, "^:")):
        rescaled = sr.problems.Function(
            problem.dim,
            lambda w, scale=scale: scale * problem.value(w),
            lambda w, scale=scale: scale * problem.oracle(w).gradient(),
        )
        cosine = sr.optimizers.Cosine(scale * 0.05, steps=60)
        trace = sr.minimize(
            rescaled, sr.SOFIM(lr=cosine, rho=rho), steps=60, w0=problem.initial_point(), record_every=1
        )
        axes.semilogy(
            np.maximum(trace["loss"] / scale - optimal_loss, 1e-16), style, markevery=6, label=f"loss × {scale:g}"
        )
    axes.set(xlabel="step", title=name)
    axes.legend()
panels[0].set_ylabel("loss above the optimum, rescaled back")
figure.suptitle("With ρ = ‖M̂‖² the three runs are one")
plt.show()
