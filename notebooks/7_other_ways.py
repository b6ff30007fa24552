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
# # 7 In how many ways can one be second order?
#
# A model with two inputs learns slowly, and somebody who has read that second-order methods are quick takes one with a diagonal matrix. The loss
# falls no faster than before. The method isn't wrong: the two inputs are nearly the same number, and what a diagonal matrix would have to
# know about them is just what it leaves out. AdaHessian, AdaFisher, SOAA, K-FAC, Nyström-SGD and L-BFGS are six papers with a page of pseudo-code
# each. To choose among them one has to know what each of them leaves out.
#
# **You need** lessons 1 to 4, the trace and the eigenvalues of a symmetric matrix, and the mean value of a random vector. **You will be able to** read a
# method as one choice of a matrix, say what that matrix costs and can't represent, estimate a diagonal from products, solve with a
# Kronecker product, and derive the BFGS update.
#
# The lesson has two sittings. The first is on matrices that are built from the model at one point, the second on a matrix that is learned from steps.
#
# ## Eight matrices
#
# Every method here subtracts from the weights $w$
#
# $$\eta\, C^{-1} v, \tag{1}$$
#
# with a step size $\eta$, a vector $v$, which is the gradient or an average of gradients, and a matrix $C$ in place of the Hessian $H$. A picture of $C$ is the
# ellipse of all changes $u$ of the weights with $u^\top C u$ equal to one constant. Its axes are the eigenvectors of $C$; the ratio of
# the longest to the shortest is $\sqrt\kappa$, where the **condition number** $\kappa$ is the largest eigenvalue over the smallest. If an off-diagonal
# entry of $C$ is not zero, the ellipse leans.
#
# The figure shows two of the nine parameters of a softmax regression, which tells three species of iris from the length and width of
# their petals, and the Hessian's ellipse in grey. **Predict:** which of the eight methods can lean at all, and which only stretch along the axes?

# %%
import numpy as np

import sofim_ref as sr
from sofim_ref.lessons import check, demos
from sofim_ref.lessons.demos.gallery import iris, matrices
from sofim_ref.lessons.interactive_figure import InteractiveFigure
from sofim_ref.optimizers import REGISTRY
from sofim_ref.plots import heat_maps

found, H = matrices(0.0, 1.0, 6)
for name, C in found.items():
    print(f"{REGISTRY[name].title:17} C = {REGISTRY[name].matrix:34} leans: {'yes' if abs(C[0, 1]) > 1e-12 else 'no'}")
leaning = {name for name, C in found.items() if abs(C[0, 1]) > 1e-12}
assert leaning == {"natural-gradient", "kfac", "nystrom-sgd", "lbfgs", "sofim"}
assert np.allclose(found["natural-gradient"], H, atol=1e-8)

# %%
demos.gallery()

# %% [markdown]
# AdaHessian, AdaFisher and SOAA are diagonal, and never lean. The natural gradient covers the Hessian's ellipse, since this model is linear in its parameters
# (lesson 2). K-FAC and Nyström-SGD come near it. SOFIM knows one direction, the average gradient's, and L-BFGS knows the directions in
# which it has moved: move the start, and see both turn.
#
# ## What a diagonal can't do
#
# Let $H$ have the diagonal entries $s_1^2$ and $s_2^2$ and the off-diagonal entry $r\,s_1 s_2$, with $-1 < r < 1$. For least squares $s_1$ and $s_2$
# are the sizes of two inputs, and $r$ is their correlation. A step with $C = D = \mathrm{diag}(s_1^2, s_2^2)$ is a gradient step in the coordinates $D^{1/2}w$, where the
# Hessian is
#
# $$D^{-1/2} H D^{-1/2} = \begin{pmatrix} 1 & r \\ r & 1 \end{pmatrix}, \tag{2}$$
#
# with eigenvectors $(1, 1)$ and $(1, -1)$ and eigenvalues $1 + r$ and $1 - r$. So the sizes are gone, and the condition number is
#
# $$\kappa = \frac{1 + |r|}{1 - |r|}. \tag{3}$$
#
# **Predict:** one input is a hundred times the other, and they are correlated by $r = 0.99$. By what factor does the diagonal lower $\kappa$, and
# what is left?

# %%
s, r = np.asarray([1.0, 100.0]), 0.99
leaning_bowl = np.asarray([[1.0, r], [r, 1.0]]) * np.outer(s, s)
before = np.linalg.cond(leaning_bowl)
left = np.linalg.cond(leaning_bowl / np.sqrt(np.outer(np.diag(leaning_bowl), np.diag(leaning_bowl))))
for name, kappa in (("gradient descent", before), ("with the diagonal", left)):
    steps = np.log(1e6) / np.log((kappa + 1) / (kappa - 1))
    print(f"{name:17}: κ = {kappa:9,.0f}, {steps:11,.0f} steps to a millionth of the distance")
