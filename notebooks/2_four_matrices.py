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
# # 2 Which of these four matrices is the Fisher matrix?
#
# A program that calls itself natural gradient is given a linear regression, and steps away from the optimum. Nothing in it is
# broken: the formula for its matrix was taken from a paper, and the paper called it the Fisher matrix. There are four matrices
# that go by each other's names, they cost different amounts, and in the one case that everybody tries first, near the optimum of a
# model that is right, they look alike.
#
# **You need** lesson 1, the chain rule for second derivatives, and least squares. **You will be able to** write down Hessian, Gauss–Newton,
# Fisher and empirical Fisher matrix for a model of your own, say which are equal and when, and recognize the wrong one by what it does.
#
# ## Four definitions
#
# A model has parameters $w$ and, for example $n$, an output $z_n(w)$; the loss is $f(w) = \frac1N\sum_n \ell(z_n, y_n)$ with $\ell = -\log p(y\,|\,z)$.
# Let $J_n$ be the Jacobian of $z_n$, and $g_n = J_n^\top \partial_z \ell(z_n, y_n)$ the gradient of one example's loss. Differentiating twice,
#
# $$\nabla^2 f = \underbrace{\frac1N\sum_n J_n^\top\, \partial^2_{zz}\ell(z_n, y_n)\, J_n}_{G}
#   + \frac1N\sum_n \sum_c \frac{\partial \ell}{\partial z_c}(z_n, y_n)\; \nabla^2 z_{n,c}. \tag{1}$$
#
# - The **Hessian** $H = \nabla^2 f$ is all of (1).
# - The **Gauss–Newton matrix** $G$ is the first term: it leaves out the curvature of the model itself.
# - The **Fisher matrix** averages over labels that the *model* predicts:
#
# $$F = \frac1N \sum_n \mathrm E_{y \sim p(\cdot|z_n)}\big[\, g_n(y)\, g_n(y)^\top \big]. \tag{2}$$
#
# - The **empirical Fisher matrix** takes the labels that the data *have*:
#
# $$\hat F = \frac1N \sum_n g_n g_n^\top. \tag{3}$$
#
# **Predict:** for least squares on a linear model, which of the four are equal? And which of them changes when somebody changes the
# labels? Our example is a straight line, $z_n = b + \theta x_n$, with the parameters $w = (b, \theta)$: intercept and slope.

# %%
import numpy as np

import sofim_ref as sr
from sofim_ref.lessons import check, demos
from sofim_ref.lessons.demos.fields import directions, regression


def four(oracle):
    """Return the four matrices at the oracle's point, by name."""
    return {
        "Hessian": oracle.hessian(),
        "Gauss–Newton": sr.curvature.gauss_newton(oracle).to_dense(),
        "Fisher": sr.curvature.fisher(oracle).to_dense(),
        "empirical Fisher": sr.curvature.empirical_fisher(oracle).to_dense(),
    }


problem = regression()  # z = b + θx, and the data are y = 2 + 2x + noise, a thousand examples
dense = four(problem.oracle(np.asarray([2.0, 4.5])))
for name, C in dense.items():
    print(f"{name:17}", C.round(2).tolist())
assert np.allclose(dense["Hessian"], dense["Gauss–Newton"]) and np.allclose(dense["Hessian"], dense["Fisher"])
assert not np.allclose(dense["empirical Fisher"], dense["Fisher"], rtol=0.5)

# %% [markdown]
# Three are one matrix, and the labels occur in none of them. The fourth is far off. Why three are one takes two lines.
#
# ## Why Fisher is Gauss–Newton, usually
#
# **Line 1.** A linear model has $\nabla^2 z = 0$: the second term of (1) vanishes, and $H = G$.
#
# **Line 2.** In (2) only the inner factor depends on $y$: $g g^\top = J^\top\, \partial_z\ell\,\partial_z\ell^\top J$. For the usual losses (the square, the
# logistic loss, softmax with cross-entropy, Poisson regression) $\partial_z \ell$ is prediction minus label, its second derivative doesn't contain $y$,
# and
#
# $$\mathrm E_{y}\big[\partial_z \ell\; \partial_z \ell^\top\big] = \partial^2_{zz}\ell, \tag{4}$$
#
# so $F = G$, for any model. (Behind (4) is *Bartlett's identity*, $\mathrm E_y[\partial_z\ell\,\partial_z\ell^\top] = \mathrm E_y[\partial^2_{zz}\ell]$, which holds for
# every smooth likelihood; for these losses there is nothing to average on its right-hand side, since no $y$ occurs in it.) We check (4) for
# softmax: the variance of a label that is drawn is the second derivative of the loss.

