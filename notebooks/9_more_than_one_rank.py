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
# # 9 What does more than one rank buy?
#
# SOFIM divides by a matrix of one vector, and its authors propose to keep more. Suppose that you have twelve parameters and memory for twelve vectors: the last
# twelve gradients. The matrix then has full rank, and nothing about the loss should be hidden from it. You build it, tune it, and measure the rate
# at which it comes to the minimum. It is the rate that one vector gives, to nine digits, and gradient descent's.
#
# **You need** lesson 3 (Woodbury's formula), lesson 6 (rates) and eigenvalues of symmetric matrices. **You will be able to** say which property of $C$
# decides how quick the last steps are, what $k$ vectors can buy at best and what they buy when they are drawn at random, when a diagonal is worth more than a vector, and why two
# products of the same shape can be so different.
#
# ## Twelve vectors, and nothing
#
# Rank-$k$ SOFIM divides by
#
# $$C = \rho I + \frac1k \sum_{i=1}^{k} g_i g_i^\top, \tag{1}$$
#
# with the last $k$ gradients $g_i$, as columns of $d$ entries; memory $dk$, and by Woodbury's formula about $dk^2$ operations a step. We run it with full batches and without averaging ($\beta = 0$) on a
# linear model with $d = 12$ whose Hessian $H$ has eigenvalues from 1000 to 1.
#
# **Predict:** the rate, the factor by which a step shrinks the error in the end, with 1, 4 and 12 gradients.

# %%
import numpy as np

import sofim_ref as sr
from sofim_ref.convergence.experiments import conditions, full_batch_rate, median_fits, rank_k
from sofim_ref.lessons import check, demos

spread = np.geomspace(1000, 1, 12)
rates = {k: full_batch_rate(spread, k) for k in (1, 4, 12)}
print("rate by rank:", {k: round(rate, 9) for k, rate in rates.items()})
assert max(rates.values()) - min(rates.values()) < 1e-9 and abs(rates[1] - 0.999) < 1e-4

# %% [markdown]
# All three are equal: 0.999, gradient descent's with the step size $1/L$, $L$ being the largest eigenvalue. Near the minimum **all twelve gradients vanish together**, their outer products vanish as the squares, and what is left of $C$ is $\rho I$. Rank is
# worth nothing where its vectors are zero. (With $\beta > 0$ the rate is that of momentum, lesson 6, for every rank.)
#
# ## What decides
#
# Near a minimum the gradient is $H\Delta$, where $\Delta$ is the error of $w$ and $H$ the Hessian. With a fixed $C$ a step makes
#
# $$\Delta^+ = (I - \eta\, C^{-1} H)\,\Delta \tag{2}$$
#
# of it. **Line 1.** Measure the error as $e = C^{1/2}\Delta$. Multiplying (2) by $C^{1/2}$ gives $e^+ = (I - \eta S)\,e$ with $S = C^{-1/2} H\, C^{-1/2}$.
#
# **Line 2.** $S$ is symmetric, and $C^{-1}H = C^{-1/2} S\, C^{1/2}$ has the same eigenvalues. If they lie between $\mu$ and $L$, those of $I - \eta S$ lie between $1 - \eta L$ and
# $1 - \eta\mu$.
#
# **Line 3.** The larger of $|1 - \eta\mu|$ and $|1 - \eta L|$ is least where the two are equal, at $\eta = 2/(\mu + L)$. So
#
# $$\lVert e^+\rVert \le \frac{\kappa - 1}{\kappa + 1}\,\lVert e\rVert, \qquad \kappa = \frac L\mu. \tag{3}$$
#
# **Only the condition number $\kappa$ of $C^{-1}H$ counts**: not how near $C$ is to $H$ entry by entry, and not its rank. A rate of $r$ takes $-1/\log_{10} r$ steps for a decimal
# digit. The cell checks lines 2 and 3 for some positive definite matrix.

