"""
A large gradient makes a short step
===================================

SOFIM with v = M̂ steps η‖M̂‖/(ρ + ‖M̂‖²): longest where ‖M̂‖ = √ρ, and shorter again for larger gradients.
"""

import matplotlib.pyplot as plt
import numpy as np

from sofim_ref.matrices import RankOne

plt.style.use("seaborn-v0_8-colorblind")
lengths = np.geomspace(1e-2, 1e3, 200)
figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
for rho in (0.1, 1.0, 10.0):
    steps = [np.linalg.norm(RankOne(rho, np.asarray([s, 0.0])).solve(np.asarray([s, 0.0]))) for s in lengths]
    axes.loglog(lengths, steps, label=f"ρ = {rho:g}, longest at √ρ = {rho**0.5:.2g}")
axes.set(
    xlabel="length of the moment, ‖M̂‖",
    ylabel="length of the step, for η = 1",
    title="SOFIM's step falls again beyond √ρ",
)
axes.legend()
plt.show()
