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
# # 8 How much damping?
#
# Take a loss that nothing seems to be wrong with: smooth, strictly convex, with slopes that are never large. Newton's method, which
# lesson 6 praised, starts near its minimum, and after three steps the loss is 268 million. A small number added to the diagonal of the
# Hessian mends it. In every method of this course there is such a number, called $\lambda$, $\rho$ or $\varepsilon$, and no theorem says what it
# should be. It is tuned; and then somebody measures the loss in cents instead of euros, and the tuned run doesn't arrive any more.
#
# **You need** lessons 1 and 5, and Newton's method. **You will be able to** say what damping is (a radius), read off a run whether there is too
# much or too little of it, let the run find it, and say which changes of units a given rule bears.
#
# ## A step too far
#
# Robust regression replaces the square $\tfrac12 z^2$ of a residual $z$ by $\sqrt{1 + z^2} - 1$, which hardly differs for small residuals, and grows only
# linearly for large ones. (The 1 changes no step, and we leave it out.) For one residual $z$ the slope is $z/\sqrt{1+z^2}$ and the curvature $(1+z^2)^{-3/2}$, so that Newton's step leads from $z$ to
# $z - z\,(1 + z^2) = -z^3$. We take two residuals, $z_1 = w_1$ and $z_2 = 2w_2$, and start at $w = (2, 1)$, where both are 2.
#
# **Predict:** where is Newton's method after one step, and after three? And from which starting points does it find the minimum at $0$?

# %%
import numpy as np

import sofim_ref as sr
from sofim_ref.convergence.experiments import adaptive_rho
from sofim_ref.lessons import check, demos
from sofim_ref.optimizers import LevenbergMarquardt

slopes = np.asarray([1.0, 2.0])


def robust(scale=1.0):
    """Return the loss √(1 + w₁²) + √(1 + 4w₂²), times a number."""
    return sr.problems.Function(
        2,
        lambda w: scale * np.sum(np.sqrt(1 + (slopes * w) ** 2)),
        lambda w: scale * slopes**2 * w / np.sqrt(1 + (slopes * w) ** 2),
        hessian=lambda w: scale * np.diag(slopes**2 / (1 + (slopes * w) ** 2) ** 1.5),
    )


start = np.asarray([2.0, 1.0])
newton = sr.Newton(line_search=False)
trace = sr.minimize(robust(), newton, steps=3, w0=start, store_points=True)
for w, loss in zip(trace.points, trace["loss"]):
    print(f"w = {w}, loss {loss:.4g}")
assert np.allclose(trace.points[1], [-8, -4]) and np.isclose(trace["loss"][3], 268e6, rtol=0.005)

# %% [markdown]
# From residuals of size 2 to 8, to 512, to 134 million: it converges only from $|z| < 1$. The method did as its formula says. It minimizes
#
# $$q(u) = g^\top u + \tfrac12\, u^\top B\, u, \tag{1}$$
#
# where $f(w) + q(u)$ is the **quadratic model** of the loss $f(w + u)$: $g$ is the gradient, and $B$, symmetric and positive semidefinite, the Hessian, a Gauss–Newton or a Fisher matrix. The
# model is right near $w$ and promises anything far away. So let us not go far.
#
# ## Damping is a radius
#
# Trust the model within a radius $r$ only, and take the best step there is in the ball:
#
# $$\min_u\, q(u) \quad\text{subject to}\quad \lVert u\rVert \le r. \tag{2}$$
#
# **Line 1.** If the minimum of $q$ lies in the ball, it is the solution, and $B u = -g$.
#
# **Line 2.** If not, the solution lies on the sphere $\lVert u\rVert = r$. With a multiplier $\lambda \ge 0$ the gradient of
# $q(u) + \tfrac\lambda2(\lVert u\rVert^2 - r^2)$ vanishes there: $g + Bu + \lambda u = 0$.
#
# **Line 3.** Hence
#
# $$u(\lambda) = -(B + \lambda I)^{-1} g. \tag{3}$$
#
# This is the damped step. **Whoever adds $\lambda I$ has chosen a radius**, without saying which.
#
# **Line 4.** Differentiate $(B + \lambda I)\,u = -g$ by $\lambda$: it gives $u + (B + \lambda I)\,u' = 0$, so that
#
# $$\frac{d}{d\lambda}\lVert u\rVert^2 = 2\,u^\top u' = -2\,u^\top (B + \lambda I)^{-1} u < 0. \tag{4}$$
#
# More damping is a smaller ball, always.
#
# **Line 5.** The two ends are familiar:
#
# $$u(0) = -B^{-1} g, \qquad u(\lambda) \approx -\tfrac1\lambda\, g \quad\text{for large } \lambda. \tag{5}$$
#
# Between Newton's method and a short step of gradient descent there is one curve, and $\lambda$ says where on it we stop. The cell checks the lines: no point in the ball has
# a smaller $q$ than $u(\lambda)$, the derivative is that of (4), and the ends are those of (5).

