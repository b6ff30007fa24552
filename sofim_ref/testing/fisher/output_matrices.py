"""The matrices M in Σₙ Jₙᵀ Mₙ Jₙ / B: the right ones, and those that mistakes seen in public make of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from sofim_ref.likelihoods import Bernoulli, Categorical, Poisson
from sofim_ref.testing.fisher.facts import Facts, likelihood_of
from sofim_ref.testing.fisher.jacobians import Host


@dataclass(frozen=True, eq=False)
class OutputMatrix:
    """M of each example, shape (B, C, C), under the name of the matrix that it makes.

    Parameters
    ----------
    name : str
        What `FisherVerdict.matrix` says.
    M : array, shape (B, C, C)
    established : bool
        Whether the literature knows the matrix; others are mistakes.
    """

    name: str
    M: Host
    established: bool = True


def output_matrices(facts: Facts) -> Iterator[OutputMatrix]:
    """Yield every M that the problem's answers give, those of the literature first."""
    if facts.offers("output_fisher"):
        yield OutputMatrix("exact Fisher", facts.ask("output_fisher"))
    if facts.offers("output_hessian"):
        yield OutputMatrix("Gauss–Newton", facts.ask("output_hessian"))
    if not facts.offers("output_gradient", "outputs"):
        return
    u, f = facts.ask("output_gradient"), facts.ask("outputs")
    yield OutputMatrix("empirical Fisher", outer(u))
    length = np.sqrt(np.sum(u * u, axis=1, keepdims=True))
    yield OutputMatrix("improved empirical Fisher", outer(np.divide(u, length, out=np.zeros_like(u), where=length > 0)))
    likelihood = likelihood_of(facts)
    mistakes: dict[str, Host] = {
        "JᵀJ": np.tile(np.eye(f.shape[1]), (len(f), 1, 1)),
        "outer product of the summed outputs' gradients": outer(np.ones_like(f)),
        "outer product of the gradients of ‖f‖²": outer(f),
    }
    if facts.offers("output_fisher") and f.shape[1] > 1:
        H = facts.ask("output_fisher")
        mistakes["exact Fisher with the outputs not crossed"] = H * np.eye(f.shape[1])
    for kind, made in _MISTAKES.items():
        if isinstance(likelihood, kind):
            mistakes |= made(likelihood, f, u)
    for name, M in mistakes.items():
        yield OutputMatrix(name, M, established=False)


def outer(u: Host) -> Host:
    """Return uₙuₙᵀ of each row, shape (B, C, C)."""
    return np.asarray(u[:, :, None] * u[:, None, :])


def at_temperature(facts: Facts, temperature: float) -> Host | None:
    """Return the M of labels drawn from softmax(f/T) in place of softmax(f); None where labels aren't classes."""
    likelihood = likelihood_of(facts)
    if not isinstance(likelihood, Categorical | Bernoulli) or not facts.offers("outputs"):
        return None
    f = facts.ask("outputs")
    q = likelihood.probability(f / temperature)
    if isinstance(likelihood, Bernoulli):
        q = np.concatenate([1 - q, q], axis=1)
    return np.asarray(sum(q[:, c, None, None] * M for c, M in enumerate(of_one_label(facts))))


def of_one_label(facts: Facts) -> list[Host]:
    """Return the M of each class as the label of every example; none where labels aren't classes."""
    likelihood = likelihood_of(facts)
    if not isinstance(likelihood, Categorical | Bernoulli) or not facts.offers("outputs"):
        return []
    p = likelihood.probability(facts.ask("outputs"))
    classes = np.eye(p.shape[1]) if isinstance(likelihood, Categorical) else np.asarray([[0.0], [1.0]])
    return [outer(p - label) for label in classes]


def _categorical(likelihood: Categorical, f: Host, u: Host) -> dict[str, Host]:
    p, eye, one = likelihood.probability(f), np.eye(f.shape[1]), np.ones(f.shape[1])
    y = np.round(p - u)
    D = likelihood.fisher(f)
    errors = p[:, None, :] - eye  # (B, C labels, C): the gradient for each label
    q = likelihood.probability(p)
    DQ = D @ likelihood.fisher(p) @ D
    sigmoid = 1 / (1 + np.exp(-f))
    top = eye[np.argmax(f, axis=1)]
    log_p = np.log(np.maximum(p, np.finfo(float).tiny))

    def weighted(weights: Host) -> Host:
        return np.asarray(np.swapaxes(errors, 1, 2) @ (weights[:, :, None] * errors))

    def applied(v: Host) -> Host:
        return outer((D @ v[:, :, None])[:, :, 0])

    return {
        "empirical Fisher for the most probable labels": outer(p - top),
        "exact Fisher without −ppᵀ": p[:, :, None] * eye,
        "outer products averaged uniformly over the labels": weighted(one / len(one) * np.ones_like(p)),
        "outer products weighted by the logits": weighted(f),
        "outer products weighted by log p": weighted(log_p),
        "outer products weighted by p²": D @ D,  # those of the gradients of p, summed over classes
        "outer products of the gradients of p, weighted by p": D @ (p[:, :, None] * D),
        "outer product of the gradient of p(y)": outer(np.sum(p * y, axis=1, keepdims=True) * u),
        "outer product of the logit of y's gradient": outer(y),
        "outer product of the largest logit's gradient": outer(top),
        "outer product of the summed log-probabilities' gradient": outer(len(one) * p - one),
        "exact Fisher of one sigmoid a class": (sigmoid * (1 - sigmoid))[:, :, None] * eye,
        "empirical Fisher of one sigmoid a class": outer(sigmoid - y),
        "empirical Fisher of squared errors of the logits": outer(f - y),
        "empirical Fisher of squared errors of the probabilities": applied(p - y),
        "exact Fisher with softmax taken twice": DQ,
        "empirical Fisher with softmax taken twice": applied(q - y),
        "empirical Fisher with labels smoothed by 0.1": outer(p - 0.9 * y - 0.1 / len(one)),
    }


def _bernoulli(likelihood: Bernoulli, f: Host, u: Host) -> dict[str, Host]:
    p = likelihood.probability(f)
    y = np.round(p - u)
    return {
        "empirical Fisher for the most probable labels": outer(p - (p > 0.5)),
        "exact Fisher with p in place of p(1−p)": p[:, :, None],
        "outer products averaged uniformly over the labels": ((p * p + (1 - p) ** 2) / 2)[:, :, None],
        "outer products weighted by p²": (2 * (p * (1 - p)) ** 2)[:, :, None],
        "empirical Fisher of squared errors of the logits": outer(f - y),
        "empirical Fisher of squared errors of the probabilities": outer(p * (1 - p) * u),
    }


def _poisson(_: Poisson, f: Host, u: Host) -> dict[str, Host]:
    rate = np.exp(f)
    return {
        "exact Fisher with counts in place of rates": (rate - u)[:, :, None],
        "exact Fisher with squared rates": (rate * rate)[:, :, None],
    }


_MISTAKES: dict[type, Callable[..., dict[str, Host]]] = {
    Categorical: _categorical,
    Bernoulli: _bernoulli,
    Poisson: _poisson,
}
