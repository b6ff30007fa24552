"""Other ways to be second order: estimates, factors, updates."""

import numpy as np
from hypothesis import strategies as st

from sofim_ref.lessons.exercise import Exercise, Large, Mistake, positive_definite, size, symmetric, table, vector


def hutchinson(H, Z):
    return np.mean([z * (H @ z) for z in Z], axis=0)


def kfac_solve(A, G, V):
    return np.linalg.solve(A, V) @ np.linalg.inv(G)


def kronecker_eigenvalues(a, g):
    return np.sort(np.outer(a, g).ravel())


def bfgs_update(B, s, y):
    Bs = B @ s
    return B - np.outer(Bs, Bs) / (s @ Bs) + np.outer(y, y) / (s @ y)


def _layer():
    V = np.random.default_rng(0).standard_normal((20, 15))
    return {"A": np.eye(20) + V @ V.T, "G": np.eye(15) + V.T @ V, "V": V}


_SIGNS = st.integers(1, 3).flatmap(
    lambda k: st.lists(st.sampled_from([1.0, -1.0]), min_size=2 * k, max_size=2 * k).map(
        lambda z: np.reshape(np.asarray(z), (k, 2))
    )
)
_P, _Q = size(2, 1, key="p"), size(2, 1, key="q")
_LAYER = st.tuples(_P, _Q).flatmap(lambda sizes: table(*sizes))
_STEP = st.shared(vector().filter(lambda s: s @ s > 0), key="step")

EXERCISES = (
    Exercise(
        task=(
            r"Return Hutchinson's estimate of the diagonal of a symmetric matrix `H` from random vectors of signs, the rows of `Z`: the "
            r"mean over the rows $z$ of a vector that is made of $z$ and the product $Hz$ alone. It must have the diagonal for its "
            r"expectation if the signs are independent and fair, so that $\mathrm E[z z^\top] = I$."
        ),
        arguments={"H": symmetric(), "Z": _SIGNS},
        reference=hutchinson,
        mistakes=(
            Mistake(
                "This is the mean of Hz: multiply by z again, entry by entry, so that its signs cancel.",
                lambda H, Z: (Z @ H).mean(axis=0),
            ),
            Mistake("This is a sum over the vectors: it is to be a mean.", lambda H, Z: (Z * (Z @ H)).sum(axis=0)),
            Mistake("This is the diagonal itself: only products with H are to be had.", lambda H, Z: np.diag(H)),
            Mistake(
                "This is the root of the mean square, which AdaHessian takes over many steps: asked for is the mean.",
                lambda H, Z: np.sqrt(((Z @ H) ** 2).mean(axis=0)),
            ),
            Mistake(
                "This is the estimate's absolute value, which AdaHessian takes: the estimate itself may be negative.",
                lambda H, Z: np.abs(hutchinson(H, Z)),
            ),
            Mistake(
                "This estimates the trace, one number: asked for is the diagonal.",
                lambda H, Z: np.mean([z @ H @ z for z in Z]),
            ),
        ),
    ),
    Exercise(
        task=(
            r"K-FAC's matrix for a layer is the Kronecker product $A \otimes G$. Return the matrix $X$ with $(A \otimes G)\,\mathrm{vec}"
            r"(X) = \mathrm{vec}(V)$, where $\mathrm{vec}$ writes a matrix row after row into a vector, so that $(A \otimes G)\,\mathrm"
            r"{vec}(X) = \mathrm{vec}(A X G^\top)$. `A` ($p \times p$) and `G` ($q \times q$) are symmetric positive definite, the "
            r"layer's gradient `V` is $p \times q$, and the $pq \times pq$ product may not be made."
        ),
        arguments={"A": _P.flatmap(positive_definite), "G": _Q.flatmap(positive_definite), "V": _LAYER},
        reference=kfac_solve,
        large=Large(
            _layer,
            350_000,
            "the values are right, but the Kronecker product is made: the two factors are enough.",
        ),
        mistakes=(
            Mistake("A and G have changed places.", lambda A, G, V: np.linalg.solve(G, V) @ np.linalg.inv(A)),
            Mistake("V is multiplied by A and G, not divided by them.", lambda A, G, V: A @ V @ G),
            Mistake("G is not inverted.", lambda A, G, V: np.linalg.solve(A, V) @ G),
            Mistake("A is not inverted.", lambda A, G, V: A @ V @ np.linalg.inv(G)),
            Mistake(
                "Both inverses stand on the left: G belongs to the columns of V.",
                lambda A, G, V: np.linalg.solve(A, np.linalg.solve(G, V)),
            ),
        ),
    ),
    Exercise(
        task=(
            r"Return the BFGS matrix $B^+$ after a step `s` that changed the gradient by `y`, with $s^\top y > 0$: $B^+ = B - \frac{1}{a} "
            r"(Bs)(Bs)^\top + \frac{1}{b}\, y y^\top$, where the numbers $a$ and $b$ are such that the first term removed takes away all "
            r"that $B$ makes of $s$, and $B^+$ satisfies the secant equation $B^+ s = y$."
        ),
        arguments={
            "B": positive_definite(),
            "s": _STEP,
            "y": _STEP.flatmap(lambda s: vector().filter(lambda y: y @ s > 0)),
        },
        reference=bfgs_update,
        mistakes=(
            Mistake(
                "What B makes of s is to be taken away first: B⁺s must be y.",
                lambda B, s, y: B + np.outer(y, y) / (s @ y),
            ),
            Mistake(
                "The new part is divided by the wrong product: B⁺s must be y.",
                lambda B, s, y: B - np.outer(B @ s, B @ s) / (s @ B @ s) + np.outer(y, y) / (y @ y),
            ),
            Mistake(
                "The part that is removed is divided by the wrong product: what is left of B must make nothing of s.",
                lambda B, s, y: B - np.outer(B @ s, B @ s) / (s @ s) + np.outer(y, y) / (s @ y),
            ),
            Mistake(
                "This updates the inverse: s and y have changed places.",
                lambda B, s, y: bfgs_update(B, y, s),
            ),
        ),
    ),
    Exercise(
        task=(
            r"The eigenvalues of two symmetric matrices $A$ and $G$ are the entries of `a` and `g`. Return all eigenvalues of $A \otimes "
            r"G$, in ascending order, each as often as it occurs: if $Au = \alpha u$ and $Gv = \gamma v$, what does $A \otimes G$ make of "
            r"$\mathrm{vec}(u v^\top)$?"
        ),
        arguments={"a": vector(2) | vector(3), "g": vector(2) | vector(1)},
        reference=kronecker_eigenvalues,
        mistakes=(
            Mistake("The eigenvalues are to come in ascending order.", lambda a, g: np.outer(a, g).ravel()),
            Mistake(
                "These are the sums of eigenvalues: A ⊗ G multiplies by A on one side and by G on the other.",
                lambda a, g: np.sort(np.add.outer(a, g).ravel()),
            ),
            Mistake("Each eigenvalue is to be there as often as it occurs.", lambda a, g: np.unique(np.outer(a, g))),
            Mistake(
                "This is the descending order: the smallest is to come first.",
                lambda a, g: kronecker_eigenvalues(a, g)[::-1],
            ),
        ),
    ),
)