# %%
rng = np.random.default_rng(0)
A = rng.standard_normal((12, 12))
C, H = np.eye(12) + A @ A.T, np.diag(spread)
values, vectors = np.linalg.eigh(C)
root = vectors @ np.diag(values**-0.5) @ vectors.T
eigenvalues = np.linalg.eigvalsh(root @ H @ root)
assert np.allclose(eigenvalues, np.sort(np.linalg.eigvals(np.linalg.solve(C, H)).real), rtol=1e-9)
kappa, eta = eigenvalues[-1] / eigenvalues[0], 2 / (eigenvalues[0] + eigenvalues[-1])
longest = np.linalg.norm(np.eye(12) - eta * root @ H @ root, 2)
print(f"κ = {kappa:.4g}: a step leaves at most {longest:.6f} of the error, (3) says {(kappa - 1) / (kappa + 1):.6f}")
assert np.isclose(longest, (kappa - 1) / (kappa + 1), rtol=1e-10)

# %% [markdown]
# ## The best $k$ directions, and $k$ that were drawn
#
# With $k$ directions the best one can do is to take the eigenvectors of the $k$ largest eigenvalues $\lambda_1 \ge \dots \ge \lambda_k$ of $H$, and to divide along them by $\lambda_i$.
# The rest is divided by a $\rho$ among the other eigenvalues, and $\kappa = \lambda_{k+1}/\lambda_d$ is left. But who knows eigenvectors? What one has is gradients. Those of **single
# examples** don't vanish at the minimum, where only their mean is zero, and for a model whose noise is right the mean of their outer products is near $H$ (lesson 2). So fill the window with
# the gradients of $k$ examples.
#
# **Predict:** gradient descent takes 1,151 steps for a digit here. How many does the best $C$ take with $k = 4$? And the one of $k$ examples, with $k = 4$, with $k = d = 12$, and with $k = 192$?

# %%
found = rank_k(spread, (0, 4, 12, 48, 192))
digit = -1 / np.log10(found.rates)
for k, steps in zip(found.ranks, digit):
    print(f"{k:3} examples: {steps:7.1f} steps for a digit")
print(f"  4 best directions: {-1 / np.log10(found.best[1]):.1f}")
assert np.allclose(digit, [1151.3, 465.6, 138.2, 17.0, 4.7], atol=0.05)
assert np.isclose(-1 / np.log10(found.best[1]), 93.4, atol=0.05)

# %% [markdown]
# Four best directions: 93 steps. Four examples: 466. With $k = d$ the examples span the whole space, and still 138 are left, while the best twelve directions would need a single
# step. The figure shows why. On the left are the eigenvalues of $C^{-1}H$: where they are flat, steps are few. On the right is the price of a digit. (The orange points are the medians of fifteen draws, as in the table.)

# %%
demos.ranks()

# %% [markdown]
# **To span is not to estimate.** Let $H = I$, and draw $k$ vectors with $\mathrm E[zz^\top] = I$. The mean of $k$ outer products tends to $I$ as $k \to \infty$. At $k = d$ it is far away:

# %%
for k in (12, 48, 192):
    ends = []
    for seed in range(15):
        Z = np.random.default_rng((seed, k)).standard_normal((k, 12))
        ends.append(np.linalg.eigvalsh(Z.T @ Z / k)[[0, -1]])
    low, high = np.median(ends, axis=0)
    print(f"mean of {k:3} outer products: eigenvalues from {low:.4f} to {high:.2f}")
    assert k != 12 or (abs(low - 0.0027) < 5e-5 and abs(high - 3.34) < 5e-3)

# %% [markdown]
# From 0.0027 to 3.34, where all should be 1. Along the smallest, only $\rho$ keeps a step from being 370 times too long. It takes several vectors for each parameter until the estimate
# is worth its memory, and then a dense matrix of $d^2$ numbers would need less.
#
# ## A diagonal is another kind of rank
#
# A diagonal also costs $d$ numbers, and often it buys more than a vector. Let the Hessian have both kinds of ill-conditioning, $H = \mathrm{diag}(a) + s\,uu^\top$ with $d = 8$: axes of different scale, $a$
# from 1 to 1000, and one strong direction across all of them, $u = (1, \dots, 1)/\sqrt d$ with $s = 1000$. For the rank-one term we take $rr^\top/r_1$, where $r$ is the first row of $H$ and $r_1$
# its first entry: a Hessian–vector product gives it, and it has the whole first row right.
#
# **Predict:** the condition number of $H$ is 796. Which of these brings it below 10: $\mathrm{diag}(H)$, the rank-one term with $\rho I$, or the sum of both?

