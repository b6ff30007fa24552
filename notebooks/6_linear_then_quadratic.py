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
# # 6 Linear, then quadratic?
#
# SOFIM's paper claims a "linear-quadratic" rate on convex losses. That sounds like a promise: be patient for a while, and then
# the number of right digits doubles in every step. So we wait. On the iris data, with 15 parameters, Newton's method has brought
# the error from 2.1 to $2\cdot10^{-13}$ after six steps. SOFIM has brought it to $7\cdot10^{-4}$ after sixty. When does the
# quadratic part begin?
#
# There is a theorem behind the words. It holds for every step that multiplies the gradient by the inverse of a positive definite
# matrix, hence for Newton's method, for the natural gradient, and for SOFIM with $\beta = 0$ or in the gradient reading; and it says
# something else. What momentum changes comes at the end.
#
# **You need** lessons 3 to 5, the Hessian matrix, and the norm of a matrix. **You will be able to** derive the bound, predict
# from two numbers whether a method converges linearly or quadratically, and say what momentum can and can't change.
#
# ## Orders of convergence
#
# Let $e$ be the error before a step and $e^+$ the error after it. A method converges with **order** $q$ if, near the end,
#
# $$e^+ \approx r\, e^q \tag{1}$$
#
# with a fixed number $r$. Order 1, with $r < 1$, is called **linear**: each step gains the same number of digits. Order 2 is
# **quadratic**: each step doubles them. **Superlinear** is what is faster than every linear rate.
#
# **Predict:** the errors of one method are 0.1, 0.01, 0.0001, 0.00000001, and of another 0.1, 0.05, 0.025, 0.0125. Which is
# which? And which will SOFIM's look like after many steps?

# %%
import numpy as np
from scipy.optimize import minimize_scalar

import sofim_ref as sr
from sofim_ref.convergence import best_parameters, experiments, linear_quadratic_bound, order_of_convergence
from sofim_ref.datasets import load
from sofim_ref.lessons import LiveFigure, check
from sofim_ref.lessons.interactive_figure import InteractiveFigure
from sofim_ref.plots import error_map

for errors, order in (([1e-1, 1e-2, 1e-4, 1e-8], 2), ([0.1, 0.05, 0.025, 0.0125], 1)):
    print(f"{errors}: order {order_of_convergence(errors).order:.2f}")
    assert np.isclose(order_of_convergence(errors).order, order)

# %% [markdown]
# ## The bound, in four lines
#
# Let $w^*$ be the minimum, $\Delta = w - w^*$ the error, $g = \nabla f(w)$ and $H = \nabla^2 f(w)$ the gradient and the Hessian
# at $w$. Let $M_H$ be a **Lipschitz constant** of the Hessian: between two points it changes by at most $M_H$ times their
# distance. A step is $w^+ = w - \eta\, C^{-1} g$, with any positive definite $C$.
#
# **Line 1.** The gradient vanishes at $w^*$, so it is the integral of its derivative on the way from there:
#
# $$g = \int_0^1 \nabla^2 f(w^* + \tau\Delta)\,\Delta\;d\tau. \tag{2}$$
#
# **Line 2.** Replace the Hessian on the way by the one at $w$, and call the remainder $z$. Then
#
# $$g = H\Delta - z, \qquad \lVert z\rVert \le \int_0^1 M_H\,(1-\tau)\,\lVert\Delta\rVert^2\,d\tau = \tfrac12 M_H\lVert\Delta\rVert^2. \tag{3}$$
#
# **Line 3.** Insert it into the step:
#
# $$\Delta^+ = \Delta - \eta\,C^{-1}g = (I - \eta\,C^{-1}H)\,\Delta + \eta\,C^{-1} z. \tag{4}$$
#
# **Line 4.** Take norms. The norm of a matrix is the largest factor by which it stretches a vector, so
#
# $$\lVert\Delta^+\rVert \le \xi_1\lVert\Delta\rVert + \xi_2\lVert\Delta\rVert^2, \qquad
#   \xi_1 = \lVert I - \eta\,C^{-1}H\rVert, \qquad \xi_2 = \tfrac12\,\eta\,M_H\,\lVert C^{-1}\rVert. \tag{5}$$
#
# The cell checks (2) to (4) for a step of SOFIM from $w = 0$.

