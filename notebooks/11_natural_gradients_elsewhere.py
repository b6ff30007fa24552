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
# # 11 Where else is a natural gradient hidden?
#
# Expectation maximization fits mixtures in thousands of programs, and none of them asks for a step size; gradient ascent on the same
# likelihood needs one. An agent that learns by plain policy gradient stays for eleven thousand steps with an arm that is known to be the worse; another
# one leaves it after seventy. A differential equation with eight unknowns takes gradient descent 28,000 steps for three digits, and another method one step.
#
# These are four fields with four vocabularies, and in each of them somebody has found the step of lesson 1, often under another name. This lesson finds it four times by one equation.
#
# **You need** lesson 1, and the softmax function. **You will be able to** turn a natural gradient into a plain one by a change of parameters, recognize it in mirror descent, expectation maximization, variational
# inference and least squares, and say what it can't do.
#
# ## Mirror descent
#
# Let $p = (p_1, \dots, p_K)$ be probabilities, and $f(p)$ a loss with the gradient $g = \nabla_p f$. A step $p - \eta g$ leaves the probabilities: nothing keeps its entries positive, or their sum 1. **Mirror descent** measures the
# length of a step by KL:
#
# $$\min_q\; \eta\, g^\top q + \mathrm{KL}(q\,\|\,p), \qquad \sum_k q_k = 1. \tag{1}$$
#
# With a multiplier $\nu$ for the sum, the derivative in $q_k$ is $\eta g_k + \log(q_k/p_k) + 1 - \nu$. It must vanish, so
#
# $$\log q_k = \log p_k - \eta\, g_k + \text{a constant}. \tag{2}$$
#
# Probabilities are a softmax of numbers $\theta_k$, the **logits**, in which a constant doesn't count. Read (2) in logits: *subtract $\eta$ times the gradient with respect to $p$*. We check (2) by brute force, on a fine grid of all probabilities.

# %%
import numpy as np

import sofim_ref as sr
from sofim_ref.lessons import LiveFigure, check, demos

p, g, eta = np.asarray([0.2, 0.5, 0.3]), np.asarray([1.0, 0.0, -1.0]), 0.5
first, second = np.meshgrid(np.linspace(0, 1, 1001)[1:-1], np.linspace(0, 1, 1001)[1:-1])
inside = first + second < 1 - 1e-9
q = np.stack([first[inside], second[inside], 1 - first[inside] - second[inside]], axis=1)
value = eta * q @ g + np.sum(q * np.log(q / p), axis=1)
best = q[np.argmin(value)]
left_over = np.log(best) - np.log(p) + eta * g
print("the best of the grid:", best.round(3), " what (2) says is constant:", left_over.round(2))
assert np.ptp(left_over) < 0.01

# %% [markdown]
# ## One equation
#
# Why is that a natural gradient? Take any **exponential family**: densities of the form
#
# $$p_\theta(x) = \exp\!\big(\theta^\top T(x) - A(\theta)\big)\, h(x), \qquad \mu = \mathrm E[T(x)] = \nabla A(\theta). \tag{3}$$
#
# The entries of $\theta$ are its *natural parameters*, those of $\mu$ its *mean parameters*; for probabilities they are logits and probabilities, for the normal distribution $\mu = (m, m^2 + s^2)$ and $\theta = (m/s^2, -1/(2s^2))$.
# Parameters must not be redundant, or $F$ has no inverse. Of $K$ logits one is: with all of them $F = \mathrm{diag}(p) - pp^\top$ makes nothing of the vector of ones. Keep the last logit at 0, or read $F^{-1}$ as the pseudo-inverse; the second gives the same probabilities,
# as the cell below checks.
#
# *Line 1.* The score is $\nabla_\theta\log p_\theta(x) = T(x) - \mu$, so that the Fisher matrix $F$ is the covariance matrix of $T$.
#
# *Line 2.* Differentiating $\int p_\theta = 1$ twice gives $F = \nabla^2 A(\theta) = \partial\mu/\partial\theta$: the Fisher matrix *is* the Jacobian of the change from $\theta$ to $\mu$.
#
# *Line 3.* By the chain rule $\nabla_\theta f = F\,\nabla_\mu f$, hence
#
# $$F^{-1}\,\nabla_\theta f = \nabla_\mu f. \tag{4}$$
#
# **The natural gradient in one set of parameters is the plain gradient in the other.** No matrix is formed, none inverted. (The other way round it holds too: in $\mu$ the Fisher matrix is $F^{-1}$, and the natural gradient is
# $\nabla_\theta f$.) By (2), a step of mirror descent is a step of natural gradient in the logits, exactly and not only for small $\eta$. We check line 2 on the normal distribution, with differences for the Jacobian and the moments of $x$ and $x^2$ for the covariance.

