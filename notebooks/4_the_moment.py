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
# # 4 Why average gradients that disagree?
#
# A network is trained on a few examples at a time, and each batch has its own opinion about the way down. Here is how bad that
# can be: logistic regression on 455 patients, one patient a step. At the start, 6 % of the patients' gradients $g_i$ point away
# from the gradient of the whole loss, $g_i^\top \nabla f < 0$, so that a small step against $g_i$ raises the loss. After a
# hundred steps of gradient descent 40 % of them do. A method that divides by $\rho I + gg^\top$ would damp a direction that is
# mostly chance.
#
# SOFIM therefore uses an average of the gradients so far, the **moment**, as momentum and Adam do. What does the average buy, and
# what does it cost?
#
# **You need** geometric series, the variance of a sum of independent numbers, eigenvalues of a $2 \times 2$ matrix, and
# $C = \rho I + mm^\top$ from lesson 3. **You will be able to** say how many gradients a moment remembers, convert between the two
# ways of writing momentum, and say which part of the noise averaging removes and which part it only delays.

# %%
import numpy as np

import sofim_ref as sr
from sofim_ref.convergence import CompanionNorm, experiments
from sofim_ref.datasets import load
from sofim_ref.lessons import LiveFigure, check, demos

cancer = load("breast-cancer", l2=0.1).train
start = cancer.initial_point()
later = sr.minimize(cancer, sr.SGD(lr=0.05), steps=100, w0=start).w
shares = []
for w in (start, later):
    full = cancer.oracle(w).gradient()
    each = np.stack([cancer.oracle(w, np.asarray([i])).gradient() for i in range(cancer.size)])
    shares.append(np.mean(each @ full < 0))
print(
    f"{shares[0]:.0%} of {cancer.size} gradients point away from the whole gradient at the start, {shares[1]:.0%} later"
)
assert np.allclose(shares, [0.06, 0.40], atol=0.005)

# %% [markdown]
# ## How much of the past?
#
# The **exponential moving average** of gradients $g_1, g_2, \dots$ begins at $M_0 = 0$ and moves a share $1-\beta$ of the way to
# each new gradient,
#
# $$M_t = \beta M_{t-1} + (1 - \beta)\, g_t, \qquad 0 \le \beta < 1. \tag{1}$$
#
# **Predict:** with $\beta = 0.9$, about how many gradients count in $M$? After the first step, how long is $M_1$ compared with
# $g_1$? Then drag the black gradient in the figure, and move $\beta$.

# %%
LiveFigure("moment_memory")

# %% [markdown]
# Insert (1) into itself. After three steps,
#
# $$M_3 = (1 - \beta)\big(g_3 + \beta g_2 + \beta^2 g_1\big), \tag{2}$$
#
# and so on: one step back in time costs one factor $\beta$. Count each gradient by its weight relative to the newest one. Then an
# old moment holds
#
# $$1 + \beta + \beta^2 + \dots = \frac{1}{1 - \beta} \tag{3}$$
#
# gradients: **ten** for $\beta = 0.9$, a hundred for $\beta = 0.99$. It is not a sharp number: the last ten gradients have 65 %
# of the whole weight, and the other 35 % belong to all before.
#
# In the beginning there is less to remember. If all gradients are equal to $g$, (2) says that $M_3 = (1 - \beta^3)\,g$, and in
# general $M_t = (1 - \beta^t)\, g$: the average starts at zero and remembers that. After one step $M_1 = 0.1\, g_1$, a tenth of
# what it should be. The **bias-corrected** moment
#
# $$\hat M_t = \frac{M_t}{1 - \beta^t} \tag{4}$$
#
# is right for constant gradients from the first step on. SOFIM's matrix is $C = \rho I + \hat M\hat M^\top$.

# %%
beta, M = 0.9, 0.0
for t in range(1, 51):
    M += (1 - beta) * (1.0 - M)  # all gradients are 1
    if t in (1, 2, 10, 50):
        print(f"t = {t:2}: M = {M:.3f}, and 1 − βᵗ = {1 - beta**t:.3f}")
    assert np.isclose(M, 1 - beta**t)
relative = beta ** np.arange(1000)  # the weights, relative to the newest
print(
    f"{relative.sum():.2f} gradients count; the last ten have {relative[:10].sum() / relative.sum():.0%} of the weight"
)
assert np.isclose(relative.sum(), 10) and round(100 * relative[:10].sum() / relative.sum()) == 65

