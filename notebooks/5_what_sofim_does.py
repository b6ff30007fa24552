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
# # 5 What does SOFIM really do?
#
# Somebody changes one word in a training script: the loss of a batch is now the *sum* over its 32 examples and no longer the
# mean. All gradients become 32 times as long. Gradient descent with a step size of 1, which was well chosen for the mean, takes
# steps 32 times as long: ten steps later the mean loss is 350 million, and one sees that something is wrong. SOFIM, with its default settings, $\eta = 0.1$ and $\rho = 0.5$, takes steps that are 25 times **shorter**. Nothing
# diverges and nothing is reported: the run merely stands still. Why?
#
# This lesson takes the method apart, in both readings that its paper allows, and finds for each a description without matrices.
#
# **You need** lesson 3, the solve with $\rho I + mm^\top$, and lesson 4, the moment. **You will be able to** say in which
# direction a step of SOFIM goes and how long it is, replay a run of it with another method, and say what its matrix knows of the
# Fisher matrix.
#
# ## Two readings
#
# With the bias-corrected moment $\hat M$ of lesson 4, a step size $\eta$ and damping $\rho$, a step is
#
# $$w \leftarrow w - \eta\, C^{-1} v, \qquad C = \rho I + \hat M \hat M^\top. \tag{1}$$
#
# What is $v$? The paper's text leaves it open. Released code of one of its authors takes $v = \hat M$; others read $v = g$, the
# gradient of the current batch. We call them the **moment reading** and the **gradient reading**.
#
# **Predict:** in the moment reading, in which direction does $C^{-1}\hat M$ point?

# %%
import numpy as np

import sofim_ref as sr
from sofim_ref.datasets import load
from sofim_ref.lessons import LiveFigure, check
from sofim_ref.matrices import RankOne

moment = np.asarray([3.0, 4.0])
x = RankOne(0.5, moment).solve(moment)
print(x, "is M̂ times", x / moment)
assert np.allclose(x, moment / 25.5)

# %% [markdown]
# In the direction of $\hat M$. It could not be otherwise: lesson 3 showed that $\hat M$ is an eigenvector,
#
# $$C\hat M = \big(\rho + \lVert\hat M\rVert^2\big)\,\hat M, \qquad\text{hence}\qquad
#   C^{-1}\hat M = \frac{1}{\rho + \lVert\hat M\rVert^2}\;\hat M. \tag{2}$$
#
# The matrix has been a number all along. **The moment reading never turns**: it is momentum with a step size of its own, which
# changes from step to step.
#
# ## The length of a step
#
# Since the direction is known, only the length is left. It depends on $\eta$, $\rho$ and the single number
# $s = \lVert\hat M\rVert$; to write it down is the first exercise. **Predict:** the gradients become ten times as long. Does the
# step become longer?

# %%
LiveFigure("step_length")

# %% [markdown]
# Drag the black point along: it is the peak of the curve, and $\rho$ goes with it. Then drag the start on the right, where the
# methods run on the loss $\tfrac12 w^2$ without averaging ($\beta = 0$). Both scales on the left are logarithmic, so that a straight line of slope 1
# means "proportional". There are two regimes:
#
# - $s^2 \ll \rho$: the number in (2) is about $1/\rho$. The step is momentum's with step size $\eta/\rho$, and proportional to
#   $s$.
# - $s^2 \gg \rho$: it is about $1/s^2$. The step is about $\eta/s$ long, and a gradient ten times as long makes it ten times
#   **shorter**.
#
# Between them lies a longest step; where, and how long it is, is the second exercise. Statisticians call a function that rises
# and falls again **redescending**: it distrusts what is too large. Clipping, the dotted line, is another thing: it keeps the
# largest length and takes it for every large gradient. On the right, far from the minimum, the difference is one between creeping
# and walking.
#
# Now the riddle of the beginning. On the breast-cancer data the gradient at the start is 1.39 long, beyond the peak for
# $\rho = 0.5$, and times 32 it is 44.6.