# %%
table = {kind: conditions(kind) for kind in ("axes", "one direction", "both")}
for name in table["both"]:
    print(f"{name:20}", "  ".join(f"{kind}: {row[name]:7.1f}" for kind, row in table.items()))
assert np.allclose([*table["both"].values()], [796.4, 400.6, 901.9, 66.9, 1.6], atol=0.05)
assert np.isclose(table["axes"]["diag H"], 1) and np.isclose(table["one direction"]["ρI + rrᵀ/r₁"], 2.1, atol=0.05)

# %% [markdown]
# Each structure mends its own defect: with axes alone the diagonal leaves 1.0, with one direction alone the rank-one term leaves 2.1. Where both are present, neither helps, and even their
# sum leaves 67, because the rank-one term has a diagonal of its own, and $\mathrm{diag}(H)$ **counts it twice**. Only the last row leaves 1.6: there the diagonal is that of *what the rank-one term leaves*,
# plus 1, so that no entry is zero. Two approximations may be added if one is made for what the other leaves.
#
# ## Full rank for the price of two small matrices
#
# For a layer with $p$ inputs and $q$ outputs a **Kronecker product** $A \otimes G$ has $p^2 + q^2$ numbers and rank $pq$. K-FAC, EKFAC and Shampoo are of this kind. But which $A$ and $G$? The nearest, one might say. Nearest in what?
#
# Take the smallest example, a diagonal: four curvatures $F_{ij}$ in a table, to be approximated by products $a_i g_j$. In **Frobenius norm** one minimizes
#
# $$\sum_{ij} (F_{ij} - a_i g_j)^2, \tag{4}$$
#
# and the answer is the first singular value with its vectors. The **divergence** of the Gaussian distributions with these variances is
#
# $$D = \tfrac12 \sum_{ij} \big(q_{ij} - 1 - \log q_{ij}\big), \qquad q_{ij} = \frac{F_{ij}}{a_i g_j}. \tag{5}$$
#
# The quotient $q_{ij}$ is what a step feels: it is that many times too long. **Predict:** the table is $\big(\begin{smallmatrix}100 & 1\\ 1 & 1\end{smallmatrix}\big)$. By how much is the longest step
# too long with the product that is nearest in Frobenius norm?

# %%
F = np.asarray([[100.0, 1.0], [1.0, 1.0]])
U, singular, V = np.linalg.svd(F)
nearest = singular[0] * np.outer(U[:, 0], V[0])
print(nearest.round(4).tolist(), "steps too long by", (F / nearest).round(2).tolist())
assert np.allclose((F / nearest).max(), 98.0, atol=0.05)

# %%
second = 0.55 * np.outer([10, 1], [10, 1])


def divergence(C):
    """Return (5)."""
    q = F / C
    return np.sum(q - 1 - np.log(q)) / 2


others = [second * np.outer(*np.exp(0.1 * rng.standard_normal((2, 2)))) for _ in range(1000)]
assert all(divergence(C) >= divergence(second) for C in others)
assert np.allclose(second, [[55, 5.5], [5.5, 0.55]]) and np.isclose(np.max(F / second), 1.8, atol=0.05)
demos.tables()

# %% [markdown]
# By 98: an error of 0.99 in a curvature of 1 is nothing in (4) beside an entry of 100, and everything to a step. The nearest in divergence has the entry 0.55 in its place, and 1.8 is the worst. It pays
# elsewhere, with entries of 5.5 instead of 1, where steps are too short: in (5) a large $q$ costs $q$, a small one only $-\log q$. A step too long can diverge; one too short is merely slow.
#
# The same holds for full blocks. Here are the medians of both distances over 40 layers whose output gradients depend on their inputs.

# %%
medians = median_fits()
for name, (frobenius, divergence) in medians.items():
    print(f"{name:10} Frobenius {frobenius:.2f}, divergence {divergence:5.2f}")