assert round(before, -3) == 503_000 and np.isclose(left, 199)

# %% [markdown]
# The diagonal lowers it from half a million to 199, a large gain, and no further. (The last column takes the best step size for each, for which the
# distance shrinks by $(\kappa - 1)/(\kappa + 1)$ a step.) That is the complaint of the beginning: inputs of one size and strongly
# correlated gain nothing.
#
# ## A diagonal from products alone
#
# For a network even the diagonal of $H$ is dear: entry by entry it takes $d$ products of $H$ with a vector. AdaHessian takes one. Let $z$ be
# a vector of $d$ independent random signs, $+1$ and $-1$ with probability ½ each. Then $z_i z_j$ is 1 if $i = j$, and has the mean 0 otherwise:
#
# $$\mathrm E[z z^\top] = I. \tag{4}$$
#
# Now row $i$ of $Hz$ is $\sum_j H_{ij} z_j$: a sum in which $H_{ii}$ stands beside entries that one doesn't want, each with a sign of its own. By (4)
# something can be done to this sum that makes all of them vanish on average, and keeps $H_{ii}$. What, is the first exercise.
# The cell checks (4) over all vectors of four signs.

# %%
signs = np.asarray(np.meshgrid(*4 * [[1.0, -1.0]])).reshape(4, -1).T
mean = np.mean([np.outer(z, z) for z in signs], axis=0)
print(f"the mean over {len(signs)} vectors:", mean.tolist())
assert np.array_equal(mean, np.eye(4))

# %% [markdown]
# ## One matrix from two
#
# A layer with inputs $a$ ($p$ numbers) and outputs $z = W^\top a$ ($q$ numbers) has the gradient $a\,\delta^\top$ for one example, where
# $\delta = \partial\ell/\partial z$. Written row after row as one vector, it is the **Kronecker product** $a \otimes \delta$, with the entries $a_i\delta_j$. The layer's Fisher
# matrix is therefore, line by line,
#
# $$\begin{aligned} F &= \mathrm E\big[(a \otimes \delta)(a \otimes \delta)^\top\big] \\ &= \mathrm E\big[\,a a^\top \otimes \delta\delta^\top\,\big]
#   \;\approx\; \mathrm E[a a^\top] \otimes \mathrm E[\delta\delta^\top] = A \otimes G. \end{aligned} \tag{5}$$
#
# Only the last step is an approximation: the mean of a product is replaced by the product of the means. It is exact if $aa^\top$ and $\delta\delta^\top$ are
# uncorrelated. **Predict:** for softmax regression with all weights 0, is it exact? And at the optimum?

# %%
problem = iris()
inputs = np.concatenate([problem.features, np.ones((len(problem.features), 1))], axis=1)
A = np.mean([np.outer(a, a) for a in inputs], axis=0)
off = {}
for place, w in (("at 0", np.zeros(9)), ("at the optimum", problem.optimum())):
    p = np.exp(inputs @ w.reshape(3, 3))
    p /= p.sum(axis=1, keepdims=True)
    deltas = [np.diag(row) - np.outer(row, row) for row in p]  # E δδᵀ over the labels that the model predicts
    F = np.mean([np.kron(np.outer(a, a), one) for a, one in zip(inputs, deltas)], axis=0)
    assert np.allclose(F, sr.curvature.fisher(problem.oracle(w)).to_dense())  # the second line of (5)
    off[place] = np.linalg.norm(F - np.kron(A, np.mean(deltas, axis=0))) / np.linalg.norm(F)
    print(f"{place:14}: A ⊗ G is off by {off[place]:.0%}")
assert off["at 0"] < 1e-14 and round(off["at the optimum"], 2) == 0.65

# %% [markdown]
# At 0 all examples have the same probabilities, hence the same $\mathrm E\,\delta\delta^\top$, and nothing is correlated. At the optimum the uncertain examples are
# those between the species, with inputs of their own: two thirds off, and still useful, as the figure shows.
#
# What it saves is memory and time. Multiplying takes no $pq \times pq$ matrix, because for a $p \times q$ matrix $V$, written row after row,
#
# $$(A \otimes G)\,\mathrm{vec}(V) = \mathrm{vec}(A V G^\top). \tag{6}$$
#
# Dividing is the second exercise, and what (6) makes of eigenvectors the third. **Predict:** for a layer with 100 inputs and 50 outputs, how many numbers are $A$ and
# $G$ together, and how many is $F$?

