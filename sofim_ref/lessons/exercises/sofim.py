"""What SOFIM really does: a step length with a peak, and two readings."""

import numpy as np

from sofim_ref.lessons.exercise import Exercise, Mistake, positive, vector, whole


def step_length(lr, rho, s):
    return lr * s / (rho + s**2)


def peak_step(lr, rho):
    return rho**0.5, lr / (2 * rho**0.5)


def equally_long(rho, s):
    return rho / s


def gradient_reading(rho, M, g):
    return g / rho - M * (M @ g) / (rho * (rho + M @ M))


EXERCISES = (
    Exercise(
        task=(
            r"Return the length of a step of SOFIM in the moment reading, $\|\eta\, C^{-1} \hat M\|$ with $C = \rho I + \hat M \hat "
            r"M^\top$, as a function of the length `s` $= \|\hat M\|$ alone; `lr` is $\eta$ and `rho` is $\rho$."
        ),
        arguments={"lr": positive(), "rho": positive(), "s": whole(0, 4)},
        reference=step_length,
        mistakes=(
            Mistake("This is the factor before M̂: how long is M̂ itself?", lambda lr, rho, s: lr / (rho + s**2)),
            Mistake("The eigenvalue of C along M̂ contains the square of ‖M̂‖.", lambda lr, rho, s: lr * s / (rho + s)),
            Mistake("The rank-one term is missing: this is momentum's step.", lambda lr, rho, s: lr * s / rho),
            Mistake("M̂ is s long, not s².", lambda lr, rho, s: lr * s**2 / (rho + s**2)),
        ),
    ),
    Exercise(
        task=(
            r"Return two numbers: the length $\|\hat M\|$ of the moment at which a step of SOFIM in the moment reading is longest, and "
            r"how long that step is. `lr` is $\eta$ and `rho` is $\rho$. Where does the derivative of the step's length vanish?"
        ),
        arguments={"lr": positive(), "rho": positive()},
        reference=peak_step,
        mistakes=(
            Mistake("The peak is where the square of ‖M̂‖ has this value.", lambda lr, rho: (rho, lr / (1 + rho))),
            Mistake("At the peak both terms of ρ + ‖M̂‖² count.", lambda lr, rho: (rho**0.5, lr / rho**0.5)),
            Mistake("The length is not yet multiplied by ‖M̂‖.", lambda lr, rho: (rho**0.5, lr / (2 * rho))),
            Mistake("The two numbers are to come in the other order.", lambda lr, rho: peak_step(lr, rho)[::-1]),
        ),
    ),
    Exercise(
        task=(
            r"Return the direction $C^{-1} g$ of SOFIM in the gradient reading, with $C = \rho I + M M^\top$, from `rho` $= \rho$, the "
            r"moment `M` $\ne 0$ and the gradient `g`."
        ),
        arguments={"rho": positive(), "M": vector().filter(np.any), "g": vector()},
        reference=gradient_reading,
        mistakes=(
            Mistake(
                "This is the moment reading: what is divided by C is M there, and g here.",
                lambda rho, M, g: M / (rho + M @ M),
            ),
            Mistake(
                "C is made of the gradient here: it is to be made of the moment.", lambda rho, M, g: g / (rho + g @ g)
            ),
            Mistake("All of g is divided by ρ + ‖M‖²: only its part along M is.", lambda rho, M, g: g / (rho + M @ M)),
            Mistake("The rank-one term is missing: this is gradient descent.", lambda rho, M, g: g / rho),
            Mistake("g is multiplied by C, not divided by it.", lambda rho, M, g: rho * g + M * (M @ g)),
        ),
    ),
    Exercise(
        task=(
            r"A step of SOFIM in the moment reading rises with $\|\hat M\|$ up to its peak, and then falls, so that each length occurs "
            r"twice. Given one moment's length `s` $> 0$, and `rho` $= \rho$, return the length of the other moment whose step is as "
            r"long."
        ),
        arguments={"rho": positive(), "s": whole(1, 4)},
        reference=equally_long,
        mistakes=(
            Mistake("This is the peak, where the two coincide.", lambda rho, s: rho**0.5),
            Mistake("This is that moment itself: there is another.", lambda rho, s: s),
            Mistake(
                "The peak lies between the two, but not halfway: compare their product, not their sum.",
                lambda rho, s: 2 * rho**0.5 - s,
            ),
            Mistake("This is upside down: try ρ = 4, with its peak at 2.", lambda rho, s: s / rho),
        ),
    ),
)
