"""Random runs with moments, batches and decay: ``python tests/convergence/random_moment_runs.py 20000``.

Four kinds of problem, every method that declares a moment and some without, β from 0 to .99, condition numbers to 1e8,
float32 and float64. No certificate may be False, since the constants are proved. Up to d = 3 each step is computed
again in 50 digits, in the norm that was chosen.
"""

import numpy as np
from campaign import main
from exact_bound import DIGITS, ExactLoss, eigenvalues, norm, solve
from mpmath import mp

import sofim_ref as sr
from sofim_ref.arrays import to_numpy
from sofim_ref.convergence import linear_quadratic_bound
from sofim_ref.convergence.block_space import terms_in_blocks
from sofim_ref.convergence.bound import followed
from sofim_ref.convergence.dense_space import terms_written_out
from sofim_ref.convergence.host_loss import host_loss
from sofim_ref.convergence.moment_terms import Past, multiples
from sofim_ref.convergence.reference import reference
from sofim_ref.matrices.exact import exact, identity
from sofim_ref.problems import LeastSquares, LogisticRegression, PoissonRegression, Quadratic

CHECKED = 3
"""Up to this d in 50 digits."""


def power(rng, low, high):
    return float(10 ** rng.uniform(low, high))


def random_problem(rng):
    dtype, d = str(rng.choice(["float32", "float64"])), int(rng.choice([1, 1, 2, 2, 3, 8, 20]))
    condition, N = power(rng, 0, 5 if dtype == "float32" else 8), int(rng.integers(3, 12))
    kind = rng.choice([Quadratic, LeastSquares, LogisticRegression, PoissonRegression])
    Q = np.linalg.qr(rng.standard_normal((d, d)))[0]
    if kind is Quadratic:
        A = (power(rng, -2, 2) * (Q * np.geomspace(1, 1 / condition, d)) @ Q.T).astype(dtype)
        return Quadratic((A + A.T) / 2, rng.standard_normal(d).astype(dtype))
    X = ((rng.standard_normal((N, d)) * np.geomspace(1, condition**-0.5, d)) @ Q).astype(dtype)
    y = {LeastSquares: rng.standard_normal(N), LogisticRegression: np.arange(N) % 2}.get(kind, rng.poisson(2.0, N))
    return kind(X, y, l2=power(rng, -4, 0), intercept=False)


def random_method(rng, L):
    """A method with settings near those that converge, or beyond; the random numbers are drawn in one order."""
    beta = float(rng.choice([0.0, 0.5, 0.9, 0.99, rng.uniform(0, 0.99)]))
    size, rho = power(rng, -2, 0.7) / L, power(rng, -3, 2)
    decay = power(rng, -4, -1) if rng.random() < 0.25 else 0.0
    bias, layer = bool(rng.random() < 0.5), bool(rng.random() < 0.2)
    small = {"lr": power(rng, -4, -1), "weight_decay": decay}
    made = [
        lambda: sr.SOFIM(
            lr=size * rho,
            rho=rho,
            beta=beta,
            bias_correction=bias,
            weight_decay=decay,
            scope="layer" if layer else "global",
        ),
        lambda: sr.SOFIM(lr=size * rho, rho=rho, beta=beta, vector="gradient", weight_decay=decay),
        lambda: sr.SGD(lr=size * (1 - beta), momentum=beta, weight_decay=decay),
        lambda: sr.SGD(lr=size * (1 - beta), momentum=beta, nesterov=beta > 0, weight_decay=decay),
        lambda: sr.optimizers.AdamW(**small),
        lambda: sr.optimizers.SOAA(steps=30, lr=small["lr"]),
        lambda: sr.optimizers.TAdam(steps=30, lr=small["lr"]),
        lambda: sr.optimizers.AdaHessian(lr=small["lr"]),
        lambda: sr.optimizers.AdaFisher(lr=small["lr"]),
        lambda: sr.Newton(lr=1.0),
    ]
    return made[int(rng.choice(len(made), p=[0.28, 0.08, 0.12, 0.12, *[0.4 / 6] * 6]))]()


