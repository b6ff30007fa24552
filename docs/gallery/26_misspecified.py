"""
Where the empirical Fisher matrix tilts
=======================================

Logistic regression on two Gaussian classes, as the model assumes them and not (Kunstner, Balles & Hennig 2019, Figure
2): the ellipses of the exact and of the empirical Fisher matrix at the optimum.
"""

import matplotlib.pyplot as plt
import numpy as np

import sofim_ref as sr

plt.style.use("seaborn-v0_8-colorblind")
settings = {
    "correct model": (1.0, 2 * np.eye(2), 2 * np.eye(2)),
    "other variances": (1.5, 3 * np.eye(2), np.eye(2)),
    "other correlations": (1.0, 1.5 * np.asarray([[1, -0.6], [-0.6, 1]]), 1.5 * np.asarray([[1, 0.6], [0.6, 1]])),
}
turn = np.linspace(0, 2 * np.pi, 200)
figure, panels = plt.subplots(1, 3, figsize=(11, 4.9), layout="constrained")
for axes, (name, (mean, first, second)) in zip(panels, settings.items(), strict=True):
    rng = np.random.default_rng(0)
    X = np.concatenate([mean + rng.standard_normal((500, 2)) @ first, -mean + rng.standard_normal((500, 2)) @ second])
    problem = sr.problems.LogisticRegression(X, np.repeat([1.0, 0.0], 500), intercept=False)
    oracle = problem.oracle(problem.optimum())
    exact, empirical = sr.curvature.fisher(oracle).to_dense(), sr.curvature.empirical_fisher(oracle).to_dense()
    for F, style, label in ((exact, "-", "exact Fisher"), (empirical, "--", "empirical Fisher")):
        values, vectors = np.linalg.eigh(F)
        ellipse = vectors @ (np.stack([np.cos(turn), np.sin(turn)]) / np.sqrt(values)[:, None])
        axes.plot(*ellipse, style, linewidth=2.5, label=label)
    axes.set(aspect="equal", title=name, xlabel="Δw₁")
panels[0].set_ylabel("Δw₂")
figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
figure.suptitle("The two agree only where the model is right")
plt.show()