# %%
cancer = load("breast-cancer", l2=0.1).train
gradient = cancer.oracle(cancer.initial_point()).gradient()
lengths = {}
for c in (1, 32):
    first = RankOne(0.5, c * gradient).solve(c * gradient)  # after one step the corrected moment is the gradient
    lengths[c] = 0.1 * np.linalg.norm(first)
    print(f"gradient {np.linalg.norm(c * gradient):5.2f}: a step of SOFIM is {lengths[c]:.4f} long")
print(f"the sum's step is {lengths[1] / lengths[32]:.0f} times shorter")
losses = {c: sr.minimize(cancer, sr.SGD(lr=1.0 * c), steps=10)["loss"] for c in (1, 32)}
print(f"gradient descent with η = 1: loss {losses[1][-1]:.3f} on the mean; on the sum {losses[32][-1]:.2g} an example")
assert losses[1][-1] < 0.205 and np.isclose(losses[32][-1], 350e6, rtol=0.01)
assert np.allclose([np.linalg.norm(gradient), 32 * np.linalg.norm(gradient)], [1.39, 44.6], atol=0.01)
assert round(lengths[1] / lengths[32]) == 25

# %% [markdown]
# What would have helped? $\rho$ is compared with $\lVert\hat M\rVert^2$, so it has the unit of a squared gradient. If the loss is
# multiplied by $c$, set
#
# $$\rho \to c^2\rho, \qquad \eta \to c\,\eta, \tag{3}$$
#
# for then $C$ is multiplied by $c^2$, $v$ by $c$, and $\eta C^{-1} v$ by $c \cdot c/c^2 = 1$.

# %%
original, scaled = sr.SOFIM(lr=0.1, rho=0.5), sr.SOFIM(lr=32 * 0.1, rho=32**2 * 0.5)
X = np.random.default_rng(0).standard_normal((40, 3))
target = X @ [1.0, -2.0, 0.5]
f = sr.problems.LeastSquares(X, target, l2=0.1, intercept=False)
f32 = sr.problems.LeastSquares(np.sqrt(32) * X, np.sqrt(32) * target, l2=3.2, intercept=False)
one, other = sr.minimize(f, original, steps=50), sr.minimize(f32, scaled, steps=50)
print(f"50 steps on f and on 32 f, with (3): {np.linalg.norm(one.w - other.w):.0e} apart")
assert np.allclose(one.w, other.w, rtol=1e-12)

# %% [markdown]
# ## Replayed without SOFIM
#
# If the moment reading is momentum with a schedule of step sizes, then that schedule alone must give the same run. We compute
# $\eta/(\rho + \lVert M\rVert^2)$ along the way, a number, and give it to plain momentum. No matrix occurs. (The bias correction,
# which is a number too, is left out on both sides to keep the cell short.)

# %%
problem = sr.problems.LogisticRegression(X, (X[:, 0] > 0).astype(int), l2=0.1)
trace = sr.minimize(problem, sr.SOFIM(lr=0.5, rho=0.1, beta=0.9, bias_correction=False), steps=20, store_points=True)
w, M = trace.points[0], np.zeros(problem.dim)
for _ in range(20):
    M += 0.1 * (problem.oracle(w).gradient() - M)
    w = w - 0.5 / (0.1 + M @ M) * M  # a number times the moment
print(f"after 20 steps the two are {np.linalg.norm(w - trace.w):.0e} apart")
assert np.allclose(w, trace.w, rtol=1e-12)

# %% [markdown]
# ## The other reading
#
# With $v = g$ the matrix does turn the step. By lesson 3 the part of $g$ along $\hat M$ is divided by
# $\rho + \lVert\hat M\rVert^2$ and the rest by $\rho$. **Predict:** can such a step go uphill, if $\hat M$ points in quite
# another direction than $g$?
#
# For a small step it can't: $C$ is positive definite, and its largest eigenvalue is $\rho + \lVert\hat M\rVert^2$, so
#
# $$g^\top C^{-1} g \;\ge\; \frac{\lVert g\rVert^2}{\rho + \lVert\hat M\rVert^2} \;>\; 0. \tag{4}$$
#
# The moment reading has no such guarantee. An old moment may point uphill, as in lesson 4; a random one does so half of the time.
# On the other hand the gradient reading damps the one direction in which the gradients agree, and lets pass what is new in this
# batch: the opposite of what averaging is for.

