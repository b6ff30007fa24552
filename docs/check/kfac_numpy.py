"""K-FAC's factors A and G of each layer, from one backward pass with the labels in the data."""

import numpy as np

IS = "K-FAC"


def fisher(parameters, X, y):
    h = np.tanh(X @ parameters["0.weight"].T + parameters["0.bias"])
    f = h @ parameters["2.weight"].T + parameters["2.bias"]
    p = np.exp(f) / np.exp(f).sum(axis=1, keepdims=True)
    s2 = p - np.eye(3)[y]
    s1 = s2 @ parameters["2.weight"] * (1 - h**2)
    one = np.ones((len(X), 1))
    inputs = np.hstack([X, one]), np.hstack([h, one])
    return [(a.T @ a / len(X), s.T @ s / len(X)) for a, s in zip(inputs, (s1, s2), strict=True)]
