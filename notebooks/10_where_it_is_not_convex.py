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
# # 10 What is different where the loss isn't convex?
#
# A student gives a small network to Newton's method, hardly damped. After seven steps the gradient's norm is below $10^{-11}$, the run reports success, and
# the network's output is zero for every input. Gradient descent, from the same start, fits the data. Newton's method did what it
# promises: it solved $\nabla f = 0$. Nobody had told it that a minimum was wanted.
#
# So far every loss had a Hessian without negative eigenvalues, and "divide by the curvature" was good advice. A network's Hessian has
# negative eigenvalues at almost every point of a run. This lesson says what becomes of the advice there.
#
# **You need** lessons 1, 2 and 8, and eigenvectors of a symmetric matrix. **You will be able to** tell from a method's matrix $C$ whether a saddle
# attracts it, derive the step of trust-region and cubic Newton methods, and say what the Gauss–Newton matrix leaves out of the Hessian.
#
# ## A saddle that attracts
#
# The smallest example has two parameters,
#
# $$f(x, y) = \tfrac14 x^4 - \tfrac12 x^2 + \tfrac12 y^2. \tag{1}$$
#
# Its minima are $(\pm1, 0)$. At $(0, 0)$ the gradient vanishes and the Hessian is $\mathrm{diag}(-1, 1)$: a **saddle**, from which the loss
# rises along $y$ and falls along $x$.
#
# **Predict:** start at $(0.3, 0.5)$. Where do gradient descent and Newton's method end?

# %%
import numpy as np

import sofim_ref as sr
from sofim_ref.lessons import LiveFigure, check, demos
from sofim_ref.lessons.demos.saddle import two_wells

Newton, TrustRegion = sr.optimizers.Newton, sr.optimizers.TrustRegionNewton
wells = two_wells()  # the loss (1)


def path(problem, optimizer, start, steps):
    """Return the points of a run, the start first."""
    w = np.asarray(start)
    points, state = [w], optimizer.init(w)
    for _ in range(steps):
        w, state = optimizer.step(w, state, problem.oracle(w))
        points.append(w)
    return np.stack(points)


newton = path(wells, Newton(line_search=False), [0.3, 0.5], 4)
descent = path(wells, sr.SGD(lr=0.1), [0.3, 0.5], 200)
print("Newton's x:", newton[:, 0], " gradient descent ends at", descent[-1].round(6))
assert np.allclose(newton[1:3], [[-0.0740, 0], [0.0008, 0]], atol=5e-5)
assert np.allclose(descent[-1], [1, 0], atol=1e-6) and np.linalg.norm(newton[-1]) < 1e-15

# %%
demos.saddle()

# %% [markdown]
# Move the start: Newton's method ends at the saddle from $|x| < 1/\sqrt5 \approx 0.45$, and just outside jumps anywhere. The reason takes two lines. Near a
# stationary point $w^*$ with Hessian $H$ the gradient is $H\Delta$, $\Delta = w - w^*$, up to $\lVert\Delta\rVert^2$, whatever the signs of $H$'s eigenvalues. Hence
#
# $$\Delta^+ = \Delta - \eta\, C^{-1} H \Delta = (I - \eta\, C^{-1} H)\,\Delta. \tag{2}$$
#
# **Newton:** $C = H$ and $\eta = 1$ make the bracket zero. Every stationary point attracts: a minimum, a saddle, a maximum.
#
# **Positive definite $C$:** $C^{-1}H$ has the eigenvalues of the symmetric matrix $C^{-1/2} H C^{-1/2}$. If $u^\top H u < 0$ for some $u$, then this matrix is
# negative along $C^{1/2}u$, so it has an eigenvalue $-a < 0$, and (2) has the eigenvalue $1 + \eta a > 1$. The saddle **repels**, whatever the positive definite $C$ is: gradient descent, SOFIM with $v = g$, natural gradient with damping. (With a moment for $v$ one has to
# look at the pairs of $\Delta$ and the moment, as in lesson 6; the conclusion is the same.) We check the statement about signs on a random example.

# %%
rng = np.random.default_rng(0)
A, B = rng.standard_normal((2, 6, 6))
H, C = A + A.T, B @ B.T + 0.1 * np.eye(6)
signs = [int(np.sum(x < 0)) for x in (np.linalg.eigvalsh(H), np.linalg.eigvals(np.linalg.solve(C, H)).real)]
print(f"negative eigenvalues: H has {signs[0]}, C⁻¹H has {signs[1]}")
assert signs == [2, 2]

