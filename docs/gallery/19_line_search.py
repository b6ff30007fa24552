"""
A backtracking line search
==========================

Newton's step from a bad start, on log cosh: the full step goes too far, and is halved until the loss falls by enough
(Armijo's condition).
"""

import matplotlib.pyplot as plt
import numpy as np

import sofim_ref as sr

plt.style.use("seaborn-v0_8-colorblind")
bowl = sr.problems.Function(
    1, lambda w: np.log(np.cosh(w)).sum(), np.tanh, hessian=lambda w: np.diag(1 / np.cosh(w) ** 2)
)
w0 = np.asarray([1.3])
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
g, C = np.tanh(w0), 1 / np.cosh(w0) ** 2
rates = np.linspace(0, 1.1, 100)
losses = np.log(np.cosh(w0 - rates * g / C))
left.plot(rates, losses, color="#0072B2", label="f(w − ηC⁻¹g)")
left.plot(rates, losses[0] - 1e-4 * rates * (g * g / C), "k--", linewidth=1, label="Armijo's line, f − 10⁻⁴ η gᵀC⁻¹g")
tried = np.asarray([1.0, 0.5])
left.plot(tried, np.log(np.cosh(w0 - tried * g / C)), "o", color="#D55E00", markersize=9, label="tried: η = 1, then ½")
left.set(xlabel="step size η", ylabel="loss", title="the first step")
left.legend()
for search, marker in ((False, "s"), (True, "o")):
    trace = sr.minimize(bowl, sr.Newton(line_search=search), steps=4, w0=w0, record_every=1)
    right.semilogy(trace["loss"] + 1e-17, marker=marker, ls="-", label="with line search" if search else "full steps")
right.set(xlabel="step", ylabel="loss", title="the run")
right.legend()
figure.suptitle("Without a line search Newton's method diverges from here")
plt.show()
