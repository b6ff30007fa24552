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
# # 3 Can a matrix be inverted without ever being written down?
#
# Lesson 1 ended with a bill. The natural gradient is $F^{-1}g$, and for a network with ten million parameters $F$ has a hundred
# trillion entries: 800 terabytes, before anything is solved. Yet SOFIM, a method that is named after the Fisher matrix, divides by a
# matrix of that size in every step, in the time of a few vector additions. How?
#
# **You need** matrix products, eigenvalues of a symmetric matrix, and lesson 1. **You will be able to** solve with a matrix that is a
# multiple of the identity plus one or several outer products, say what it costs, and say when the formula in the textbooks loses its
# digits and what to compute instead.
#
# ## One direction
#
# SOFIM's matrix is
#
# $$C = \rho I + m m^\top, \tag{1}$$
#
# with a number $\rho > 0$, the **damping**, and a vector $m$ of $d$ entries: an average of gradients, which lesson 4 takes up. The outer product
# $mm^\top$ has the entries $m_i m_j$. So $C$ knows one direction only. What it has to do with the Fisher matrix, lesson 5 asks.
#
# **Predict:** take $m = (0, 3)$ and $\rho = 1$. Write down $C$, and then $C^{-1}v$ for $v = (1, 1)$.

# %%
import time

import numpy as np

import sofim_ref as sr
from sofim_ref.lessons import LiveFigure, check

C = sr.matrices.RankOne(1.0, np.asarray([0.0, 3.0]))
x = C.solve(np.asarray([1.0, 1.0]))
print(C.to_dense().tolist(), "and C⁻¹v =", x)
assert np.allclose(x, [1.0, 0.1])

# %% [markdown]
# The first entry of $v$ is divided by 1, the second by 10. That is no accident of the example. Let $u$ be orthogonal to $m$; then
#
# $$C u = \rho\,u + m\,(m^\top u) = \rho\, u, \qquad C m = \rho\, m + m\,(m^\top m) = (\rho + \lVert m\rVert^2)\, m. \tag{2}$$
#
# So $C$ has **two eigenvalues**: $\rho + \lVert m\rVert^2$ along $m$, once, and $\rho$ for everything orthogonal to $m$, $d - 1$ times. To divide by $C$ is to split $v$
# into its part along $m$ and its part across, and to divide each by its own number. Drag $m$ and $v$:

# %%
LiveFigure("rank_one_solve")

# %% [markdown]
# On the left are $m$, $v$ and the two parts of $v$; on the right the same two parts, divided, and their sum $C^{-1}v$. Make $m$ longer: the
# part along $m$ all but vanishes, the other doesn't change. **The direction that $m$ knows is damped, every other one passes.** Turn $v$ until it is
# parallel to $m$, and then orthogonal to it: only there $C^{-1}v$ is a multiple of $v$.
#
# We check (2) in a hundred dimensions, where there is nothing to see.

# %%
rng = np.random.default_rng(0)
m = rng.standard_normal(100)
eigenvalues = np.linalg.eigvalsh(0.5 * np.eye(100) + np.outer(m, m))
print(f"smallest {eigenvalues[0]:.4f}, second largest {eigenvalues[-2]:.4f}, largest {eigenvalues[-1]:.4f}")
assert np.allclose(eigenvalues[:-1], 0.5) and np.isclose(eigenvalues[-1], 0.5 + m @ m)

# %% [markdown]
# ## By hand
#
# A formula can be found without eigenvectors. Whatever lies across $m$ is divided rightly by $v/\rho$; only along $m$ is there something to take
# away. So try $x = v/\rho - c\,m$, with a number $c$ still to be found. Line by line,
#
# $$\begin{aligned} Cx &= \rho x + m\,(m^\top x) \\
#   &= v - c\,\rho\, m + \tfrac1\rho (m^\top v)\, m - c\,\lVert m\rVert^2\, m \\
#   &= v + \Big(\frac{m^\top v}{\rho} - c\,(\rho + \lVert m\rVert^2)\Big)\, m, \end{aligned} \tag{3}$$
#
# and $Cx = v$ for exactly one value of $c$. With that value, $x$ is the **Sherman–Morrison formula**; to find it is the first exercise. The
# cell checks the last line of (3) with a value of $c$ that is certainly wrong.

