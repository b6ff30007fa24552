"""
What C did in each step
=======================

The diagnostics of a run: how far C turned the step away from the gradient, and how much of C's curvature is only
damping.
"""

import matplotlib.pyplot as plt
import sklearn.datasets

import sofim_ref as sr

plt.style.use("seaborn-v0_8-colorblind")
X, y = sklearn.datasets.load_breast_cancer(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
problem = sr.problems.LogisticRegression(X, y, l2=1e-3)
methods = {
    "SOFIM, v = M̂": sr.SOFIM(lr=3.0),
    "SOFIM, v = g": sr.SOFIM(lr=1.0, rho=0.1, vector="gradient"),
    "natural gradient": sr.NaturalGradient(lr=0.3, damping=1e-3),
}
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
for (name, method), marker in zip(methods.items(), "os^", strict=True):
    trace = sr.minimize(problem, method, steps=40, batch_size=64, diagnostics=True, record_every=1)
    for axes, column in ((left, "cosine"), (right, "damping_share")):
        axes.plot(trace["step"][1:], trace[column][1:], marker=marker, markevery=4, label=name)
left.axhline(0, color="black", linewidth=1)
left.set(
    xlabel="step",
    ylabel="cosine of step and gradient",
    ylim=(-1.05, 1.05),
    title="below 0 the batch's loss rises at first",
)
right.set(
    xlabel="step",
    ylabel="share of the damping in C along the step",
    ylim=(-0.02, 1.05),
    title="at 1 the step is plain v/ρ",
)
figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3)
figure.suptitle("SOFIM's matrix is soon damping alone; the Fisher matrix turns the step")
plt.show()
