"""
Leaving a saddle
================

f(x, y) = x²/2 − y²/2 + y⁴/4 has a saddle at 0 and two minima. Newton's method goes to where the gradient is zero,
whatever that point is; with a cubic term, or in a ball, the model's negative curvature is followed downhill.
"""

import matplotlib.pyplot as plt
import numpy as np

import sofim_ref as sr

plt.style.use("seaborn-v0_8-colorblind")
saddle = sr.problems.Function(
    2,
    lambda w: w[0] ** 2 / 2 - w[1] ** 2 / 2 + w[1] ** 4 / 4,
    lambda w: np.stack([w[0], w[1] ** 3 - w[1]]),
    hessian=lambda w: np.diag([1.0, 3 * w[1] ** 2 - 1]),
)
methods = {
    "Newton": sr.Newton(line_search=False),
    "cubic Newton": sr.CubicNewton(),
    "trust-region Newton": sr.TrustRegionNewton(radius=0.3),
    "SGD": sr.SGD(lr=0.3),
}
x, y = np.meshgrid(np.linspace(-1.2, 1.2, 100), np.linspace(-0.6, 1.4, 100))
figure, axes = plt.subplots(figsize=(8, 5.6), layout="constrained")
axes.contour(x, y, x**2 / 2 - y**2 / 2 + y**4 / 4, levels=18, colors="#CCCCCC", linewidths=0.8)
for (name, method), marker in zip(methods.items(), "os^v", strict=True):
    trace = sr.minimize(saddle, method, steps=25, w0=np.asarray([-1.0, 0.05]), store_points=True)
    axes.plot(*np.transpose(trace.points), marker=marker, label=name)
axes.plot([0], [0], "kx", markersize=12, label="saddle")
axes.plot([0], [1], "k*", markersize=14, label="minimum")
axes.set(xlabel="x", ylabel="y", title="Newton's method stops at the saddle; regularized, it goes on")
axes.legend(loc="upper right")
plt.show()
