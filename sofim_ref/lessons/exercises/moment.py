"""The moment: averages that begin at zero."""

import numpy as np
from hypothesis import strategies as st

from sofim_ref.lessons.exercise import Exercise, Mistake, positive, rows_of, share


def moment(G, beta):
    M = np.zeros(G.shape[1])
    for g in G:
        M = beta * M + (1 - beta) * g
    return M / (1 - beta ** len(G))


def gradient_weight(beta, t, k):
    return (1 - beta) * beta ** (t - k) / (1 - beta**t)


def same_as_heavy_ball(lr, beta, dampening):
    return lr * (1 - beta) / (1 - dampening)


def noise_left(beta):
    return (1 - beta) / (1 + beta)


def _uncorrected(G, beta):
    return moment(G, beta) * (1 - beta ** len(G))


def _from_the_first(G, beta):
    M = G[0]
    for g in G[1:]:
        M = beta * M + (1 - beta) * g
    return M


_T = st.shared(st.integers(1, 4), key="t")

EXERCISES = (
    Exercise(
        task=(
            r"Return $\hat M_T = M_T/(1 - \beta^T)$ after the $T \ge 1$ gradients in the rows of `G`: the exponential moving average "
            r"$M_t = \beta M_{t-1} + (1 - \beta)\,g_t$, which begins at $M_0 = 0$, with its bias corrected; `beta` is $\beta$."
        ),
        arguments={"G": rows_of(2) | rows_of(3, most=2), "beta": share()},
        reference=moment,
        mistakes=(
            Mistake("The bias is not corrected: after one gradient M̂ must be that gradient.", _uncorrected),
            Mistake(
                "The average begins at the first gradient: begin at 0, and correct the bias.",
                _from_the_first,
            ),
            Mistake(
                "This is heavy ball's sum: in an average the new gradient has the weight 1 − β.",
                lambda G, beta: _uncorrected(G, beta) / (1 - beta),
            ),
            Mistake(
                "The correction counts from 0: after the first gradient t is 1.",
                lambda G, beta: _uncorrected(G, beta) / (1 - beta ** (len(G) + 1)),
            ),
            Mistake(
                "β and 1 − β have changed places: the old average has the weight β.",
                lambda G, beta: moment(G, 1 - beta),
            ),
            Mistake("This is the plain mean: later gradients are to count more.", lambda G, beta: G.mean(axis=0)),
            Mistake(
                "The gradients are taken in reverse: the last row is the latest.", lambda G, beta: moment(G[::-1], beta)
            ),
        ),
    ),
    Exercise(
        task=(
            r"The corrected moment after $t$ gradients is a weighted mean of them, $\hat M_t = \sum_{k=1}^t w_k\, g_k$. Return the "
            r"weight $w_k$ of gradient number `k`, counted from 1 to `t`; `beta` is $\beta$. Write $M_1$, $M_2$ and $M_3$ out to see the "
            r"pattern; the weights must add up to 1."
        ),
        arguments={"beta": share(), "t": _T, "k": _T.flatmap(lambda t: st.integers(1, t))},
        reference=gradient_weight,
        mistakes=(
            Mistake(
                "These weights don't add up to 1: the bias is not corrected.",
                lambda beta, t, k: (1 - beta) * beta ** (t - k),
            ),
            Mistake(
                "The weights come in reverse: the last gradient, k = t, has the largest.",
                lambda beta, t, k: gradient_weight(beta, t, t + 1 - k),
            ),
            Mistake(
                "The last gradient, k = t, has not yet been multiplied by β.",
                lambda beta, t, k: gradient_weight(beta, t, k) * beta,
            ),
            Mistake("Not all gradients have one weight: older ones count less.", lambda beta, t, k: 1 / t),
        ),
    ),
    Exercise(
        task=(
            r"PyTorch's momentum is $v \leftarrow \beta v + (1 - \tau)\,g$ and then $w \leftarrow w - \eta' v$, where $\tau$ is called "
            r"`dampening`. Return the step size $\eta'$ with which it makes the same steps as the moving average $M \leftarrow \beta M + "
            r"(1 - \beta)\,g$ with $w \leftarrow w - \eta M$, uncorrected; `lr` is $\eta$ and `beta` is $\beta$, and both begin at 0."
        ),
        arguments={"lr": positive(), "beta": share(), "dampening": st.sampled_from([0.0, 0.5, 0.75, 0.9])},
        reference=same_as_heavy_ball,
        mistakes=(
            Mistake(
                "This is upside down: where v is larger than the average M, its step size is smaller.",
                lambda lr, beta, dampening: lr * (1 - dampening) / (1 - beta),
            ),
            Mistake(
                "The dampening isn't used: it weighs each new gradient in v.",
                lambda lr, beta, dampening: lr * (1 - beta),
            ),
            Mistake(
                "Dampening makes v smaller, so that its step size must be larger.",
                lambda lr, beta, dampening: lr * (1 - beta) * (1 - dampening),
            ),
            Mistake("The two step sizes differ, unless the dampening is β.", lambda lr, beta, dampening: lr),
            Mistake(
                "The new gradient's weight in M is 1 − β, not β.",
                lambda lr, beta, dampening: lr * beta / (1 - dampening),
            ),
        ),
    ),
    Exercise(
        task=(
            r"After many steps the moment is $M = \sum_{j=0}^\infty (1 - \beta)\,\beta^j g_{t-j}$. Let the gradients be independent "
            r"numbers of variance 1. Return the variance of $M$; `beta` is $\beta$. The variance of a weighted sum of "
            r"independent numbers is the sum of the squared weights times theirs."
        ),
        arguments={"beta": share()},
        reference=noise_left,
        mistakes=(
            Mistake("These are the weights' sum, 1: square each weight first.", lambda beta: 1.0),
            Mistake("The geometric series of β is summed: the squares' is that of β².", lambda beta: 1 - beta),
            Mistake(
                "The weights' common factor is to be squared too.",
                lambda beta: 1 / (1 + beta),
            ),
            Mistake("This is the standard deviation: its square is asked for.", lambda beta: noise_left(beta) ** 0.5),
            Mistake("This is upside down: averaging lowers the variance.", lambda beta: 1 / noise_left(beta)),
        ),
    ),
)
