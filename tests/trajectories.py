"""Independent runs of the methods: in 50 digits by mpmath, and by torch.optim. Tests only.

Written from the formulas alone: nothing here imports the library, and every C is inverted as the dense matrix it is.
"""

import functools

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
        lr, direction, points = mpmath.mpf(lr), _sofim(len(w), rho, beta, vector, bias_correction), [_host(w)]
        for _ in range(steps):
            w = w - lr * direction(A * w - b)
            points.append(_host(w))
        return np.stack(points)


@functools.cache
def sofim_directions(case, steps, log_ratio, *, beta, vector, bias_correction):
    """Gradients in float32, the ρ with ‖g‖²/ρ = 10^log_ratio, and SOFIM's C⁻¹v in 50 digits at each of them."""
    G = np.random.default_rng(7).standard_normal((steps, 4)).astype(np.float32)
    G = np.repeat(G[:1], steps, axis=0) if case == "one gradient" else G
    rho = float(np.sum(G[0].astype(np.float64) ** 2)) / 10.0**log_ratio
    with mpmath.workdps(DIGITS):
        direction = _sofim(4, rho, beta, vector, bias_correction)
        return G, rho, np.stack([_host(direction(_column(g))) for g in G])


def _sofim(d, rho, beta, vector, bias_correction):
    """A function from the gradients, one after another, to C⁻¹v."""
    rho, beta, M, t = mpmath.mpf(rho), mpmath.mpf(beta), mpmath.zeros(d, 1), 0

    def direction(g):
        nonlocal M, t
        M, t = beta * M + (1 - beta) * g, t + 1
        M_hat = M / (1 - beta**t) if bias_correction else M
        C = M_hat * M_hat.T + rho * mpmath.eye(d)
        return mpmath.inverse(C) * (M_hat if vector == "moment" else g)

    return direction


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


def _entrywise(f, *columns):
    return mpmath.matrix([f(*entries) for entries in zip(*columns, strict=True)])


def trust_region_on_quadratic(
    A, b, w0, steps, *, method, T, lr, gamma, beta1, beta2, epsilon, weight_decay, at_start=False
):
    """The points of SOAA or TAdam on ½wᵀAw − bᵀw, (steps + 1, d); the radius made at a step's start or after it."""
    with mpmath.workdps(DIGITS):
        A, b, w = mpmath.matrix(A.tolist()), _column(b), _column(w0)
        lr, gamma, beta1, beta2, epsilon, decay = map(mpmath.mpf, (lr, gamma, beta1, beta2, epsilon, weight_decay))
        n = len(w)
        m, s = mpmath.zeros(n, 1), mpmath.zeros(n, 1)
        v = mpmath.matrix([epsilon if method == "TAdam" else 0] * n)
        m_hat = mpmath.zeros(n, 1)
        loss_mean, d, p = mpmath.mpf(0), mpmath.mpf(1), mpmath.mpf(0)
        points = [_host(w)]
        for t in range(1, steps + 1):
            loss, g = ((w.T * A * w) / 2 - b.T * w)[0], A * w - b
            one, two = 1 - beta1**t, 1 - beta2**t
            q = mpmath.mpf(t - 1) / T
            low, high = (1 - gamma) ** q, 1 + gamma**q

            def factor(mean, loss=loss, low=low, high=high, p=p):
                ratio = (mean - loss) / max(p, epsilon)
                if method == "SOAA":
                    return ratio
                return low if ratio < gamma else high if ratio > 1 - gamma else 1

            if at_start and t > 1:
                d = min(max(d * factor(loss_mean / (1 - beta1 ** (t - 1))), low), high)
            if method == "TAdam":
                share = (beta2 - beta2**t) / two
                v = _entrywise(lambda v, g, m, a=share: beta2 * v + (1 - beta2) * a * (g - m) ** 2, v, g, m_hat)
            else:
                v = _entrywise(lambda v, g: beta2 * v + (1 - beta2) * g * g, v, g)
            m = beta1 * m + (1 - beta1) * g
            s = _entrywise(lambda s, g: beta2 * s + (1 - beta2) * g * g, s, g)
            m_hat, s_hat, v_hat = m / one, s / two, v / two
            if method == "TAdam":
                c = 1 + sum(mi**2 / (vi + epsilon) for mi, vi in zip(m_hat, v_hat, strict=True))
            else:
                c = 1 + sum(mi**2 for mi in m_hat) / sum(vi + epsilon for vi in v_hat)
            r = _entrywise(lambda v, s, dc=d * c: max(dc * v, mpmath.sqrt(s)), v_hat, s_hat)
            u = _entrywise(lambda m, r, d=d: d * m / (r + epsilon), m_hat, r)
            w = w - lr * (u + decay * w)
            points.append(_host(w))

            loss_mean = beta1 * loss_mean + (1 - beta1) * loss
            d = d if at_start else min(max(d * factor(loss_mean / one), low), high)
            mu, vuu = (m_hat.T * u)[0], sum(vi * ui**2 for vi, ui in zip(v_hat, u, strict=True))
            p = lr * (mu - (mu**2 + vuu) / 2 if method == "TAdam" else mu - vuu / 2)
        return np.stack(points)


def adafisher_on_softmax(X, labels, w0, steps, *, ema, of_mean_loss, lr, beta, damping, gamma, update_every):
    """The points of AdaFisher on softmax regression, X with its column of ones, W row after row; and min, max F̃."""
    old, new = {"paper_v1": (0.92, 0.992), "paper_v3": (1 - gamma, gamma), "code": (0.1 * gamma, 0.01 * gamma)}[ema]
    with mpmath.workdps(DIGITS):
        rows, (N, P), C = [[mpmath.mpf(float(x)) for x in row] for row in X], X.shape, int(max(labels)) + 1
        w, M = [mpmath.mpf(float(x)) for x in w0], [mpmath.mpf(0)] * len(w0)
        H, S = [mpmath.mpf(1)] * P, [mpmath.mpf(1)] * C
        old, new, lr, beta, damping = map(mpmath.mpf, (old, new, lr, beta, damping))
        points = [np.array([float(x) for x in w])]
        for t in range(1, steps + 1):
            back = []
            for x, label in zip(rows, labels, strict=True):
                f = [mpmath.fdot(x, w[c::C]) for c in range(C)]
                total = mpmath.fsum(mpmath.exp(fc) for fc in f)
                back.append([mpmath.exp(f[c]) / total - (1 if c == label else 0) for c in range(C)])
            if (t - 1) % update_every == 0:
                H = _averaged(H, [mpmath.fsum(x[i] ** 2 for x in rows) / N for i in range(P)], old, new)
                scale = N**3 if of_mean_loss else N
                S = _averaged(S, [mpmath.fsum(s[c] ** 2 for s in back) / scale for c in range(C)], old, new)
            g = [
                mpmath.fsum(x[i] * s[c] for x, s in zip(rows, back, strict=True)) / N
                for i in range(P)
                for c in range(C)
            ]
            M = [beta * a + (1 - beta) * b for a, b in zip(M, g, strict=True)]
            F = [H[i] * S[c] + damping for i in range(P) for c in range(C)]
            w = [a - lr * m / (1 - beta**t) / f for a, m, f in zip(w, M, F, strict=True)]
            points.append(np.array([float(x) for x in w]))
        return np.stack(points), float(min(F)), float(max(F))


def _averaged(before, x, old, new):
    least, most = min(x), max(x)
    return [old * a + new * (b - least) / (most - least + mpmath.mpf("1e-6")) for a, b in zip(before, x, strict=True)]