# %% [markdown]
# Does it help with gradients that disagree? We stay at the later of the two points, draw one patient after another, and ask how
# often the *moment* points away from the whole gradient.

# %%
rows, wrong = np.random.default_rng(0).integers(cancer.size, size=5000), {}
for beta in (0.0, 0.9, 0.99):
    M, wrong[beta] = np.zeros(cancer.dim), 0.0
    for i in rows:
        M += (1 - beta) * (each[i] - M)
        wrong[beta] += (M @ full < 0) / len(rows)
    print(f"β = {beta:4}: {100 * wrong[beta]:5.2f} % of the moments point away")
assert np.allclose(list(wrong.values()), [0.404, 0.071, 0.0004], atol=0.0005)

# %% [markdown]
# From 40 % to 7 % to 0.04 %. That is the first answer to the title: **the whole gradient is in all of them, and the disagreements
# cancel.**
#
# ## Two ways to write one thing
#
# Heavy ball, the momentum of Polyak and of PyTorch, is $v_t = \mu v_{t-1} + g_t$ and $w \leftarrow w - \eta' v_t$. The new
# gradient enters whole. With $\mu = \beta$, (1) divided by $1 - \beta$ is the same recursion, so that
#
# $$v_t = \frac{M_t}{1 - \beta}. \tag{5}$$
#
# **Predict:** with which step size $\eta$ does $w \leftarrow w - \eta M$ repeat a run of heavy ball with $\eta' = 0.05$ and
# $\mu = 0.9$?

# %%
X = np.random.default_rng(0).standard_normal((30, 2))
problem = sr.problems.LeastSquares(X, X @ [1.0, -2.0] + 0.5, l2=0.1)
heavy = sr.minimize(problem, sr.SGD(lr=0.05, momentum=0.9), steps=50)
w, M = problem.initial_point(), np.zeros(problem.dim)
for _ in range(50):
    M += 0.1 * (problem.oracle(w).gradient() - M)
    w = w - 0.5 * M
print(f"after 50 steps the two are {np.linalg.norm(w - heavy.w):.0e} apart")
assert np.allclose(w, heavy.w, rtol=1e-12)

# %% [markdown]
# With 0.5. Whoever compares the two at equal step sizes compares a method with another that steps ten times as far: the factor is
# $1/(1-\beta)$, the same ten as in (3).
#
# ## The floor: later, not less
#
# With a fixed step size and random batches the error doesn't vanish. It ends at a **floor**, where the noise throws it up as fast
# as the gradient pulls it down. **Predict:** the step is made four times smaller. What becomes of the floor? And what becomes of
# it if the gradients are averaged with $\beta = 0.9$?
#
# Take the loss $\tfrac12\lambda w^2$ with its minimum at 0 and gradients $\lambda\Delta + \varepsilon$. Here $\Delta$ is the
# error, and $\varepsilon$ is fresh noise with mean 0 and variance $\sigma^2$. Let the step be $w \leftarrow w - aM$; near an
# optimum, where $\lVert\hat M\rVert^2$ is small beside $\rho$, SOFIM's step is of this form with $a = \eta/\rho$. Without an
# average,
#
# $$\Delta^+ = (1 - a\lambda)\,\Delta - a\,\varepsilon. \tag{6}$$
#
# In the long run the variance $V$ of $\Delta$ no longer changes, so $V = (1 - a\lambda)^2\, V + a^2\sigma^2$, and therefore
#
# $$V = \frac{a\,\sigma^2}{\lambda\,(2 - a\lambda)} \approx \frac{a\,\sigma^2}{2\lambda}. \tag{7}$$
#
# With an average a noise $\varepsilon$ moves $w$ by $a(1-\beta)\varepsilon$ in its own step, by $a(1-\beta)\beta\,\varepsilon$ in
# the next, and so on: in all by $a\,\varepsilon$. **The same amount comes in, only later.**
#
# The same argument for the pair $(\Delta, M)$ has two variances, $V$ of $\Delta$ and $U$ of $M$, and a covariance $K$, all standing
# still. A step is $M^+ = \beta M + (1-\beta)(\lambda\Delta + \varepsilon)$ and then $\Delta^+ = \Delta - aM^+$. Write the latter
# as $\Delta = \Delta^+ + aM^+$ and take the variance of both sides: $V = V + 2aK + a^2U$, so $K = -\tfrac a2 U$. The covariance
# of both sides with $M^+$ is $K + aU = \tfrac a2 U$ on the right, and $\beta K + (1-\beta)\lambda V$ on the left; hence
# $U = \frac{2(1-\beta)\lambda}{a(1+\beta)} V$. Last, the variance of $M^+$ is
# $U = \beta^2 U + 2\beta(1-\beta)\lambda K + (1-\beta)^2(\lambda^2 V + \sigma^2)$. With $K$ and $U$ inserted only $V$ is left:
#
# $$V = \frac{a\,\sigma^2}{\lambda}\cdot\frac{1 + \beta}{2(1 + \beta) - a(1 - \beta)\lambda}, \tag{8}$$
#
# which is (7) for $\beta = 0$, and tends to the same $a\sigma^2/2\lambda$ for small $a$, whatever $\beta$. The cell iterates the
# variances until they stand still, with $\lambda = \sigma = 1$.