# %%
m, s, e = 0.7, 1.3, 1e-6


def mean_parameters(theta):
    """Return μ for the natural parameters θ of a normal distribution."""
    variance = -0.5 / theta[1]
    mean = theta[0] * variance
    return np.asarray([mean, mean**2 + variance])


theta = np.asarray([m / s**2, -0.5 / s**2])
jacobian = np.stack([(mean_parameters(theta + e * u) - mean_parameters(theta - e * u)) / (2 * e) for u in np.eye(2)], 1)
covariance = np.asarray([[s**2, 2 * m * s**2], [2 * m * s**2, 2 * s**4 + 4 * m**2 * s**2]])
print("∂μ/∂θ:", jacobian.round(4).tolist(), " covariance of (x, x²):", covariance.round(4).tolist())
assert np.allclose(jacobian, covariance, rtol=1e-6)

of_logits = np.diag(p) - np.outer(p, p)  # K logits: singular
slopes = np.asarray([3.0, 1.0, 0.0])  # a gradient with respect to p
difference = np.linalg.pinv(of_logits) @ (of_logits @ slopes) - slopes
print("F times the vector of ones:", (of_logits @ np.ones(3)).round(12), " F⁺∇_θ f − ∇_p f:", difference.round(12))
assert np.allclose(of_logits @ np.ones(3), 0) and np.ptp(difference) < 1e-12  # a constant doesn't count

# %% [markdown]
# ## Two arms
#
# A policy pulls the first of two arms with probability $\pi = 1/(1 + e^{-\theta})$. The first pays $r_1 = 1$ on average, the second $r_2 = 0$; the expected reward is $J = \pi r_1 + (1-\pi) r_2$. The Fisher matrix of a choice is
# the variance $\pi(1-\pi)$, and
#
# $$\frac{dJ}{d\theta} = \pi(1-\pi)\,(r_1 - r_2), \qquad F^{-1}\frac{dJ}{d\theta} = r_1 - r_2, \tag{5}$$
#
# which is (4) again: the derivative of $J$ with respect to $\pi$.
#
# **Predict:** start at $\theta = -7$, where the better arm is pulled once in 1,100 trials, with $\eta = 0.1$. How many steps does gradient ascent need to $\theta = 0$, and how many natural gradient?

# %%
needed = {}
for start in (-7.0, -9.0):
    for name in ("gradient", "natural gradient"):
        theta, steps = start, 0
        while theta < 0:
            pi = 1 / (1 + np.exp(-theta))
            theta += 0.1 * (pi * (1 - pi) if name == "gradient" else 1.0)
            steps += 1
        needed[name, start] = steps
print(needed)
assert list(needed.values()) == [11_110, 71, 81_215, 91]

# %% [markdown]
# Plain ascent crosses a plateau on which it hardly moves, since $\pi(1-\pi) \approx e^{\theta}$: for two more units of distance it takes $e^2 \approx 7.4$ times as many steps, and natural gradient 20 more. With one parameter there is only one direction: what differs is the length of the step, and with it everything.
#
# Nothing is free, though. A learner doesn't know $r_1$ and $r_2$; it pulls an arm $a$, earns $r_a$, and estimates $dJ/d\theta$ by $r_a\, d\log\pi_a/d\theta$. That is right on average. **Predict:** what is the mean square of $F^{-1}$ times this estimate, for small $\pi$?

# %%
for pi in (0.5, 0.1, 0.001):
    chances, rewards, scores = np.asarray([pi, 1 - pi]), np.asarray([1.0, 0.0]), np.asarray([1 - pi, -pi])
    estimates = rewards * scores / (pi * (1 - pi))
    print(f"π = {pi}: mean {chances @ estimates:.3f}, mean square {chances @ estimates**2:.1f}")
    assert np.isclose(chances @ estimates, 1) and np.isclose(chances @ estimates**2, 1 / pi)

