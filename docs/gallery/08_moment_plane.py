"""
Error and moment together
=========================

With a moment the error alone may grow for a while. The pair of error and moment, measured in a norm made for it,
shrinks in every step: each step from an ellipse ends inside it.
"""

import matplotlib.pyplot as plt
import numpy as np

from sofim_ref.convergence import CompanionNorm

plt.style.use("seaborn-v0_8-colorblind")
curvature, beta, eta, rho = 1.0, 0.8, 0.9, 0.5
norm = CompanionNorm(np.asarray([curvature]), beta, eta / rho)
delta, moment, points = 1.0, 0.0, [(1.0, 0.0)]
for _ in range(25):
    moment = beta * moment + (1 - beta) * curvature * delta
    delta = delta - eta * moment / (rho + moment**2)  # SOFIM on a parabola
    points.append((delta, moment))
path = np.asarray(points)
lengths = norm.norm(path[:, :1], path[:, 1:])
turn = np.linspace(0, 2 * np.pi, 200)
unit = np.linalg.solve(norm.factors()[0], np.stack([np.cos(turn), np.sin(turn)]))

figure, (plane, axes) = plt.subplots(1, 2, figsize=(11, 4.8), layout="constrained")
for length in lengths[:12:3]:
    plane.fill(*(length * unit), facecolor=("#0072B2", 0.08), edgecolor="#0072B2")
plane.plot(*path.T, "o-", color="#D55E00", linewidth=1.5)
plane.set(xlabel="error, Δ = w − w*", ylabel="moment, M", title="ellipses of the norm through some points")
axes.semilogy(np.abs(path[:, 0]), "s-", color="#BBBBBB", label="|Δ|")
axes.semilogy(lengths, "o-", color="#0072B2", label="‖(Δ, M)‖ in that norm")
axes.set(xlabel="step", ylabel="length")
axes.legend()
figure.suptitle("The error goes up and down, the norm of error and moment only down")
plt.show()
