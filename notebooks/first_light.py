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
# # Can a matrix be inverted without ever being written down?
#
# SOFIM divides a gradient by the matrix C = ρI + mmᵀ, d numbers wide and d numbers high. It never makes that matrix. In ten
# minutes we see why it need not, check it against brute force, and watch the step that comes out.
#
# **Before you run anything:** take m = (0, 3) and ρ = 1. What is C? What is C⁻¹(1, 1)? Write it down.

# %%
import numpy as np

import sofim_ref as sr

C = sr.matrices.RankOne(1.0, np.asarray([0.0, 3.0]))
print(C.to_dense())
x = C.solve(np.asarray([1.0, 1.0]))
print(x)
assert np.allclose(x, [1.0, 0.1])

# %% [markdown]
# The first coordinate lies across m and is divided by ρ = 1. The second lies along m and is divided by ρ + ‖m‖² = 10. That is
# all that C⁻¹ does: **two eigenvalues, two divisions**.
#
# ## Does it hold for a thousand parameters?
#
# `solve` keeps one vector; brute force inverts a million numbers. They must agree to rounding.

# %%
rng = np.random.default_rng(0)
m, v = rng.standard_normal((2, 1000))
C = sr.matrices.RankOne(0.5, m)
by_structure = C.solve(v)
by_force = np.linalg.solve(C.to_dense(), v)
difference = np.linalg.norm(by_structure - by_force) / np.linalg.norm(by_force)
print(f"relative difference: {difference:.1e}")
condition = C.eigenvalues()[-1] / C.eigenvalues()[0]
assert difference < condition * np.finfo(float).eps

# %% [markdown]
# ## Where the printed formula loses its digits
#
# Papers write C⁻¹v = v/ρ − m(mᵀv)/(ρ² + ρ‖m‖²). **Predict:** what happens to the digits when v is m itself, and ‖m‖² is ten
# million times ρ?

# %%
m = rng.standard_normal(50).astype(np.float32)
rho = float(m @ m) * 1e-7
C = sr.matrices.RankOne(rho, m)
exact = m.astype(np.float64) / (rho + m.astype(np.float64) @ m.astype(np.float64))
errors = {}
for form in ("textbook", "stable"):
    errors[form] = np.linalg.norm(C.solve(m.copy(), form=form) - exact) / np.linalg.norm(exact)
    print(f"{form:8}  relative error {errors[form]:.1e}")
assert errors["stable"] < 8 * np.finfo(np.float32).eps
assert errors["textbook"] > 1e-2

# %% [markdown]
# The textbook form subtracts two nearly equal vectors. The stable form never does: it splits v along m and across it first.
#
# ## What is SOFIM's step, then?
#
# With v = M̂, the average gradient, the step is M̂/(ρ + ‖M̂‖²). **Predict:** as the gradient grows, does the step grow?

# %%
rho, lr = 0.25, 1.0
sizes = np.logspace(-3, 3, 601)
steps = [lr * np.linalg.norm(sr.matrices.RankOne(rho, np.asarray([s])).solve(np.asarray([s]))) for s in sizes]
peak = int(np.argmax(steps))
print(f"longest step {steps[peak]:.4f} at a gradient of length {sizes[peak]:.4f}")
assert np.isclose(steps[peak], lr / (2 * np.sqrt(rho)), rtol=1e-3)
assert np.isclose(sizes[peak], np.sqrt(rho), rtol=1e-1)

# %% [markdown]
# It rises to η/(2√ρ) at ‖M̂‖ = √ρ, then falls: SOFIM clips itself. Small gradients are divided by ρ, so near an optimum it
# is gradient descent with momentum and step η/ρ.
#
# ## On real data

# %%
from sofim_ref.datasets import load  # noqa: E402

problem = load("breast-cancer").train
least = float(problem.oracle(problem.optimum()).value())
for optimizer in (sr.SOFIM(lr=30.0), sr.SOFIM(lr=3.0, vector="gradient"), sr.Newton()):
    trace = sr.minimize(problem, optimizer, steps=100, tolerance=1e-12)
    gap = trace["loss"] - least
    print(f"{optimizer!r}\n    {trace.status.message} Loss above the optimum: {max(gap[-1], 0.0):.1e}")
    assert gap[-1] < 0.01 * gap[0]

# %% [markdown]
# ## For the teacher
#
# Ten minutes. Let the class compute C⁻¹(1, 1) by hand before the first cell. What usually goes wrong: they divide the whole
# vector by ρ + ‖m‖²; ask what C does to a vector across m.
#
# Sources: Sherman & Morrison 1950; Sen et al. 2024, arXiv 2403.02833. Open: which v the paper's experiments used; both readings
# are `vector=` options here.