# %% [markdown]
# It is $1/\pi$: nothing in most trials, and a huge step in the rare one. **A natural gradient changes how steps are measured; it doesn't make data.** With sampled gradients it needs more trials for a step, or a damped $F$.
#
# ## Expectation maximization
#
# Let the density be a mixture $\pi a(x) + (1-\pi) b(x)$ of known densities with one unknown weight. Expectation maximization computes each example's **responsibility**, the probability that it came from $a$, and takes their mean for the new weight:
#
# $$r_n = \frac{\pi a(x_n)}{\pi a(x_n) + (1-\pi) b(x_n)}, \qquad \pi^+ = \frac1N\sum_n r_n. \tag{6}$$
#
# *Line 1.* The mean log-likelihood $\ell(\pi)$ has the derivative $\frac1N\sum_n \frac{a - b}{\pi a + (1-\pi) b}$, and each term is $\frac{r_n}{\pi} - \frac{1-r_n}{1-\pi} = \frac{r_n - \pi}{\pi(1-\pi)}$.
#
# *Line 2.* So $\ell'(\pi) = (\pi^+ - \pi)/(\pi(1-\pi))$.
#
# *Line 3.* If we saw which component each example is from, the Fisher matrix would be that of a coin, $F = 1/(\pi(1-\pi))$ in $\pi$. Hence $\pi^+ = \pi + F^{-1}\ell'(\pi)$.
#
# **Expectation maximization is natural gradient ascent with $\eta = 1$ and the Fisher matrix of the complete data.** With $T$ and $\mu$ of any exponential family the same three lines hold.
#
# How fast is it? Differentiate $\pi + \pi(1-\pi)\ell'(\pi)$ at the optimum, where $\ell' = 0$: an error is multiplied by $1 + \pi(1-\pi)\ell''$ in each step, and with $-\ell'' = \frac1N\sum_n \big(\tfrac{r_n - \pi}{\pi(1-\pi)}\big)^2$ that is
#
# $$\lambda = 1 - \frac{\frac1N\sum_n (r_n - \pi)^2}{\pi(1-\pi)}. \tag{7}$$
#
# The fraction is the information in the data over that in the complete data; λ is the share that is **missing**.
#
# **Predict:** two normal components of width 1, at distance 4 and at distance 1. Which mixture takes more steps, and is it two times as many, or ten?

# %%
missing, taken = {}, {}
for distance in (4.0, 1.0):
    rng = np.random.default_rng(0)
    from_a = rng.random(2000) < 0.3
    x = rng.standard_normal(2000) + np.where(from_a, distance, 0.0)
    a, b = np.exp(-((x - distance) ** 2) / 2), np.exp(-(x**2) / 2)
    weights = [0.5]
    for _ in range(300):
        pi = weights[-1]
        r = pi * a / (pi * a + (1 - pi) * b)
        by_gradient = pi + pi * (1 - pi) * np.mean((a - b) / (pi * a + (1 - pi) * b))
        assert np.isclose(np.mean(r), by_gradient, rtol=1e-12)
        weights.append(np.mean(r))
    errors = np.abs(np.asarray(weights) - weights[-1])
    missing[distance] = 1 - np.mean((r - pi) ** 2) / (pi * (1 - pi))
    taken[distance] = int(np.argmax(errors < 1e-6))
    rate = errors[4] / errors[3]
    print(f"distance {distance}: λ = {missing[distance]:.3f}, measured {rate:.3f}; {taken[distance]} steps to 10⁻⁶")
    assert np.isclose(missing[distance], rate, atol=0.02)
assert taken == {4.0: 5, 1.0: 59} and np.allclose(list(missing.values()), [0.080, 0.814], atol=5e-4)

# %% [markdown]
# Five steps and 59. Where components overlap, 81 % of the information is missing, and the complete data's Fisher matrix is too large: each step is safe, and about five times too short.

# %%
demos.mixture()

# %% [markdown]
# On the left are the first steps on the likelihood, on the right the error, with the rate (7) as a broken line. Move the components together: the likelihood becomes flat, since the data hardly tell whence they are, and the steps become short. The other slider is for the open exercise.
#
# ## Variational inference
#
# To approximate a density $p$ known up to a constant, take $q_\theta$ from an exponential family, here the normal distributions, and maximize $L = \mathrm E_q[\log p] - \mathrm E_q[\log q]$, which is a constant minus $\mathrm{KL}(q\,\|\,p)$.
#
# *Line 1.* By (3), $-\mathrm E_q[\log q] = A(\theta) - \theta^\top\mu$. Its derivative along $\mu$ is $-\theta$: the terms with $d\theta$ cancel, since $\nabla A = \mu$.
#
# *Line 2.* By (4), the natural gradient of $L$ in $\theta$ is $\nabla_\mu\mathrm E_q[\log p] - \theta$.
#
# *Line 3.* A step with $\eta$ is therefore an average of old and new,
#
# $$\theta^+ = (1-\eta)\,\theta + \eta\,\nabla_\mu \mathrm E_q[\log p], \qquad \nabla_\mu\mathrm E_q[\log p] = \big(\mathrm E_q[(\log p)'] - m\,\mathrm E_q[(\log p)''],\; \tfrac12\mathrm E_q[(\log p)'']\big). \tag{8}$$
#
# (The two derivatives are those of Bonnet and Price.) If $p$ is normal, the gradient is $p$'s own $\theta$, whatever $q$ is: with $\eta = 1$ one step arrives. If it isn't, (8) with $\eta = 1$ is Newton's method with gradient and Hessian averaged over $q$, and with a smaller $\eta$ it takes a moving average of the Hessians; IVON, one of this library's methods, is its diagonal form for networks.