# %%
z = np.asarray([0.3, -1.0, 0.7])
p = np.exp(z) / np.exp(z).sum()
drawn = sum(p[k] * np.outer(p - np.eye(3)[k], p - np.eye(3)[k]) for k in range(3))  # E over labels of (p − y)(p − y)ᵀ
second = np.diag(p) - np.outer(p, p)  # the second derivative of log Σ exp z
print("the two sides of (4) differ by", np.abs(drawn - second).max().round(17))
assert np.allclose(drawn, second, atol=1e-15)

# %% [markdown]
# Each line can fail by itself. A network with one hidden layer is curved: with least squares $F = G$ still, but $H$ is another matrix.
# A normal distribution whose width is a parameter too, lesson 1's problem, has a second derivative that does contain $y$: there $H = G$,
# and $F$ is another matrix. A network that predicts mean and width fails in both: all four differ.

# %%
rng = np.random.default_rng(0)
x = rng.standard_normal((50, 1))
both = sr.problems.FiniteSum(sr.models.MLP((1, 3, 2)), sr.likelihoods.LocationScale(), x, np.sin(2 * x[:, 0]))
cases = {
    "linear model, squares": (problem, np.asarray([2.0, 4.5])),
    "network, squares": (sr.problems.MLPRegressor(x, np.sin(2 * x[:, 0]), hidden=(3,)), rng.standard_normal(10)),
    "mean and width": (sr.problems.GaussianFit(np.asarray([-1.0, 0.0, 1.0, 2.0, 3.0])), np.asarray([-1.0, 1.0])),
    "network, mean and width": (both, rng.standard_normal(14)),
}
different = {}
for name, (some, w) in cases.items():
    found = list(four(some.oracle(w)).values())
    same = np.asarray([[np.allclose(one, other, rtol=1e-9) for other in found] for one in found])
    different[name] = len({tuple(row) for row in same.tolist()})
    print(f"{name:24}: {different[name]} different matrices")
assert list(different.values()) == [2, 3, 3, 4]

# %% [markdown]
# ## What the fourth one does
#
# For least squares $g_n = r_n x_n$, with the residual $r_n$, so that $\hat F = \frac1N\sum_n r_n^2\, x_n x_n^\top$ where $F = \frac1N\sum_n x_n x_n^\top$. The empirical matrix
# weights each example by how badly it is fitted. It is large where the fit is bad, and dividing by it makes short steps just where
# long ones are needed.
#
# **Predict:** at $(b, \theta) = (2, 4.5)$, do the natural gradient and its empirical version at least point to the same side?

# %%
for point, cosine in (((2.0, 4.5), -0.160), ((1.0, 0.0), 0.332), ((4.5, 3.0), 0.874), ((-0.5, 3.0), 0.990)):
    found = directions(*point)
    one, other = found["natural gradient"], found["empirical"]
    seen = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
    print(f"at {point}: cosine {seen:+.3f}")
    assert abs(seen - cosine) < 5e-4

# %% [markdown]
# No: at the first point the angle is more than 90 degrees. In the figure, after Kunstner, Balles and Hennig, each arrow is one whole step, and the star is the
# optimum. The natural gradient reaches it from everywhere in one step. Those with the empirical matrix are short, and shortest, compared with
# the way that is left, where that is long. Move the point, and then the noise σ of the data: it changes hardly anything but the lengths of the
# steps on the right.

# %%
demos.fields()

# %% [markdown]
# ## When are they alike?
#
# Two things must hold together. The model must be **right**: there must be parameters $w_*$ with which it predicts the true distribution of the labels,
# *noise included*. And $w$ must be **near** $w_*$, with many examples. Then the labels in the data are draws from the model, and (3) is (2) with one draw an example.
#
# Being near the optimum is not enough. Least squares as a likelihood assumes noise of standard deviation 1. **Predict:** the data have
# noise of standard deviation σ = 0.1, 1, 3. What is $\operatorname{tr} \hat F / \operatorname{tr} F$ *at the optimum*?