# %%
problem = load("iris", l2=0.05).train
target, w = problem.optimum(), np.zeros(problem.dim)
delta, g, H = w - target, problem.oracle(w).gradient(), problem.oracle(w).hessian()
nodes, weights = np.polynomial.legendre.leggauss(20)  # for integrals, here over [0, 1]
integral = sum(p / 2 * problem.oracle(target + (1 + x) / 2 * delta).hessian() @ delta for x, p in zip(nodes, weights))
print(f"(2): the two sides differ by {np.linalg.norm(g - integral):.0e}")
M_H = problem.constants(target, np.linalg.norm(delta)).hessian_lipschitz
z = H @ delta - g
print(f"(3): ‖z‖ = {np.linalg.norm(z):.2f}, at most {M_H / 2 * delta @ delta:.2f}")
C = sr.matrices.RankOne(0.5, g)
after, by_4 = delta - 0.8 * C.solve(g), delta - 0.8 * C.solve(H @ delta) + 0.8 * C.solve(z)
print(f"(4): the two sides differ by {np.linalg.norm(after - by_4):.0e}")
assert np.allclose(g, integral, atol=1e-12) and np.linalg.norm(z) <= M_H / 2 * delta @ delta
assert np.allclose(after, by_4)

# %% [markdown]
# Try to break the bound: drag the start, the data, $\rho$ and the step size.

# %%
LiveFigure("bound_band")

# %% [markdown]
# ## When linear, when quadratic?
#
# Compare the two terms of (5). The second is larger as long as $\lVert\Delta\rVert > \xi_1/\xi_2$, the first from there on. So
# the order of events is the reverse of what the name suggests: **the bound is quadratic far away and linear near the minimum.**
#
# - If $\xi_1 = 0$, only the second term exists: **quadratic**. This is Newton's method: $C = H$ and $\eta = 1$.
# - If $\xi_1$ tends to 0, the convergence is **superlinear**.
# - If $\xi_1$ tends to a number between 0 and 1, it is **linear** in the end, with this number or a better one as its rate,
#   whatever came before.
#
# **Predict:** natural gradient here has $C = H + \delta I$ with a damping of $\delta = 10^{-4}$, and the smallest eigenvalue of
# $H$ is 0.05. How large is $\xi_1$, and from which error on is it linear?

# %%
methods = {
    "newton": sr.Newton(line_search=False),
    "natural-gradient": sr.NaturalGradient(lr=1.0, damping=1e-4),
    "sofim": sr.SOFIM(lr=0.8, rho=0.5, beta=0.0),
}
runs = {}
for name, method in methods.items():
    trace = sr.minimize(problem, method, steps=60, w0=w, store_points=True, tolerance=1e-13)
    runs[name] = found = linear_quadratic_bound(problem, method, trace)
    xi1, xi2 = found.xi1[-1], found.xi2[-1]
    print(f"{name:16} ξ₁ = {xi1:.1e}, ξ₂ = {xi2:4.1f}, linear below {xi1 / xi2:.0e};", end=" ")
    print(f"{len(found.error)} steps, error {found.next_error[-1]:.0e}, bound holds: {found.holds}")
    assert found.holds and found.applies.all()
ends = [(len(found.error), found.next_error[-1], found.xi1[-1]) for found in runs.values()]
assert (
    np.isclose(runs["newton"].error[0], 2.1, atol=0.05)
    and ends[0][0] == 6
    and np.isclose(ends[0][1], 2e-13, rtol=0.2)
    and ends[0][2] < 1e-14
)
assert ends[2][0] == 60 and np.isclose(ends[2][1], 7e-4, rtol=0.1) and np.isclose(ends[2][2], 0.92)
assert np.isclose(ends[1][2], 1e-4 / 0.0501, rtol=1e-3)

# %%
steps = {name: (found.error, found.next_error, found.applies) for name, found in runs.items()}
InteractiveFigure(lambda: error_map(steps, title="Slope 2 squares the error, slope 1 takes a share of it"), {})