def random_run(seed, number):
    """Take one run and return what it came to: for each step a word; a complaint begins with WRONG."""
    rng = np.random.default_rng((seed, number))
    problem = random_problem(rng)
    optimum = problem.optimum()
    L = float(np.linalg.eigvalsh(host_loss(problem, optimum).hessian(optimum)[0].astype(float))[-1])
    method = random_method(rng, L)
    if not method.needs <= problem.offers:
        method = sr.SGD(lr=0.1 / L, momentum=0.9)
    batch = int(rng.integers(1, problem.size)) if problem.size > 1 and rng.random() < 0.3 else None
    way = rng.standard_normal(problem.dim)
    w0 = (optimum + power(rng, -6, 0.5) * way / np.linalg.norm(way)).astype(problem.like.dtype)
    steps = int(rng.integers(1, 30))
    trace = sr.minimize(
        problem, method, steps=steps, w0=w0, batch_size=batch, seed=number, store_points=True, record_every=1
    )
    if len(trace.points) < 2:
        return
    found = linear_quadratic_bound(problem, method, trace, optimum=optimum)
    yield f"holds {found.holds}"
    if found.holds is False:
        yield "WRONG: False with constants that are proved"
    if found.holds is None and not found.reason:
        yield "WRONG: None without a reason"
    if np.any(found.distance > found.error * (1 + 1e-9)):
        yield "WRONG: the norm is below the distance"
    for reason, bound, rounding in zip(found.reasons, found.bound, found.rounding, strict=True):
        yield f"step: {reason[:50]}" if reason else "step tight" if rounding <= 1e-3 * bound else "step near rounding"
    if problem.dim <= CHECKED and found.norm != "‖Δ‖" and found.applies.any():
        yield from compared(problem, method, trace, optimum, found)


def compared(problem, method, trace, optimum, found):
    """Compare error, bound and coefficients of each step with 50 digits, in the float norm."""
    loss = host_loss(problem, optimum)
    run = followed(problem, method, trace.points, trace.batches)
    about = reference(loss, to_numpy(optimum), run.points[0])
    past, a = Past.of(loss, run, about), multiples(run.steps)
    terms = terms_written_out(run, past, about) if a is None else terms_in_blocks(run, past, about, a)
    d = problem.dim
    if about.basis.shape[1] < d:
        yield "singular"
        return
    with mp.workdps(DIGITS):
        exact_loss, center, F = ExactLoss(problem), _long(about.point), _factor(terms.factor, about.basis)
        _, H = exact_loss.derivatives(center)
        moment = np.full(d, mp.mpf(0))
        for t, step in enumerate(run.steps):
            rule, rate, decay = step.averaging, mp.mpf(step.rate), mp.mpf(step.rate) * mp.mpf(step.decay)
            b, s, p, q = (mp.mpf(x) for x in (rule.kept, rule.added, rule.of_moment, rule.of_gradient))
            delta, g = _long(run.points[t]) - center, exact(to_numpy(step.oracle.gradient()).astype(np.float64))
            noise = g - exact_loss.derivatives(_long(run.points[t]))[0] if step.oracle.batch is not None else 0 * g
            z, moment = np.concatenate([delta, moment]), b * moment + s * g
            after = np.concatenate([_long(run.points[t + 1]) - center, moment])
            if found.reasons[t]:
                continue
            if a is None:
                C = step.matrix.definition()
                C_inverse = np.stack([solve((C + C.T) / 2, column) for column in identity(d)], axis=1) * rate
            else:
                C_inverse = identity(d) * mp.mpf(float(a[t]))
            eye = identity(d)
            A = np.block([[eye * (1 - decay) - (p * s + q) * C_inverse @ H, -p * b * C_inverse], [s * H, b * eye]])
            B = np.concatenate([-(p * s + q) * C_inverse, s * eye])
            known = B @ noise - np.concatenate([decay * center, 0 * center])
            xi1, of_r = _norm2(F @ A @ _inverse(F)), _norm2(F @ B)
            bound = (
                norm(F @ known)
                + xi1 * norm(F @ z)
                + of_r / 2 * mp.mpf(found.constants.hessian_lipschitz) * norm(delta) ** 2
            )
            off = abs(bound - found.bound[t]) + abs(norm(F @ after) - found.next_error[t])
            if not off <= found.rounding[t]:
                yield f"WRONG: rounding {found.rounding[t]:.3g} allowed, {float(off):.3g} found"
            if found.decided[t] and norm(F @ after) > bound:
                yield "WRONG: True refuted"
            yield "step compared"


def _long(x):
    """A vector of the longest float, exactly: as the float64 nearest to it and what is left."""
    high = x.astype(np.float64)
    return exact(high) + exact((x - high).astype(np.float64))


def _factor(R, U):
    """F with ‖z‖_P = ‖F z‖, z = (Δ, M) in the coordinates of w."""
    d = len(U)
    E = np.block([[U.T, np.zeros((d, d))], [np.zeros((d, d)), U.T]])
    if R.ndim == 2:
        return exact(R) @ exact(E)
    wide = np.zeros((2 * d, 2 * d))
    for i in range(d):
        wide[np.ix_([i, d + i], [i, d + i])] = R[i]
    return exact(wide) @ exact(E)


def _inverse(F):
    return np.stack([solve(F, column) for column in identity(len(F))], axis=1)


def _norm2(X):
    square = X.T @ X
    return mp.sqrt(max(eigenvalues((square + square.T) / 2)))


if __name__ == "__main__":
    main(random_run)