# %%
rng, bounds, uphill = np.random.default_rng(1), [], 0
for _ in range(1000):
    g, M_hat = rng.standard_normal((2, 5))
    C = RankOne(0.5, M_hat)
    bounds.append(g @ C.solve(g) / (g @ g / (0.5 + M_hat @ M_hat)))
    uphill += g @ C.solve(M_hat) < 0
print(
    f"gradient reading: gᵀC⁻¹g is {min(bounds):.3f} times the bound (4) or more; the moment reading: uphill {uphill} times"
)
assert min(bounds) >= 1 and abs(uphill / 1000 - 0.5) < 0.01

# %%
LiveFigure("paths", shown=["momentum", "sofim", "sofimGradient"])

# %% [markdown]
# Both readings and momentum in a narrow valley, which the green point turns and stretches. The moment reading swings across it as
# momentum does; the gradient reading remembers nothing in its $v$ and doesn't swing. Make $\rho$ larger and the moment reading
# approaches momentum; make it small, and from this far away both readings creep.
#
# ## Is it a Fisher matrix?
#
# Write $g_i$ for the gradients of single examples, and $\bar g$ for their mean, the gradient. The empirical Fisher matrix of
# lesson 2 splits into
#
# $$\frac1N\sum_i g_i g_i^\top = \bar g\,\bar g^\top + \frac1N\sum_i (g_i - \bar g)(g_i - \bar g)^\top, \tag{5}$$
#
# the mean's outer product and a covariance. With $\beta = 0$ and the whole data for a batch, $\hat M = \bar g$: **SOFIM keeps the
# first term and drops the second.** How much is that? Compare the traces, at four points of a run.

# %%
kept = {}
for steps in (0, 30, 100, 1000):
    w = sr.minimize(cancer, sr.SGD(lr=0.05), steps=steps).w if steps else cancer.initial_point()
    each = np.stack([cancer.oracle(w, np.asarray([i])).gradient() for i in range(cancer.size)])
    g_bar, spread = each.mean(axis=0), each - each.mean(axis=0)
    assert np.allclose(each.T @ each, len(each) * np.outer(g_bar, g_bar) + spread.T @ spread, atol=1e-9)  # (5)
    kept[steps] = g_bar @ g_bar / np.mean(np.sum(each**2, axis=1))
    print(f"after {steps:4} steps of gradient descent: {kept[steps]:.1e} of the trace is kept")
assert np.allclose([kept[0], kept[30], kept[100]], [0.25, 0.03, 0.003], rtol=0.1) and kept[1000] < 1e-8

# %% [markdown]
# A quarter at the start, 3 % after thirty steps, 0.3 % after a hundred, and nothing at the minimum, where $\bar g = 0$ by
# definition. So at every minimum $C$ becomes $\rho I$, whatever the Hessian is.
#
# ## Two limits
#
# Let $\rho \to \infty$ with $\eta/\rho$ fixed: then $\lVert\hat M\rVert^2$ is nothing beside $\rho$, and SOFIM is momentum, or
# with $\beta = 0$ gradient descent, of step size $\eta/\rho$. Let $\rho \to 0$: the moment reading's steps become
# $\eta/\lVert\hat M\rVert$ long. **Predict:** what happens to them near a minimum?

# %%
plain = sr.minimize(problem, sr.SGD(lr=1.0), steps=10).w
for rho in (1e2, 1e4, 1e6):
    apart = np.linalg.norm(sr.minimize(problem, sr.SOFIM(lr=rho, rho=rho, beta=0.0), steps=10).w - plain)
    print(f"ρ = {rho:.0e}, η/ρ = 1: {apart / np.linalg.norm(plain):.1e} from gradient descent, relative")
    assert np.isclose(apart / np.linalg.norm(plain), 7.3e-3 / rho, rtol=0.01)