# %%
nodes, node_weights = np.polynomial.hermite_e.hermegauss(40)
node_weights = node_weights / np.sum(node_weights)


def gradient_in_means(theta, slope, curvature):
    """Return ∇_μ E_q[log p], the second half of (8), by quadrature."""
    variance = -0.5 / theta[1]
    x = theta[0] * variance + np.sqrt(variance) * nodes
    return np.asarray([node_weights @ (slope(x) - theta[0] * variance * curvature(x)), node_weights @ curvature(x) / 2])


theta = np.asarray([0.0, -0.5])
normal = gradient_in_means(theta, lambda x: -4 * (x - 3), lambda x: -4 + 0 * x)
print("p normal with mean 3 and variance ¼: one step to", normal, "; its own θ is", [3 / 0.25, -0.5 / 0.25])
assert np.allclose(normal, [12, -2])

gaps = []
for _ in range(12):  # log p = 3x − 4 log(1 + eˣ) + a constant: not normal
    share = gradient_in_means(
        theta, lambda x: 3 - 4 / (1 + np.exp(-x)), lambda x: -4 * np.exp(-x) / (1 + np.exp(-x)) ** 2
    )
    gaps.append(np.linalg.norm(share - theta))
    theta = share
print("p not normal, η = 1: the natural gradient's norm is", " ".join(f"{gap:.0e}" for gap in gaps))
assert gaps[-1] < 1e-4 * gaps[0]

# %% [markdown]
# ## A differential equation as least squares
#
# Last, a field that speaks of physics. To solve $-u'' + u^3 = f$ on $(0, 1)$ with $u(0) = u(1) = 0$, write $u$ as a sum of $K$ functions with weights $w$, and minimize the mean square of the **residuals** at $N$ points,
#
# $$R_n(w) = -u''(x_n) + u(x_n)^3 - f(x_n), \qquad \text{loss} = \frac1N\sum_n \tfrac12 R_n(w)^2. \tag{9}$$
#
# Call the residuals noise of variance 1; then the Fisher matrix is $\frac1N J^\top J$ with $J = \partial R/\partial w$, the Gauss–Newton matrix of lesson 10, and a *physics-informed* solver with it takes natural-gradient steps. With $\sin(k\pi x)$, $k \le K$, the equation without $u^3$ multiplies
# the $k$-th function by $(k\pi)^2$.
#
# **Predict:** $K$ is doubled. By what factor does the condition number of $\frac1N J^\top J$ grow, and with it the steps of gradient descent?

# %%
x = (np.arange(64) + 0.5) / 64
conditions, steps = {}, {}
for K in (4, 8):
    k = np.arange(1, K + 1) * np.pi
    J = k**2 * np.sin(np.outer(x, k))
    problem = sr.problems.LeastSquares(J, J @ np.ones(K), intercept=False)
    F = sr.curvature.fisher(problem.oracle(np.zeros(K))).to_dense()
    assert np.allclose(F, J.T @ J / 64, atol=1e-9 * np.max(F))
    h = np.linalg.eigvalsh(F)
    conditions[K] = h[-1] / h[0]
    one = -np.linalg.solve(F, problem.oracle(np.zeros(K)).gradient())
    steps[K] = int(np.ceil(np.log(1e-3) / np.log(1 - h[0] / h[-1])))
    print(
        f"K = {K}: condition number {conditions[K]:.0f}; gradient descent to 10⁻³: {steps[K]} steps; natural gradient: one"
    )
    assert np.allclose(one, 1)
assert np.allclose(list(conditions.values()), [4**4, 8**4]) and round(steps[8] / steps[4]) == 16
assert round(steps[8], -3) == 28_000

# %% [markdown]
# By 16: the condition number is $K^4$. Natural gradient doesn't notice, here it needs one step. With $u^3$ the residuals are no longer linear, but they vanish at the solution, and Gauss–Newton is quadratic:

