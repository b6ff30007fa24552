"""
SOFIM's two readings where the gradient turns round
===================================================

In a narrow valley, a step beyond its floor, the mean gradient M̂ still points the old way. With v = g the step is a
descent direction everywhere, with v = M̂ it is not. A descent direction lowers the loss if the step is short enough:
here for η < 2ρ/L = 2, where L = 30 is the loss's largest curvature.
"""

import matplotlib.pyplot as plt
import numpy as np

import sofim_ref as sr

plt.style.use("seaborn-v0_8-colorblind")
problem = sr.problems.Quadratic(np.diag([1.0, 30.0]), np.zeros(2))
figure, (plane, axes) = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
x, y = np.meshgrid(np.linspace(-0.5, 3.2, 100), np.linspace(-0.9, 0.9, 100))
plane.contour(x, y, x**2 + 30 * y**2, levels=14, colors="#CCCCCC", linewidths=0.8)
for vector, style, colour in (("moment", "o-", "#D55E00"), ("gradient", "s--", "#0072B2")):
    optimizer = sr.SOFIM(lr=2.0 if vector == "moment" else 0.8, rho=30.0, vector=vector)
    w = np.asarray([3.0, 0.8])
    state, points, cosines = optimizer.init(w), [w], []
    for _ in range(30):
        oracle = problem.oracle(w)
        after, state = optimizer.step(w, state, oracle)
        step, g = w - after, oracle.gradient()
        cosines.append(step @ g / np.linalg.norm(step) / np.linalg.norm(g))
        points.append(w := after)
    name = "v = M̂" if vector == "moment" else "v = g"
    plane.plot(*np.transpose(points), style, color=colour, markersize=5, label=name)
    axes.plot(range(1, 31), cosines, style, color=colour, markersize=5, label=name)
plane.set(xlabel="w₁", ylabel="w₂", title="the path")
plane.legend()
axes.axhline(0, color="black", linewidth=1)
axes.set(
    xlabel="step",
    ylabel="cosine of −step and −gradient",
    ylim=(-1.05, 1.05),
    title="below 0 the step is not a descent direction",
)
figure.suptitle("With v = g SOFIM's step is always a descent direction; with v = M̂ it isn't")
plt.show()
