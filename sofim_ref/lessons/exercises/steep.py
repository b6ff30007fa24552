"""What is steepest: the divergence of two Gaussians, their Fisher matrix, and the step of natural gradient."""

import numpy as np

from sofim_ref.lessons.exercise import Exercise, Mistake, positive, positive_definite, vector, whole


def gaussian_kl(mean, s, other_mean, other_s):
    return np.log(other_s / s) + (s**2 + (mean - other_mean) ** 2) / (2 * other_s**2) - 0.5


def gaussian_fisher(v):
    return np.diag([1 / v, 1 / (2 * v**2)])


def natural_step(F, g, lr):
    return -lr * np.linalg.solve(F, g)


EXERCISES = (
    Exercise(
        task=(
            r"Return the Kullback–Leibler divergence $\mathrm{KL}(p\,\|\,q) = \int p(x)\,\log\frac{p(x)}{q(x)}\,"
            r"\mathrm dx$ of the normal distributions $p = \mathcal N(\mu_p, s_p^2)$ and $q = \mathcal N(\mu_q, s_q^2)$. Here "
            r"`mean` is $\mu_p$, `s` is $s_p$, `other_mean` is $\mu_q$ and `other_s` is $s_q$; the latter of each pair are "
            r"standard deviations, not variances. For any number $a$, the average of $(x - a)^2$ over $p$ is "
            r"$s_p^2 + (\mu_p - a)^2$."
        ),
        arguments={"mean": whole(), "s": positive(), "other_mean": whole(), "other_s": positive()},
        reference=gaussian_kl,
        mistakes=(
            Mistake(
                "This is the divergence with the two distributions exchanged: it isn't symmetric. Over which of them is the average taken?",
                lambda mean, s, other_mean, other_s: gaussian_kl(other_mean, other_s, mean, s),
            ),
            Mistake(
                "This is the mean of both directions, a symmetrized divergence: asked for is the one whose average is taken over p.",
                lambda m, s, n, t: (gaussian_kl(m, s, n, t) + gaussian_kl(n, t, m, s)) / 2,
            ),
            Mistake(
                "This is the sum of both directions, a symmetrized divergence: asked for is the one whose average is taken over p.",
                lambda m, s, n, t: gaussian_kl(m, s, n, t) + gaussian_kl(n, t, m, s),
            ),
            Mistake(
                "A constant is missing: the divergence of a distribution from itself must be 0.",
                lambda *a: gaussian_kl(*a) + 0.5,
            ),
            Mistake(
                "The two widths are taken for variances: s and other_s are standard deviations.",
                lambda mean, s, other_mean, other_s: gaussian_kl(mean, s**0.5, other_mean, other_s**0.5),
            ),
        ),
    ),
    Exercise(
        task=(
            r"Return the $2 \times 2$ Fisher matrix $F = \mathrm E[\nabla \log p\;\nabla \log p^\top]$ of the normal distribution "
            r"$\mathcal N(\mu, v)$ in the parameters $(\mu, v)$, where the second parameter, `v`, is the **variance**. The "
            r"expectation is over $x$, with $\log p(x) = -\tfrac12 \log(2\pi v) - (x - \mu)^2/(2v)$, $\mathrm E(x-\mu)^2 = v$ "
            r"and $\mathrm E(x-\mu)^4 = 3v^2$."
        ),
        arguments={"v": positive()},
        reference=gaussian_fisher,
        mistakes=(
            Mistake(
                "This is the matrix in the mean and the standard deviation. The second parameter here is the variance: how does it change with the standard deviation?",
                lambda v: np.diag([1 / v, 2 / v]),
            ),
            Mistake(
                "This is the matrix in the mean and the logarithm of the standard deviation. The second parameter here is the variance.",
                lambda v: np.diag([1 / v, 2.0]),
            ),
            Mistake(
                "This is the inverse of the Fisher matrix: it says how well the parameters can be estimated, not how far the distribution moves.",
                lambda v: np.diag([v, 2 * v**2]),
            ),
            Mistake(
                "v is taken for the standard deviation: it is the variance already.",
                lambda v: np.diag([1 / v**2, 1 / (2 * v**4)]),
            ),
            Mistake(
                "This is the Hessian of log p, on average. The Fisher matrix is a mean of squares, so its diagonal can't be negative.",
                lambda v: -gaussian_fisher(v),
            ),
        ),
    ),
    Exercise(
        task=(
            r"Return the step of natural gradient descent, $-\eta F^{-1} g$, for a symmetric positive definite Fisher matrix `F`, "
            r"a gradient `g` and a step size `lr` $= \eta$."
        ),
        arguments={"F": positive_definite(), "g": vector(), "lr": positive()},
        reference=natural_step,
        mistakes=(
            Mistake("g is multiplied by F, not divided by it.", lambda F, g, lr: -lr * F @ g),
            Mistake(
                "This goes uphill: which sign has a step that descends?", lambda F, g, lr: lr * np.linalg.solve(F, g)
            ),
            Mistake("Only the diagonal of F is used.", lambda F, g, lr: -lr * g / np.diag(F)),
            Mistake("The step size is missing.", lambda F, g, lr: natural_step(F, g, 1.0)),
            Mistake("This is plain gradient descent: F is not used.", lambda F, g, lr: -lr * g),
        ),
    ),
)
