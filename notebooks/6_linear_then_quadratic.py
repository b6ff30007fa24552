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
# # Linear, then quadratic?
#
# The claim: on convex losses SOFIM converges at a "linear-quadratic" rate. There is a bound behind those words that holds for
# every step of every method here, and one look at its two coefficients says what to expect.
#
# A method converges with **order** q if the error e becomes about r e^q in a step, with a fixed r.
#
# **Before you run anything:** a method's error is 0.1, 0.01, 0.0001, 0.00000001. Another's is 0.1, 0.05, 0.025, 0.0125. Which is
# quadratic? Which will SOFIM's look like after many steps?

# %%
import numpy as np

import sofim_ref as sr
from sofim_ref.convergence import experiments
from sofim_ref.convergence import dennis_more, linear_quadratic_bound, order_of_convergence
from sofim_ref.datasets import load
from sofim_ref.lessons import check, demos
from sofim_ref.lessons.interactive_figure import InteractiveFigure
from sofim_ref.plots import error_map

for errors in ([1e-1, 1e-2, 1e-4, 1e-8], [0.1, 0.05, 0.025, 0.0125]):
    print(f"order {order_of_convergence(errors).order:.2f}")
assert np.isclose(order_of_convergence([1e-1, 1e-2, 1e-4, 1e-8]).order, 2)

# %% [markdown]
# ## The bound
#
# With Δ = w − w*: ‖Δ⁺‖ ≤ ξ₁‖Δ‖ + ξ₂‖Δ‖², ξ₁ = ‖I − ηC⁻¹H‖, ξ₂ = ½ηM‖C⁻¹‖. If ξ₁ = 0 the error is squared. If not, then as soon as
# ‖Δ‖ is small the first term of the bound is all there is: it promises a **linear** rate. Every step of a run can be held against it.

# %%
problem = load("iris", l2=0.05).train
methods = {
    "Newton": sr.Newton(line_search=False),
    "natural gradient": sr.NaturalGradient(lr=1.0, damping=1e-4),
    "SOFIM": sr.SOFIM(lr=0.8, rho=0.5, beta=0.0),
}
runs = {}
for name, method in methods.items():
    trace = sr.minimize(problem, method, steps=60, w0=np.zeros(problem.dim), store_points=True, tolerance=1e-13)
    runs[name] = found = linear_quadratic_bound(problem, method, trace)
    verdict = "not applicable" if found.holds is None else "within the bound" if found.holds else "BEYOND the bound"
    decided = f"{found.decided.mean():.0%} of them by more than rounding"
    print(f"{name:17} ξ₁ = {found.xi1[-1]:.1e}, {len(found.error):3} steps, {verdict}, {decided}")
    assert found.holds and found.applies.all()
assert runs["Newton"].xi1[-1] < 1e-12 < 1e-3 < runs["natural gradient"].xi1[-1] < 1e-2 < runs["SOFIM"].xi1[-1]

# %% [markdown]
# Newton: ξ₁ is rounding. Natural gradient, damped a little beyond what the loss has: 0.002. SOFIM: most of 1. The next picture has
# each step as a mark, error after it against error before: which slope has whom?

# %%
names = {"Newton": "newton", "natural gradient": "natural-gradient", "SOFIM": "sofim"}
steps = {names[name]: (found.error, found.next_error, found.applies) for name, found in runs.items()}
InteractiveFigure(lambda: error_map(steps, title="Newton squares the error, SOFIM takes a share of it"), {})

# %% [markdown]
# ## Why SOFIM's ξ₁ doesn't vanish
#
# **Predict:** what does C = ρI + M̂M̂ᵀ become when the gradient vanishes?

# %%
for rho in (0.1, 1.0):
    found = experiments.tail_rate(problem, rho)
    print(f"ρ = {rho}: error shrinks by {found.measured:.5f} a step, predicted {found.predicted:.5f}")
    assert abs(found.measured - found.predicted) < 1e-3

