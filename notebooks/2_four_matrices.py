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
# # Which of these four matrices is the Fisher matrix?
#
# Hessian, Gauss–Newton, Fisher, empirical Fisher: papers use the names for one another, and code uses whichever is at hand.
# On one regression they are two matrices; elsewhere four.
#
# **Before you run anything:** for least squares on a linear model, which of the four are equal? Which one changes when the
# labels do? Write it down.

# %%
import numpy as np

import sofim_ref as sr
from sofim_ref.lessons import check, demos
from sofim_ref.lessons.demos.fields import directions, regression

problem = regression()
oracle = problem.oracle(np.asarray([2.0, 4.5]))
matrices = {
    "Hessian": sr.curvature.hessian(oracle),
    "Gauss–Newton": sr.curvature.gauss_newton(oracle),
    "Fisher": sr.curvature.fisher(oracle),
    "empirical Fisher": sr.curvature.empirical_fisher(oracle),
}
for name, C in matrices.items():
    print(f"{name:17}", C.to_dense().round(2).tolist())
dense = {name: C.to_dense() for name, C in matrices.items()}
assert np.allclose(dense["Hessian"], dense["Gauss–Newton"])
assert np.allclose(dense["Hessian"], dense["Fisher"])
assert not np.allclose(dense["empirical Fisher"], dense["Fisher"], rtol=0.5)

# %% [markdown]
# Three are one. The fourth squares the **residuals that the data happen to have**, so far from the optimum it is large where
# the fit is bad, and dividing by it makes small steps just where long ones are needed.
#
# ## The picture of Kunstner, Balles and Hennig
#
# **Predict:** at (2, 4.5), do natural gradient and its empirical version at least point to the same side?

# %%
for point, cosine in (((2.0, 4.5), -0.160), ((1.0, 0.0), 0.332), ((4.5, 3.0), 0.874), ((-0.5, 3.0), 0.990)):
    found = directions(*point)
    one, other = found["natural gradient"], found["empirical"]
    seen = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
    print(f"at {point}: cosine {seen:+.3f}")
    assert abs(seen - cosine) < 5e-4

# %% [markdown]
# A negative cosine: the empirical direction goes **away** from where natural gradient goes. Move the point:

# %%
demos.fields()

# %% [markdown]
# ## Labels that the model draws
#
# The Fisher matrix averages over labels that the *model* predicts. If that is too expensive, draw some: the sampled Fisher
# matrix is an unbiased estimate, and the more draws, the smaller its error. The empirical Fisher matrix uses the labels of the
# data, and no number of draws changes its error.

# %%
F = dense["Fisher"]
for repeats in (1, 100):
    rng = np.random.default_rng(0)
    sampled = np.mean([sr.curvature.sampled_fisher(oracle, rng=rng).to_dense() for _ in range(repeats)], axis=0)
    print(f"{repeats:4} draws: off by {np.linalg.norm(sampled - F) / np.linalg.norm(F):.3f}")
off = np.linalg.norm(dense["empirical Fisher"] - F) / np.linalg.norm(F)
print(f"empirical: off by {off:.3f}")
assert np.linalg.norm(sampled - F) / np.linalg.norm(F) < 0.05 < off

# %% [markdown]
# ## A repair
#
# The *improved* empirical Fisher divides each example's square by that of its residual. On this regression that gives
# Gauss–Newton's matrix back, exactly.

# %%
improved = sr.curvature.improved_empirical_fisher(oracle).to_dense()
assert np.allclose(improved, dense["Gauss–Newton"])

# %% [markdown]
# ## Exercises

# %% exercise="empirical_fisher"

# %% exercise="logistic_fisher"

# %% exercise="gauss_newton"

# %% exercise="improved_empirical_fisher"

# %% [markdown]
# **What we saw.** Fisher and Gauss–Newton are one matrix for the usual losses, and the Hessian too if the model is linear. The
# empirical Fisher is another thing that looks like them near a good fit.

# %% [markdown] tags=["teacher"]
# ### For the teacher
# 20 minutes. What usually goes wrong: a sum for the mean, and labels from the data where the model's are meant. Ask who in the
# room has read code that calls the fourth matrix by the third one's name.

# %% [markdown]
# ### Sources
# Kunstner, Balles & Hennig 2019, arXiv 1905.12558. Wu, Yu, Zhang & Woodland 2024, arXiv 2406.06420. Martens 2020, JMLR 21:146.