# %% [markdown]
# Repelled is not yet far away. Along an eigenvector with eigenvalue $h$, (2) multiplies the distance of gradient descent by $1 - \eta h$ in each step.
#
# **Predict:** with $\eta = 0.1$, start at $x = 10^{-3}$, and then a thousand times nearer to the ridge $x = 0$. How many more steps until $x > \tfrac12$?

# %%
steps = {x: int(np.argmax(path(wells, sr.SGD(lr=0.1), [x, 0.5], 200)[:, 0] > 0.5)) for x in (1e-3, 1e-6)}
print(steps)
assert steps == {1e-3: 67, 1e-6: 139}

# %% [markdown]
# Seventy-two: only the logarithm of the distance counts. A saddle delays gradient descent, and yet it is known that from almost no start does it stop it (Lee et al. 2016). SOFIM is no quicker. Its
# $C = \rho I + mm^\top$ tends to $\rho I$ as the gradient vanishes; beside a saddle SOFIM without averaging, $\beta = 0$, *is* gradient descent with step size $\eta/\rho$.
#
# **Damping** Newton's method, $C = H + \lambda I$, helps only if it is large enough. In the figure, from $x = 0.3$, damping of 0.1 changes nothing and 0.6 jumps across the
# saddle and away. Which λ is needed is the open exercise.

# %%
from_left, from_right = (path(wells, Newton(line_search=False), [x, 0.5], 30)[-1, 0] for x in (0.44, 0.46))
damped = {lam: path(wells, Newton(damping=lam, line_search=False), [0.3, 0.5], 30)[:, 0] for lam in (0.1, 0.6)}
print(
    f"Newton from 0.44 and 0.46: {from_left:.3f}, {from_right:.3f};",
    {lam: x[[1, -1]].round(3) for lam, x in damped.items()},
)
assert abs(from_left) < 1e-12 < 0.9 < abs(from_right)
assert abs(damped[0.1][-1]) < 1e-12 and damped[0.6][1] < -1 and np.isclose(damped[0.6][-1], -1)

# %% [markdown]
# ## Ask the model, but only nearby
#
# The quadratic model $q(s) = g^\top s + \tfrac12 s^\top H s$ has no minimum if $H$ has a negative eigenvalue. In a ball it has one. The **trust-region step** minimizes $q$ subject to
# $\lVert s\rVert \le r$, as in lesson 8, where the matrix had no negative eigenvalue. We claim that $s$ does so if there is a number $\lambda$ with
#
# $$(H + \lambda I)\,s = -g, \qquad H + \lambda I \succeq 0, \qquad \lambda \ge 0, \qquad \lambda\,(r - \lVert s\rVert) = 0. \tag{3}$$
#
# *Line 1.* $q_\lambda(u) = q(u) + \tfrac\lambda2\lVert u\rVert^2$ is convex, since its Hessian is $H + \lambda I$, and its gradient vanishes at $s$. So $q_\lambda(u) \ge q_\lambda(s)$ for all $u$.
#
# *Line 2.* Written out, and with the last condition in (3), for every $u$ in the ball
#
# $$q(u) \;\ge\; q(s) + \tfrac\lambda2\big(\lVert s\rVert^2 - \lVert u\rVert^2\big) \;=\; q(s) + \tfrac\lambda2\big(r^2 - \lVert u\rVert^2\big) \;\ge\; q(s). \tag{4}$$
#
# So the minimizer is a damped Newton step after all, $C = H + \lambda I$ and $v = g$; what is new is that the *length* is chosen and λ found from it, at least $-h$ for the least eigenvalue $h$. The cell compares
# the library's step with the best of a million points of the ball.

# %%
w, r = np.asarray([0.3, 0.5]), 1.0
oracle = wells.oracle(w)
g, H = oracle.gradient(), oracle.hessian()
s = path(wells, TrustRegion(radius=r), w, 1)[1] - w
turn, size = np.meshgrid(np.linspace(0, 2 * np.pi, 2000), np.linspace(0, r, 500))
ball = np.stack([size * np.cos(turn), size * np.sin(turn)])
model = np.einsum("i,ijk->jk", g, ball) + np.einsum("ijk,il,ljk->jk", ball, H, ball) / 2
lam = -(g[0] / s[0] + H[0, 0])
print(f"s = {s.round(4)}, λ = {lam:.4f}, q(s) = {g @ s + s @ H @ s / 2:.6f}, the best of the ball: {model.min():.6f}")
assert (
    np.allclose((H + lam * np.eye(2)) @ s, -g) and np.isclose(np.linalg.norm(s), r) and lam > -np.linalg.eigvalsh(H)[0]
)
assert -1e-12 < model.min() - (g @ s + s @ H @ s / 2) < 1e-5

