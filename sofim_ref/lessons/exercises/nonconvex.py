"""Where the loss isn't convex: saddles, and the models whose minimizers leave them."""

import numpy as np
from hypothesis import strategies as st

from sofim_ref.lessons.exercise import Exercise, Mistake, positive, share, size, vector, whole


def steps_to_leave(h, lr, start, reach):
    return np.log(reach / start) / np.log(1 - lr * h)


def saddle_factor(h, damping, lr):
    return 1 - lr * h / (h + damping)


def growth_hessian(x, y):
    beside = -np.mean(x * y)
    return np.asarray([[0, beside], [beside, 1]])


def cubic_length(h, g, M):
    return (np.sqrt(h**2 + 2 * M * abs(g)) - h) / M


_N = size(2, 3, key="n")
_NEGATIVE = st.sampled_from([-1.0, -2.0, -4.0, -0.5])
_CURVATURE = st.sampled_from([-1.0, -2.0, -4.0, 2.0, 3.0])
_DAMPING = st.sampled_from([0.5, 3.0, 5.0, 0.25])

EXERCISES = (
    Exercise(
        task=(
            r"On $\tfrac12 h x^2$ with `h` $= h < 0$, gradient descent with step size $\eta$, `lr`, starts at $x_0 > 0$, `start`, and runs away from "
            r"the saddle at 0. Return the number of steps $t$ after which $x_t$ is $r$, `reach`, as a formula gives it: not rounded to a whole number."
        ),
        arguments={
            "h": _NEGATIVE,
            "lr": share(),
            "start": st.sampled_from([0.5, 0.25, 0.1]),
            "reach": st.sampled_from([1.0, 2.0, 4.0]),
        },
        reference=steps_to_leave,
        mistakes=(
            Mistake(
                "The factor of a step is not ηh: a step is x − ηhx.",
                lambda h, lr, start, reach: np.log(reach / start) / np.log(-lr * h),
            ),
            Mistake(
                "h is negative, so that the distance grows: this factor is below 1, or negative.",
                lambda h, lr, start, reach: np.log(reach / start) / np.log(abs(1 + lr * h)),
            ),
            Mistake(
                "The distance grows by a factor in every step, not by a constant.",
                lambda h, lr, start, reach: (reach - start) / (-lr * h * start),
            ),
            Mistake(
                "ηh is not small here: log(1 + a) is a only where a is.",
                lambda h, lr, start, reach: np.log(reach / start) / (-lr * h),
            ),
        ),
    ),
    Exercise(
        task=(
            r"Damped Newton's method subtracts $\eta\,(H + \lambda I)^{-1} g$. Along an eigenvector of $H$ with eigenvalue `h` $= h$, of either sign, near a "
            r"stationary point, return the number by which a step multiplies the error. `damping` is $\lambda > 0$, and not $-h$; `lr` is $\eta$."
        ),
        arguments={"h": _CURVATURE, "damping": _DAMPING, "lr": share()},
        reference=saddle_factor,
        mistakes=(
            Mistake(
                "Along this direction the gradient is h times the error, not the error.",
                lambda h, damping, lr: 1 - lr / (h + damping),
            ),
            Mistake("This is gradient descent's factor.", lambda h, damping, lr: 1 - lr * h),
            Mistake(
                "The damping is added to h, not to its absolute value.",
                lambda h, damping, lr: 1 - lr * h / (abs(h) + damping),
            ),
            Mistake("This is right for η = 1 alone.", lambda h, damping, lr: damping / (h + damping)),
            Mistake(
                "Without its sign the factor doesn't say on which side the step ends.",
                lambda *a: abs(saddle_factor(*a)),
            ),
            Mistake(
                "This is the share that is subtracted: what is left?", lambda h, damping, lr: lr * h / (h + damping)
            ),
        ),
    ),
    Exercise(
        task=(
            r"The curve $z(x) = w_2 e^{w_1 x}$ is fitted to points with the inputs `x` and the targets `y`: the loss is the mean of $\tfrac12(z(x) - y)^2$. "
            r"Return its Hessian at $w = (0, 0)$, two rows of two numbers. In (7), what are the residuals there, and which derivatives of $z$ don't vanish?"
        ),
        arguments={"x": _N.flatmap(vector), "y": _N.flatmap(vector)},
        reference=growth_hessian,
        mistakes=(
            Mistake(
                "The residual at 0 is z − y with z = 0: mind its sign.",
                lambda x, y: np.asarray([[0, np.mean(x * y)], [np.mean(x * y), 1]]),
            ),
            Mistake(
                "This is the Gauss–Newton matrix alone: the other sum is missing.",
                lambda x, y: np.asarray([[0, 0], [0, 1]]),
            ),
            Mistake(
                "∂z/∂w₂ is e^(w₁x), 1 at w = 0: the Gauss–Newton matrix isn't zero there.",
                lambda x, y: growth_hessian(x, y) - np.asarray([[0, 0], [0, 1]]),
            ),
            Mistake(
                "∂²z/∂w₁² is w₂ x² e^(w₁x), which vanishes at w = 0.",
                lambda x, y: growth_hessian(x, y) - np.mean(x**2 * y) * np.asarray([[1, 0], [0, 0]]),
            ),
            Mistake("The loss is a mean over the points.", lambda x, y: len(x) * growth_hessian(x, y)),
            Mistake(
                "The mean of the products is not the product of the means.",
                lambda x, y: np.asarray([[0, -np.mean(x) * np.mean(y)], [-np.mean(x) * np.mean(y), 1]]),
            ),
        ),
    ),
    Exercise(
        task=(
            r"In one dimension, the minimizer $s$ of $g s + \tfrac12 h s^2 + \tfrac{M}{6}|s|^3$ has a length that a quadratic equation gives. Return $|s|$, for `g` "
            r"$= g$ and `h` $= h \ne 0$ of either sign, and `M` $= M > 0$. With $g = 0$ and $h < 0$ there are two minimizers, of one length."
        ),
        arguments={"h": _CURVATURE, "g": whole(-4, 4), "M": positive()},
        reference=cubic_length,
        mistakes=(
            Mistake("This is Newton's step: the cubic term is left out.", lambda h, g, M: abs(g / h)),
            Mistake(
                "The derivative of M|s|³/6 is M s|s|/2: the 2 is missing.",
                lambda h, g, M: (np.sqrt(h**2 + 4 * M * abs(g)) - h) / (2 * M),
            ),
            Mistake(
                "This is the step with its sign: its length is asked for.",
                lambda h, g, M: -np.sign(g) * cubic_length(h, g, M),
            ),
            Mistake(
                "Of the two roots one is negative, and no length.",
                lambda h, g, M: (-np.sqrt(h**2 + 2 * M * abs(g)) - h) / M,
            ),
            Mistake(
                "The length of the step doesn't depend on the sign of g.",
                lambda h, g, M: (np.sqrt(np.maximum(h**2 - 2 * M * g, 0)) - h) / M,
            ),
            Mistake(
                "Where h < 0 the step is longer than with |h|: the model falls away from 0 on both sides.",
                lambda h, g, M: (np.sqrt(h**2 + 2 * M * abs(g)) - abs(h)) / M,
            ),
        ),
    ),
)
