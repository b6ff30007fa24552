"""Natural gradients elsewhere: mirror descent, policies, mixtures and variational inference."""

import numpy as np
from hypothesis import strategies as st

from sofim_ref.lessons.exercise import Exercise, Mistake, positive, share, size, table, vector, whole


def policy_gradient(theta, r):
    p = np.exp(theta) / np.sum(np.exp(theta))
    return p * (r - p @ r)


def mirror_step(p, g, lr):
    q = p * np.exp(-lr * g)
    return q / np.sum(q)


def em_weights(weights, likelihoods):
    joint = likelihoods * weights
    return np.mean(joint / np.sum(joint, axis=1)[:, None], axis=0)


def variational_step(m, precision, slope, curvature, lr):
    precision = (1 - lr) * precision - lr * curvature
    return m + lr * slope / precision, precision


_CHANCES = st.sampled_from([[0.5, 0.25, 0.25], [0.1, 0.4, 0.5], [0.25, 0.25, 0.5]]).map(np.asarray)
_PAIR = st.sampled_from([[0.5, 0.5], [0.25, 0.75], [0.9, 0.1]]).map(np.asarray)
_K = size(2, 3, key="k")
_WEIGHTS = _K.flatmap(lambda k: _PAIR if k == 2 else _CHANCES)
_LIKELIHOODS = _K.flatmap(lambda k: table(2, k, 1, 4) | table(3, k, 1, 4))

EXERCISES = (
    Exercise(
        task=(
            r"A policy chooses arm $k$ with probability $p_k = e^{\theta_k} / \sum_j e^{\theta_j}$; `theta` is $\theta$, and `r` holds the mean reward of each arm. Return "
            r"the gradient with respect to $\theta$ of the expected reward $\sum_k p_k r_k$: the plain one, as many numbers as there are arms."
        ),
        arguments={"theta": vector(3), "r": vector(3)},
        reference=policy_gradient,
        mistakes=(
            Mistake(
                "The probabilities depend on all entries of θ: their sum is 1.", lambda theta, r: _chances(theta) * r
            ),
            Mistake(
                "This is the natural gradient, or one of them: the plain one is F times it.",
                lambda theta, r: r - _chances(theta) @ r,
            ),
            Mistake(
                "The mean reward is that under the policy, not over the arms.",
                lambda theta, r: _chances(theta) * (r - np.mean(r)),
            ),
            Mistake(
                "The gradient of the expected reward points towards better arms.",
                lambda theta, r: -policy_gradient(theta, r),
            ),
            Mistake(
                "This is each arm's own probability moved alone: raising θₖ lowers the other probabilities too.",
                lambda theta, r: _chances(theta) * (1 - _chances(theta)) * r,
            ),
        ),
    ),
    Exercise(
        task=(
            r"Return the probabilities $q$ that minimize $\eta\, g^\top q + \mathrm{KL}(q\,\|\,p)$ among all vectors of probabilities: one step of mirror descent. `p` are positive "
            r"probabilities, `g` is the gradient with respect to them, and `lr` is $\eta$."
        ),
        arguments={"p": _CHANCES, "g": vector(3), "lr": share()},
        reference=mirror_step,
        mistakes=(
            Mistake("The entries must add up to 1: divide by their sum.", lambda p, g, lr: p * np.exp(-lr * g)),
            Mistake(
                "This goes uphill: g is the gradient of what is minimized.", lambda p, g, lr: mirror_step(p, g, -lr)
            ),
            Mistake(
                "This starts at equal probabilities: where does p come in?",
                lambda p, g, lr: np.exp(-lr * g) / np.sum(np.exp(-lr * g)),
            ),
            Mistake(
                "This is a step of gradient descent: it measures length by p, not by KL.", lambda p, g, lr: p - lr * g
            ),
            Mistake(
                "This is the step's first order alone: its entries may be negative.",
                lambda p, g, lr: p * (1 - lr * (g - p @ g)),
            ),
        ),
    ),
    Exercise(
        task=(
            r"A mixture has $K$ components with known densities and unknown weights. `weights` are the present ones, and row $n$ of `likelihoods` holds the densities of the "
            r"$K$ components at $x_n$. Return the weights after one step of expectation maximization: the mean of the responsibilities, of which each row's sum is 1."
        ),
        arguments={"weights": _WEIGHTS, "likelihoods": _LIKELIHOODS},
        reference=em_weights,
        mistakes=(
            Mistake(
                "A component that has a large weight is responsible for more: the present weights are missing.",
                lambda w, p: np.mean(p / np.sum(p, axis=1)[:, None], axis=0),
            ),
            Mistake(
                "Responsibilities are normalized for each example: over its row, not over all examples.",
                lambda w, p: np.sum(p * w, axis=0) / np.sum(p * w),
            ),
            Mistake(
                "This is the sum over the examples: it is their number too large.",
                lambda w, p: len(p) * em_weights(w, p),
            ),
            Mistake(
                "Each example is given to its likeliest component: expectation maximization divides it.",
                lambda w, p: np.mean((p * w) == np.max(p * w, axis=1)[:, None], axis=0),
            ),
        ),
    ),
    Exercise(
        task=(
            r"Take the step (8) of variational inference and say it in $m$ and the precision $\tau = 1/s^2$. `m` and `precision` are those of $q$, `slope` is $\mathrm E_q[(\log p)']$, "
            r"`curvature` is $\mathrm E_q[(\log p)''] < 0$, and `lr` is $\eta$, between 0 and 1. Return the new $m$ and the new $\tau$, in this order."
        ),
        arguments={
            "m": whole(),
            "precision": positive(),
            "slope": whole(),
            "curvature": st.sampled_from([-5.0, -2.5, -0.75, -0.25]),
            "lr": share(),
        },
        reference=variational_step,
        mistakes=(
            Mistake(
                "The mean's step is divided by the new precision, not by the old.",
                lambda m, p, a, h, lr: (m + lr * a / p, (1 - lr) * p - lr * h),
            ),
            Mistake(
                "log p is concave here: its negative second derivative is a precision.",
                lambda m, p, a, h, lr: (m + lr * a / ((1 - lr) * p + lr * h), (1 - lr) * p + lr * h),
            ),
            Mistake(
                "The old precision is forgotten by the share η.",
                lambda m, p, a, h, lr: (m + lr * a / (p - lr * h), p - lr * h),
            ),
            Mistake(
                "The mean climbs log p: its sign is wrong.",
                lambda m, p, a, h, lr: (m - lr * a / ((1 - lr) * p - lr * h), (1 - lr) * p - lr * h),
            ),
            Mistake(
                "The mean's step has the factor η too.",
                lambda m, p, a, h, lr: (m + a / ((1 - lr) * p - lr * h), (1 - lr) * p - lr * h),
            ),
        ),
    ),
)


def _chances(theta):
    return np.exp(theta) / np.sum(np.exp(theta))