assert np.allclose(medians["Frobenius"], [0.27, 11.39], atol=0.005) and np.allclose(
    medians["KL"], [0.55, 1.82], atol=0.005
)

# %% [markdown]
# The nearest by the one distance is by far the farthest by the other. Which fit a loss wants is a question about steps; (5) is at least made of the right quotients.
#
# ## Summary
#
# 1. Only the condition number of $C^{-1}H$ decides the last steps; with full batches all gradients vanish, and rank $k$ buys nothing.
# 2. The best $k$ directions leave $\lambda_{k+1}/\lambda_d$; $k$ random gradients leave far more, even where $k = d$.
# 3. A second structure must be made for what the first leaves, and "nearest" must be measured by quotients, since these are what a step feels.
#
# ## Exercises

# %% exercise="steps_per_digit"

# %% exercise="condition_left"

# %% exercise="what_is_left"

# %% exercise="kl_update"

# %% [markdown] exercise="open"
# **A guarantee.** Let all $F_{ij} > 0$, in a table of $p$ rows and $q$ columns, and let both factors satisfy the equation of the last exercise, each given the other. Prove that no $q_{ij}$ is larger than the smaller of $p$ and $q$, so that no step
# is too long by more. Is there such a bound for the product that is nearest in Frobenius norm?

# %% [markdown] tags=["teacher"]
# ### For the teacher
# 70 minutes, or two sittings with the break before the diagonal: 10 for the opening, 10 for the three lines, 20 for directions and draws, 10 for the diagonal, 20 for the products and exercises.
#
# *First prediction.* All equal, $(1000 - 1)/1000$ nearly, with $\eta = \rho/L$. *Second.* 93; 466, 138 and 4.7. *Third.* None of the three: 401, 902 and 67. *Fourth.* By 98.
#
# *A guarantee.* At the solution the mean of $q_{ij}$ over each row is 1, since $a_i$ is the mean of $F_{ij}/g_j$; by symmetry its mean over each column is 1. A mean of $q$ positive numbers is 1, so their sum is the number of columns, and none is larger;
# the same for rows. In Frobenius norm there is no bound: with 1,000 in the corner the factor is 998, and it grows like the corner.
#
# What usually goes wrong: a matrix of full rank is taken for a good one; $\kappa$ of $C$ is computed instead of $\kappa$ of $C^{-1}H$; and in the second exercise the ones are forgotten, which count if $\rho$ is far from the eigenvalues that are left.

# %% tags=["teacher"]
F = rng.random((3, 5)) ** 4 + 1e-6
g = np.ones(5)
for _ in range(200):
    a = (F / g).mean(axis=1)
    g = (F / a[:, None]).mean(axis=0)
print("largest quotient", (F / np.outer(a, g)).max())
assert (F / np.outer(a, g)).max() <= 3 and np.allclose((F / np.outer(a, g)).mean(axis=1), 1)

# %% [markdown]
# ## History and further reading
#
# - Sen et al. 2024, [arXiv 2403.02833](https://arxiv.org/abs/2403.02833): SOFIM; its outlook asks for a higher rank.
# - Frantar, Kurtic & Alistarh 2021, [arXiv 2107.03356](https://arxiv.org/abs/2107.03356): M-FAC, a window of many gradients, and how to solve with it quickly.
# - Martens & Grosse 2015, [arXiv 1503.05671](https://arxiv.org/abs/1503.05671): K-FAC, which made Kronecker products practical.
# - Gupta, Koren & Singer 2018, [arXiv 1802.09568](https://arxiv.org/abs/1802.09568), and Morwani et al. 2024, [arXiv 2406.17748](https://arxiv.org/abs/2406.17748): Shampoo, and which matrix it is near to.
# - Van Loan & Pitsianis 1993, [doi:10.1007/978-94-015-8196-7_17](https://doi.org/10.1007/978-94-015-8196-7_17): the nearest Kronecker product in Frobenius norm, by singular values.
# - Lin et al. 2025, [arXiv 2509.03378](https://arxiv.org/abs/2509.03378): the nearest in divergence, as a method.