# %% [markdown]
# C tends to ρI, whatever the Hessian is: near the optimum SOFIM **is** gradient descent with step size η/ρ, and converges at its
# rate, which is the second exercise. The Dennis–Moré number ‖g + H*s‖/‖s‖ asks how far a step s is from Newton's, and vanishes exactly
# where convergence is faster than linear. For SOFIM it tends to ρ/η times that rate.

# %%
trace = sr.minimize(problem, methods["SOFIM"], steps=60, w0=np.zeros(problem.dim), store_points=True)
number = dennis_more(problem, trace)
limit = methods["SOFIM"].rho / methods["SOFIM"].lr * runs["SOFIM"].xi1[-1]
print(f"‖g + H*s‖/‖s‖ for SOFIM: {number[0]:.3f} at first, {number[-1]:.3f} at last, on its way to {limit:.3f}")
assert np.isclose(number[-1], limit, rtol=0.05)

# %% [markdown]
# ## Faster than linear, without the Hessian
#
# **Predict:** is Newton's method the only one for which that number vanishes? L-BFGS never sees a Hessian. It is given one pair of
# step and gradient change to remember, then all of them, on a quadratic with five eigenvalues from 1 to 1000. Its optimum is 0,
# around which floats are so dense that 100 digits of the error can be watched.

# %%
spread = sr.problems.Quadratic(np.diag(np.geomspace(1, 1000, 5)), np.zeros(5))
forgetful, mindful = (
    experiments.quasi_newton(spread, history, steps=150, w0=np.ones(5), tolerance=1e-100) for history in (1, 150)
)
for found in (forgetful, mindful):
    first, last, errors = found.dennis_more[0], found.dennis_more[-1], found.error
    print(f"{found.history:3} pairs, {len(errors) - 1} steps: the number goes from {first:.0f} to {last:.2g},")
    print(f"           ‖Δ‖ to {errors[-1]:.0e}, which is {errors[-1] / errors[-2]:.0e} of what it was a step before")
assert mindful.dennis_more[-10:].max() < 1e-4 * mindful.dennis_more[0]
assert forgetful.dennis_more.min() > 0.01 * forgetful.dennis_more[0]
assert mindful.error[-1] / mindful.error[-2] < 1e-3 < 0.1 < forgetful.error[-1] / forgetful.error[-2]

# %% [markdown]
# With all its pairs L-BFGS learns how the Hessian acts along its own steps, and that is all that superlinear convergence asks
# for. With one pair it forgets in each step what it learned in the last: linear, as L-BFGS with a bounded memory is in general.

# %%
demos.band()

# %% [markdown]
# ## Far away
#
# The bound's other end: far from the optimum SOFIM's steps get *longer* as the gradient falls, until ‖g‖ = √ρ.

# %%
cancer = load("breast-cancer", l2=0.1).train
found = experiments.redescent(cancer, cancer.optimum() + 3.0, rho=1.0, lr=0.1, steps=3000)
print(f"longest step at ‖g‖ = {found.crossover:.3f} ± {found.spacing:.3f}; √ρ = {found.predicted}")
assert abs(found.crossover - found.predicted) <= found.spacing

# %% [markdown]
# ## Exercises

# %% exercise="xi1"

# %% exercise="tail_rate"

# %% exercise="best_lr"

# %% exercise="observed_order"

# %% [markdown]
# **What we saw.** "Linear-quadratic" is true of SOFIM, and of gradient descent. What matters is ξ₁, and SOFIM's tends to gradient
# descent's. Superlinear convergence needs C/η to act like the Hessian along the errors, as Newton's does, and a quasi-Newton
# method's. With momentum the error itself may grow in a step: lesson 6 has the norm of error and moment in which the bound holds.

# %% [markdown] tags=["teacher"]
# ### For the teacher
# 20 minutes. What usually goes wrong: the ratio of two errors is taken for the order. `sofim-ref convergence` prints the table of
# this lesson for other problems.

# %% [markdown]
# ### Sources
# Sen et al. 2024, arXiv 2403.02833, claims the rate; the bound is the standard one, Erdogdu & Montanari 2015, arXiv 1508.02810.
# Dennis & Moré 1974, doi:10.1090/S0025-5718-1974-0343581-1.