# %%
v, rho, c = rng.standard_normal(100), 0.5, 7.0
C = sr.matrices.RankOne(rho, m)
left = C @ (v / rho - c * m)
right = v + ((m @ v) / rho - c * (rho + m @ m)) * m
print(f"the two sides of (3) differ by {np.linalg.norm(left - right) / np.linalg.norm(right):.1e}")
assert np.allclose(left, right, rtol=1e-12)

# %% [markdown]
# ## What it costs
#
# A dense solve factors the matrix: about $d^3/3$ multiplications, and $d^2$ numbers of memory. By structure it takes one inner product, one norm and one sum
# of two vectors: about $6d$ operations, and no memory beyond the answer.
#
# **Predict:** $d$ is doubled. By what factor does each time grow?


# %%
def seconds(function):
    """Return the shortest of several runs."""
    times = []
    for _ in range(7):
        began = time.perf_counter()
        function()
        times.append(time.perf_counter() - began)
    return min(times)


sizes = {"dense": (200, 400, 800), "by structure": (100_000, 400_000, 1_600_000)}
for name, ds in sizes.items():
    taken = []
    for d in ds:
        m, v = rng.standard_normal((2, d))
        C = sr.matrices.RankOne(0.5, m)
        dense = C.to_dense() if name == "dense" else None
        taken.append(seconds((lambda: np.linalg.solve(dense, v)) if name == "dense" else (lambda: C.solve(v))))
    exponent = np.polyfit(np.log(ds), np.log(taken), 1)[0]
    print(f"{name:12}", ", ".join(f"d = {d:,}: {1e3 * t:.2g} ms" for d, t in zip(ds, taken)), f"about d^{exponent:.1f}")

# %% [markdown]
# By 8 and by 2, in the long run: $d^3$ and $d$. (For matrices this small the dense solve has not yet reached its exponent, and the times depend on the
# machine.) At $d = 10^7$ the dense matrix fills 800 terabytes; by structure the solve takes hundredths of a second.
#
# ## Where the formula loses its digits
#
# The Sherman–Morrison formula subtracts a multiple of $m$ from $v/\rho$. In exact arithmetic that is right; on a computer it is a trap.
# **Predict:** let $v = m$ and let $\lVert m\rVert^2$ be ten million times $\rho$, in single precision, which has seven digits. How many digits of $C^{-1}m$ are right?

# %%
m = rng.standard_normal(50).astype(np.float32)
rho = float(m @ m) * 1e-7
C = sr.matrices.RankOne(rho, m)
m64 = m.astype(np.float64)
exact = m64 / (rho + m64 @ m64)
errors = {}
for form in ("textbook", "stable"):
    errors[form] = np.linalg.norm(C.solve(m.copy(), form=form) - exact) / np.linalg.norm(exact)
    print(f"{form:8}  relative error {errors[form]:.1e}")
assert errors["stable"] < 8 * np.finfo(np.float32).eps
assert errors["textbook"] > 1e-2

# %% [markdown]
# None that one could use. The formula takes $m/\rho$, a vector $10^7$ times as long as the answer, subtracts nearly all of it, and what is left is mostly the
# rounding error of the large one: **cancellation**. The relative error of a difference is the rounding error times the size of what was subtracted over the size of
# what remains, here $10^7$.
#
# The remedy is equation (2), taken at its word: split first, then divide. Nothing large is subtracted from anything. And this case is not far-fetched: with
# $v = m$ it is SOFIM's own step, whenever the gradient is large beside $\sqrt\rho$.
#
# ## More than one direction
#
# Let $Z$ have $k$ columns, and $C = \rho I + ZZ^\top$. The same idea works: try $x = (v - Zc)/\rho$, now with $k$ numbers $c$. Then
#
# $$Cx = v + Z\Big(\frac{Z^\top v - Z^\top Z\, c}{\rho} - c\Big), \tag{4}$$
#
# which is $v$ if the $k$ numbers in the bracket vanish: a system of $k$ equations for $c$, whatever the dimension $d$. This is **Woodbury's formula**.

