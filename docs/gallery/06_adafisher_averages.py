"""
What is left of AdaFisher's matrix when it is averaged
======================================================

AdaFisher's diagonal F̃ = H ⊗ S + λ is made of factors scaled to [0, 1] and averaged. Two versions of the paper and the
released code average with other weights.
"""

import matplotlib.pyplot as plt
import sklearn.datasets

import sofim_ref as sr

plt.style.use("seaborn-v0_8-colorblind")
X, y = sklearn.datasets.load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
problem = sr.problems.MLPClassifier(X, y, hidden=(8,))
figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
readings = {"paper_v1": "#0072B2", "paper_v3": "#009E73", "code": "#D55E00"}
for ema, colour in readings.items():
    optimizer = sr.AdaFisher(lr=1e-3, ema=ema, statistics="per_example", update_every=1)  # a refresh in every step
    w = problem.initial_point()
    state, smallest, largest = optimizer.init(w), [], []
    for _ in range(60):
        w, state = optimizer.step(w, state, problem.oracle(w))
        F = state.inputs * state.gradients + optimizer.damping
        smallest.append(F.min())
        largest.append(F.max())
    refreshes = range(1, 61)
    axes.fill_between(refreshes, smallest, largest, alpha=0.3, color=colour)
    axes.semilogy(refreshes, largest, color=colour, label=f'ema="{ema}"')
axes.axhline(1e-3, color="black", linewidth=1)
axes.annotate("λ", (60, 1e-3), (4, -4), textcoords="offset points")
axes.set(xlabel="refreshes of H and S", ylabel="smallest to largest entry of F̃")
axes.set_title("As released, AdaFisher soon divides by λ alone")
axes.legend(loc="center right")
plt.show()
