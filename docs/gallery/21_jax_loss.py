"""
A loss written in JAX
=====================

JAX differentiates a function of w, twice if need be; methods ask for value, gradient and Hessian, here on NumPy
arrays. (Needs JAX.)
"""

import jax
import matplotlib.pyplot as plt
import numpy as np

import sofim_ref as sr

plt.style.use("seaborn-v0_8-colorblind")
jax.config.update("jax_enable_x64", True)


def himmelblau(w):
    """Return Himmelblau's function, which has four minima, (3, 2) among them."""
    return (w[0] ** 2 + w[1] - 11) ** 2 + (w[0] + w[1] ** 2 - 7) ** 2


value, gradient, hessian = (jax.jit(f) for f in (himmelblau, jax.grad(himmelblau), jax.hessian(himmelblau)))
answers = [lambda w, f=f: np.asarray(f(w)) for f in (value, gradient)]
problem = sr.problems.Function(2, *answers, hessian=lambda w: np.asarray(hessian(w)))
methods = {
    "cubic Newton": sr.CubicNewton(),
    "L-BFGS": sr.LBFGS(),
    "SOFIM, v = M̂": sr.SOFIM(lr=12.0, rho=400.0),
    "SGD": sr.SGD(lr=0.01),
}
x, y = np.meshgrid(np.linspace(-0.5, 4.5, 120), np.linspace(-0.5, 3.5, 120))
figure, axes = plt.subplots(figsize=(8, 5.6), layout="constrained")
axes.contour(x, y, np.log1p((x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2), levels=14, colors="#CCCCCC", linewidths=0.8)
for (name, method), marker in zip(methods.items(), "os^v", strict=True):
    trace = sr.minimize(problem, method, steps=40, w0=np.zeros(2), store_points=True)
    axes.plot(*np.transpose(trace.points), marker=marker, markersize=5, label=f"{name}: loss {trace['loss'][-1]:.1e}")
axes.plot([3], [2], "k*", markersize=14, label="a minimum")
axes.set(xlabel="x", ylabel="y", title="Himmelblau's function, differentiated by JAX: four ways to (3, 2)")
axes.legend(loc="lower right")
plt.show()
