"""The check of an optimizer that somebody else wrote against its formula in 50 digits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref import optimizers
from sofim_ref.arrays import Array
from sofim_ref.arrays.namespace import dtype_name
from sofim_ref.arrays.validation import an_array, floating, one_of, positive
from sofim_ref.testing.optimizer_cases import OptimizerCase, run_case, within
from sofim_ref.testing.optimizer_faults import repeated, resolved, unresolved
from sofim_ref.testing.trajectories import references, trajectories_of


class Disagreement(AssertionError):
    """An optimizer departs from its reference: the message says where, by how much and, if that is known, why.

    Parameters
    ----------
    method : str
        The method that was checked.
    settings : dict
        Its hyper-parameters.
    cases : tuple of OptimizerCase
        What was compared, a case each, those that agree among them.
    kind : str
        What sort of departure it is: "rounding", "dtype", "setting", "reading", "convention", "exception", "unchanged",
        "not finite", "not deterministic" or "unknown".
    explained : str
        What explains it, such as ``"bias_correction=False"``; empty where nothing that is known does.
    sentence : str
        The same in a sentence.
    """

    def __init__(
        self,
        method: str,
        settings: dict[str, Any],
        cases: tuple[OptimizerCase, ...],
        kind: str,
        explained: str,
        sentence: str,
    ) -> None:
        super().__init__(method, settings, cases, kind, explained, sentence)
        self.method, self.settings, self.cases = method, settings, cases
        self.kind, self.explained, self.sentence = kind, explained, sentence

    @property
    def first(self) -> OptimizerCase:
        """The first of the cases that departs."""
        return next(found for found in self.cases if found.step)

    @property
    def step(self) -> int | None:
        """The first step that departs, in the first of the cases that departs."""
        return self.first.step

    def __str__(self) -> str:
        far = [f"{found.worst:.2g} in '{found.case}' (from step {found.step})" for found in self.cases if found.step]
        departing = f"It departs in {len(far)} of {len(self.cases)} cases, by this many times what is allowed:"
        return f"{self.first.sentence()} Settings: {self.settings}. {departing} {', '.join(far)}. {self.sentence}"


@dataclass(frozen=True)
class Agreement:
    """An optimizer agrees with its reference.

    Parameters
    ----------
    method : str
        The method that was checked.
    settings : dict
        Its hyper-parameters.
    cases : tuple of OptimizerCase
        What was compared, a case each.
    """

    method: str
    settings: dict[str, Any]
    cases: tuple[OptimizerCase, ...]

    @property
    def steps(self) -> int:
        """How many steps were compared in all."""
        return sum(found.steps for found in self.cases)

    @property
    def worst(self) -> float:
        """The largest departure, in the tolerance's units: at most 1."""
        return max(found.worst for found in self.cases)

    def __str__(self) -> str:
        cases = f"{len(self.cases)} case{'s' * (len(self.cases) > 1)}"
        text = (
            f"{self.method} agrees in {cases}, {self.steps} steps in all; the largest departure is "
            f"{self.worst:.2g} of what is allowed."
        )
        first, idle = self.cases[0], [f"'{found.case}'" for found in self.cases if not resolved(found)]
        if idle:
            text += f" In {' and '.join(idle)} w hardly moves: a step that does nothing would agree there too."
        if not first.narrow:
            return text
        share = f"{100 * first.eps:.1g}\N{NO-BREAK SPACE}%"
        return f"{text} That is in {first.dtype}, whose eps is {share}: an error of some eps in a step doesn't show."


