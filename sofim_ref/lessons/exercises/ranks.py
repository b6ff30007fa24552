"""More than one rank: what is left to do, what a diagonal is to be made of, and the nearest product of two factors."""

import numpy as np
from hypothesis import strategies as st

from sofim_ref.lessons.exercise import Exercise, Mistake, positive, positive_definite, size, table


def steps_per_digit(mu, L):
    return -1 / np.log10((L - mu) / (L + mu))


def condition_left(eigenvalues, k, rho):
    quotients = eigenvalues / rho
    quotients[:k] = 1
    return np.max(quotients) / np.min(quotients)


def what_is_left(H):
    return np.diag(H) - H[0] ** 2 / H[0, 0]


def kl_update(F, g):
    return np.mean(F / g, axis=1)


def _without_ones(eigenvalues, k, rho):
    left = eigenvalues[k:] / rho
    return np.max(left) / np.min(left) if len(left) else 1.0


_SPECTRA = st.lists(st.sampled_from([1.0, 2.0, 4.0, 8.0]), min_size=3, max_size=3).map(
    lambda x: np.sort(x)[::-1].copy()
)
_Q = size(3, 2, key="q")
_COLUMNS = _Q.flatmap(lambda q: st.lists(st.sampled_from([1.0, 2.0, 4.0]), min_size=q, max_size=q).map(np.asarray))

EXERCISES = (
    Exercise(
        task=(
            r"How many steps does a decimal digit take? The eigenvalues of $C^{-1} H$ lie between `mu` $= \mu > 0$ and `L` $= L > \mu$, and the "
            r"step size is the best one. Return the number of steps, not rounded, in which the error shrinks to a tenth at the rate of (3)."
        ),
        arguments={"mu": st.sampled_from([1.0, 2.0, 0.5]), "L": st.sampled_from([3.0, 4.0, 8.0])},
        reference=steps_per_digit,
        mistakes=(
            Mistake("This is the rate at which the error shrinks in one step.", lambda mu, L: (L - mu) / (L + mu)),
            Mistake(
                "This is how many steps the error needs to shrink to 1/e of itself: a digit is a factor of ten.",
                lambda mu, L: -1 / np.log((L - mu) / (L + mu)),
            ),
            Mistake("This is how many digits a step brings.", lambda mu, L: -np.log10((L - mu) / (L + mu))),
            Mistake(
                "This is with the step size 1/L: the best one makes both ends equally slow.",
                lambda mu, L: -1 / np.log10(1 - mu / L),
            ),
            Mistake("An error that shrinks takes a positive number of steps.", lambda mu, L: -steps_per_digit(mu, L)),
        ),
    ),
    Exercise(
        task=(
            r"A Hessian $H$ has the `eigenvalues` $\lambda_1 \ge \dots \ge \lambda_d > 0$, and $C$ has the same eigenvectors. Along the first `k` of "
            r"them $C$ has $H$'s eigenvalues, along all others a number `rho` $= \rho > 0$, which need not be near any $\lambda_i$. Return the "
            r"condition number of $C^{-1} H$; `k` goes from 0 to $d$."
        ),
        arguments={"eigenvalues": _SPECTRA, "k": st.integers(0, 3), "rho": positive()},
        reference=condition_left,
        mistakes=(
            Mistake("The first k quotients are ones, and ones count too: ρ may be far from the others.", _without_ones),
            Mistake(
                "This divides one direction too many rightly: only the first k.",
                lambda eigenvalues, k, rho: condition_left(eigenvalues, k + 1, rho),
            ),
            Mistake(
                "This is the condition number of C: what is left once H is divided by it?",
                lambda eigenvalues, k, rho: (
                    max(*eigenvalues[:k], *[rho] * (3 - k), 0) / min(*eigenvalues[:k], *[rho] * (3 - k), np.inf)
                ),
            ),
            Mistake(
                "This is the condition number of H: nothing has been divided.",
                lambda eigenvalues, k, rho: eigenvalues[0] / eigenvalues[-1],
            ),
            Mistake(
                "The first k eigenvalues are divided by themselves, not left as they are.",
                lambda eigenvalues, k, rho: (
                    np.max(np.append(eigenvalues[:k], eigenvalues[k:] / rho))
                    / np.min(np.append(eigenvalues[:k], eigenvalues[k:] / rho))
                ),
            ),
        ),
    ),
    Exercise(
        task=(
            r"The rank-one term of $C$ is $r r^\top / r_1$, where the vector $r$ is the first row of the Hessian `H` and $r_1 > 0$ its first "
            r"entry. Return the diagonal of what the term leaves of $H$: a vector."
        ),
        arguments={"H": positive_definite(2) | positive_definite(3)},
        reference=what_is_left,
        mistakes=(
            Mistake("This counts twice what the rank-one term has already.", np.diag),
            Mistake("The rank-one term is rrᵀ/r₁: it is yet to be divided by r₁.", lambda H: np.diag(H) - H[0] ** 2),
            Mistake("This is the diagonal of the rank-one term itself.", lambda H: H[0] ** 2 / H[0, 0]),
            Mistake("The diagonal of rrᵀ holds the squares of r's entries.", lambda H: np.diag(H) - H[0]),
            Mistake(
                "This is the whole matrix that is left: asked for is its diagonal.",
                lambda H: H - np.outer(H[0], H[0]) / H[0, 0],
            ),
        ),
    ),
    Exercise(
        task=(
            r"A table `F` of curvatures $F_{ij} > 0$, with $p$ rows and $q$ columns, is to be approximated by products $a_i g_j$. Given the "
            r"factors `g` $= (g_1, \dots, g_q)$ of the columns, return the factors $(a_1, \dots, a_p)$ of the rows for which the divergence (5) is least: "
            r"where does its derivative by $a_i$ vanish?"
        ),
        arguments={"F": _Q.flatmap(lambda q: table(2, q, 1, 6)), "g": _COLUMNS},
        reference=kl_update,
        mistakes=(
            Mistake(
                "This fits in Frobenius norm, by least squares: in (5) errors are measured by quotients.",
                lambda F, g: F @ g / (g @ g),
            ),
            Mistake("This is the sum: of how many terms is the derivative made?", lambda F, g: (F / g).sum(axis=1)),
            Mistake("The factors of the columns are not used.", lambda F, g: F.mean(axis=1)),
            Mistake(
                "This divides the mean by the mean: the quotients come first.", lambda F, g: F.mean(axis=1) / g.mean()
            ),
            Mistake("F is multiplied by g, not divided.", lambda F, g: (F * g).mean(axis=1)),
            Mistake(
                "This is the mean of the logarithms, whose derivative is another.",
                lambda F, g: np.exp(np.log(F / g).mean(axis=1)),
            ),
        ),
    ),
)
