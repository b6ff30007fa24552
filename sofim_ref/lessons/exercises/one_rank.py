"""One rank and one division: the inverse that is never written down."""

import numpy as np

from sofim_ref.lessons.exercise import Exercise, Large, Mistake, positive, size, table, vector


def sherman_morrison(rho, m, v):
    return v / rho - m * (m @ v) / (rho * (rho + m @ m))


def condition_number(rho, m):
    return 1 + m @ m / rho


def logdet(rho, m):
    return (len(m) - 1) * np.log(rho) + np.log(rho + m @ m)


def woodbury(rho, Z, v):
    small = rho * np.eye(Z.shape[1]) + Z.T @ Z
    return (v - Z @ np.linalg.solve(small, Z.T @ v)) / rho


def _one_direction():
    m, v = np.random.default_rng(0).standard_normal((2, 300))
    return {"rho": 2.0, "m": m, "v": v}


def _three_directions():
    rng = np.random.default_rng(0)
    return {"rho": 2.0, "Z": rng.standard_normal((300, 3)), "v": rng.standard_normal(300)}


_K = size(2, 1, key="k")

EXERCISES = (
    Exercise(
        task=(
            r"Return $C^{-1}v$ for $C = \rho I + m m^\top$, `rho` $= \rho > 0$, and vectors `m` $\ne 0$ and `v` of one length $d$, without "
            r"making any $d \times d$ matrix: the answer must work where $C$ would not fit into memory."
        ),
        arguments={"rho": positive(), "m": vector().filter(np.any), "v": vector()},
        reference=sherman_morrison,
        large=Large(
            _one_direction,
            350_000,
            "the values are right, but a matrix is made: use only products of vectors, so that memory grows like d, not like d².",
        ),
        mistakes=(
            Mistake(
                "All of v is divided by ρ + ‖m‖²: only its part along m is. What does C do to a vector that is orthogonal to m?",
                lambda rho, m, v: v / (rho + m @ m),
            ),
            Mistake(
                "A factor ρ is missing in the whole denominator of the correction: try ρ = 2 by hand, with m = (1, 0).",
                lambda rho, m, v: v / rho - m * (m @ v) / (rho + m @ m),
            ),
            Mistake(
                "The denominator's second term lacks a factor ρ: try ρ = 2 by hand, with m = (1, 0).",
                lambda rho, m, v: v / rho - m * (m @ v) / (rho**2 + m @ m),
            ),
            Mistake(
                "ρ is squared where it should not be: try ρ = 2 by hand, with m = (1, 0).",
                lambda rho, m, v: v / rho - m * (m @ v) / (rho**2 * (rho + m @ m)),
            ),
            Mistake(
                "The correction is added: C's eigenvalue along m is larger than ρ, so division by C shrinks that part of v more.",
                lambda rho, m, v: v / rho + m * (m @ v) / (rho * (rho + m @ m)),
            ),
            Mistake(
                "This is right for ρ = 1 alone: what does ρI do to the part of v that is orthogonal to m?",
                lambda rho, m, v: v - m * (m @ v) / (1 + m @ m),
            ),
            Mistake("v is multiplied by the matrix, not divided by it.", lambda rho, m, v: rho * v + m * (m @ v)),
        ),
    ),
    Exercise(
        task=(
            r"Return the condition number of $C = \rho I + m m^\top$: its largest eigenvalue over its smallest. `rho` is $\rho > 0$; "
            r"the vector `m` has at least two entries."
        ),
        arguments={"rho": positive(), "m": vector()},
        reference=condition_number,
        mistakes=(
            Mistake("The length of m is to be squared.", lambda rho, m: 1 + (m @ m) ** 0.5 / rho),
            Mistake("The largest eigenvalue is not ‖m‖² alone: what is C m?", lambda rho, m: m @ m / rho),
            Mistake("This is the smallest eigenvalue over the largest.", lambda rho, m: rho / (rho + m @ m)),
            Mistake(
                "This is the largest eigenvalue: it is not yet divided by the smallest.", lambda rho, m: rho + m @ m
            ),
        ),
    ),
    Exercise(
        task=(
            r"Return $C^{-1}v$ for a vector `v` and $C = \rho I + Z Z^\top$, where `rho` is $\rho > 0$ and the matrix `Z` has $d$ rows and $k < d$ columns. Only $k \times k$ "
            r"systems may be solved, and no $d \times d$ matrix may be made."
        ),
        arguments={"rho": positive(), "Z": _K.flatmap(lambda k: table(3, k)), "v": vector(3)},
        reference=woodbury,
        large=Large(
            _three_directions,
            350_000,
            "the values are right, but a d × d matrix is made: the only system to solve is k × k, one equation for each column of Z, and the order of the products decides whether they make one; begin with the vector.",
        ),
        mistakes=(
            Mistake(
                "The small matrix has ones where it should have ρ on its diagonal.",
                lambda rho, Z, v: (v - Z @ np.linalg.solve(np.eye(Z.shape[1]) + Z.T @ Z, Z.T @ v)) / rho,
            ),
            Mistake(
                "The correction too is to be divided by ρ.",
                lambda rho, Z, v: v / rho - Z @ np.linalg.solve(rho * np.eye(Z.shape[1]) + Z.T @ Z, Z.T @ v),
            ),
            Mistake(
                "The two columns of Z are treated one by one: that is right only if they are orthogonal.",
                lambda rho, Z, v: v / rho - sum(z * (z @ v) / (rho * (rho + z @ z)) for z in Z.T),
            ),
            Mistake(
                "The correction is added: it is to be subtracted, since C is larger than ρI.",
                lambda rho, Z, v: (v + Z @ np.linalg.solve(rho * np.eye(Z.shape[1]) + Z.T @ Z, Z.T @ v)) / rho,
            ),
        ),
    ),
    Exercise(
        task=(
            r"Return $\log \det C$ for $C = \rho I + m m^\top$, where `rho` is $\rho > 0$ and `m` a vector of $d$ entries: the sum of the "
            r"logarithms of all $d$ eigenvalues. No matrix is needed."
        ),
        arguments={"rho": positive(), "m": vector(2) | vector(3) | vector(1)},
        reference=logdet,
        mistakes=(
            Mistake(
                "The small eigenvalue has been counted once: how often does it occur in d dimensions?",
                lambda rho, m: np.log(rho) + np.log(rho + m @ m),
            ),
            Mistake(
                "There are d eigenvalues in all: how many of them are left for ρ?",
                lambda rho, m: len(m) * np.log(rho) + np.log(rho + m @ m),
            ),
            Mistake(
                "This is the determinant: its logarithm is asked for.",
                lambda rho, m: rho ** (len(m) - 1) * (rho + m @ m),
            ),
            Mistake(
                "The eigenvalue along m isn't ‖m‖² alone: what is C m?",
                lambda rho, m: (len(m) - 1) * np.log(rho) + np.log(m @ m),
            ),
            Mistake(
                "The length of m is to be squared.", lambda rho, m: logdet(rho, np.abs(m) ** 0.5 * (m @ m) ** 0.25)
            ),
        ),
    ),
)
