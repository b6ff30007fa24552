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
# # What does SOFIM really do?
#
# Its matrix is C = ρI + M̂M̂ᵀ, M̂ being an average of gradients. Whether C⁻¹ is put before M̂ or before the gradient, the paper's
# text leaves open; the code of its authors' follow-up puts it before M̂. We take both, and see what each one is.
#
# **Before you run anything:** in the moment reading, v = M̂, in which direction does C⁻¹M̂ point?

# %%
import numpy as np

import sofim_ref as sr
from sofim_ref.lessons import check, demos
from sofim_ref.matrices import RankOne

M = np.asarray([3.0, 4.0])
x = RankOne(0.5, M).solve(M)
print(x, "is M̂ times", x / M)
assert np.allclose(x, M / (0.5 + M @ M))

# %% [markdown]
# **Nowhere else than M̂ does.** The moment reading never turns: it is momentum with a step size of its own, η/(ρ + ‖M̂‖²).
#
# ## The length
#
# So the length of a step depends on s = ‖M̂‖ alone, beside η and ρ. **Predict:** the gradient becomes ten times larger. Does the step?

# %%
lengths = {}
for s in (0.01, 0.1, 0.5, 1.0, 10.0, 100.0):
    moment = np.asarray([s, 0.0])
    lengths[s] = np.linalg.norm(0.1 * RankOne(0.5, moment).solve(moment))
for s, length in lengths.items():
    print(f"‖M̂‖ = {s:6.2f}: step {length:.5f}")
assert lengths[0.1] < lengths[0.5] > lengths[10.0] > lengths[100.0]

# %% [markdown]
# It has a peak (where, is the second exercise), and falls again: a large gradient makes a *short* step. Statisticians call such a function **redescending**;
# clipping, by contrast, would keep the length at its maximum. Move ρ:

# %%
demos.step_curve()

# %% [markdown]
# ## Play it again without SOFIM
#
# If the moment reading is momentum with a schedule, then the schedule alone must give the same path. We write down
# η/(ρ + ‖M̂‖²) along a run, and give those numbers to momentum.

# %%
X = np.random.default_rng(0).standard_normal((40, 3))
problem = sr.problems.LogisticRegression(X, (X[:, 0] > 0).astype(int), l2=0.1)
sofim = sr.SOFIM(lr=0.5, rho=0.1)
trace = sr.minimize(problem, sofim, steps=20, store_points=True)
w, moment = trace.points[0], np.zeros(problem.dim)
for t in range(1, 21):
    moment = 0.9 * moment + 0.1 * problem.oracle(w).gradient()
    M_hat = moment / (1 - 0.9**t)
    w = w - 0.5 / (0.1 + M_hat @ M_hat) * M_hat  # a number times the momentum
assert np.allclose(w, trace.w, rtol=1e-10)
print("the same path, to", f"{np.max(np.abs(w - trace.w)):.1e}")

# %% [markdown]
# ## The other reading
#
# With v = g, C⁻¹ divides the part of g **along** M̂ by ρ + ‖M̂‖², and the rest by ρ: the direction that persists is damped, and
# what is new goes through.

# %%
g = np.asarray([1.0, 1.0])
M = np.asarray([2.0, 0.0])
x = RankOne(0.5, M).solve(g)
print("gradient", g, "becomes", x)
assert np.allclose(x, [1 / 4.5, 1 / 0.5])
assert x @ g > 0  # always downhill

# %% [markdown]
# ## Two limits
#
# ρ → ∞ with η/ρ fixed: the rank-one term is nothing beside ρ, and SOFIM is momentum (or gradient descent). ρ → 0: the moment
# reading steps η/‖M̂‖, longer and longer as it comes near a minimum.

# %%
large = sr.minimize(problem, sr.SOFIM(lr=1e6, rho=1e6, beta=0.0), steps=10)
plain = sr.minimize(problem, sr.SGD(lr=1.0), steps=10)
assert np.allclose(large.w, plain.w, rtol=1e-5)
tiny = sr.minimize(problem, sr.SOFIM(lr=0.05, rho=1e-12, beta=0.0), steps=200, w0=problem.optimum() + 1e-3)
print(f"ρ = 1e-12: from 1e-3 away from the optimum, the longest of 200 steps is {tiny['step_norm'].max():.2g} long")
assert tiny["step_norm"].max() > 1

# %% [markdown]
# ## Exercises

# %% exercise="step_length"

# %% exercise="peak_step"

# %% exercise="equally_long"

# %% exercise="gradient_reading"

# %% [markdown]
# **What we saw.** The moment reading is momentum with a redescending step length. The gradient reading does turn, and damps what
# persists. Neither knows anything of the Hessian. What the paper's own experiments used is open.

# %% [markdown] tags=["teacher"]
# ### For the teacher
# 20 minutes. The surprise is the first cell; let it sink in. What usually goes wrong: the length of the factor is taken for the
# length of the step. Ask what happens to the peak when the loss is multiplied by 1000.

# %% [markdown]
# ### Sources
# Sen et al. 2024, arXiv 2403.02833. What is known and what is open stands in the docstring of `sofim_ref.SOFIM`.
