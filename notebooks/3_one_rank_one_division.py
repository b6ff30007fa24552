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
# SOFIM divides a gradient by the matrix C = ρI + mmᵀ, d numbers wide and d numbers high. It never makes that matrix.
#
# **Before you run anything:** take m = (0, 3) and ρ = 1. What is C? What is C⁻¹(1, 1)? Write it down.

# %%
import time

import numpy as np

import sofim_ref as sr
from sofim_ref.lessons import check, demos

C = sr.matrices.RankOne(1.0, np.asarray([0.0, 3.0]))
print(C.to_dense())
x = C.solve(np.asarray([1.0, 1.0]))
print(x)
assert np.allclose(x, [1.0, 0.1])

# %% [markdown]
# The first coordinate lies across m and is divided by ρ = 1. The second lies along m and is divided by ρ + ‖m‖² = 10. That is
# all that C⁻¹ does: **two eigenvalues, two divisions**. Turn v, and stretch m:

# %%
demos.one_division()

# %% [markdown]
# ## By hand
#
# What lies across m, v/ρ divides rightly; only along m something is left to subtract. So try x = v/ρ − c m, with a number c. Then
#
# $$Cx = v + \frac{m^\top v}{\rho}\, m - c\,(\rho + \lVert m \rVert^2)\, m,$$
#
# which is v for one value of c: the Sherman–Morrison formula. Which value is the first exercise. The structure's answer, against
# brute force:

# %%
rng = np.random.default_rng(0)
m, v = rng.standard_normal((2, 1000))
rho = 0.5
by_structure = sr.matrices.RankOne(rho, m).solve(v)
by_force = np.linalg.solve(rho * np.eye(1000) + np.outer(m, m), v)
difference = np.linalg.norm(by_structure - by_force) / np.linalg.norm(by_force)
print(f"relative difference: {difference:.1e}")
assert difference < 1e-12

# %% [markdown]
# ## What it costs
#
# **Predict:** d is doubled. How much longer does brute force take? And the formula?

# %%
def seconds(function):
    function()
    times = []
    for _ in range(7):
        began = time.perf_counter()
        function()
        times.append(time.perf_counter() - began)
    return min(times)


sizes = {"brute force": (10, 100, 400, 800, 1600), "structure": (10, 1000, 20_000, 200_000, 2_000_000)}
exponents = {}
for name, ds in sizes.items():
    taken = []
    for d in ds:
        m, v = rng.standard_normal((2, d))
        C = sr.matrices.RankOne(0.5, m)
        if name == "structure":
            taken.append(seconds(lambda: C.solve(v)))
        else:
            dense = C.to_dense()
            taken.append(seconds(lambda: np.linalg.solve(dense, v)))
    exponents[name] = np.polyfit(np.log(ds[-3:]), np.log(taken[-3:]), 1)[0]
    print(f"{name:12}", ", ".join(f"d = {d:,}: {1e3 * t:.3g} ms" for d, t in zip(ds, taken)))
    print(f"{name:12} grows like d^{exponents[name]:.1f} from d = {ds[-3]:,} on")
print(f"at d = 10⁷ the matrix alone would fill {8 * 1e14 / 1e12:,.0f} TB")

# %% [markdown]
# ## Where the printed formula loses its digits
#
# Papers subtract a multiple of m from v/ρ, as above. **Predict:** what happens to the digits when v is m itself, and ‖m‖² is ten
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
# The textbook form subtracts two nearly equal vectors. The stable form never does: it splits v along m and across it first, and
# divides each part by its own eigenvalue.
#
# ## More than one direction
#
# With k directions, the columns of Z, C = ρI + ZZᵀ. Try x = (v − Zc)/ρ, now with k numbers c. Then
#
# $$Cx = v + Z\left(\frac{Z^\top v - Z^\top Z\, c}{\rho} - c\right),$$
#
# which is v if the k numbers in the bracket vanish: a linear system of k equations for c, whatever the dimension d. This is
# **Woodbury's formula**.
#
# ## Exercises

# %% exercise="sherman_morrison"

# %% exercise="condition_number"

# %% exercise="logdet"

# %% exercise="woodbury"

# %% [markdown]
# **What we saw.** A matrix that is a multiple of I and one direction more has two eigenvalues. To divide by it is two divisions,
# if one takes care not to subtract what is nearly equal.

# %% [markdown] tags=["teacher"]
# ### For the teacher
# 20 minutes. Let the class compute C⁻¹(1, 1) by hand before the first cell. What usually goes wrong: they divide the whole
# vector by ρ + ‖m‖², or square ρ; ask what C does to a vector across m. Times in the cost cell vary; exponents don't much.

# %% [markdown]
# ### Sources
# Sherman & Morrison 1950, doi:10.1214/aoms/1177729893. Sen et al. 2024, arXiv 2403.02833.