# %%
ratios = []
for sigma in (0.1, 1.0, 3.0):
    noisy = regression(sigma)
    found = four(noisy.oracle(noisy.optimum()))
    ratios.append(np.trace(found["empirical Fisher"]) / np.trace(found["Fisher"]))
    print(f"σ = {sigma:3}: tr F̂ / tr F = {ratios[-1]:.3f}")
assert np.allclose(ratios, np.asarray([0.01, 1.0, 9.0]) * ratios[1], rtol=1e-9)
assert abs(ratios[1] - 1) < 0.05

# %% [markdown]
# About σ²: a hundredth, one, nine. A model that fits its data *better* than its likelihood assumes makes the empirical matrix small, hence its steps
# long; in the limit of a perfect fit it vanishes, and damping is all that is left.
#
# ## Labels that the model draws
#
# If the expectation in (2) is too expensive, draw labels from the model. The **sampled Fisher matrix** is unbiased, and its error falls with the
# number of draws. The empirical matrix looks the same in code, and no number of draws changes its error.

# %%
oracle, F = problem.oracle(np.asarray([2.0, 4.5])), dense["Fisher"]
errors = {}
for repeats in (1, 100):
    rng = np.random.default_rng(0)
    sampled = np.mean([sr.curvature.sampled_fisher(oracle, rng=rng).to_dense() for _ in range(repeats)], axis=0)
    errors[repeats] = np.linalg.norm(sampled - F) / np.linalg.norm(F)
    print(f"{repeats:4} draws: off by {errors[repeats]:.3f}")
off = np.linalg.norm(dense["empirical Fisher"] - F) / np.linalg.norm(F)
print(f"empirical: off by {off:.3f}")
assert errors[100] < errors[1] < 0.3 and off > 10

# %% [markdown]
# ## Summary
#
# 1. Hessian = Gauss–Newton for models that are linear in their parameters; Gauss–Newton = Fisher for the usual losses.
# 2. The Fisher matrix takes labels from the model; the empirical one takes them from the data, and weights examples by how badly they are fitted.
# 3. The two are alike only near the optimum of a model whose noise is right, with many examples.
#
# ## Exercises

# %% exercise="empirical_fisher"

# %% exercise="logistic_fisher"

# %% exercise="gauss_newton"

# %% exercise="improved_empirical_fisher"

# %% [markdown] exercise="open"
# **A certificate.** Somebody hands you a function that returns a "Fisher matrix", and no source. You may choose data, labels and parameters, and call it as often
# as you like. Find two calls that tell all four matrices of this lesson apart for logistic regression, or prove that none do.

# %% [markdown] tags=["teacher"]
# ### For the teacher
# 45 minutes: 10 for the definitions, 10 for the two lines, 15 for the figure and the noise, 10 for exercises.
#
# *First prediction.* Hessian, Gauss–Newton and Fisher matrix are equal; only the empirical one contains labels. *Second.* No: the cosine is −0.16.
# *Third.* σ².
#
# *A certificate.* For logistic regression Hessian, Gauss–Newton and Fisher matrix are one, for all data: no call tells them apart. Change one label and keep
# the rest, at some $w \ne 0$: the empirical matrix changes, the others don't. Two calls are enough to tell it from the three, and none tell the three.
# At $w = 0$ it would not change: there every $p_n = \tfrac12$, so that $(p_n - y_n)^2 = \tfrac14 = p_n(1 - p_n)$ for either label, and all four are equal.
# (`sofim_ref.testing.check_fisher` does this for models of any kind.)
#
# What usually goes wrong: a sum for the mean, labels from the data where the model's are meant, and the belief that a good fit is enough. Ask who in
# the room has read code that calls the fourth matrix by the third one's name.

# %% [markdown]
# ## History and further reading
#
# - Kunstner, Balles & Hennig 2019, [arXiv 1905.12558](https://arxiv.org/abs/1905.12558): what the empirical Fisher matrix does; §3.2 has the conditions above, Figure 1 the picture.
# - Martens 2020, [JMLR 21:146](https://jmlr.org/papers/v21/17-678.html): §9 on Fisher and Gauss–Newton, §11 on the empirical one.
# - Schraudolph 2002, [doi:10.1162/08997660260028683](https://doi.org/10.1162/08997660260028683): the generalized Gauss–Newton matrix and its products.
# - Wu, Yu, Zhang & Woodland 2024, [arXiv 2406.06420](https://arxiv.org/abs/2406.06420): the improved matrix of the fourth exercise.
