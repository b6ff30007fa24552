"""The check of a likelihood: its shapes, derivatives, Fisher matrix, sampler and bounds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sofim_ref.arrays import Array, from_numpy, namespace, to_numpy
from sofim_ref.arrays.validation import an_instance, count, finite, floating, same_backend
from sofim_ref.likelihoods import Likelihood
from sofim_ref.testing.likelihood_derivatives import bounds, derivatives, factor, rounding
from sofim_ref.testing.likelihood_expectations import draws_of, expectations
from sofim_ref.testing.likelihood_finding import LikelihoodFinding

_ENTRIES = 400
"""About how many derivatives are compared with differences."""


@dataclass(frozen=True)
class LikelihoodCheck:
    """The result of `check_likelihood`; printed, it says in sentences what doesn't hold.

    Parameters
    ----------
    findings : tuple of LikelihoodFinding
        One for each property, in the order in which they were checked.
    draws : int
        The number of targets drawn for each of up to four examples, twice.
    """

    findings: tuple[LikelihoodFinding, ...]
    draws: int

    @property
    def holds(self) -> bool | None:
        """Whether every property holds; None if none is refuted, but some could not be decided."""
        verdicts = [finding.holds for finding in self.findings]
        return False if False in verdicts else None if None in verdicts else True

    def __str__(self) -> str:
        """Return the verdict in sentences."""
        right = ", ".join(finding.name for finding in self.findings if finding.holds)
        texts = [text[0].upper() + text[1:] for finding in self.findings if (text := finding.text)]
        kept = f"Hold: {right} ({self.draws:,} draws an example)." if right else ""
        return " ".join([*texts, kept]).strip()

    __repr__ = __str__


def check_likelihood(likelihood: Likelihood, outputs: Array, targets: Array, *, seed: int = 0) -> LikelihoodCheck:
    r"""Return whether a likelihood is consistent: derivatives, Fisher matrix, sampler, bounds and shapes.

    For y drawn from p(y | f) and ℓ = −log p:

    .. math:: E[\nabla \ell] = 0, \qquad E[\nabla \ell\, \nabla \ell^\top] = E[\nabla^2 \ell] = F = S S^\top, \qquad
              E\Big[\frac{p(y \mid f')}{p(y \mid f)}\Big] = 1 .

    Parameters
    ----------
    likelihood : Likelihood
    outputs : array, shape (N, C)
        Outputs f in the range where the likelihood is used; moderate ones, so that no target is nearly certain.
    targets : array, shape (N,) or (N, C)
        Raw targets, as `Likelihood.encode` takes them.
    seed : int
        What targets are drawn from.

    Returns
    -------
    LikelihoodCheck
        ``holds`` is False with the properties that fail; None where some couldn't be decided.

    Raises
    ------
    TypeError, ValueError
        If `likelihood` is none, `outputs` is no finite floating array of two dimensions, or `encode` refuses `targets`.

    Notes
    -----
    Derivatives are compared with extrapolated central differences, at ten times their estimated error. A mean over
    draws contradicts its expectation where two independent samples are off by more than five standard errors in one
    direction: so far as such means are normal, a right likelihood is refuted with a probability below 10⁻¹² an entry. A
    mean whose variance comes from fewer than a hundred draws decides nothing. A wrong Fisher matrix is seen where it is
    off by some 10 %; E[∇²ℓ] of a canonical likelihood, which doesn't depend on y, is compared exactly. If it alone
    differs, the loss has a kink, and the verdict is None. Cost some 130,000 losses, gradients and Hessians.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.likelihoods import Poisson
    >>> f, y = np.linspace(-1, 1, 8)[:, None], np.arange(8)
    >>> check_likelihood(Poisson(), f, y).holds
    True
    >>> class Halved(Poisson):
    ...     def fisher_factor(self, f):
    ...         return super().fisher_factor(f) / 2
    >>> str(check_likelihood(Halved(), f, y)).partition(". ")[0]
    "Fisher_factor times its transpose isn't fisher at example 7, 0.25 times it throughout"
    """
    an_instance("likelihood", likelihood, Likelihood, "a subclass of sofim_ref.likelihoods.Likelihood makes one")
    floating("outputs", outputs, ndim=2)
    finite("outputs", outputs)
    count("seed", seed, minimum=0)
    C = int(outputs.shape[1])
    y = likelihood.encode(targets, like=outputs, outputs=C)
    rng = np.random.default_rng(seed)
    shapes = _shapes(likelihood, outputs, y, targets, rng)
    if not shapes.holds:
        return LikelihoodCheck((shapes,), 0)
    some = np.unique(np.linspace(0, outputs.shape[0] - 1, max(4, _ENTRIES // (C * (C + 1)))).astype(int))
    rows = from_numpy(some, like=outputs)
    f, few = (namespace(x).take(x, rows, axis=0) for x in (outputs, y))
    findings = (
        shapes,
        *derivatives(likelihood, f, few),
        factor(likelihood, outputs, y),
        *expectations(likelihood, outputs, rng),
        bounds(likelihood, f, few, rng),
        rounding(likelihood, outputs, targets),
    )
    return LikelihoodCheck(findings, draws_of(outputs))


def _shapes(likelihood: Likelihood, f: Array, y: Array, targets: Array, rng: np.random.Generator) -> LikelihoodFinding:
    """Return whether every method returns finite arrays of the right shape on the backend of the outputs."""
    problems = list(_misfits(likelihood, f, y, targets, rng))
    return LikelihoodFinding("shapes", not problems, " ".join(problems))


def _misfits(likelihood: Likelihood, f: Array, y: Array, targets: Array, rng: np.random.Generator) -> Iterator[str]:
    N, C = (int(n) for n in f.shape)
    if (needed := likelihood.outputs(targets)) != C:
        yield f"outputs(targets) is {needed}, but the outputs given have {C} columns."
    if not isinstance(getattr(likelihood, "error_name", None), str):
        yield "error_name must be a text that says what error measures."
    state = rng.bit_generator.state
    drawn = likelihood.sample(f, rng)
    again = np.random.default_rng(0)
    again.bit_generator.state = state
    if not np.array_equal(to_numpy(drawn), to_numpy(likelihood.sample(f, again))):
        yield "sample draws other targets from the same generator."
    for what, answer, shape in (
        ("encode", y, (N, *(int(n) for n in y.shape[1:]))),
        ("sample", drawn, tuple(y.shape)),
        ("loss", likelihood.loss(f, y), (N,)),
        ("gradient", likelihood.gradient(f, y), (N, C)),
        ("gradient_rounding", likelihood.gradient_rounding(f, y), (N, C)),
        ("hessian", likelihood.hessian(f, y), (N, C, C)),
        ("fisher", likelihood.fisher(f), (N, C, C)),
        ("fisher_factor", likelihood.fisher_factor(f), (N, C, C)),
        ("error", likelihood.error(f, y), ()),
    ):
        try:
            floating(f"what {what} returns", answer, ndim=len(shape))
            same_backend(**{"outputs": f, f"what {what} returns": answer})
            finite(f"what {what} returns", answer)
        except (TypeError, ValueError) as error:
            yield str(error)
            continue
        if tuple(answer.shape) != shape:
            yield f"what {what} returns must have shape {shape}, got {tuple(answer.shape)}."