# %%
oracle = robust().oracle(start)
g, B = oracle.gradient(), oracle.hessian()


def damped(damping):
    """Return the step u(λ)."""
    return np.linalg.solve(B + damping * np.eye(2), -g)


u = damped(0.3)
turn, far = np.meshgrid(np.linspace(0, 2 * np.pi, 721), np.linspace(0, 1, 101))
others = np.linalg.norm(u) * far * np.stack([np.cos(turn), np.sin(turn)])
models = np.einsum("i,iab->ab", g, others) + np.einsum("iab,ij,jab->ab", others, B, others) / 2
print(f"q(u) = {g @ u + u @ B @ u / 2:.5f}, the least of {models.size:,} points in the ball {models.min():.5f}")
assert -1e-12 < models.min() - (g @ u + u @ B @ u / 2) < 1e-3
slope = (damped(0.3 + 1e-6) @ damped(0.3 + 1e-6) - u @ u) / 1e-6
assert np.isclose(slope, -2 * u @ np.linalg.solve(B + 0.3 * np.eye(2), u), rtol=1e-4)
assert np.allclose(damped(1e-9), np.linalg.solve(B, -g), rtol=1e-6) and np.allclose(damped(1e6), -g / 1e6, rtol=1e-5)

# %% [markdown]
# In the figure the blue curve holds the steps for all $\lambda$ and the green ring is the sphere of the one that the slider chooses. What stands on the right comes next.

# %%
demos.damping()

# %% [markdown]
# ## Did the model keep its promise?
#
# After a step we know by how much the loss fell, and by how much the model said it would. Their ratio
#
# $$\gamma = \frac{f(w) - f(w + u)}{-q(u)} \tag{6}$$
#
# is 1 for a perfect model, and negative if the loss rose. The **Levenberg–Marquardt rule** reads it in every step: below $\tfrac14$ the
# damping is multiplied by a factor, here 3; above $\tfrac34$ it is divided by it; between, the green band in the figure, it stays. A step with which the loss
# rises is not taken. A **trust-region method** does the same with $r$ and finds the $\lambda$ that belongs to it (the fourth exercise).
#
# Move $\lambda$ in the figure to where $\gamma$ leaves the band, then move the start nearer: at 0.2, where Newton's method converges, no damping is needed at all. **The right
# amount depends on where you are**, so no fixed number can be right.
#
# **Predict:** with a fixed $\lambda$ of 0.3, 1, 10 and 100: which runs arrive within 300 steps? And with the rule, how much worse is a first $\lambda$ of a million than one of 1?

# %%


def steps_to_minimum(damping, scale=1.0):
    """Return the steps until the loss is within a millionth of its minimum, or infinity."""
    trace = sr.minimize(robust(scale), sr.Newton(damping=damping, line_search=False), steps=300, w0=start)
    near = trace["loss"] / scale <= 2 * (1 + 1e-6)
    return int(np.argmax(near)) if near.any() else np.inf


fixed = {number: steps_to_minimum(number) for number in (0.3, 1.0, 10.0, 100.0)}
rule = {number: steps_to_minimum(LevenbergMarquardt(number)) for number in (1e-6, 1.0, 1e6)}
print("fixed:      ", fixed)
print("by the rule:", rule)
assert [*fixed.values()] == [np.inf, 11, 80, np.inf] and [*rule.values()] == [18, 5, 17]

# %% [markdown]
# Too little never arrives; too much arrives slowly or not at all. By the rule 5 steps become 17: each step corrects $\lambda$ by a factor of 3, and
# $3^{13}$ is more than a million.
#
# ## What a unit does
#
# Multiply the loss by $a$, or write the parameters as $w' = sw$. By the chain rule
#
# $$g' = \tfrac as\, g, \qquad B' = \tfrac a{s^2}\, B, \qquad\text{so}\quad u' = s\,u \quad\text{exactly if}\quad \lambda' = \tfrac a{s^2}\,\lambda. \tag{7}$$
#
# Damping has a unit, that of a curvature. With $\lambda = 0$ there is nothing to convert, and a ratio $\gamma$ has no unit either.
#
# **Predict:** the loss is multiplied by 0.01, or by 100, and nobody tells the method. Which of the runs with $\lambda = 1$ still arrive: fixed, or by the rule?

