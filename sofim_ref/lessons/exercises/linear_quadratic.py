"""Linear and then quadratic: coefficients, rates and orders."""

import numpy as np
from hypothesis import strategies as st

from sofim_ref.lessons.exercise import Exercise, Mistake, positive, positive_definite, size, vector


def xi1(rho, m, H, lr):
    C = rho * np.eye(len(m)) + np.outer(m, m)
    return np.linalg.norm(np.eye(len(m)) - lr * np.linalg.solve(C, H), 2)


def tail_rate(lr, rho, mu, L):
    return max(abs(1 - lr * mu / rho), abs(1 - lr * L / rho))


def best_lr(rho, mu, L):
    return 2 * rho / (mu + L)


def observed_order(first, second, third):
    return np.log(third / second) / np.log(second / first)


def _matrix(rho, m, H, lr):
    return np.eye(len(m)) - lr * np.linalg.solve(rho * np.eye(len(m)) + np.outer(m, m), H)


_D = size(2, 3, key="d")
_MU = st.shared(st.sampled_from([1.0, 0.5, 2.0]), key="mu")
_FIRST = st.shared(st.sampled_from([1.0, 0.5, 2.0, 0.1]), key="first")
_SECOND = st.shared(st.tuples(_FIRST, st.sampled_from([0.5, 0.1, 0.25])).map(lambda x: x[0] * x[1]), key="second")

EXERCISES = (
    Exercise(
        task=(
            r"Return the coefficient $\xi_1$ of the bound for a step of SOFIM: the largest factor by which the matrix $I - \eta "
            r"C^{-1} H$ stretches a vector. SOFIM's matrix is $C = \rho I + m m^\top$; `rho` is $\rho$, `m` the moment, `H` the "
            r"Hessian, symmetric and positive definite, and `lr` is $\eta$. Here matrices are small, and may be made."
        ),
        arguments={
            "rho": positive(),
            "m": _D.flatmap(vector),
            "H": _D.flatmap(positive_definite),
            "lr": positive(),
        },
        reference=xi1,
        mistakes=(
            Mistake(
                "This is the largest eigenvalue in size. C⁻¹H isn't symmetric: the largest stretch is a singular value.",
                lambda *a: np.abs(np.linalg.eigvals(_matrix(*a))).max(),
            ),
            Mistake(
                "This is the Frobenius norm, of all entries: asked for is the largest stretch of a vector.",
                lambda *a: np.linalg.norm(_matrix(*a)),
            ),
            Mistake(
                "C and H have changed places.",
                lambda rho, m, H, lr: np.linalg.norm(
                    np.eye(len(m)) - lr * np.linalg.solve(H, rho * np.eye(len(m)) + np.outer(m, m)), 2
                ),
            ),
            Mistake("The step size is missing.", lambda rho, m, H, lr: xi1(rho, m, H, 1.0)),
            Mistake(
                "The rank-one term of C is missing: that is right only where the moment vanishes.",
                lambda rho, m, H, lr: xi1(rho, 0 * m, H, lr),
            ),
        ),
    ),
    Exercise(
        task=(
            r"Return the factor by which the error of SOFIM with $\beta = 0$ shrinks in a step near the optimum, in the slowest "
            r"direction. There the moment has vanished, and the Hessian's eigenvalues run from `mu` $= \mu$ to `L`; `lr` is $\eta$ and `rho` is $\rho$. What "
            r"does one step do to an error along an eigenvector?"
        ),
        arguments={
            "lr": positive(),
            "rho": positive(),
            "mu": _MU,
            "L": st.tuples(_MU, st.sampled_from([1.0, 2.0, 4.0])).map(lambda x: x[0] * x[1]),
        },
        reference=tail_rate,
        mistakes=(
            Mistake(
                "Which end of the spectrum decides depends on the step size: it is the slower one.",
                lambda lr, rho, mu, L: abs(1 - lr * mu / rho),
            ),
            Mistake(
                "This is the faster of the two: the slower direction is what remains.",
                lambda lr, rho, mu, L: min(abs(1 - lr * mu / rho), abs(1 - lr * L / rho)),
            ),
            Mistake(
                "A step may overshoot: then the factor is negative, and its size counts.",
                lambda lr, rho, mu, L: max(1 - lr * mu / rho, 1 - lr * L / rho),
            ),
            Mistake("C tends to ρI, and a step divides by it.", lambda lr, rho, mu, L: tail_rate(lr * rho, 1.0, mu, L)),
            Mistake("ρ isn't used: C tends to ρI, not to I.", lambda lr, rho, mu, L: tail_rate(lr, 1.0, mu, L)),
        ),
    ),
    Exercise(
        task=(
            r"Return the order $q$ of convergence that three errors in a row show, `first`, `second` and `third`, if each follows from "
            r"the one before by $e^+ = r\,e^q$, with the same unknown $r$ and $q$."
        ),
        arguments={
            "first": _FIRST,
            "second": _SECOND,
            "third": st.tuples(_SECOND, st.sampled_from([0.5, 0.1, 0.25])).map(lambda x: x[0] * x[1]),
        },
        reference=observed_order,
        mistakes=(
            Mistake("This is the rate of linear convergence, not the order.", lambda a, b, c: c / b),
            Mistake("This is the order's reciprocal.", lambda a, b, c: 1 / observed_order(a, b, c)),
            Mistake(
                "This is right only if r is 1: use the third error too, so that r cancels.",
                lambda a, b, c: np.log(b) / np.log(a),
            ),
            Mistake(
                "This is right only if r is 1: divide each error by the one before, so that r cancels.",
                lambda a, b, c: np.log(c) / np.log(b),
            ),
        ),
    ),
    Exercise(
        task=(
            r"Return the step size $\eta$ with which the error of SOFIM with $\beta = 0$ shrinks fastest near the optimum, where the "
            r"moment has vanished and the Hessian's eigenvalues run from `mu` $= \mu > 0$ to `L`; `rho` is $\rho$. A larger step serves one end of the spectrum and "
            r"harms the other: when are both ends equally slow?"
        ),
        arguments={
            "rho": positive(),
            "mu": _MU,
            "L": st.tuples(_MU, st.sampled_from([1.0, 2.0, 4.0])).map(lambda x: x[0] * x[1]),
        },
        reference=best_lr,
        mistakes=(
            Mistake(
                "This is best for the largest eigenvalue alone: the smallest one shrinks too slowly.",
                lambda rho, mu, L: rho / L,
            ),
            Mistake(
                "This is best for the smallest eigenvalue alone: the largest one may diverge.",
                lambda rho, mu, L: rho / mu,
            ),
            Mistake("ρ isn't used: a step is divided by it.", lambda rho, mu, L: 2 / (mu + L)),
            Mistake("This is the largest step that doesn't diverge, not the best.", lambda rho, mu, L: 2 * rho / L),
            Mistake(
                "This is half of the best step: which error does it leave at each end?",
                lambda rho, mu, L: rho / (mu + L),
            ),
        ),
    ),
)
