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
# # 1 What is steepest?
#
# Two students fit a normal distribution to the same five numbers by gradient descent, with the same step size, from the same
# start. One describes the width by the standard deviation $\sigma$, the other by $\log\sigma$. After one step they have two
# different distributions. Neither made a mistake. Which of them took the direction of steepest descent?
#
# The question is not academic. A network's weights are names for a distribution over labels, and nobody chose those names with
# care: the same network with its inputs measured in inches instead of metres takes another path, and may take a thousand times
# as long. This lesson finds a direction that does not depend on names.
#
# **You need** partial derivatives, the chain rule, a constraint handled with a Lagrange multiplier, and the density of the normal
# distribution. **You will be able to** say what "steepest" leaves open, derive the natural gradient $F^{-1}\nabla f$ in six lines,
# and tell which of its properties hold exactly and which only for small steps.
#
# ## A question before anything is computed
#
# The loss is the mean negative log-likelihood of the five numbers $-1, 0, 1, 2, 3$ under $\mathcal N(\mu, \sigma^2)$. You stand at
# $\mu = -1$, $\sigma = 3$, and may take **one step of length ½**. Where do you go?
#
# **Predict:** point at the ring of all points at distance ½, and mark the one where the loss is lowest. Then say whether somebody
# who uses $(\mu, \log\sigma)$, and also walks ½, ends at the same distribution.

# %%
import numpy as np

import sofim_ref as sr
from sofim_ref.lessons import LiveFigure, check

sample = np.asarray([-1.0, 0.0, 1.0, 2.0, 3.0])
LiveFigure("steepest")

# %% [markdown]
# Drag the black point. The solid blue ring holds the points at distance ε in $(\mu, \sigma)$. On the right, in
# $(\mu, \log\sigma)$, the same set of distributions is an egg; there the dashed green ring is the circle, and on the left it is the egg. The
# lowest point of each ring is marked. They are two different normal distributions: look at their densities below.
#
# So neither student was right, and neither was wrong. **"Steepest" means: the most descent for a given length, and length in a
# space of parameters is a choice.** Gradient descent has made it silently. Let us check the answer to the prediction in numbers:
# the lowest point of each ring, found by search, and beside it the end of the straight step of the same length against the
# gradient, which sees only the slope at the start. For small ε the two agree.

# %%
mu, sigma, epsilon = -1.0, 3.0, 0.5
v = np.mean((sample - mu) ** 2)  # the loss is log σ + v/(2σ²), up to a constant
g = np.asarray([(mu - sample.mean()) / sigma**2, 1 / sigma - v / sigma**3])  # in (μ, σ)
g_log = g * [1, sigma]  # in (μ, log σ), by the chain rule
turn = np.linspace(0, 2 * np.pi, 10_001)
ring = epsilon * np.stack([np.cos(turn), np.sin(turn)])
for name, gradient, move, expected in (
    ("(μ, σ)", g, lambda u: (mu + u[0], sigma + u[1]), [-0.58, 2.72, -0.55, 2.78]),
    ("(μ, log σ)", g_log, lambda u: (mu + u[0], sigma * np.exp(u[1])), [-0.57, 2.32, -0.72, 1.98]),
):
    x, s = move(ring)
    k = np.argmin(np.log(s) + np.mean((sample[:, None] - x) ** 2, axis=0) / (2 * s**2))
    end = move(-epsilon * gradient / np.linalg.norm(gradient))
    print(f"{name:10}: lowest at μ = {x[k]:.2f}, σ = {s[k]:.2f};", end=" ")
    print(f"the gradient step ends at μ = {end[0]:.2f}, σ = {end[1]:.2f}")
    assert np.allclose([x[k], s[k], *end], expected, atol=0.005)

# %% [markdown]
# ## A length that the distributions know
#
# Names should not matter, so length must be measured between distributions. When are two distributions far apart? When data
# tell them apart easily.
#
# **Predict:** which change would you notice sooner in a sample, $\mu$ moved by 0.1 at $\sigma = 1$, or $\mu$ moved by 0.1 at
# $\sigma = 10$?
#
# The standard measure is the **Kullback–Leibler divergence** of a distribution $q$ from $p$,
#
# $$\mathrm{KL}(p\,\|\,q) = \mathrm E_{x\sim p}\big[\log p(x) - \log q(x)\big], \tag{1}$$
#
# the average amount by which $x$, drawn from $p$, speaks for $p$ and against $q$. It is zero if $q = p$, positive otherwise, and no
# parameter occurs in it. The orange curve in the figure is the set of all normal distributions with
# $\mathrm{KL} = \varepsilon^2/2$ from yours. It is **one** set, drawn in two coordinate systems, and its lowest point is one
# distribution. Drag the point upwards: the curve widens, since a wide distribution hides a change of its mean. That answers the
# prediction: at $\sigma = 10$ the same change is a hundred times harder to see.