# %%
counts = {
    scale: [steps_to_minimum(damping, scale) for damping in (1.0, LevenbergMarquardt(1.0))]
    for scale in (0.01, 1.0, 100.0)
}
for scale, (fixed_steps, rule_steps) in counts.items():
    print(f"loss times {scale:5}: fixed {fixed_steps:4.0f}, by the rule {rule_steps:3.0f}")
assert [*counts.values()] == [[np.inf, 8], [11, 5], [np.inf, 10]]
u = np.linalg.solve(B + 0.3 * np.eye(2), -g)
a, s = 5.0, 2.0
assert np.allclose(np.linalg.solve(a / s**2 * (B + 0.3 * np.eye(2)), -a / s * g), s * u)

# %% [markdown]
# In SOFIM both $\eta$ and $\rho$ have units; which they are is the first exercise. On real data, logistic regression on 569 biopsies, we choose $\eta$ and $\rho$ well
# for the loss as it is, and then multiply the loss by powers of ten. We count the steps until the gap to the minimum is a thousandth of what it was, 400 at most.

# %%
biopsies = sr.datasets.load("breast-cancer").train
optimal = float(biopsies.value(biopsies.optimum()))
settings = {"fixed ρ": (1.0, 0.01), "ρ by the ratio": (10.0, 10.0), "ρ by a radius": (100.0, 1.0)}
found = adaptive_rho(biopsies, optimal, settings)
for name, steps in found.steps.items():
    print(f"{name:15}", steps)
assert [int(np.isfinite(steps).sum()) for steps in found.steps.values()] == [2, 7, 7]
assert [steps[3] for steps in found.steps.values()] == [90, 62, 62] and max(found.steps["ρ by a radius"]) == 84
sr.plots.rescaled_losses(
    {"breast cancer": found}, title="A fixed ρ arrives at two scales of seven, an adaptive one at all"
)

# %% [markdown]
# The adaptive rules are also quicker at the scale for which all were tuned: 62 steps against 90. On other data the fixed number can win where it was tuned. What it can't do
# is to bear a change.
#
# **Predict:** why so complicated? Let $\rho = c\lVert\hat M\rVert^2$, with a number $c$ that has no unit. The matrix then has the condition number
# $1 + 1/c$ at every scale. Is that a good rule?

# %%
for lr in (1e-3, 0.1, 10.0):
    steps = adaptive_rho(biopsies, optimal, {"ρ = c‖M̂‖²": (lr, 1.0)}, scales=(1.0,)).steps["ρ = c‖M̂‖²"]
    print(f"η = {lr}: {steps[0]} steps")
    assert np.isinf(steps[0])

# %% [markdown]
# It never arrives. The step is $\eta\hat M/((1+c)\lVert\hat M\rVert^2)$, of length $\eta/((1+c)\lVert\hat M\rVert)$: the nearer the minimum, the *longer*. A rule that bears every unit
# need not be a good one; a radius that grows without limit is none.
#
# ## How much of a step is damping?
#
# One number can be read off every run, whatever the method. Let $p = C^{-1}v$ be the step's direction and $\lambda$ the damping in $C$. The share of the damping in the curvature
# along $p$ is
#
# $$\varphi = \frac{\lambda\lVert p\rVert^2}{p^\top C p}, \qquad \frac{\partial \log v^\top C^{-1} v}{\partial\log\lambda} = -\varphi, \tag{8}$$
#
# since $\partial C^{-1}/\partial\lambda = -C^{-2}$. At $\varphi = 1$ the estimate of the curvature contributes nothing and the step is $v/\lambda$; at 0 the damping doesn't matter. By the
# second equation 1 % more damping lowers $v^\top C^{-1}v$ by $\varphi$ percent. (For $v = g$ that is twice the fall of the *damped* model
# $q(u) + \tfrac\lambda2\lVert u\rVert^2$, not of $q$: with our $B$ and $\lambda = 0.3$ the damped model falls by 3.46, and $q$ by 5.36.)