nearby = problem.optimum() + 1e-3
tiny = sr.minimize(problem, sr.SOFIM(lr=0.05, rho=1e-12, beta=0.0), steps=1, w0=nearby)
print(f"ρ = 1e-12: the first step from 0.002 beside the optimum is {tiny['step_norm'][-1]:.0f} long")
assert np.isclose(np.linalg.norm(nearby - problem.optimum()), 0.002) and round(tiny["step_norm"][-1]) == 94

# %% [markdown]
# The first limit is reached in proportion to $1/\rho$. In the second, steps grow without bound as the gradient vanishes: **the
# closer, the further it jumps.** $\rho$ is what lets SOFIM come to rest.
#
# ## Summary
#
# 1. The moment reading is momentum with a redescending step length; it never turns. The gradient reading does turn, and damps
#    what persists.
# 2. $\rho$ has the unit of a squared gradient: when the loss is multiplied by $c$, multiply $\rho$ by $c^2$ and $\eta$ by $c$.
# 3. SOFIM's matrix keeps one term of the empirical Fisher, which vanishes at a minimum: there it is $\rho I$.
#
# ## Exercises

# %% exercise="step_length"

# %% exercise="peak_step"

# %% exercise="equally_long"

# %% exercise="gradient_reading"

# %% [markdown] exercise="open"
# **Never at rest.** Take the loss $\tfrac12 w^2$ with one parameter, and the moment reading with $\beta = 0$. For which $\eta$
# and $\rho$ is there a $w > 0$ from which SOFIM jumps to $-w$ and back for ever? Find it, and decide whether runs that start
# nearby end in it. What happens if there is none?

# %% [markdown] tags=["teacher"]
# ### For the teacher
# 40 minutes: 10 for the beginning and (2), 10 for the figure and (3), 5 for the replay, 10 for the other reading and (5), 5 for
# the limits.
#
# *First prediction.* In the direction of $\hat M$; let it sink in. *Second.* Only below the peak; beyond it the step becomes ten
# times shorter. *Third.* No, by (4), for small steps. *Fourth.* They become longer and longer.
#
# *Never at rest.* $w^+ = -w$ means $\eta/(\rho + w^2) = 2$, so $w^2 = \eta/2 - \rho$, which is positive exactly if
# $\eta > 2\rho$. The derivative of the step at that $w$ is
# $1 - \eta(\rho - w^2)/(\rho + w^2)^2 = 1 - 4(2\rho - \eta/2)/\eta = 3 - 8\rho/\eta$. It is between $-1$ and 1 exactly for
# $2\rho < \eta < 4\rho$: there runs that start nearby end in the two-cycle; for $\eta > 4\rho$ it repels them. If $\eta < 2\rho$,
# all runs come to rest at 0: $w$ is multiplied by $1 - \eta/(\rho + w^2)$, between $-1$ and 1.
#
# What usually goes wrong: the factor before $\hat M$ is taken for the length of the step. "Redescending" is taken for clipping:
# ask for the step at a gradient of a million. And (3) is forgotten when a batch's mean becomes a sum, or a loss scale for half
# precision is not divided out again.

# %% tags=["teacher"]
for eta, rho, w in ((3.0, 1.0, 1.0), (1.0, 0.6, 1.0)):
    for _ in range(1000):
        w = w - eta * w / (rho + w**2)
    print(f"η = {eta}, ρ = {rho}: |w| = {abs(w):.4f}, √max(η/2 − ρ, 0) = {max(eta / 2 - rho, 0) ** 0.5:.4f}")
    assert np.isclose(abs(w), max(eta / 2 - rho, 0) ** 0.5)

# %% [markdown]
# ## History and further reading
#
# - Sen et al. 2024, [arXiv 2403.02833](https://arxiv.org/abs/2403.02833): SOFIM. What is known and what is open stands in the
#   docstring of `sofim_ref.SOFIM`; read it before you quote the paper.
# - Kunstner, Balles & Hennig 2019, [arXiv 1905.12558](https://arxiv.org/abs/1905.12558): what the empirical Fisher is not; §3.2
#   has the conditions under which it is near the Fisher matrix.
# - Polyak 1964, [doi:10.1016/0041-5553(64)90137-5](https://doi.org/10.1016/0041-5553(64)90137-5): momentum, which the moment
#   reading is.