# %%
def divergence(p, q):
    """Return KL(p ‖ q) for p = (μ, σ) and q = (μ', σ'), by adding up the integral (1) on a fine grid."""
    x = np.linspace(p[0] - 12 * p[1], p[0] + 12 * p[1], 20_001)
    log_p, log_q = (-((x - m) ** 2) / (2 * s * s) - np.log(s) for m, s in (p, q))
    return np.sum(np.exp(log_p) * (log_p - log_q)) * (x[1] - x[0]) / np.sqrt(2 * np.pi)


for s in (1.0, 10.0):
    kl = divergence((0.0, s), (0.1, s))
    print(f"σ = {s:4.0f}: KL = {kl:.6f}")
    assert np.isclose(kl, 0.005 / s**2, rtol=1e-6)

# %% [markdown]
# ## Six lines to the natural gradient
#
# Let $\theta$ be the parameters, $f$ the loss, $g = \nabla f(\theta)$, and $p_\theta$ the distribution. We ask for the step $u$ that
# lowers $f$ most among all steps of one KL length $\varepsilon$:
#
# $$\min_u f(\theta + u) \quad\text{subject to}\quad \mathrm{KL}(p_\theta\,\|\,p_{\theta+u}) = \tfrac12\varepsilon^2. \tag{2}$$
#
# **Line 1.** For a small step the loss is linear: $f(\theta+u) \approx f(\theta) + g^\top u$.
#
# **Line 2.** KL has its minimum, zero, at $u = 0$. So its value and its gradient vanish there, and it begins with second order:
#
# $$\mathrm{KL}(p_\theta\,\|\,p_{\theta+u}) \approx \tfrac12 u^\top F u, \qquad
#   F = \mathrm E_{x\sim p_\theta}\big[\nabla_\theta\log p_\theta(x)\;\nabla_\theta\log p_\theta(x)^\top\big]. \tag{3}$$
#
# The matrix $F$ is the **Fisher matrix**. (That the second derivative of KL is this expectation follows by differentiating
# $\int p_\theta = 1$ twice.) In $(\mu, \log\sigma)$ it is $\mathrm{diag}(1/\sigma^2,\, 2)$. We check both halves of (3).

# %%
fit = sr.problems.GaussianFit(sample)  # its parameters are (μ, log σ)
F = sr.curvature.fisher(fit.oracle(np.asarray([mu, np.log(sigma)]))).to_dense()
rng = np.random.default_rng(0)
x = mu + sigma * rng.standard_normal(1_000_000)
scores = np.stack([(x - mu) / sigma**2, ((x - mu) / sigma) ** 2 - 1])  # ∇ log p in (μ, log σ)
print("F =", F.tolist(), "  from a million draws:", np.round(scores @ scores.T / x.size, 3).tolist())
assert np.allclose(scores @ scores.T / x.size, np.diag([1 / sigma**2, 2.0]), atol=0.01)
for size in (0.1, 0.05, 0.025):
    u = size * np.asarray([1.0, 1.0])
    kl = divergence((mu, sigma), (mu + u[0], sigma * np.exp(u[1])))
    print(f"u = {u}: KL / (½uᵀFu) = {kl / (u @ F @ u / 2):.4f}")
assert abs(kl / (u @ F @ u / 2) - 1) < 0.04

# %% [markdown]
# **Line 3.** With lines 1 and 2, problem (2) is to minimize $g^\top u$ subject to $u^\top F u = \varepsilon^2$. With a multiplier
# $\lambda$ for the constraint, the gradient of $g^\top u + \tfrac\lambda2(u^\top F u - \varepsilon^2)$ must vanish:
#
# $$g + \lambda F u = 0. \tag{4}$$
#
# **Line 4.** Hence $u = -\tfrac1\lambda F^{-1} g$: the direction is fixed, whatever the length.
#
# **Line 5.** The constraint gives the multiplier up to its sign: $\varepsilon^2 = u^\top F u = \tfrac1{\lambda^2}\, g^\top F^{-1} g$.
# We want descent, and $g^\top u = -\tfrac1\lambda\, g^\top F^{-1} g$ is negative for $\lambda > 0$; the other sign is the maximum.
#
# **Line 6.** Therefore
#
# $$u = -\,\varepsilon\,\frac{F^{-1} g}{\sqrt{g^\top F^{-1} g}}. \tag{5}$$
#
# $F^{-1}g$ is called the **natural gradient** (Amari 1998). A method that subtracts $\eta F^{-1} g$ in every step is natural-gradient descent.
# We check (5) by search, in $(\mu, \log\sigma)$, where $F$ is diagonal: of ten thousand steps with $u^\top F u = \varepsilon^2$ none has a smaller $g^\top u$.

