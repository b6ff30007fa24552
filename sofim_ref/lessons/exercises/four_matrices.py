"""Four matrices that are often confused: means and sums, labels and predictions."""

import numpy as np
from hypothesis import strategies as st

from sofim_ref.lessons.exercise import Exercise, Mistake, rows_of, table


def empirical_fisher(G):
    return G.T @ G / len(G)


def logistic_fisher(X, w):
    p = 1 / (1 + np.exp(-X @ w))
    return (X * (p * (1 - p))[:, None]).T @ X / len(X)


def gauss_newton(J, h):
    return (J * h[:, None]).T @ J / len(J)


def improved_empirical_fisher(G, r):
    scaled = G / r[:, None]
    return scaled.T @ scaled / len(G)


def _centred(G):
    return G - G.mean(axis=0)


_G = st.shared(rows_of(), key="G")
_J = st.shared(rows_of(), key="J")

EXERCISES = (
    Exercise(
        task=(
            r"Return the empirical Fisher matrix $\frac1B \sum_{n=1}^B g_n g_n^\top$, where the rows $g_1, \dots, g_B$ of `G` are "
            r"the gradients of the examples' losses, each with the label that the data have."
        ),
        arguments={"G": rows_of()},
        reference=empirical_fisher,
        mistakes=(
            Mistake("This is a sum over the examples: every Fisher matrix here is a mean.", lambda G: G.T @ G),
            Mistake(
                "This is the square of the mean gradient, SOFIM's matrix: here the squares come first, then the mean.",
                lambda G: np.outer(G.mean(axis=0), G.mean(axis=0)),
            ),
            Mistake(
                "The mean gradient has been subtracted: that is a covariance; the empirical Fisher matrix is about zero.",
                lambda G: _centred(G).T @ _centred(G) / len(G),
            ),
            Mistake(
                "np.cov subtracts the mean gradient and divides by B − 1: the empirical Fisher matrix is about zero, and divides by B.",
                lambda G: np.cov(G.T),
            ),
            Mistake(
                "np.cov takes each row for a variable, unless told rowvar=False; it also subtracts the mean and divides by one less than the number.",
                np.cov,
            ),
            Mistake("Only the diagonal is there.", lambda G: np.diag((G**2).mean(axis=0))),
            Mistake(
                "This divides by B − 1, as an estimate of a variance does: the mean is over all B examples.",
                lambda G: G.T @ G / (len(G) - 1),
            ),
        ),
    ),
    Exercise(
        task=(
            r"Return the exact Fisher matrix of logistic regression at the weights `w`, $\frac1B \sum_{n=1}^B \mathrm E_y[\nabla\ell_n"
            r"(y)\,\nabla\ell_n(y)^\top]$. The rows of `X` are the inputs $x_n$; the model says $y = 1$ with probability "
            r"$p_n = 1/(1 + e^{-x_n^\top w})$ and else $y = 0$; the gradient of an example's loss is $\nabla\ell_n(y) = (p_n - y)\,x_n$. "
            r"The expectation is over labels that the model predicts: the data's labels are not among the arguments."
        ),
        arguments={"X": rows_of(), "w": st.just(np.zeros(2)) | table(1, 2, -1, 1).map(lambda x: x[0])},
        reference=logistic_fisher,
        mistakes=(
            Mistake(
                "This is a sum over the examples: it is to be a mean.", lambda X, w: logistic_fisher(X, w) * len(X)
            ),
            Mistake(
                "An example's weight is the mean of (p − y)² over y, a variance: what is the variance of a coin that shows 1 with probability p?",
                lambda X, w: (X / (1 + np.exp(-X @ w))[:, None]).T @ X / len(X),
            ),
            Mistake("This is the matrix of least squares: the predictions aren't used.", lambda X, w: X.T @ X / len(X)),
            Mistake(
                "An example's weight is the mean of (p − y)², and this is its square: the two factors (p − y) are the two gradients'.",
                lambda X, w: (X * (_variance(X, w) ** 2)[:, None]).T @ X / len(X),
            ),
        ),
    ),
    Exercise(
        task=(
            r"Return the Gauss–Newton matrix $\frac1B \sum_{n=1}^B h_n\, J_n^\top J_n$ of a model with one output. Row $n$ of `J`, "
            r"$J_n$, holds the derivatives of the output for example $n$ in the parameters; entry $n$ of `h`, $h_n$, is the second "
            r"derivative of that example's loss in the output. Can it be written without a loop?"
        ),
        arguments={
            "J": _J,
            "h": _J.flatmap(
                lambda J: st.lists(st.sampled_from([1.0, 2.0, 0.5]), min_size=len(J), max_size=len(J)).map(np.asarray)
            ),
        },
        reference=gauss_newton,
        mistakes=(
            Mistake("This is a sum over the examples: it is to be a mean.", lambda J, h: (J * h[:, None]).T @ J),
            Mistake("h isn't used: that is right for squared errors alone.", lambda J, h: J.T @ J / len(J)),
            Mistake(
                "h is there twice: it stands between the two factors J once.",
                lambda J, h: (J * h[:, None]).T @ (J * h[:, None]) / len(J),
            ),
            Mistake(
                "The weights have been normalized: divide by the number of examples, not by the sum of h.",
                lambda J, h: (J * h[:, None]).T @ J / h.sum(),
            ),
        ),
    ),
    Exercise(
        task=(
            r"Return the improved empirical Fisher matrix of least squares with one output, $\frac1B \sum_{n=1}^B g_n g_n^\top / r_n^2$: "
            r"the empirical one, with each example's part divided by the square of its residual. The rows of `G` are the gradients "
            r"$g_n$, the entries of `r` the residuals $r_n \ne 0$."
        ),
        arguments={
            "G": _G,
            "r": _G.flatmap(
                lambda G: st.lists(st.sampled_from([1.0, 2.0, -1.0, 0.5]), min_size=len(G), max_size=len(G)).map(
                    np.asarray
                )
            ),
        },
        reference=improved_empirical_fisher,
        mistakes=(
            Mistake("The residuals aren't used: this is the empirical Fisher matrix.", lambda G, r: G.T @ G / len(G)),
            Mistake(
                "Each part is divided by the residual, not by its square.",
                lambda G, r: (G / np.abs(r)[:, None]).T @ G / len(G),
            ),
            Mistake(
                "Each part is multiplied by the square of its residual, not divided by it.",
                lambda G, r: (G * r[:, None]).T @ (G * r[:, None]) / len(G),
            ),
            Mistake(
                "All parts are divided by the mean square of the residuals: each has its own.",
                lambda G, r: G.T @ G / len(G) / np.mean(r**2),
            ),
            Mistake(
                "This is a sum over the examples: it is to be a mean.",
                lambda G, r: improved_empirical_fisher(G, r) * len(G),
            ),
        ),
    ),
)


def _variance(X, w):
    p = 1 / (1 + np.exp(-X @ w))
    return p * (1 - p)
