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
# # Why average gradients that disagree?
#
# A batch of one example knows little of the others: its gradient points somewhere else than the next one's. SOFIM doesn't use
# it as it is, but an average of all so far, the moment. What does that buy, and what does it cost?
#
# **Before you run anything:** with β = 0.9, about how many gradients count in the average? After the first step, how large is
# M = 0.9·0 + 0.1·g beside g?

# %%
import numpy as np

import sofim_ref as sr
from sofim_ref.convergence import CompanionNorm, experiments
from sofim_ref.datasets import load
from sofim_ref.lessons import check, demos

beta, g = 0.9, 1.0
M = 0.0
for t in range(1, 6):
    M = beta * M + (1 - beta) * g
    print(f"t = {t}: M = {M:.4f}, M/(1 − βᵗ) = {M / (1 - beta**t):.4f}")
    assert np.isclose(M / (1 - beta**t), g)

# %% [markdown]
# A constant gradient of 1, and M says 0.1: it **starts at zero and remembers that**. Divided by 1 − βᵗ it is right from the first
# step on.
#
# ## A length that shrinks in every step
#
# One parameter, the loss w²/2, SOFIM without bias correction, with β = 0.8 and η/ρ = 2. **Predict:** does the error |w − w*| get
# smaller in every step?
#
# A step acts on the pair (Δ, M) of error and moment. Each pair is a point, numbered by step, and through it goes the ellipse of all
# pairs that are as long in a norm ‖(Δ, M)‖_P, which depends on β and η/ρ. Move them:

# %%
demos.moment_plane()

# %% [markdown]
# The error returns: where the path passes the optimum the moment still points onwards. But each step ends inside the ellipse on
# which it begins. Which β makes the norm fall fastest, for which η/ρ?

# %%
beta, step = 0.8, 2.0
norm = CompanionNorm(np.ones(1), beta, step)  # for one eigenvalue of the Hessian, 1
points = [(1.0, 0.0)]
for _ in range(40):
    error, M = points[-1]
    M = beta * M + (1 - beta) * error
    points.append((error - step * M, M))
errors, moments = np.transpose(points)
lengths = norm.norm(errors[:, None], moments[:, None])
print(f"the error grows in {np.sum(np.diff(abs(errors)) > 0)} of 40 steps, the norm in {np.sum(np.diff(lengths) > 0)}")
assert np.any(np.diff(abs(errors)) > 0) and np.all(lengths[1:] <= norm.gamma * lengths[:-1] * (1 + 1e-12))

# %% [markdown]
# ## Two ways to write one thing
#
# PyTorch's momentum is v ← βv + g. The moment here is M ← βM + (1 − β)g. **Predict:** which step size makes them one method?

# %%
X = np.random.default_rng(0).standard_normal((30, 2))
problem = sr.problems.LeastSquares(X, X @ [1.0, -2.0] + 0.5, l2=0.1)
heavy = sr.minimize(problem, sr.SGD(lr=0.05, momentum=0.9), steps=50)
w, M = problem.initial_point(), np.zeros(problem.dim)
for _ in range(50):
    M = 0.9 * M + 0.1 * problem.oracle(w).gradient()
    w = w - 0.5 * M
assert np.allclose(w, heavy.w, rtol=1e-12)
print("step size 0.05 for heavy ball is 0.5 for the moment")

# %% [markdown]
# ## Batches that disagree
#
# Forty examples of a line with noise, one at a time. Move β, and the step size:

# %%
demos.noise()

# %% [markdown]
# ## The floor
#
# With a fixed step size the error doesn't vanish: it ends at a floor where the noise of the batches throws it up as fast as the
# gradient pulls it down. **Predict:** the step is made four times smaller. What becomes of the floor?

# %%
cancer = load("breast-cancer", l2=0.1).train
found = experiments.noise_floors(cancer, [0.01, 0.04, 0.16], rho=10.0, steps=2000)
for ratio, floor in zip(found.ratios, found.floors):
    print(f"η/ρ = {ratio:.2f}: floor {floor:.4f}")
print(f"floor grows like (η/ρ)^{found.exponent:.2f}")
assert abs(found.exponent - 0.5) < 0.1

# %% [markdown]
# Half, not a quarter: the floor goes with the **root** of η/ρ.
#
# Does averaging lower it? Here, hardly: it makes the path smooth, but each gradient's noise still comes in, only later.

# %%
averaged = experiments.noise_floors(cancer, [0.01, 0.04], rho=10.0, steps=2000, beta=0.9)
print("floors with β = 0.9:", averaged.floors.round(4), "with β = 0:", found.floors[:2].round(4))
assert np.all(np.abs(averaged.floors / found.floors[:2] - 1) < 0.25)

# %% [markdown]
# ## Exercises

# %% exercise="moment"

# %% exercise="gradient_weight"

# %% exercise="noise_left"

# %% exercise="same_as_heavy_ball"

# %% [markdown]
# **What we saw.** The moment is a smoother gradient. It must be corrected for its start at zero, and compared with heavy ball at
# the right step size. With it the error may grow in a step, while a norm of error and moment shrinks. What lowers the floor is a
# smaller step.

# %% [markdown] tags=["teacher"]
# ### For the teacher
# 20 minutes. What usually goes wrong: comparing SOFIM and momentum SGD at equal lr, off by 1/(1 − β). Ask what PyTorch's
# `dampening` does.

# %% [markdown]
# ### Sources
# Polyak 1964 for heavy ball; Kingma & Ba 2015, arXiv 1412.6980, §3, for the correction; Sen et al. 2024, arXiv 2403.02833.