# %% [markdown]
# Each mark is a step: the error after it against the error before it. Newton's marks follow slope 2 to the end. Since
# $I - C^{-1}H = \delta\,C^{-1}$ for natural gradient, its $\xi_1$ is $\delta/(0.05 + \delta) = 0.002$. It squares the error down
# to about $\xi_1/\xi_2 = 10^{-4}$, and then follows slope 1: **quadratic, then linear**. SOFIM has $\xi_1 = 0.92$, and slope 1 is
# all that one sees.
#
# ## Why SOFIM's $\xi_1$ doesn't vanish
#
# **Predict:** what becomes of $C = \rho I + \hat M\hat M^\top$ when the gradient vanishes?
#
# It becomes $\rho I$, whatever the Hessian is (lesson 5). So near the minimum SOFIM with $\beta = 0$ **is** gradient descent with
# step size $\eta/\rho$, and
#
# $$\xi_1 \to \big\lVert I - \tfrac{\eta}{\rho}\,\nabla^2 f(w^*)\big\rVert. \tag{6}$$
#
# How to compute this from the smallest and the largest eigenvalue, $\mu$ and $L$, of that Hessian is an exercise. Here the rate
# is measured along runs, and compared with the prediction.

# %%
rates = {}
for rho, lr in ((0.1, None), (1.0, None), (1.0, 0.8)):
    found = experiments.tail_rate(problem, rho, lr=lr)
    print(
        f"ρ = {rho}, η/ρ = {found.lr / rho:.2f}: the error shrinks by {found.measured:.4f} a step, predicted {found.predicted:.4f}"
    )
    rates[rho, lr] = found.measured
    assert abs(found.measured - found.predicted) < 5e-5
assert np.allclose(list(rates.values()), [0.92, 0.92, 0.96], atol=5e-5)

# %% [markdown]
# The first two rates are equal because the experiment, if no $\eta$ is given, takes $\eta = \rho/L$: then $\eta/\rho$ is the
# same, and (6) depends on nothing else. Near the minimum $\rho$ and $\eta$ are one setting, not two. (All of this section is for
# $\beta = 0$. With SOFIM's default, $\beta = 0.9$, and $\eta = \rho/L$ the rate is $\sqrt{0.9} = 0.949$ instead, as the section
# on momentum explains.)
#
# ## Faster than linear, without the Hessian
#
# **Predict:** must one know the Hessian in order to be superlinear? L-BFGS is given pairs of a step and the change of the
# gradient along it. It remembers either one pair or all, on a quadratic with five eigenvalues from 1 to 1000. The minimum is at
# 0, where floating-point numbers are so dense that a hundred digits of the error can be watched.

# %%
spread, last = sr.problems.Quadratic(np.diag(np.geomspace(1, 1000, 5)), np.zeros(5)), {}
for history in (1, 150):
    found = experiments.quasi_newton(spread, history, steps=150, w0=np.ones(5), tolerance=1e-100)
    last[history] = found.error[-1] / found.error[-2]
    number = found.dennis_more
    print(
        f"{history:3} pairs: after {len(found.error) - 1} steps the error is {found.error[-1]:.0e}, {last[history]:.0e} of the one before;",
        end=" ",
    )
    print(f"the Dennis–Moré number went from {number[0]:.3g} to {number[-1]:.2g}")
assert last[150] < 1e-3 and last[1] > 0.1 and number[-1] < 1e-4 * number[0]

# %% [markdown]
# With all its pairs L-BFGS learns how the Hessian acts along its own steps $s$, and that suffices. Dennis and Moré made this
# exact: a convergent method is superlinear if and only if $\lVert g + \nabla^2 f(w^*)\,s\rVert/\lVert s\rVert$ tends to 0. The
# number vanishes for *every* superlinear method; it doesn't single out Newton's. With one pair, L-BFGS forgets in each step what
# it learned in the last, and is linear.
#
# ## What momentum changes
#
# With $\beta > 0$ a step depends on the pair $(\Delta, M)$, and near the minimum each eigenvalue $\lambda$ of the Hessian has its
# own two factors (lesson 4): the roots of
#
# $$r^2 - c\,r + \beta = 0, \qquad c = 1 + \beta - (1-\beta)\,a\lambda, \qquad a = \eta/\rho. \tag{7}$$
#
# The product of the two roots is $\beta$, so the larger has at least the absolute value $\sqrt\beta > 0$. **Momentum is linear,
# too**: no $\beta > 0$ makes any eigenvalue faster than $\sqrt\beta$.
#
# What is gained? Heavy ball with step size $\alpha$ is (7) with $a = \alpha/(1-\beta)$. Put $r = 1 - \epsilon$ in (7):
# $\epsilon^2 - (1 - \beta + \alpha\lambda)\,\epsilon + \alpha\lambda = 0$, and for small $\alpha\lambda$
#
# $$r \approx 1 - \frac{\alpha\lambda}{1-\beta}, \qquad\text{while gradient descent has}\qquad 1 - \alpha\lambda. \tag{8}$$
#
# **On slow directions heavy ball is $1/(1-\beta)$ times as fast as gradient descent with the same step size**, ten times for
# $\beta = 0.9$: it adds up ten gradients that agree. On fast directions the gain ends at $\sqrt\beta$.