# %%
F_diagonal = np.diag(F)
u = -epsilon * (g_log / F_diagonal) / np.sqrt(np.sum(g_log**2 / F_diagonal))
turn = np.linspace(0, 2 * np.pi, 10_001)
steps = epsilon * np.stack([np.cos(turn), np.sin(turn)]) / np.sqrt(F_diagonal)[:, None]
print(f"by (5): gᵀu = {g_log @ u:.6f}; the best of 10,000 steps: {np.min(g_log @ steps):.6f}")
assert np.isclose(u @ F @ u, epsilon**2) and np.isclose(g_log @ u, np.min(g_log @ steps), rtol=1e-6)

# %% [markdown]
# Say it back: **gradient descent is this with $F = I$**, a measure of length that nobody chose.
#
# ## What is invariant, and what is only nearly so
#
# Let $\theta = \varphi(\eta)$ be a change of coordinates with Jacobian $J$. By the chain rule $g_\eta = J^\top g_\theta$ and
# $F_\eta = J^\top F_\theta J$, so
#
# $$J\,F_\eta^{-1} g_\eta = J\,J^{-1} F_\theta^{-1} J^{-\top} J^\top g_\theta = F_\theta^{-1} g_\theta. \tag{6}$$
#
# The *direction* is the same in all coordinates. A *step* of positive length is straight, though, and what is straight in $\sigma$ is
# curved in $\log\sigma$. **Predict:** halve ε. By what factor does the divergence between the end points of the two students' gradient
# steps shrink, and by what factor for natural-gradient steps? Press *straight steps* in the figure, move ε, and read the
# sentence below it.


# %%
def apart(epsilon, in_sigma, in_log_sigma):
    """Return the divergence between the ends of two straight steps of length ε; the arguments are diagonals of metrics."""
    ends = []
    for start, gradient, metric in (([mu, sigma], g, in_sigma), ([mu, np.log(sigma)], g_log, in_log_sigma)):
        x = gradient / np.asarray(metric)
        ends.append(np.asarray(start) - epsilon * x / np.sqrt(gradient @ x))
    ends[1][1] = np.exp(ends[1][1])
    return divergence(*ends)


both = {"gradient": ([1, 1], [1, 1]), "natural gradient": ([1 / sigma**2, 2 / sigma**2], [1 / sigma**2, 2])}
factors = {}
for name, metrics in both.items():
    far = [apart(epsilon, *metrics) for epsilon in (0.1, 0.05, 0.025)]
    factors[name] = [far[0] / far[1], far[1] / far[2]]
    print(f"{name:16}: {far[0]:.2e}, {far[1]:.2e}, {far[2]:.2e}, factors {np.round(factors[name], 2)}")
assert np.allclose(factors["gradient"], [4.09, 4.04], atol=0.005)
assert np.allclose(factors["natural gradient"], [16.25, 16.13], atol=0.005)

# %% [markdown]
# Towards 4 and towards 16. The ends of the gradient steps differ to first order in ε, and KL is quadratic in small differences: it falls as
# $\varepsilon^2$. By (6) the natural steps agree to first order and differ only in second, so their divergence falls as $\varepsilon^4$.
# The lowest point on the *true* KL ball would not depend on the coordinates at all; $-F^{-1}g$ is its straight approximation.
#
# ## Does it pay?
#
# A good direction is no guarantee of a quick method. Let us see whether it helps on the five numbers: each method starts far away,
# is given the best of eleven step sizes, and takes 25 steps. (The library adds a small multiple of $I$ to $F$, its *damping*, so that
# $F$ can always be inverted; here $10^{-9}$, too little to matter. What damping is for, lesson 8 explains.)