def check_optimizer(
    step: Callable[..., tuple[Array, Any]],
    method: str = "SOFIM",
    *,
    settings: dict[str, Any] | None = None,
    case: str | None = None,
    like: Array | None = None,
    tolerance: float | None = None,
) -> Agreement:
    r"""Run a step function along the reference trajectories, and say where, how far and why it departs from them.

    Parameters
    ----------
    step : callable
        (w, state, gradient) -> (w, state), with None for the state of the first call. For SOAA and TAdam
        (w, state, gradient, loss); for AdaFisher, KFAC, EKFAC, Eva, FOOF, Shampoo, KLShampoo, Muon and SOAP
        (w, state, gradient, inputs, output_gradients), the last two lists with an array a layer, of shape (B, rows) and
        (B, columns), for KFAC and EKFAC those of labels drawn from the model; for LBFGS and QuasiNewton
        (w, state, gradient) with the gradient as a function of a point, that of the step's own loss, and without a line
        search; for SOFIM with scope="layer" (w, state, gradient, layers), the last a tuple of slices, one a layer.
    method : str
        One of `testing.trajectories.METHODS`: every method that asks for gradients, losses or layer statistics.
        NaturalGradient, GaussNewton, Newton and NewtonCG have none, as their C is a matrix of the problem's own
        (`check_fisher` and `check_curvature` say what that is); nor have AdaHessian, NystromSGD and IVON, whose
        random vectors are another generator's elsewhere, and SR1, which magnifies rounding.
    settings : dict, optional
        The hyper-parameters that `step` was written for, by the names that this library gives them; those left out are
        the method's defaults, but SOAP's ϵ is 1e-3: below it, rounding is magnified. The trajectories of some are
        stored, see `references`; those of others are made in 50 digits, which takes a second or two.
    case : str, optional
        The kind of gradients; all kinds if not given.
    like : array, shape (n,), optional
        Where w and the gradients are put: backend, device, dtype, which may be float16 or bfloat16. NumPy in float64 if
        not given. Cases whose gradients float16 can't hold are left out.
    tolerance : float, optional
        How far an entry may be from the reference, in units of the scale below; 64 eps a step if not given, 2 √t eps
        after t steps in float16 and bfloat16.

    Returns
    -------
    Agreement

    Raises
    ------
    Disagreement
        If a step departs. It has every case, `step` having been run to the end of each, with the first step that
        departs, the component, the expected value and the one returned; and the kind of departure, told by evaluating
        other settings, readings and conventions in 50 digits. Where `step` raises, its case ends there; what it raises
        in the first step of random gradients isn't caught.
    TypeError, ValueError
        If there is no such method or case, if the method refuses the settings, or if `step` returns no point. If it
        agrees, but one that returns w unchanged would agree as well: the learning rate is too small for the dtype, or
        for the tolerance, and the message has one that tells.

    Notes
    -----
    The gradients were drawn beforehand and don't depend on w, so an error isn't fed back; those of LBFGS are of
    quadratics whose Hessian is another in each step, so that steps stay long and differences of gradients keep digits.
    A step rounds w, its averages and the C⁻¹v made of them, some ten operations of half an eps each, relative to the
    numbers they work on; none of these is larger than

    .. math:: \text{scale}_t = \max_{s \le t} \|w_s\|_\infty + \max_{s \le t} \|w_s - w_{s-1}\|_\infty ,

    but for C⁻¹g of SOFIM with ``vector="gradient"``: there g is parallel to M̂ in the first step and nearly so after a
    huge one, and what is left of g across M̂ carries an error of eps ‖g‖/ρ, however it is computed. So η maxₛ‖gₛ‖∞/ρ is
    added to the scale. Errors add up over t steps to some 10 t eps, of which 64 t eps leaves a margin; a wrong formula
    is off by a share of a step. The trajectories are made by `sofim_ref.testing.formulas`, which solves with every C of
    SOFIM as the dense matrix it is, in 50 digits.

    A departure is rounding if it is at most 8 eps Σₛ κ(Cₛ)‖wₛ − wₛ₋₁‖: the textbook Sherman–Morrison formula loses that
    much. Another setting, reading or convention explains it if the points that follow from that one agree to the last
    step of every case, that rounding aside; a number that is another one is found by the Gauss–Newton method from the
    first steps. Where nothing does, the nearest is named. In float16 and bfloat16 what is nearest of all that agree is.

    Examples
    --------
    >>> def step(w, M, gradient):  # SOFIM without bias correction, written down in a hurry
    ...     M = 0.1 * gradient if M is None else 0.9 * M + 0.1 * gradient
    ...     return w - 0.1 * M / (0.5 + M @ M), M
    >>> check_optimizer(step, settings={"bias_correction": False}).steps
    500
    >>> try:
    ...     check_optimizer(step)
    ... except Disagreement as found:
    ...     print(str(found)[:64], "…", str(found)[-42:])
    SOFIM departs in step 1 of case 'random', component 2: expected  …  This is what bias_correction=False gives.
    """
    if not callable(step):
        msg = f"step must be a function that returns (w, state), got {step!r}."
        raise TypeError(msg)
    wanted = _settings(method, settings)
    if case is not None:
        one_of("case", case, dict.fromkeys(reference.case for reference in references(method)))
    if tolerance is not None:
        positive("tolerance", tolerance)
    like = np.zeros(1) if like is None else like
    narrow = an_array("like", like) and dtype_name(like.dtype) in ("float16", "bfloat16") and len(like.shape) == 1
    if not narrow:
        floating("like", like, ndim=1)
    chosen = [reference for reference in trajectories_of(method, wanted, case) if within(reference, like)]
    if not chosen:
        msg = f"case must be one whose gradients {dtype_name(like.dtype)} can hold, got {case!r}."
        raise ValueError(msg)
    cases = tuple(run_case(step, reference, like, tolerance) for reference in chosen)
    if all(found.step is None for found in cases):
        if not any(resolved(found) for found in cases):
            raise ValueError(unresolved(cases))
        return Agreement(method, wanted, cases)
    from sofim_ref.testing.optimizer_explanations import explain

    first = next(found for found in cases if found.step)
    why = repeated(first, run_case(step, first.reference, like, tolerance)) or explain(cases)
    raise Disagreement(method, wanted, cases, why.kind, why.words, why.sentence)


def _settings(method: str, given: dict[str, Any] | None) -> dict[str, Any]:
    """Return the defaults with what is given in their place; refuse what the method itself refuses."""
    default = next(references(method)).settings
    for name, value in (given or {}).items():
        one_of("a name in settings", name, default)
        if not isinstance(value, str | int | float | None):
            msg = f"settings must be numbers and names, got {name}={value!r}: a policy has no trajectory in 50 digits."
            raise TypeError(msg)
    wanted = {**default, **(given or {})}
    getattr(optimizers, method)(**wanted)
    return wanted