# %%
S = np.sin(np.outer(x, k))
solution = np.asarray([3.0, -1.5, 0, 0, 0.5, 0, 0, 0])
f, w = J @ solution + (S @ solution) ** 3, np.zeros(8)
errors = []
for _ in range(7):
    u = S @ w
    J_w = J + 3 * (u**2)[:, None] * S
    w = w - np.linalg.lstsq(J_w, J @ w + u**3 - f)[0]
    errors.append(np.linalg.norm(w - solution))
print("errors:", " ".join(f"{error:.0e}" for error in errors))
assert errors[-1] < 1e-12

# %% [markdown]
# The figure shows the plainest case, a straight line through six points. Natural gradient goes to the minimum in one step, if the damping is small; drag the points.

# %%
line = [[-2, -1.1], [-1.2, -1.9], [-0.5, 0.65], [0.2, 0.5], [0.9, 3.55], [1.6, 2.8]]
LiveFigure("paths", loss="fit", start=[-2.5, -1.5], data={"points": line}, shown=["gradient", "natural"])

# %% [markdown]
# ## Summary
#
# 1. In an exponential family $F = \partial\mu/\partial\theta$, so the natural gradient in $\theta$ is the plain gradient in $\mu$: that is mirror descent with KL.
# 2. Expectation maximization is natural gradient with $\eta = 1$ and the complete data's Fisher matrix; its rate is the share of missing information.
# 3. Variational inference by (8) and least squares by Gauss–Newton are natural gradients too. None of them makes up for data that one doesn't have.
#
# ## Exercises

# %% exercise="mirror_step"

# %% exercise="policy_gradient"

# %% exercise="em_weights"

# %% exercise="variational_step"

# %% [markdown] exercise="open"
# **Longer steps.** Take $\pi + \eta\,(\pi^+ - \pi)$ in place of (6). By what is an error multiplied near the optimum? Which $\eta$ converge there whatever the data are, which is best, and what does that step have to do with Newton's? Why is $\eta = 1$ safe
# far from the optimum as well?

# %% [markdown] tags=["teacher"]
# ### For the teacher
# 60 minutes: 15 for (1) to (4), 10 for the arms, 15 for expectation maximization, 10 for the rest, 10 for exercises. Each section after (4) stands alone, so that a lecture may choose.
#
# *Predictions.* 11,110 and 71 steps (a continuous ascent takes $(e^7 - e^{-7} + 14)/0.1 \approx 11{,}106$). $1/\pi$. More than ten times as many at distance 1. A factor of 16.
#
# *Longer steps.* By $1 - \eta(1 - \lambda)$, with λ of (7), which lies between 0 and 1: every η in $(0, 2)$ converges. Best is $\eta = 1/(1-\lambda)$, 5.4 at distance 1, which is Newton's step, since $(1-\lambda)$ is $-\pi(1-\pi)\ell''$; it is beyond 2 as soon as more than half is missing. $\eta = 1$
# is safe everywhere since (6) maximizes a lower bound of $\ell$ that touches it at π (Jensen's inequality), so that $\ell$ can't fall; and π⁺ is a mean of probabilities.
#
# What usually goes wrong: $\theta$ and $\mu$ are exchanged in (4). Say it with logits: subtract the gradient *with respect to the probabilities* from the *logits*.

# %% [markdown]
# ## History and further reading
#
# - Dempster, Laird & Rubin 1977, [doi:10.1111/j.2517-6161.1977.tb01600.x](https://doi.org/10.1111/j.2517-6161.1977.tb01600.x): expectation maximization, and its rate as the missing information.
# - Xu & Jordan 1996, [doi:10.1162/neco.1996.8.1.129](https://doi.org/10.1162/neco.1996.8.1.129): its step on mixtures as a gradient times a matrix.
# - Raskutti & Mukherjee 2015, [arXiv 1310.7780](https://arxiv.org/abs/1310.7780): mirror descent is natural gradient in the dual, our (4).
# - Kakade 2001, *A Natural Policy Gradient*, NeurIPS 14: the natural gradient of policies, with plateaus like ours.
# - Khan & Rue 2023, [arXiv 2107.04562](https://arxiv.org/abs/2107.04562): many algorithms, from ridge regression to Adam, as special cases of (8).
# - Müller & Zeinhofer 2023, [arXiv 2302.13163](https://arxiv.org/abs/2302.13163): natural gradients for networks that solve differential equations.
# - `docs/convergence.md`, "Beyond images": such a problem with a condition number of $7.5\cdot10^9$, and how methods of this library fare on it.
