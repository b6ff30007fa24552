"""
The ellipse of a rank-one matrix
================================

The steps u with uᵀCu = 1, for C = ρI + mmᵀ, make an ellipse that is short along m. The step C⁻¹g of a gradient g is
what is left of g when its part along m is divided by ρ + ‖m‖² and the rest by ρ.
"""

import matplotlib.pyplot as plt
import numpy as np

from sofim_ref.matrices import RankOne

plt.style.use("seaborn-v0_8-colorblind")
m, g = np.asarray([1.6, 0.8]), np.asarray([1.0, 1.2])
turn = np.linspace(0, 2 * np.pi, 200)
circle = np.stack([np.cos(turn), np.sin(turn)])
figure, panels = plt.subplots(1, 3, figsize=(11, 4.9), layout="constrained", sharex=True, sharey=True)
for axes, rho in zip(panels, (10.0, 1.0, 0.3), strict=True):
    C = RankOne(rho, m)
    values, vectors = np.linalg.eigh(C.to_dense())
    axes.fill(*(vectors @ (circle / np.sqrt(values)[:, None] * rho**0.5)), alpha=0.25, label="√ρ · {u : uᵀCu = 1}")
    arrows = (
        ("black", m / np.linalg.norm(m), "direction of m"),
        ("#0072B2", g, "g"),
        ("#D55E00", rho * C.solve(g), "ρ C⁻¹g"),
    )
    for colour, arrow, name in arrows:
        axes.annotate("", arrow, (0, 0), arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 2})
        axes.plot([], [], color=colour, label=name)
    axes.set(
        aspect="equal",
        xlabel="w₁",
        xlim=(-1.3, 1.5),
        ylim=(-1.3, 1.5),
        title=f"ρ = {rho:g}, κ(C) = {values[1] / rho:.1f}",
    )
panels[0].set_ylabel("w₂")
figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
figure.suptitle("The smaller ρ is, the more of the gradient along m is taken away")
plt.show()