# %%
rng = np.random.default_rng(0)
C = sr.matrices.Kronecker(np.eye(100) + 0.1, np.eye(50) + 0.2)
V = rng.standard_normal((100, 50))
print(f"{100**2 + 50**2:,} numbers instead of {C.dim**2:,}")
assert np.allclose(C @ V.ravel(), ((np.eye(100) + 0.1) @ V @ (np.eye(50) + 0.2).T).ravel())

m, Z = rng.standard_normal(12), rng.standard_normal((12, 2))
kept = {
    "Diagonal": sr.matrices.Diagonal(np.abs(m) + 0.2),
    "RankOne": sr.matrices.RankOne(1.0, m),
    "LowRank": sr.matrices.LowRank(1.0, Z),
    "Kronecker": sr.matrices.Kronecker(np.eye(3) + 0.3, np.eye(4) + 0.3),
}
InteractiveFigure(lambda: heat_maps(kept, title="What is stored, above, and the matrix that it stands for"), {})

# %% [markdown]
# ## Second sitting: learning from steps
#
# All matrices so far ask the model for something beyond its gradient. **Predict:** a method sees gradients only, at one point after the
# other. Can it know anything of the Hessian?
#
# Yes: how the gradient *changes*. Let $s$ be a step, and $y$ the change of the gradient along it. By the chain rule
# $\frac{d}{dt}\nabla f(w + ts) = H(w + ts)\,s$, and integrating from 0 to 1,
#
# $$y = \nabla f(w + s) - \nabla f(w) = \Big(\int_0^1 H(w + ts)\,dt\Big)\, s. \tag{7}$$
#
# So $y$ is the mean Hessian along the step, applied to $s$. We check (7) on the irises.

# %%
w, step = np.zeros(9), rng.standard_normal(9)
y = problem.oracle(w + step).gradient() - problem.oracle(w).gradient()
middles = (np.arange(200) + 0.5) / 200
mean_hessian = np.mean([problem.oracle(w + t * step).hessian() for t in middles], axis=0)
print(f"the two sides of (7) differ by {np.linalg.norm(y - mean_hessian @ step) / np.linalg.norm(y):.0e}")
assert np.allclose(y, mean_hessian @ step, rtol=1e-4)

# %% [markdown]
# A matrix $B$ that stands for the Hessian should do the same: $Bs = y$, the **secant equation**. It is $d$ equations for a matrix of $d(d+1)/2$ unknowns, so one
# keeps what one had. BFGS takes away what $B$ knew along $s$, a matrix of rank one made of $Bs$, and puts in another one made of $y$:
#
# $$B^+ = B - \frac{1}{a}\,(Bs)(Bs)^\top + \frac{1}{b}\, y y^\top. \tag{8}$$
#
# The first two terms together must map $s$ to 0, the last one must map $s$ to $y$. These two conditions give the numbers $a$ and $b$: that is the last exercise. If
# $s^\top y > 0$ and $B$ is positive definite, then so is $B^+$. **L-BFGS** doesn't store $B$ at all: it keeps the latest $k$ pairs $(s, y)$ and starts (8) from a multiple
# of $I$.
#
# **Predict:** a quadratic in three dimensions, three steps. Is $B$ then the Hessian, if the steps went along the coordinate axes? And if they went along the Hessian's
# eigenvectors?

# %%
Q = np.asarray([[4.0, 1.0, 0.0], [1.0, 2.0, 0.5], [0.0, 0.5, 1.0]])
wrong = {}
for name, S in (("axes", np.eye(3)), ("eigenvectors", np.linalg.eigh(Q)[1].T)):
    B = sr.matrices.LBFGSMatrix(1.0, S, S @ Q)
    wrong[name] = np.abs(B.to_dense() - Q).max()
    print(
        f"steps along the {name}: B is off by {wrong[name]:.2g}, and by {np.abs(B @ S[-1] - Q @ S[-1]).max():.0e} on the latest step"
    )
    assert np.allclose(B @ S[-1], Q @ S[-1])
assert round(wrong["axes"], 2) == 0.36 and wrong["eigenvectors"] < 1e-14

# %% [markdown]
# Each update satisfies its own secant equation and may spoil the earlier ones. It spoils none if the steps are **conjugate**, $s_i^\top H s_j = 0$ for $i \neq j$, as
# eigenvectors are and the coordinate axes here aren't: then $d$ steps learn all of $H$. Back to the leaning bowl, where the diagonal needed more than a thousand steps:

