"""
Two ways to write one inverse
=============================

The Sherman–Morrison formula as it is printed subtracts two nearly equal vectors where v is parallel to m and ‖m‖² ≫ ρ.
The form that splits v along m and across it does not. Both in float32, with the backward error measured in float64.
"""

import matplotlib.pyplot as plt
import numpy as np

from sofim_ref.matrices import RankOne

plt.style.use("seaborn-v0_8-colorblind")
rng = np.random.default_rng(0)
m = rng.standard_normal(50).astype(np.float32)
v, eps = m.copy(), np.finfo(np.float32).eps
ratios = np.geomspace(1e-2, 1e10, 40)
errors = {"textbook": [], "stable": []}
for ratio in ratios:
    C = RankOne(float(m @ m / ratio), m)
    exact_m, exact_v, rho = m.astype(float), v.astype(float), C.shift
    for form, found in errors.items():
        x = C.solve(v, form=form).astype(float)
        residual = rho * x + exact_m * (exact_m @ x) - exact_v
        size = (rho + exact_m @ exact_m) * np.linalg.norm(x) + np.linalg.norm(exact_v)
        found.append(max(np.linalg.norm(residual) / size / eps, 1e-2))
figure, axes = plt.subplots(figsize=(8, 4.8), layout="constrained")
axes.loglog(ratios, errors["textbook"], "s-", color="#D55E00", label="v/ρ − m(mᵀv)/(ρ² + ρ‖m‖²)")
axes.loglog(ratios, errors["stable"], "o-", color="#0072B2", label="v split along m and across it")
axes.axhline(8, color="black", linewidth=1, label="8 eps, what the library promises")
axes.set(xlabel="‖m‖²/ρ", ylabel="backward error, in eps of float32")
axes.set_title("The printed formula loses all digits where v is parallel to m")
axes.legend()
plt.show()