# %%
def rate(beta, a, eigenvalues):
    """Return the largest |r| of (7) over the eigenvalues of the Hessian."""
    return max(np.max(np.abs(np.roots([1, -(1 + beta - (1 - beta) * a * x), beta]))) for x in eigenvalues)


gains = []
for alpha in (1e-5, 1e-4, 1e-2):  # times an eigenvalue of 1
    gains.append(np.log(rate(0.9, alpha / (1 - 0.9), [1.0])) / np.log(1 - alpha))
    print(f"αλ = {alpha:.0e}: heavy ball with β = 0.9 needs {gains[-1]:.2f} times fewer steps")
assert np.allclose(gains, [10.01, 10.10, 5.24], atol=0.005)
spectrum = np.linalg.eigvalsh(problem.oracle(target).hessian())
print(f"iris, β = 0.9, η = ρ/L: the error shrinks by {rate(0.9, 1 / spectrum[-1], spectrum):.3f} a step")
assert np.isclose(rate(0.9, 1 / spectrum[-1], spectrum), np.sqrt(0.9))
assert np.isclose(rate(0.9, 0.01 / (1 - 0.9), [1.0]), np.sqrt(0.9))

# %% [markdown]
# So is a larger $\beta$ always better? **Predict:** let the eigenvalues run from $\mu = 1$ to $L = \kappa$. How many steps per
# digit does gradient descent with its best step need for $\kappa = 100$, and how many are left with the best $\beta$?
#
# The best choice makes the slowest and the fastest eigenvalue just as fast as $\sqrt\beta$ (Polyak 1964):
#
# $$\sqrt\beta = \frac{\sqrt\kappa - 1}{\sqrt\kappa + 1}, \quad a = \frac{1}{\sqrt{\mu L}}; \qquad\text{gradient descent's best rate is}\quad \frac{\kappa - 1}{\kappa + 1}. \tag{9}$$
#
# For large $\kappa$ these are about $1 - 2/\sqrt\kappa$ and $1 - 2/\kappa$: **$\sqrt\kappa$ times fewer steps.** The memory that
# this takes is $1/(1-\beta) = (\sqrt\kappa + 1)^2/(4\sqrt\kappa) \approx \sqrt\kappa/4$ gradients. A worse problem needs a longer
# memory.

# %%
needed = {}
for kappa in (10, 100, 1000):
    best, ends = best_parameters(1.0, kappa), (1.0, kappa)
    found = minimize_scalar(lambda a: rate(0.0, a, ends), bounds=(0, 3 / kappa), options={"xatol": 1e-12})
    plain = found.fun  # with the best step, found by search
    needed[kappa] = digits = [-1 / np.log10(x) for x in (plain, best.rate)]
    print(f"κ = {kappa:4}: {digits[0]:6.1f} steps a digit without, {digits[1]:4.1f} with β = {best.beta:.3f}", end=" ")
    print(
        f"({digits[0] / digits[1]:.1f} times fewer; 1/(1 − β) = {1 / (1 - best.beta):.2f}, √κ/4 = {kappa**0.5 / 4:.2f})"
    )
    assert np.isclose(plain, (kappa - 1) / (kappa + 1), rtol=1e-5) and np.isclose(best.rate, best.beta**0.5)
    assert np.isclose(rate(best.beta, best.step, np.geomspace(1, kappa, 50)), best.rate, rtol=1e-6)
