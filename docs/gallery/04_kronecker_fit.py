"""
What a Kronecker product keeps of a layer's Fisher matrix
=========================================================

The block of one layer, K-FAC's product A ⊗ G of two small factors, and the product that is nearest in the Frobenius
norm.
"""

import matplotlib.pyplot as plt
import numpy as np
import sklearn.datasets

import sofim_ref as sr

plt.style.use("seaborn-v0_8-colorblind")
X, y = sklearn.datasets.load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
problem = sr.problems.MLPClassifier(X, y, hidden=(4,))
w = sr.minimize(problem, sr.Adam(lr=0.05), steps=40).w
oracle = problem.oracle(w)
layer = oracle.layers[0]
block = sr.curvature.fisher(oracle).to_dense()[layer.start : layer.stop, layer.start : layer.stop]
kfac = np.kron(*sr.curvature.kfac_factors(oracle, labels="expected")[0])
nearest = np.kron(*sr.curvature.frobenius_factors(oracle, labels="expected", iterations=30)[0])

figure, panels = plt.subplots(1, 3, figsize=(11, 4.4), layout="constrained")
for axes, (name, M) in zip(panels, {"the block": block, "K-FAC": kfac, "nearest A ⊗ G": nearest}.items(), strict=True):
    limit = np.abs(block).max()
    image = axes.imshow(M, cmap="RdBu_r", vmin=-limit, vmax=limit)
    error = np.linalg.norm(M - block) / np.linalg.norm(block)
    axes.set(title=f"{name}\nrelative error {error:.2f}" if error else name, xlabel="parameter of the layer")
panels[0].set_ylabel("parameter of the layer")
figure.colorbar(image, ax=panels, label="entry of the Fisher matrix", shrink=0.8)
figure.suptitle("K-FAC's factors are not the nearest ones, but they need no iteration")
plt.show()
