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
# # In how many ways can one be second order?
#
# AdaHessian, Nyström, L-BFGS, K-FAC, SOAA, AdaFisher: six papers, six algorithms with a page of pseudo-code each. Here each is
# **one matrix C**, and a step is w − η C⁻¹v.
#
# **Before you run anything:** the Hessian's ellipse leans to one side. Which of the six can lean at all, and which only stretch
# along the axes?

# %%
import numpy as np

import sofim_ref as sr
from sofim_ref.lessons import check, demos
from sofim_ref.lessons.demos.gallery import matrices
from sofim_ref.lessons.interactive_figure import InteractiveFigure
from sofim_ref.optimizers import REGISTRY
from sofim_ref.plots import heat_maps

found, H = matrices(0.0, 1.0, 6)
for name, C in found.items():
    leans = abs(C[0, 1]) > 1e-12
    print(f"{REGISTRY[name].title:18} C = {REGISTRY[name].matrix:32} leans: {leans}")
leaning = {name for name, C in found.items() if abs(C[0, 1]) > 1e-12}
assert leaning == {"newton", "natural-gradient", "kfac", "nystrom-sgd", "sofim"}

# %%
demos.gallery()

# %% [markdown]
# AdaHessian, SOAA and AdaFisher are diagonal: they can't lean. SOFIM leans along the one direction it knows. The others hold
# more of the Hessian, and cost more.
#
# ## The same as numbers
#
# Each C's spectrum beside the Hessian's, and what each structure keeps in memory to make it. **Predict:** which spectrum is
# flat?

# %%
spectra = {name: np.linalg.eigvalsh(C) for name, C in found.items()}
for name, eigenvalues in spectra.items():
    print(f"{REGISTRY[name].title:18} eigenvalues {eigenvalues.round(3)}, κ = {eigenvalues[-1] / eigenvalues[0]:.3g}")
print(f"{'Hessian':18} eigenvalues {np.linalg.eigvalsh(H).round(3)}, κ = {np.linalg.cond(H):.3g}")
assert np.isclose(np.linalg.cond(found["newton"]), np.linalg.cond(H))
assert np.linalg.cond(found["soaa"]) < 1.5 < np.linalg.cond(H)

# %%
rng = np.random.default_rng(0)
m, Z, A, G = rng.standard_normal(12), rng.standard_normal((12, 2)), np.eye(3) + 0.3, np.eye(4) + 0.3
kept = {
    "Diagonal": sr.matrices.Diagonal(np.abs(m) + 0.2),
    "RankOne": sr.matrices.RankOne(1.0, m),
    "LowRank": sr.matrices.LowRank(1.0, Z),
    "Kronecker": sr.matrices.Kronecker(A, G),
}
InteractiveFigure(lambda: heat_maps(kept, title="What is kept, above, and the matrix that it stands for"), {})

# %% [markdown]
# ## SOAA's radius
#
# SOAA scales its whole diagonal by one number more, the radius of a trust region: a loss that falls as predicted widens it, one
# that does not shrinks it.

# %%
from sofim_ref.datasets import load

problem = load("iris", l2=1e-2).train
soaa = sr.optimizers.SOAA(lr=0.05, steps=30)
w, state, radii = problem.initial_point(), None, []
state = soaa.init(w)
for _ in range(30):
    w, state = soaa.step(w, state, problem.oracle(w))
    radii.append(float(state.radius[0]))
print("radius:", np.round(radii[::5], 3))
assert all(0 < radius < 2 for radius in radii)

# %% [markdown]
# ## A diagonal from products alone
#
# AdaHessian never sees the Hessian's diagonal: that would cost d products. It draws a vector z of independent, fair signs, and
# asks for the one product Hz. Since zᵢzⱼ is 1 for i = j and has mean 0 for i ≠ j, E[zzᵀ] = I, and the diagonal can be read off
# z and Hz, on average. How, is the first exercise.