assert np.allclose(needed[100], [115.1, 11.5], atol=0.05)

# %%
LiveFigure("paths", shown=["gradient", "momentum", "newton"], eta=0.15, beta=0.5)

# %% [markdown]
# 115 steps a digit become 11.5 for $\kappa = 100$. In the figure (whose momentum has the step size $\eta(1-\beta)$, the moving
# average's) stretch the valley by its green point, and find the $\beta$ with the steepest line on the right. Then look at
# Newton's.
#
# ## Summary
#
# 1. $\lVert\Delta^+\rVert \le \xi_1\lVert\Delta\rVert + \xi_2\lVert\Delta\rVert^2$ is quadratic far away and linear near the
#    minimum, unless $\xi_1$ vanishes: quadratic for $\xi_1 = 0$, superlinear for $\xi_1 \to 0$, linear otherwise.
# 2. With $\beta = 0$ SOFIM's $\xi_1$ tends to that of gradient descent with step size $\eta/\rho$, since $C$ tends to $\rho I$: it
#    converges linearly.
# 3. Momentum stays linear; it makes slow directions $1/(1-\beta)$ times as fast, and at best replaces $\kappa$ by $\sqrt\kappa$.
#
# ## Exercises

# %% exercise="observed_order"

# %% exercise="xi1"

# %% exercise="tail_rate"

# %% exercise="best_lr"

# %% [markdown] exercise="open"
# **The same ball.** The bound (5) promises that the error falls where $\xi_1 + \xi_2\lVert\Delta\rVert < 1$. Take $C$ and $H$ as
# at the minimum, and show that this ball has the same radius for Newton's method and for SOFIM with any $\eta \le \rho/L$. What,
# then, does Newton's method gain?

# %% [markdown] tags=["teacher"]
# ### For the teacher
# 60 minutes, or two sittings: 30 for the bound and its three runs, 30 for L-BFGS and momentum.
#
# *First prediction.* Order 2 and order 1; SOFIM's like the second. *Second.* $\xi_1 = 10^{-4}/(0.05 + 10^{-4}) = 0.002$, linear
# below about $10^{-4}$. *Third.* $\rho I$. *Fourth.* No. *Fifth.* 115, and 11.5.
#
# *The same ball.* Newton's: $\xi_1 = 0$ and $\xi_2 = M_H/2\mu$, so the radius is $2\mu/M_H$. SOFIM with $\eta \le \rho/L$:
# $\xi_1 = 1 - \eta\mu/\rho$ and $\xi_2 = \eta M_H/2\rho$, so $(1 - \xi_1)/\xi_2 = 2\mu/M_H$. The second-order method isn't
# allowed to start farther away; it only gets home faster. (The bound is sufficient, not necessary: both converge from much
# farther away on many losses.)
#
# What usually goes wrong: the ratio of two errors is taken for the order; $\xi_1$ is computed from eigenvalues, although
# $C^{-1}H$ isn't symmetric; momentum and gradient descent are compared at equal step sizes, and the factor $1/(1-\beta)$ is taken
# for acceleration. `sofim-ref convergence` prints the table of this lesson for other problems.

# %% [markdown]
# ## History and further reading
#
# - Sen et al. 2024, [arXiv 2403.02833](https://arxiv.org/abs/2403.02833): the claim for SOFIM. The constants of its theorem are
#   open here.
# - Erdogdu & Montanari 2015, [arXiv 1508.02810](https://arxiv.org/abs/1508.02810): a bound of the form (5) for a method that
#   estimates the Hessian from samples, with a clear proof.
# - Dennis & Moré 1974, [doi:10.1090/S0025-5718-1974-0343581-1](https://doi.org/10.1090/S0025-5718-1974-0343581-1): theorem 2.2 is
#   the criterion for superlinear convergence.
# - Polyak 1964, [doi:10.1016/0041-5553(64)90137-5](https://doi.org/10.1016/0041-5553(64)90137-5): heavy ball and its best
#   parameters.
# - Nocedal & Wright 2006, *Numerical Optimization*, §6.4: why quasi-Newton methods are superlinear.
# - `docs/theory/moment.md`: the bound (5) for pairs of error and moment.