# %%
values = [g @ np.linalg.solve(B + damping * np.eye(2), g) for damping in (0.3, 0.303)]
share = 0.3 * (u @ u) / (u @ (B + 0.3 * np.eye(2)) @ u)
print(f"share {share:.3f}; 1 % more damping lowers gᵀC⁻¹g by {100 * (1 - values[1] / values[0]):.3f} %")
fall = -(g @ u + u @ B @ u / 2)
print(f"with λ = 0.3 the damped model falls by {fall - 0.15 * u @ u:.2f}, q by {fall:.2f}")
assert np.isclose(100 * (1 - values[1] / values[0]), share, rtol=0.01)
assert np.isclose(fall - 0.15 * u @ u, values[0] / 2) and np.allclose([values[0] / 2, fall], [3.46, 5.36], atol=0.005)
trace = sr.minimize(biopsies, sr.SOFIM(lr=1.0, rho=0.01), steps=90, diagnostics=True)
print("SOFIM's share after 1, 6 and 90 steps:", np.round(trace["damping_share"][[1, 6, 90]], 4))
assert np.allclose(trace["damping_share"][[1, 6, 90]], [0.0051, 0.1887, 0.9999], atol=5e-5)

# %% [markdown]
# SOFIM's first steps are all estimate, its last ones all damping: near a minimum it is gradient descent with momentum, as lesson 5 derived.
#
# ## Summary
#
# 1. A damped step is the best step within a radius; more damping is a smaller radius.
# 2. The ratio of the loss's fall to the promised one tells whether the radius is too wide; a rule that follows it finds the damping from any start.
# 3. Damping has a unit: a fixed number doesn't survive a change of units, a rule without units does, and some such rules are bad.
#
# ## Exercises

# %% exercise="same_run"

# %% exercise="predicted_fall"

# %% exercise="damping_share"

# %% exercise="newton_for_radius"

# %% [markdown] exercise="open"
# **Where damping is no radius.** Let $B = \mathrm{diag}(-1, 1)$, as at a saddle, and $g = (0, 1)$. Which lengths $\lVert u(\lambda)\rVert$ occur for those $\lambda$ with which $B + \lambda I$ is positive
# definite? Solve (2) for $r = 1$ all the same. Which line of the derivation does not give it?

# %% [markdown] tags=["teacher"]
# ### For the teacher
# 60 minutes: 10 for the step too far, 15 for the five lines with the figure, 10 for the ratio, 15 for units, 10 for exercises.
#
# *First prediction.* At $(-8, -4)$, then at residuals of $-2^{27}$; it converges from $|z| < 1$, and stays at $\pm z$ for $|z| = 1$. *Second.* Those with 1 and 10; from a million it takes 12 steps more.
# *Third.* With $\lambda = 1$ the fixed one arrives at 1, and at the others not within 300 steps or not at all; by the rule all do. *Fourth.* No: it never arrives.
#
# *Where damping is no radius.* $u(\lambda) = (0, -1/(1+\lambda))$ for $\lambda > 1$, so only lengths below $\tfrac12$. At $\lambda = 1$ the matrix $B + I = \mathrm{diag}(0, 2)$ is singular, and
# $(B + I)u = -g$ has the solutions $u = (t, -\tfrac12)$ with any $t$: with $t = \pm\sqrt{3}/2$ they have length 1. Both are solutions of (2). Line 2 still holds; line 3 doesn't,
# since it divides by a singular matrix. This is the *hard case* of trust-region methods: the saddle is left along an eigenvector that the gradient doesn't know.
#
# What usually goes wrong: the model is damped as well as the step, so that the promise is too small and the ratio too large; and $\rho$ is taken for a number without a unit.

# %% tags=["teacher"]
best = np.asarray([np.sqrt(0.75), -0.5])
saddle = np.diag([-1.0, 1.0])
ring = np.stack([np.cos(turn), np.sin(turn)]) * far
assert best[1] + best @ saddle @ best / 2 <= np.min(ring[1] + (ring[1] ** 2 - ring[0] ** 2) / 2) + 1e-12

# %% [markdown]
# ## History and further reading
#
# - Levenberg 1944, *Quart. Appl. Math.* 2, and Marquardt 1963, [doi:10.1137/0111030](https://doi.org/10.1137/0111030): damping for least squares; Marquardt saw that it is a radius.
# - Nocedal & Wright 2006, *Numerical Optimization*, chapter 4: the textbook on trust regions, with the exercise's iteration and the hard case.
# - Moré & Sorensen 1983, *SIAM J. Sci. Stat. Comput.* 4: how to compute such a step reliably.
# - Mishchenko, [arXiv 2112.02089](https://arxiv.org/abs/2112.02089): a damping that is the root of the gradient's length, with a proof that it converges from everywhere.