# %%
H = np.asarray([[3.0, 1.0], [1.0, 2.0]])
signs = np.asarray([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
for z in signs:
    print(f"z = {z}, Hz = {H @ z}")
assert np.allclose(np.mean([np.outer(z, z) for z in signs], axis=0), np.eye(2))

# %% [markdown]
# ## One matrix from two
#
# K-FAC takes for a layer's matrix A ⊗ G, from inputs and from gradients. **Predict:** for a layer with 100 inputs and 50
# outputs, how many numbers is that, beside the full matrix? And no product of the two is made to multiply by it: written row by
# row, (A ⊗ G) vec(V) = vec(A V Gᵀ). To divide, then, is an exercise.

# %%
A, G = np.eye(100) + 0.1, np.eye(50) + 0.2
C = sr.matrices.Kronecker(A, G)
print(f"{A.size + G.size:,} numbers instead of {C.dim**2:,}")
V = np.random.default_rng(0).standard_normal((100, 50))
assert np.allclose(C @ V.ravel(), (A @ V @ G.T).ravel())

# %% [markdown]
# ## Learning from steps
#
# L-BFGS looks at how the gradient changed on the last steps, and asks that B explain it: Bs = y, the **secant equation**. One
# step of BFGS takes away what B knew along s, a matrix of rank one made of Bs, and puts in another one made of y:
#
# $$B^+ = B - \frac{1}{a}\,(Bs)(Bs)^\top + \frac{1}{b}\, y y^\top.$$
#
# The first two terms alone must map s to 0, the last one s to y. These two conditions give the numbers a and b.

# %%
rng = np.random.default_rng(1)
Q = np.asarray([[4.0, 1.0], [1.0, 2.0]])
S = rng.standard_normal((2, 2))
B = sr.matrices.LBFGSMatrix(1.0, S, S @ Q)
print("explains the latest pair to", f"{np.abs(B.matvec(S[-1]) - Q @ S[-1]).max():.0e}")
assert np.allclose(B.matvec(S[-1]), Q @ S[-1])

# %% [markdown]
# ## AdaFisher's three averages
#
# Its paper's third version, its first version, and its code average the factors in three ways. They are three registered
# readings; the code also takes the output gradients of the mean loss, not of each example's. As a control: how far does
# plain gradient descent go?

# %%
ends = {}
for name in ("adafisher", "adafisher-v1", "adafisher-code", "sgd"):
    runs = [
        sr.minimize(problem, REGISTRY[name].make(lr=lr), epochs=5, batch_size=20) for lr in np.geomspace(1e-3, 1, 13)
    ]
    ends[name] = min(run["loss"][-1] for run in runs)
    print(f"{REGISTRY[name].title:24} best of 13 step sizes after 5 epochs: {ends[name]:.3f}")
assert max(ends.values()) < 1.0

# %% [markdown]
# ## Exercises

# %% exercise="hutchinson"

# %% exercise="kfac_solve"

# %% exercise="kronecker_eigenvalues"

# %% exercise="bfgs_update"

# %% [markdown]
# **What we saw.** The papers differ in what they keep of the Hessian: a diagonal, a few directions, factors, or the last steps.
# That fixes cost and memory; how they average it is where papers and their code part.

# %% [markdown] tags=["teacher"]
# ### For the teacher
# 20 minutes. `sofim-ref methods` prints each method's C, v, cost, source, and what is open about it. What usually goes wrong: in
# K-FAC, A and G exchanged. Ask which method could solve the leaning ellipse in one step.

# %% [markdown]
# ### Sources
# Yao et al. 2021, arXiv 2006.00719. Singh et al., arXiv 2110.08577. Martens & Grosse 2015, arXiv 1503.05671. Vo 2024, arXiv
# 2410.02293. Martins Gomes et al., arXiv 2405.16397. Nocedal 1980, doi:10.1090/S0025-5718-1980-0572855-7.
