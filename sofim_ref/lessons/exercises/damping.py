"""How much damping: units, a radius in disguise, and whether the model kept its promise."""

import numpy as np
from hypothesis import strategies as st

from sofim_ref.lessons.exercise import Exercise, Mistake, positive, vector, whole


def same_run(lr, rho, a, s):
    return a * lr, rho * (a / s) ** 2


def predicted_fall(damping, g, u):
    return (damping * (u @ u) - g @ u) / 2


def damping_share(rho, m, p):
    return rho * (p @ p) / (rho * (p @ p) + (m @ p) ** 2)


def newton_for_radius(h, g, damping, radius):
    u = g / (h + damping)
    length = np.linalg.norm(u)
    return damping + (length / radius - 1) * length**2 / np.sum(u**2 / (h + damping))


def _on_length(h, g, damping, radius):
    u = g / (h + damping)
    length = np.linalg.norm(u)
    return damping + (length - radius) * length / np.sum(u**2 / (h + damping))


def _on_square(h, g, damping, radius):
    u = g / (h + damping)
    return damping + (u @ u - radius**2) / (2 * np.sum(u**2 / (h + damping)))


_NOT_ZERO = vector().filter(np.any)
_CURVATURES = st.lists(st.sampled_from([1.0, 2.0, 3.0]), min_size=2, max_size=2).map(np.asarray)

EXERCISES = (
    Exercise(
        task=(
            r"SOFIM (moment reading) makes the step $-\eta \hat M/(\rho + \|\hat M\|^2)$, where $\hat M$ is an average of gradients; `lr` "
            r"is $\eta$ and `rho` is $\rho$. Somebody multiplies the loss by `a` $> 0$, and writes all parameters in another unit, so that "
            r"what was $w$ is now the vector $sw$, with a number `s` $= s > 0$. Return the step size and the damping, two numbers, with "
            r"which the run is the same: every point of it times $s$."
        ),
        arguments={"lr": positive(), "rho": positive(), "a": positive(), "s": positive()},
        reference=same_run,
        mistakes=(
            Mistake(
                "The gradient changes with the unit of the parameters too: by the chain rule, by which factor?",
                lambda lr, rho, a, s: (a * lr, rho * a**2),
            ),
            Mistake("The damping stands beside the square of a gradient.", lambda lr, rho, a, s: (a * lr, rho * a / s)),
            Mistake(
                "In larger numbers for w the slope is smaller, not larger.",
                lambda lr, rho, a, s: (a * lr, rho * (a * s) ** 2),
            ),
            Mistake(
                "The damping is right. Of the step size: how long is a step with the new gradient, and how long is it to be?",
                lambda lr, rho, a, s: (lr, rho * (a / s) ** 2),
            ),
            Mistake(
                "The damping is right. The new step is to be s times the old one.",
                lambda lr, rho, a, s: (a * lr / s, rho * (a / s) ** 2),
            ),
            Mistake(
                "This undoes the change instead of following it.", lambda lr, rho, a, s: (lr / a, rho * (s / a) ** 2)
            ),
        ),
    ),
    Exercise(
        task=(
            r"A step `u` is the damped one, $(B + \lambda I)\,u = -g$, and `damping` is $\lambda > 0$; but nobody has kept $B$, only $\lambda$, the "
            r"gradient `g` and $u$. Return by how much the quadratic model says that the loss falls with it, $-q(u) = -g^\top u - "
            r"\tfrac12 u^\top B u$. What is $Bu$?"
        ),
        arguments={"damping": positive(), "g": vector(), "u": _NOT_ZERO},
        reference=predicted_fall,
        mistakes=(
            Mistake(
                "This holds for a step without damping, with which Bu = −g: what is Bu here?",
                lambda damping, g, u: -(g @ u) / 2,
            ),
            Mistake("The second-order term is missing.", lambda damping, g, u: -(g @ u)),
            Mistake(
                "Bu = −g − λu: the sign of λ in the fall has been lost on the way.",
                lambda damping, g, u: -(damping * (u @ u) + g @ u) / 2,
            ),
            Mistake(
                "A fall is positive where the loss falls: this is by how much the model changes.",
                lambda damping, g, u: -predicted_fall(damping, g, u),
            ),
            Mistake("The half before uᵀBu is missing.", lambda damping, g, u: damping * (u @ u)),
        ),
    ),
    Exercise(
        task=(
            r"Return the share of the damping in the curvature along a step `p`, $\rho\|p\|^2 / p^\top C p$, for SOFIM's matrix $C = \rho "
            r"I + m m^\top$. `rho` is $\rho > 0$, `m` and `p` are vectors, `p` isn't zero, and no matrix is needed."
        ),
        arguments={"rho": positive(), "m": vector(), "p": _NOT_ZERO},
        reference=damping_share,
        mistakes=(
            Mistake(
                "This is the share for a step along m, whatever p is: what does mᵀ do to p?",
                lambda rho, m, p: rho / (rho + m @ m),
            ),
            Mistake(
                "The curvature that isn't damping has been divided by all of it.", lambda *x: 1 - damping_share(*x)
            ),
            Mistake(
                "Along p the rank-one term adds the square of mᵀp.",
                lambda rho, m, p: rho * (p @ p) / (rho * (p @ p) + abs(m @ p)),
            ),
            Mistake(
                "ρI adds ρ times the squared length of p, in both places.",
                lambda rho, m, p: rho / (rho + (m @ p) ** 2),
            ),
            Mistake(
                "This divides the damping's part by the other's: it is to be divided by their sum.",
                lambda rho, m, p: rho * (p @ p) / max((m @ p) ** 2, 1e-300),
            ),
        ),
    ),
    Exercise(
        task=(
            r"A trust region has a radius $r$, and its $\lambda$ is to make $\|u(\lambda)\| = r$ with $u(\lambda) = -(B + \lambda "
            r"I)^{-1} g$. Newton's method solves this in very few steps if it is applied to $\varphi(\lambda) = 1/\|u(\lambda)\| - 1/r$, "
            r"which is nearly a straight line. Return the $\lambda$ after one step of it from `damping` $\geq 0$. Here $B$ is diagonal with "
            r"the positive entries `h`; `g` isn't zero, and `radius` is $r > 0$. Equation (4) has the derivative that is needed."
        ),
        arguments={"h": _CURVATURES, "g": _NOT_ZERO, "damping": whole(0, 3), "radius": positive()},
        reference=newton_for_radius,
        mistakes=(
            Mistake("This is Newton's step for ‖u‖ − r: apply it to 1/‖u‖ − 1/r.", _on_length),
            Mistake("This is Newton's step for ‖u‖² − r²: apply it to 1/‖u‖ − 1/r.", _on_square),
            Mistake(
                "The step goes the other way: if u is too long, more damping is needed.",
                lambda h, g, damping, radius: 2 * damping - newton_for_radius(h, g, damping, radius),
            ),
            Mistake(
                "This is the change of λ: add it to λ.",
                lambda h, g, damping, radius: newton_for_radius(h, g, damping, radius) - damping,
            ),
            Mistake(
                "The derivative of a length isn't that of its square: a factor 2 is to go.",
                lambda h, g, damping, radius: (newton_for_radius(h, g, damping, radius) + damping) / 2,
            ),
        ),
    ),
)
