"""
The Fisher matrix of a torch module
===================================

A network of your own, as a model of this library: its exact and its empirical Fisher matrix, layer by layer. (Needs
torch.)
"""

import matplotlib.pyplot as plt
import numpy as np
import sklearn.datasets
import torch

import sofim_ref as sr

plt.style.use("seaborn-v0_8-colorblind")
torch.manual_seed(0)
X, y = (torch.tensor(table) for table in sklearn.datasets.load_iris(return_X_y=True))
X = (X - X.mean(dim=0)) / X.std(dim=0)
net = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh(), torch.nn.Linear(3, 3)).double()
model = sr.models.TorchModel(net)
problem = sr.problems.FiniteSum(model, sr.likelihoods.Categorical(), X, y)
w = sr.minimize(problem, sr.Adam(lr=0.05), steps=60).w
oracle = problem.oracle(w)
matrices = {
    "exact Fisher": sr.curvature.fisher(oracle).to_dense().numpy(),
    "empirical Fisher": sr.curvature.empirical_fisher(oracle).to_dense().numpy(),
}
figure, panels = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
limit = np.abs(matrices["exact Fisher"]).max()
for axes, (name, F) in zip(panels, matrices.items(), strict=True):
    image = axes.imshow(F, cmap="RdBu_r", vmin=-limit, vmax=limit)
    for layer in oracle.layers[1:]:
        axes.axhline(layer.start - 0.5, color="black", linewidth=1)
        axes.axvline(layer.start - 0.5, color="black", linewidth=1)
    axes.set(title=f"{name}, trace {np.trace(F):.2f}", xlabel="parameter", ylabel="parameter")
figure.colorbar(image, ax=panels, label="entry")
figure.suptitle("Labels from the data and labels from the model make two matrices")
plt.show()