# %% [markdown]
# **Cubic Newton** does without a radius. If the Hessian is $M$-Lipschitz, then $f(w+s) \le f(w) + q(s) + \tfrac M6\lVert s\rVert^3$; minimize the right-hand side. The gradient of
# $\tfrac M6\lVert s\rVert^3$ is $\tfrac M2\lVert s\rVert s$, so that at its minimizer
#
# $$\big(H + \lambda I\big)\, s = -g \qquad\text{with}\qquad \lambda = \tfrac M2\lVert s\rVert: \tag{5}$$
#
# again a damped Newton step. The bound on the length has become a price for it. Near a minimum, where steps are short, both methods are Newton's.
#
# One case is left. **Predict:** what is $C^{-1}g$ exactly on a saddle? For every $C$ it is zero, and yet the minimizer of (3) and (5) is not: it is $\pm r$ times the eigenvector of the
# negative eigenvalue. In this *hard case* no choice of $C$ is enough, and $v$ has to differ from $g$. (`docs/theory/hard_case.md` derives the $v$ that the library takes.)

# %%
for name, optimizer in (("trust region", TrustRegion()), ("cubic Newton", sr.optimizers.CubicNewton())):
    off, ridge = (path(wells, optimizer, start, 12)[-1] for start in ([0.0, 0.0], [0.0, 0.5]))
    print(f"{name}: from the saddle to {off.round(6)}; from the ridge to {ridge.round(6)}")
    assert np.allclose(np.abs([off, ridge]), [[1, 0], [1, 0]], atol=1e-6)
assert np.allclose(path(wells, Newton(line_search=False), [0.0, 0.5], 1)[1], 0)

# %% [markdown]
# ## What the Gauss–Newton matrix leaves out
#
# Most losses of this kind are least squares in disguise. Let $z_n(w)$ be a model's output for example $n$ of $N$, $r_n = z_n - y_n$ its residual, and
#
# $$f(w) = \frac1N\sum_n \tfrac12 r_n(w)^2, \qquad \nabla f = \frac1N\sum_n r_n \nabla z_n. \tag{6}$$
#
# The product rule gives the Hessian,
#
# $$H = \underbrace{\frac1N\sum_n \nabla z_n\nabla z_n^\top}_{G} \;+\; \underbrace{\frac1N\sum_n r_n\nabla^2 z_n}_{S}. \tag{7}$$
#
# $G$ is the **Gauss–Newton matrix**, and with noise of variance 1 the Fisher matrix (lesson 2). It is positive semidefinite everywhere. **All negative curvature is in $S$.** So natural
# gradient with damping is repelled by saddles, by the argument above. We check (7) on the network $z(x) = w_2\tanh(w_1 x)$.

# %%
xs = np.asarray([-2, -1.2, -0.5, 0.2, 0.9, 1.6])
noise = np.asarray([0.5, -0.8, 0.4, 0.9, -0.7, 0.6])


def derivatives(w, y):
    """Return the gradient (6) and the matrices G and S of (7)."""
    t = np.tanh(w[0] * xs)
    by_first = (1 - t**2) * xs
    r, J = w[1] * t - y, np.stack([w[1] * by_first, t], axis=1)
    second = np.asarray([[-2 * w[1] * t * by_first * xs, by_first], [by_first, 0 * xs]])
    return J.T @ r / xs.size, J.T @ J / xs.size, second @ r / xs.size


w, y, e = np.asarray([0.7, 1.1]), 1.5 * np.tanh(1.2 * xs) + noise, 1e-6
g, G, S = derivatives(w, y)
differences = [(derivatives(w + e * u, y)[0] - derivatives(w - e * u, y)[0]) / (2 * e) for u in np.eye(2)]
print("G + S:", (G + S).round(6).tolist(), " by differences:", np.round(differences, 6).tolist())
assert np.allclose(G + S, differences, atol=1e-8)

