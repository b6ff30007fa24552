"""Independent runs of the methods: in 50 digits by mpmath, and by torch.optim. Tests only.

Written from the formulas alone: nothing here imports the library, and every C is inverted as the dense matrix it is.
"""

import mpmath
import numpy as np

DIGITS = 50


def _column(x):
    return mpmath.matrix([mpmath.mpf(float(entry)) for entry in x])


def _host(column):
    return np.array([float(entry) for entry in column])


def sofim_on_quadratic(A, b, w0, steps, *, lr, rho, beta, vector, bias_correction):
    """The points of SOFIM on ½wᵀAw − bᵀw, the starting one first, shape (steps + 1, d)."""
    with mpmath.workdps(DIGITS):
        A, b, w = mpmath.matrix(A.tolist()), _column(b), _column(w0)
        lr, rho, beta = mpmath.mpf(lr), mpmath.mpf(rho), mpmath.mpf(beta)
        M = mpmath.zeros(len(w), 1)
        points = [_host(w)]
        for t in range(1, steps + 1):
            g = A * w - b
            M = beta * M + (1 - beta) * g
            M_hat = M / (1 - beta**t) if bias_correction else M
            C = M_hat * M_hat.T + rho * mpmath.eye(len(w))
            w = w - lr * (mpmath.inverse(C) * (M_hat if vector == "moment" else g))
            points.append(_host(w))
        return np.stack(points)


def logistic_optimum(X, y, l2, near):
    """The minimum of the mean logistic loss plus l2/2 ‖w‖², X with its column of ones, as 50 digits see it."""
    with mpmath.workdps(DIGITS):
        N, d = X.shape
        rows, labels, w = [_column(x) for x in X], [int(label) for label in y], _column(near)
        l2 = mpmath.mpf(l2)
        for _ in range(12):  # from a point with ten right digits three would do
            g, H = l2 * w, l2 * mpmath.eye(d)
            for x, label in zip(rows, labels, strict=True):
                p = 1 / (1 + mpmath.exp(-(x.T * w)[0]))
                g = g + x * ((p - label) / N)
                H = H + (x * x.T) * (p * (1 - p) / N)
            step = mpmath.lu_solve(H, g)
            w = w - step
            if mpmath.norm(step) < mpmath.mpf(10) ** -30:
                break
        return _host(w)


def ema_momentum(gradient, w0, *, beta, step_sizes, bias_correction):
    """The points of w ← w − aₜ M̂ with M̂ an exponential average of gradients, the starting one first."""
    w, M, points = w0, np.zeros_like(w0), [w0]
    for t, a in enumerate(step_sizes, start=1):
        M = beta * M + (1 - beta) * gradient(w)
        w = w - a * (M / (1 - beta**t) if bias_correction else M)
        points.append(w)
    return np.stack(points)


def torch_sgd(gradient, w0, steps, **settings):
    """The points of torch.optim.SGD in float64, the starting one first, shape (steps + 1, d)."""
    return torch_steps("SGD", gradient, w0, steps, **settings)


def torch_steps(name, gradient, w0, steps, **settings):
    """The points of an optimizer of torch.optim in float64, the starting one first, shape (steps + 1, d)."""
    import torch

    w = torch.tensor(w0, dtype=torch.float64, requires_grad=True)
    optimizer = getattr(torch.optim, name)([w], **settings)
    points = [w0]
    for _ in range(steps):
        w.grad = torch.tensor(gradient(w.detach().numpy()))
        optimizer.step()
        points.append(w.detach().numpy().copy())
    return np.stack(points)