# %%
start = np.asarray([-1.0, 2.0])
above = {}
for name, make in (("gradient", sr.SGD), ("natural gradient", lambda lr: sr.NaturalGradient(lr=lr, damping=1e-9))):
    runs = [sr.minimize(fit, make(lr=lr), steps=25, w0=start) for lr in np.geomspace(0.05, 2, 11)]
    above[name] = min(run["loss"][-1] for run in runs) - fit.oracle(fit.optimum()).value()
    print(f"{name:16} ends within {abs(above[name]):.0e} of the minimum")
assert 1e-7 < above["gradient"] < 1e-6 and abs(above["natural gradient"]) < 1e-15

# %% [markdown]
# It does. Gradient descent has come to within a millionth of the minimum; the natural gradient has arrived, up to rounding.
#
# In two dimensions $F^{-1}$ costs nothing. With $d$ parameters $F$ has $d^2$ entries, and solving with it takes a number of operations
# proportional to $d^3$. The rest of this course is about what to do then.
#
# ## Summary
#
# 1. "Steepest" is defined only once length is; gradient descent measures length by the names of the parameters.
# 2. Measured by KL, the steepest direction is $-F^{-1}g$, with $F$ the Fisher matrix.
# 3. The direction does not depend on coordinates; a straight step of length ε does, by a divergence of order $\varepsilon^4$.
#
# ## Exercises

# %% exercise="gaussian_kl"

# %% exercise="gaussian_fisher"

# %% exercise="natural_step"

# %% [markdown] exercise="open"
# **Where all agree.** Drag the point in the figure until, for the smallest ε, the three steps lie in one direction. Describe all such
# points by an equation, and prove it. (There are two families.)

# %% [markdown] exercise="open"
# **Where the proof uses it.** Which equality in (6) fails for the plain gradient $-g$? For which changes of coordinates
# does gradient descent keep its direction all the same?

# %% [markdown] tags=["teacher"]
# ### For the teacher
# 45 minutes: 10 for the first prediction and the figure (let everybody point before you drag), 15 for the six lines, 10 for the
# factors 4 and 16, 10 for exercises.
#
# *First prediction.* The lowest points are $(\mu, \sigma) = (-0.58, 2.72)$ on the ring in $(\mu, \sigma)$ and $(-0.57, 2.32)$ on that in
# $(\mu, \log\sigma)$, so they are not one distribution. At the start the gradient in $(\mu, \sigma)$ is $(-0.22, 0.11)$ and in $(\mu, \log\sigma)$ it is $(-0.22, 0.33)$: the step in
# $\log\sigma$ narrows the distribution more. *Second.* At $\sigma = 1$: KL is $0.1^2/(2\sigma^2)$. *Third.* 4 and 16.
#
# *Where all agree.* In $(\mu, \sigma)$ the directions are $(g_\mu, g_\sigma)$ for the gradient, $(g_\mu, \sigma^2 g_\sigma)$ for the gradient in
# $(\mu, \log\sigma)$, and $(\sigma^2 g_\mu, \tfrac12\sigma^2 g_\sigma)$ for the natural gradient. They are parallel if $g_\mu = 0$, which is $\mu = 1$, or if
# $g_\sigma = 0$, which is $\sigma^2 = 2 + (\mu - 1)^2$; otherwise the first and the last would need $1 = \tfrac12$.
#
# *Where the proof uses it.* $J\,g_\eta = J J^\top g_\theta$ is parallel to $g_\theta$ for every $g_\theta$ only if $JJ^\top$ is a multiple of $I$: rotations,
# reflections and one common scale.
#
# What usually goes wrong: the two arguments of KL are exchanged, $\sigma$ is taken for a variance, or $F$ for the Hessian of the loss.
# Here the two differ: the Hessian depends on the sample, the Fisher matrix does not.

# %% [markdown]
# ## History and further reading
#
# - Rao 1945, *Bull. Calcutta Math. Soc.* 37: the Fisher matrix as a metric on distributions, the origin of the idea.
# - Amari 1998, [doi:10.1162/089976698300017746](https://doi.org/10.1162/089976698300017746): the natural gradient as a method for
#   learning; §2 is this lesson in his words.
# - Martens 2020, [JMLR 21:146](https://jmlr.org/papers/v21/17-678.html): the survey to read next; §6 and §12 on what is invariant, and why only nearly so.
# - Ollivier et al. 2017, [JMLR 18:18](https://jmlr.org/papers/v18/14-467.html): optimization that depends on no coordinates, pushed to its end.