# %%
points = [[float(x), float(1.5 * np.tanh(1.2 * x))] for x in xs]
shown = ["gradient", "natural", "newton"]
LiveFigure("paths", loss="network", start=[0.3, 0.3], data={"points": points}, shown=shown)

# %% [markdown]
# Here is the student of the beginning. Newton's path (from $(0.3, 0.3)$, purple) runs into the saddle at the origin, where the output is zero; natural gradient, which is Gauss–Newton, finds a minimum. There are
# two, $(1.2, 1.5)$ and $(-1.2, -1.5)$, since $\tanh$ is odd: one function, two names. Whenever hidden units can be exchanged or change sign, minima come in several copies, and between them there are saddles.

# %%
y = 1.5 * np.tanh(1.2 * xs)
ends, norms = {}, []
for name in ("Newton", "Gauss–Newton"):
    w = np.asarray([0.3, 0.3])
    for _ in range(60):
        g, G, S = derivatives(w, y)
        norms.append(np.linalg.norm(g))
        w = w - np.linalg.solve(G + S + 1e-2 * np.eye(2) if name == "Newton" else G + 1e-2 * np.eye(2), g)
    ends[name] = w
print(
    {name: w.round(6).tolist() for name, w in ends.items()},
    f"the norm of Newton's gradient after 7 steps: {norms[7]:.0e}",
)
assert np.linalg.norm(ends["Newton"]) < 1e-12 and np.allclose(ends["Gauss–Newton"], [1.2, 1.5], atol=1e-6)
assert norms[7] < 1e-11
w = np.asarray([0.3, 0.3])
for _ in range(2000):
    w = w - 0.08 * derivatives(w, y)[0]
assert np.allclose(w, [1.2, 1.5], atol=1e-3)  # gradient descent fits the data

# %% [markdown]
# ## The price
#
# What is left out must be paid for near the minimum. With $C = G$ and $\eta = 1$ the bracket in (2) is
#
# $$I - G^{-1}(G + S) = -\,G^{-1}S. \tag{8}$$
#
# **Predict:** how fast is Gauss–Newton if the model fits the data exactly, and how fast if the residuals are large?

# %%
rates = {}
for scale in (0.0, 1.0, 2.0):
    y, w = 1.5 * np.tanh(1.2 * xs) + scale * noise, np.asarray([1.2, 1.5])
    for _ in range(30):  # Newton's method, for the minimum
        g, G, S = derivatives(w, y)
        w = w - np.linalg.solve(G + S, g)
    optimum, errors = w, []
    predicted = np.max(np.abs(np.linalg.eigvals(np.linalg.solve(G, S))))
    w = optimum + [0.05, 0.05]
    for _ in range(12):
        g, G, S = derivatives(w, y)
        w = w - np.linalg.solve(G, g)
        errors.append(np.linalg.norm(w - optimum))
    rates[scale] = predicted
    measured = (errors[11] / errors[1]) ** 0.1
    print(f"noise × {scale:.0f}: largest eigenvalue of G⁻¹S {predicted:.3f}, measured rate {measured:.3f}")
    print("   errors", *(f"{e:.0e}" for e in errors[:4]))
    assert np.isclose(measured, predicted, atol=0.005) and (scale or errors[2] < 1e-12)
assert np.allclose(list(rates.values()), [0, 0.341, 0.785], atol=5e-4)

# %% [markdown]
# Without residuals $S = 0$ at the minimum, and Gauss–Newton is quadratic, as Newton's method is. With them it is linear, at the rate of the largest eigenvalue of $G^{-1}S$: 0.341 and 0.785 here. Above 1 it would not
# converge at all without a smaller η or damping.
#
# **Rosenbrock's valley** shows the other side. $(1-x)^2 + 100(y - x^2)^2$ has two residuals and two parameters, $1-x$ and $10(y - x^2)$. The first is linear, so one Gauss–Newton step makes $x = 1$ exactly; the second is then linear
# in $y$, and one more step ends the matter. Its Hessian, with determinant $400 - 80000\,(y - x^2)$, is indefinite wherever $y - x^2 > 0.005$: all over one side of the valley.

# %%
valley = sr.problems.Rosenbrock(2)
w = np.asarray([-1.2, 1.0])
for _ in range(2):
    r = np.asarray([1 - w[0], 10 * (w[1] - w[0] ** 2)])
    J = np.asarray([[-1.0, 0.0], [-20 * w[0], 10.0]])
    w = w - np.linalg.solve(J.T @ J, J.T @ r)
    print("Gauss–Newton:", w.round(12))