# %%
Z, v, rho, c = rng.standard_normal((100, 3)), rng.standard_normal(100), 0.5, np.asarray([1.0, -2.0, 3.0])
left = (rho * np.eye(100) + Z @ Z.T) @ ((v - Z @ c) / rho)
right = v + Z @ ((Z.T @ v - Z.T @ Z @ c) / rho - c)
print(f"the two sides of (4) differ by {np.linalg.norm(left - right) / np.linalg.norm(right):.1e}")
assert np.allclose(left, right, rtol=1e-12)

# %% [markdown]
# ## Summary
#
# 1. $\rho I + mm^\top$ has the eigenvalue $\rho + \lVert m\rVert^2$ along $m$ and $\rho$ across it; to solve with it takes two divisions and about $6d$ operations.
# 2. The textbook's formula cancels where $v$ is nearly parallel to $m$ and $\lVert m\rVert^2$ is much larger than $\rho$; split first, then divide.
# 3. With $k$ directions a $k \times k$ system is left, whatever the dimension.
#
# ## Exercises

# %% exercise="sherman_morrison"

# %% exercise="condition_number"

# %% exercise="logdet"

# %% exercise="woodbury"

# %% [markdown] exercise="open"
# **The other inverse.** For which vectors $a$ is $\rho I - a a^\top$ still positive definite? Find $a$ such that $(\rho I - aa^\top)^{-1}$ is a multiple of
# $\rho' I + mm^\top$, and say what it would mean to *multiply* by SOFIM's matrix instead of dividing by it.

# %% [markdown] tags=["teacher"]
# ### For the teacher
# 40 minutes: 10 for the prediction by hand and the figure, 10 for (3), 10 for the digits, 10 for exercises.
#
# *First prediction.* $C = \mathrm{diag}(1, 10)$ and $C^{-1}v = (1, 0.1)$. *Second.* 8 and 2. *Third.* None: the error is of the order of 1.
#
# *The other inverse.* $\rho - \lVert a\rVert^2 > 0$. Its eigenvalues are $\rho$ across $a$ and $\rho - \lVert a\rVert^2$ along it, so those of the inverse are $1/\rho$ and
# $1/(\rho - \lVert a\rVert^2)$: a multiple of $\rho' I + mm^\top$ with $m$ parallel to $a$ and $\lVert m\rVert^2/\rho' = \lVert a\rVert^2/(\rho - \lVert a\rVert^2)$. To multiply by SOFIM's matrix would
# lengthen the persistent direction, as momentum does, instead of damping it.
#
# What usually goes wrong: all of $v$ is divided by $\rho + \lVert m\rVert^2$, or $\rho$ is squared. Ask what $C$ does to a vector across $m$. In Woodbury's formula a
# $d \times d$ matrix is made by `Z @ Z.T`: the check notices. Times in the cost cell vary; exponents vary less.

# %% [markdown]
# ## History and further reading
#
# - Sherman & Morrison 1950, [doi:10.1214/aoms/1177729893](https://doi.org/10.1214/aoms/1177729893): pp. 124–127, on what becomes of an inverse when one entry changes.
# - Hager 1989, [doi:10.1137/1031049](https://doi.org/10.1137/1031049): the history of both formulas and what they are used for.
# - Higham 2002, *Accuracy and Stability of Numerical Algorithms*, chapter 1: cancellation, and how to read an error analysis.
# - Sen et al. 2024, [arXiv 2403.02833](https://arxiv.org/abs/2403.02833): SOFIM. What is known and what is open about it stands in the docstring of `sofim_ref.SOFIM`.
