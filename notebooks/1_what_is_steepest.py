# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What is steep?
#
# A Gaussian is fitted to five numbers, and we walk downhill. But downhill **measured with which ruler**? If the width is
# called s, the steepest way is one; if it is called log s, it is another. The Gaussians don't know what we call them.
#
# **Before you run anything**, write down: from mean −1 and s = 2.7, will a step of gradient descent in (μ, s) and one in
# (μ, log s), with the same step size, end at the same Gaussian? And a step of natural gradient?

# %%
import numpy as np

import sofim_ref as sr
from sofim_ref.lessons import check, demos
from sofim_ref.lessons.demos.ruler import SAMPLE, divergence, landed

ends = landed(-1.0, np.e, 0.3)
for name, (mean, s) in ends.items():
    print(f"{name:32} μ = {mean:+.4f}, s = {s:.4f}")
plain = divergence(ends["gradient in (μ, s)"], ends["gradient in (μ, log s)"])
natural = divergence(ends["natural gradient in (μ, s)"], ends["natural gradient in (μ, log s)"])
assert natural < plain / 1000

# %% [markdown]
# The two gradient steps end at **different** Gaussians. The natural ones end at nearly the same. "Nearly", because a step is
# straight, and what is straight in s is curved in log s. Make the step smaller: the difference vanishes much faster than the
# step.

# %%
for step in (0.1, 0.05, 0.025):
    ends = landed(-1.0, np.e, step)
    apart = divergence(ends["natural gradient in (μ, s)"], ends["natural gradient in (μ, log s)"])
    print(f"step {step:5.3f}: natural steps end {apart:.1e} apart")
    assert apart < step**4

# %% [markdown]
# ## The ruler
#
# Two Gaussians are near when samples drawn from them hardly distinguish one from the other: when KL is small. For small
# changes u of the parameters KL is quadratic, ½ uᵀFu, and F is the **Fisher matrix**. In the coordinates (μ, log s) it is diag(1/s², 2).
#
# **Predict:** which change is easier to notice, μ by 0.1 when s = 1, or when s = 10?

# %%
fit = sr.problems.GaussianFit(SAMPLE)
for s in (1.0, 10.0):
    F = sr.curvature.fisher(fit.oracle(np.asarray([0.0, np.log(s)]))).to_dense()
    u = np.asarray([0.1, 0.0])
    print(
        f"s = {s:4}: F = diag{np.diag(F).round(4).tolist()}, ½uᵀFu = {u @ F @ u / 2:.6f}, "
        f"KL = {divergence((0.0, s), (0.1, s)):.6f}"
    )
    assert np.allclose(F, np.diag([1 / s**2, 2.0]))
    assert np.isclose(u @ F @ u / 2, divergence((0.0, s), (0.1, s)))

# %% [markdown]
# A wide Gaussian hides a change of its mean. So a step in μ may be longer there: natural gradient divides the gradient by F.
#
# Move the sliders: rings are the Gaussians within the same KL of the start. In which coordinates are they round?

# %%
demos.ruler()

# %% [markdown]
# ## Exercises
#
# Fill in the functions. Each check shows the smallest numbers with which an answer is wrong.

# %% exercise="gaussian_kl"

# %% exercise="gaussian_fisher"

# %% exercise="natural_step"

# %% [markdown]
# ## Does it pay?
#
# From far away, both with the step size that suits them best of eleven:

# %%
start = np.asarray([-1.0, 2.0])
best = {}
for name, make in (("gradient", sr.SGD), ("natural gradient", lambda lr: sr.NaturalGradient(lr=lr, damping=1e-9))):
    runs = [sr.minimize(fit, make(lr=lr), steps=25, w0=start) for lr in np.geomspace(0.05, 2, 11)]
    best[name] = min(run["loss"][-1] for run in runs) - fit.oracle(fit.optimum()).value()
    print(f"{name:17} ends {best[name]:.1e} above the optimum")
assert best["natural gradient"] < 1e-3 * best["gradient"]

# %% [markdown]
# **What we saw.** Steepness needs a ruler. KL between predictions gives one that doesn't depend on names: the Fisher matrix.

# %% [markdown] tags=["teacher"]
# ### For the teacher
# 20 minutes: 5 for the prediction and the first cell, 5 for the sliders, 10 for the exercises. What usually goes wrong: the two
# arguments of KL are exchanged, or s is taken for a variance. Ask why rings in (μ, log s) all have one shape but not one
# width.

# %% [markdown]
# ### Sources
# Amari 1998, doi:10.1162/089976698300017746. Martens 2020, JMLR 21:146, §6 on what is invariant and what isn't.
