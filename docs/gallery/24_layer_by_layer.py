"""
The matrices of one network, layer by layer
===========================================

What six methods divide by, for the same network at the same point: blocks of layers, Kronecker products, a diagonal,
rank one.
"""

import matplotlib.pyplot as plt
import numpy as np
import sklearn.datasets

import sofim_ref as sr

plt.style.use("seaborn-v0_8-colorblind")
X, y = sklearn.datasets.load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
problem = sr.problems.MLPClassifier(X, y, hidden=(3,))
w = sr.minimize(problem, sr.Adam(lr=0.05), steps=30).w
methods = {
    "Fisher": sr.NaturalGradient(damping=1e-3),
    "K-FAC": sr.KFAC(damping=1e-3),
    "Shampoo": sr.Shampoo(epsilon=1e-3),
    "AdaFisher": sr.AdaFisher(damping=1e-3),
    "SOFIM a layer": sr.SOFIM(rho=1e-3, scope="layer"),
    "SOFIM": sr.SOFIM(rho=1e-3),
}
figure, panels = plt.subplots(2, 3, figsize=(11, 7.6), layout="constrained")
for axes, (name, method) in zip(panels.flat, methods.items(), strict=True):
    C = method.precondition(method.init(w), problem.oracle(w))[1].matrix.to_dense()
    image = axes.imshow(C / np.abs(C).max(), cmap="RdBu_r", vmin=-1, vmax=1)
    for layer in problem.oracle(w).layers[1:]:
        axes.axhline(layer.start - 0.5, color="black", linewidth=0.8)
        axes.axvline(layer.start - 0.5, color="black", linewidth=0.8)
    axes.set(title=name, xticks=[], yticks=[])
figure.colorbar(image, ax=panels, label="entry of C, divided by the largest", shrink=0.7)
figure.suptitle("Six choices of C for one network with two layers (thin lines)")
plt.show()