assert np.allclose(w, 1, atol=1e-12)
for w in rng.uniform(-2, 2, (5, 2)):
    assert np.isclose(np.linalg.det(valley.oracle(w).hessian()), 400 - 80_000 * (w[1] - w[0] ** 2), rtol=1e-9)
run = sr.minimize(valley, TrustRegion(), steps=40, w0=np.asarray([-1.2, 1.0]), tolerance=1e-8, store_points=True)
print("trust region:", len(run.points) - 1, "steps")
assert len(run.points) - 1 == 26

# %%
LiveFigure(
    "paths", loss="rosenbrock", start=[-1.2, 1.0], data={"b": 20}, eta=0.004, shown=["gradient", "natural", "newton"]
)

# %% [markdown]
# In the figure the valley is five times as flat, with 20 in place of 100, and shows the same: natural gradient is there in a few steps, Newton's method takes more and first jumps away, and gradient descent goes along the valley's floor. Drag the start to either side of the parabola.
#
# ## Summary
#
# 1. Near a stationary point $\Delta^+ = (I - \eta C^{-1}H)\Delta$: a positive definite $C$ is repelled by saddles, Newton's $C = H$ is attracted.
# 2. Trust-region and cubic Newton steps are damped Newton steps whose λ follows from the step's length; exactly at a saddle $v$ must differ from $g$.
# 3. Gauss–Newton drops $S$, where all negative curvature is, and pays with the linear rate of $G^{-1}S$ where residuals remain.
#
# ## Exercises

# %% exercise="steps_to_leave"

# %% exercise="saddle_factor"

# %% exercise="growth_hessian"

# %% exercise="cubic_length"

# %% [markdown] exercise="open"
# **How much damping does a saddle need?** The least eigenvalue at a saddle is $h < 0$. For which $\lambda > 0$ does the saddle repel $C = H + \lambda I$ with $\eta = 1$? For which of these is $C$ positive definite there, and what do
# the steps look like for the others? Find both in the figure.

# %% [markdown] tags=["teacher"]
# ### For the teacher
# 50 minutes: 10 for the first figure, 10 for (2), 10 for (3) and (4), 10 for (7) and (8), 10 for exercises.
#
# *First prediction.* Gradient descent at $(1, 0)$, Newton at the saddle. *Second.* $\log 1000/\log 1.1 = 72.5$, seen as 72. *Third.* Zero. *Fourth.* Quadratically, and linearly with the rate of $G^{-1}S$.
#
# *How much damping.* The factor of a step is the second exercise's with η = 1, $\lambda/(h + \lambda)$. Its absolute value is above 1 for $\lambda > |h|/2$, where $|h + \lambda| < \lambda$. $C$ is positive definite for $\lambda > |h|$. Between $|h|/2$ and $|h|$ the
# factor is below $-1$: steps jump from one side of the saddle to the other, ever farther. In the figure $h = -1$: λ = 0.4 stays near 0 from small $x$, 0.6 jumps, 2 walks.
#
# What usually goes wrong: "saddle" is taken for something rare; a Hessian with one negative eigenvalue of a million is enough. And $|1 - \eta h|$ is computed with $|h|$, so that the saddle seems to attract.

# %% [markdown]
# ## History and further reading
#
# - Moré & Sorensen 1983, [doi:10.1137/0904038](https://doi.org/10.1137/0904038): how (3) is solved, and the hard case.
# - Nesterov & Polyak 2006, [doi:10.1007/s10107-006-0706-8](https://doi.org/10.1007/s10107-006-0706-8): cubic Newton, with a bound on its steps that holds without convexity.
# - Dauphin et al. 2014, [arXiv 1406.2572](https://arxiv.org/abs/1406.2572): saddles in networks, and why Newton's method is drawn to them.
# - Lee et al. 2016, [arXiv 1602.04915](https://arxiv.org/abs/1602.04915): gradient descent ends at a saddle from almost no start.
# - Nocedal & Wright 2006, *Numerical Optimization*, chapters 4 and 10: trust regions and least squares, in detail.
# - `docs/convergence.md`, "Where the loss isn't convex": how ten methods of this library do on (1) and in Rosenbrock's valley.