# %%
for beta, a in ((0.0, 0.1), (0.9, 0.1), (0.9, 1.0)):
    A = np.asarray([[1 - a * (1 - beta), -a * beta], [1 - beta, beta]])  # (Δ, M) after a step
    b = np.asarray([-a * (1 - beta), 1 - beta])  # what a noise of 1 adds
    S = np.zeros((2, 2))
    for _ in range(2000):
        S = A @ S @ A.T + np.outer(b, b)
    predicted = a * (1 + beta) / (2 * (1 + beta) - a * (1 - beta))
    print(f"β = {beta}, a = {a}: variance {S[0, 0]:.4f}, by (8) {predicted:.4f}")
    assert np.isclose(S[0, 0], predicted)
    K, U = -a / 2 * S[1, 1], 2 * (1 - beta) / (a * (1 + beta)) * S[0, 0]
    assert np.allclose([S[0, 1], S[1, 1]], [K, U])

# %%
demos.noise()

# %% [markdown]
# The averaged path is smoother, and strays as far. Now the patients again, in batches of eight, with SOFIM itself:

# %%
floors = {}
for beta in (0.0, 0.9):
    found = experiments.noise_floors(cancer, [0.01, 0.04, 0.16], rho=10.0, steps=2000, beta=beta)
    floors[beta] = found.floors
    print(
        f"β = {beta}: floors {found.floors.round(3)} for η/ρ = {found.ratios}, growing like (η/ρ)^{found.exponent:.2f}"
    )
    assert abs(found.exponent - 0.48) < 0.02
assert np.all(np.abs(floors[0.9] / floors[0.0] - 1) < 0.03)

# %% [markdown]
# A step four times smaller **halves** the floor, since $V$ is proportional to $a$ and the floor is its root: the measured
# exponents are 0.48 and 0.47. The average changes the floor by less than 3 %.
#
# ## The price: an error that grows
#
# One parameter, the loss $\tfrac12\lambda w^2$, no noise, no bias correction, $\beta = 0.8$ and $a\lambda = 2$. **Predict:** does
# the error get smaller in every step?
#
# A step takes the pair of error and moment to
#
# $$\begin{pmatrix}\Delta^+ \\ M^+\end{pmatrix} = A\begin{pmatrix}\Delta \\ M\end{pmatrix}, \qquad
#   A = \begin{pmatrix} 1 - a(1-\beta)\lambda & -a\beta \\ (1-\beta)\lambda & \beta \end{pmatrix}. \tag{9}$$
#
# Its trace is $c = 1 + \beta - (1-\beta)a\lambda$ and its determinant is $\beta$, so the two eigenvalues are the roots of
#
# $$r^2 - c\,r + \beta = 0. \tag{10}$$
#
# If they are not real, both have the absolute value $\sqrt\beta$, and the pair moves on a spiral. Both are below 1 exactly if
# $a\lambda < 2(1+\beta)/(1-\beta)$. This is 18 for $\beta = 0.8$, where gradient descent bears 2: **the average allows longer
# steps.**

# %%
LiveFigure("moment_plane")