# %%
bowl = sr.problems.Quadratic(leaning_bowl, np.zeros(2))
learned = sr.minimize(bowl, sr.LBFGS(), steps=100, w0=np.ones(2), tolerance=1e-6)
print(f"L-BFGS: {learned.status.name.lower()} after {learned['step'][-1]} steps")
assert learned.status.name == "CONVERGED" and learned["step"][-1] < 30

# %% [markdown]
# Why doesn't everybody use it, then? Because $y$ is a difference of gradients. On batches both carry noise, and the difference of two batches' gradients is
# mostly that; both must be of the same batch, at twice the price of a step. Which method wins at equal price is lesson 12.
#
# ## Summary
#
# 1. A method is a choice of $C$: a diagonal, a few directions, Kronecker factors or the memory of steps; the choice fixes its cost, its memory and what it can't see.
# 2. A diagonal removes differences of scale and leaves correlation: $\kappa = (1 + |r|)/(1 - |r|)$ remains. Kronecker factors replace the mean of a product by the product of means.
# 3. Changes of the gradient are products with the mean Hessian along the step; BFGS makes $B$ explain the latest one.
#
# ## Exercises

# %% exercise="hutchinson"

# %% exercise="kfac_solve"

# %% exercise="kronecker_eigenvalues"

# %% exercise="bfgs_update"

# %% [markdown] exercise="open"
# **Rotate, then take the diagonal.** Which change of coordinates makes the diagonal method of (2) as good as Newton's? Such coordinates cost as much as
# Newton's method. Find cheaper ones for a layer, using only $A$ and $G$, and say for which $F$ they are exact.

# %% [markdown] tags=["teacher"]
# ### For the teacher
# Twice 40 minutes. First sitting: 10 for the figure, 10 for (2) and (3), 5 for signs, 15 for Kronecker factors with exercises 1 to 3. Second: 10 for (7), 15 for (8),
# 15 for the exercises left.
#
# *Predictions.* Natural gradient, K-FAC, Nyström-SGD, L-BFGS and SOFIM lean. By 2,500, to 199. Exact at 0, not at the optimum. 12,500 instead of 25 million. Yes, by changes
# of the gradient. Along the axes no, along eigenvectors yes.
#
# *Rotate, then take the diagonal.* Coordinates along the eigenvectors of $H$: there it is diagonal. For a layer take the eigenvectors $u_i$ of $A$ and $v_j$ of $G$, and the
# coordinates along $u_i \otimes v_j$; they cost $p^3 + q^3$ instead of $(pq)^3$. The diagonal of $F$ in them is a better fit than $A \otimes G$ itself, which is EKFAC; it is exact if $F$
# has these eigenvectors, for which $F = A \otimes G$ suffices.
#
# AdaFisher scales each factor of K-FAC's diagonal to the interval from 0 to 1, so that inputs of equal mean square, as standardized data have, leave it nothing to tell them apart by; the
# figure's second feature is halved for that reason. What usually goes wrong: $A$ and $G$ exchanged, $\mathrm{vec}$ taken column by column, $y^\top y$ for
# $s^\top y$, and $Hz$ for the estimate of the diagonal. `sofim-ref methods` prints each method's $C$, $v$, cost, source, and what is open about it.

# %% [markdown]
# ## History and further reading
#
# - Nocedal 1980, [doi:10.1090/S0025-5718-1980-0572855-7](https://doi.org/10.1090/S0025-5718-1980-0572855-7): BFGS with a memory of $k$ pairs; Nocedal & Wright 2006, *Numerical Optimization*,
#   chapter 6, has (8), its inverse, and the theorem on conjugate steps.
# - Martens & Grosse 2015, [arXiv 1503.05671](https://arxiv.org/abs/1503.05671): K-FAC, with the approximation in (5) taken apart.
# - George et al. 2018, [arXiv 1806.03884](https://arxiv.org/abs/1806.03884): EKFAC, the answer to the open exercise.
# - Yao et al. 2021, [arXiv 2006.00719](https://arxiv.org/abs/2006.00719): AdaHessian. Martins Gomes et al. 2025, [arXiv 2405.16397](https://arxiv.org/abs/2405.16397): AdaFisher; its versions average
#   the factors differently, see the docstring of `sofim_ref.optimizers.AdaFisher`.
# - Singh, Tankaria & Yamada 2021, [arXiv 2110.08577](https://arxiv.org/abs/2110.08577): Nyström-SGD.