# %% [markdown]
# The path crosses $\Delta = 0$ and goes on, since the moment still points where the gradients of some steps ago pointed: the
# error **grows** in 18 of the first 40 steps. What falls in each step is another length, a norm of the pair; its ellipses are
# drawn in the figure. With this $\beta$ and $a$ each step multiplies it by at most 0.947, and in the long run the pair shrinks by
# $\sqrt{0.8} = 0.894$ a step.

# %%
beta, a = 0.8, 2.0
A = np.asarray([[1 - a * (1 - beta), -a * beta], [1 - beta, beta]])
norm = CompanionNorm(np.ones(1), beta, a)  # for one eigenvalue of the Hessian, λ = 1
points = [np.asarray([1.0, 0.0])]
for _ in range(40):
    points.append(A @ points[-1])
errors, moments = np.transpose(points)
lengths = norm.norm(errors[:, None], moments[:, None])
grows = [int(np.sum(np.diff(size) > 0)) for size in (abs(errors), lengths)]
print(f"the error grows in {grows[0]} of 40 steps, the norm in {grows[1]}; |r| = {abs(np.linalg.eigvals(A))}")
assert grows == [18, 0] and np.allclose(abs(np.linalg.eigvals(A)), beta**0.5)
assert np.all(lengths[1:] <= norm.gamma * lengths[:-1] * (1 + 1e-12)) and round(norm.gamma, 3) == 0.947
for a, inside in ((17.99, True), (18.01, False)):
    A = np.asarray([[1 - a * (1 - beta), -a * beta], [1 - beta, beta]])
    assert (max(abs(np.linalg.eigvals(A))) < 1) == inside

# %% [markdown]
# ## Summary
#
# 1. A moment remembers about $1/(1-\beta)$ gradients and starts at zero, which dividing by $1 - \beta^t$ corrects; heavy ball is
#    the same, $1/(1-\beta)$ times as long.
# 2. Averaging makes the *direction* reliable, which SOFIM needs for its matrix, and allows longer steps; the *floor* depends on
#    the step, as $\sqrt{\eta/\rho}$.
# 3. The price is an error that may grow: what falls in every step is a norm of error and moment.
#
# ## Exercises

# %% exercise="moment"

# %% exercise="gradient_weight"

# %% exercise="same_as_heavy_ball"

# %% exercise="noise_left"

# %% [markdown] exercise="open"
# **How late is an average?** Let the gradients grow steadily, $g_t = t\,s$ with a fixed vector $s$. After many steps, which
# earlier gradient does $M_t$ equal? Does bias correction mend that? Use the answer to explain on which side of the optimum the
# spiral of the last figure is late.

# %% [markdown] tags=["teacher"]
# ### For the teacher
# 45 minutes: 10 for (1) to (4), 5 for heavy ball, 15 for the floor, 10 for the plane, 5 to begin the exercises.
#
# *First prediction.* Ten, and a tenth. *Second.* $\eta = 0.5$. *Third.* The floor is halved; the average leaves it where it was.
# *Fourth.* No: it grows in 18 of 40 steps.
#
# *How late is an average?* Try $M_t = (t - \tau)s$ in (1): $t - \tau = \beta(t - 1 - \tau) + (1-\beta)t$ gives
# $\tau = \beta/(1-\beta)$, nine steps for $\beta = 0.9$; what is left of the start decays as $\beta^t$. Bias correction changes
# only what decays, so it mends nothing. Before the optimum gradients shrink, and a late moment is too long; just after it, it
# still points away from the optimum.
#
# What usually goes wrong: SOFIM and momentum are compared at equal step sizes, off by $1/(1-\beta)$. The average begins at the
# first gradient instead of zero, which gives that one the weight $\beta^{t-1}$, far too much for small $t$. And "averaging
# removes noise" is believed of the error: (8) says that it doesn't.

# %% [markdown]
# ## History and further reading
#
# - Polyak 1964, [doi:10.1016/0041-5553(64)90137-5](https://doi.org/10.1016/0041-5553(64)90137-5): heavy ball, and why it is
#   faster on a narrow valley.
# - Kingma & Ba 2015, [arXiv 1412.6980](https://arxiv.org/abs/1412.6980): Adam; §3 derives the bias correction.
# - Lessard, Recht & Packard 2016, [doi:10.1137/15M1009597](https://doi.org/10.1137/15M1009597): norms of error and moment found
#   by a computer, for many methods.
# - `docs/theory/moment.md`: the norm of the last figure in closed form, with proofs.
