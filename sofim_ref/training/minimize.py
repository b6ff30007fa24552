"""The training loop: ask the oracle, take the step, record the loss."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal, TypeVar

import numpy as np

from sofim_ref.arrays import Array, namespace, synchronize
from sofim_ref.arrays.detach import detached, detached_fields
from sofim_ref.arrays.sums import norm
from sofim_ref.arrays.validation import one_of
from sofim_ref.matrices import SingularMatrixError
from sofim_ref.optimizers import Optimizer, State
from sofim_ref.problems import Calls, Oracle, Problem
from sofim_ref.training.arguments import check_kinds, check_settings, check_state, starting_point
from sofim_ref.training.budget import Budget
from sofim_ref.training.diagnostics import NO_STEP, Diagnosis, diagnose, unseen
from sofim_ref.training.in_place import InPlace, keeps_points, pays
from sofim_ref.training.outcome import outcome
from sofim_ref.training.progress_bar import progress_bar
from sofim_ref.training.record import Record, Status
from sofim_ref.training.run import Run
from sofim_ref.training.trace import Trace

S = TypeVar("S", bound=State)


def minimize(
    problem: Problem,
    optimizer: Optimizer[S],
    *,
    steps: int | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    w0: Array | None = None,
    state: S | None = None,
    seed: int = 0,
    metrics: Mapping[str, Callable[[Array], Any]] | None = None,
    callbacks: Sequence[Callable[[Record, Array], bool | None]] = (),
    checkpoint: Callable[[Trace], Any] | None = None,
    label: str | None = None,
    progress: bool | str = False,
    store_points: bool = False,
    record_every: int | None = None,
    diagnostics: bool = False,
    tolerance: float = 0.0,
    on_interrupt: Literal["return", "raise"] = "return",
) -> Trace:
    """Run an optimizer on a problem and return its trace.

    Parameters
    ----------
    problem : Problem
        What to minimize.
    optimizer : Optimizer
        How.
    steps, epochs : int
        The budget: exactly one of the two.
    batch_size : int, optional
        The number of examples in a step; all of them if not given.
    w0 : array, shape (d,), optional
        Where to start; ``problem.initial_point(seed)`` if not given.
    state : State, optional
        The state to go on from; `w0` is then the point that it belongs to. A run of 20 steps, and one of 10 that goes
        on for 10 from the saved w and state with the same seed, end in the same bits.
    seed : int
        What the starting point and the order of the examples are drawn from.
    metrics : mapping, optional
        From a name to a function of w that returns a number; each becomes a column of the trace, besides those that
        every trace has.
    callbacks : list of callables
        Each is called with every record and the point; one that returns True ends the run. ``record.as_dict()`` is what
        a tracker of runs takes.
    checkpoint : callable, optional
        Called at every record with the trace up to it, as ``lambda trace: trace.save("run.npz")`` takes it: its w and
        state are those from which the run goes on.
    label : str, optional
        What pictures and tables call the run; the name of the optimizer's class if not given.
    progress : bool or str
        Whether to show a progress bar, under the run's label or under the text given.
    store_points : bool
        Whether the trace keeps the point of every record, and of a run on batches the examples of every step.
    record_every : int, optional
        The number of steps between two records: 1 without batches, one epoch's with them, if not given.
    diagnostics : bool
        Whether every record says what C did in the last step before it: how far it turned the batch's gradient, its
        condition number and the least that any C needs for it, how much of it is damping, how long the step could be:
        see `training.diagnostics.diagnose`. It costs O(d) a record, and nothing in the optimizer's seconds and calls.
    tolerance : float
        The run has converged once the norm of the full gradient, seen at a record, is at most this.
    on_interrupt : {"return", "raise"}
        What Ctrl-C does: end the run with status INTERRUPTED and return its trace, or raise KeyboardInterrupt, as a
        program wants that makes many runs. Before the first record it is raised in any case.

    Returns
    -------
    Trace

    Raises
    ------
    TypeError, ValueError
        Before any step: if an argument is out of its range, the method needs what the problem doesn't offer, the loss
        at `w0` isn't finite, or a metric returns no number.

    Notes
    -----
    A run whose loss or point stops being finite ends at the next record, with status DIVERGED, at the last finite point
    on record; NumPy's overflow warnings are silenced meanwhile, because the status says it. One whose loss ends above
    the start by more than ten times its own scale has diverged too; and a loss that doesn't fall along −g, at the start
    or the end of a run that ended above its start, means WRONG_GRADIENT: `training.outcome` has both criteria. A record
    costs one loss and one gradient over all examples, which the optimizer's seconds and calls don't include. Between
    two records nothing is copied from a device to the host or waited for, unless the method does so: a record is where
    both happen. A tensor that torch keeps a graph for is detached from it.

    From `pays_from` parameters on, SOFIM, SGD and methods with a diagonal C step on NumPy's arrays in place by default:
    the same numbers up to rounding. No point is overwritten that anybody else sees: `w0` and `state`, those that a
    callback, a metric or the trace gets, and all points of a `Function`, or of a problem or model of one's own, each
    of which is a new array. With `diagnostics` every step is a plain one.

    Examples
    --------
    >>> import numpy as np
    >>> import sofim_ref as sr
    >>> problem = sr.problems.LogisticRegression(np.asarray([[-1.0], [1.0]]), np.asarray([0, 1]), l2=0.1)
    >>> trace = sr.minimize(problem, sr.Newton(), steps=10, tolerance=1e-12)
    >>> trace.message
    'The gradient norm fell to the tolerance.'
    """
    check_kinds(problem, optimizer)
    budget = Budget(problem, steps, epochs, batch_size, record_every)
    metrics = {} if metrics is None else metrics
    flags = {"store_points": store_points, "diagnostics": diagnostics, "progress": progress}
    check_settings(seed, tolerance, metrics, callbacks, flags, checkpoint=checkpoint)
    one_of("on_interrupt", on_interrupt, ("return", "raise"))
    w = starting_point(problem, w0, state, seed)
    fresh = optimizer.init(w)
    state = fresh if state is None else state
    check_state(state, fresh, optimizer)
    label = type(optimizer).__name__ if label is None else label
    reasons = unseen(optimizer) if diagnostics else {}
    run = Run(problem, optimizer, budget, label, metrics, store_points, reasons, w, state)
    first, start, batches = run.first, w, budget.batches(seed, skip=run.first)

    in_place: InPlace[S] | None = None
    if not diagnostics and pays(optimizer, w):
        shown = bool(callbacks or metrics or checkpoint or store_points)
        in_place = InPlace(optimizer, shown=shown, new_points=keeps_points(problem))
    take: Callable[..., Any] = optimizer.step_with_choice if diagnostics and not reasons else optimizer.step
    status, message, last_step = Status.BUDGET_SPENT, "", None
    none = Diagnosis(NO_STEP if diagnostics else {}, {})
    last_made: Callable[[], Diagnosis] = lambda: none  # noqa: E731  # replaced by each step that is diagnosed
    seen: Oracle | None = None
    shown_label, lent_seconds, is_seen = progress if isinstance(progress, str) else label, 0.0, True

    try:
        with np.errstate(all="ignore"), progress_bar(shown_label, budget.total, shown=bool(progress)) as advance:
            for taken in range(budget.total + 1):
                if is_seen:
                    seen = problem.oracle(w)
                    started = time.perf_counter()
                    synchronize(g := seen.gradient())  # without batches the next step's own, whose time it is
                    lent_seconds = time.perf_counter() - started
                    gradient_norm, loss = _number(norm(g)), _number(seen.value())  # in one pass
                    step_norm = 0.0 if last_step is None else _number(norm(last_step))
                    if not math.isfinite(loss + gradient_norm + step_norm):  # a step may be too long for a number
                        status = Status.DIVERGED
                        break
                    record = run.add(taken, (w, state), (loss, gradient_norm, step_norm), last_made())
                    wishes = [callback(record, w) for callback in callbacks]
                    if checkpoint is not None:
                        checkpoint(run.trace(Status.INTERRUPTED, "The run was under way at its last record."))
                    if gradient_norm <= tolerance:
                        status = Status.CONVERGED
                        break
                    if any(wishes):
                        status = Status.STOPPED
                        break
                if taken == budget.total:
                    break

                batch = next(batches)
                if seen is not None and batch is None:
                    at = seen.lent(run.calls)
                    run.seconds += lent_seconds
                else:
                    at = problem.oracle(w, batch, calls=run.calls)
                if store_points and batch is not None:
                    run.drawn.append(batch)
                is_seen = budget.records(taken + 1, first=first)
                keep, seen = is_seen or seen is not None, None
                started = time.perf_counter()
                try:
                    if in_place is None:
                        following, state, *choice = take(w, state, at)
                    else:
                        following, state = in_place(w, state, at, keep=keep, last_seen=run.last_seen[1:])
                except Exception as error:
                    if not (_is_finite(w) and _is_finite(at.gradient() ** 2)):
                        status = Status.DIVERGED  # a decomposition of infinities raises whatever its backend likes
                    elif isinstance(error, SingularMatrixError):
                        status = Status.SINGULAR
                    else:
                        raise
                    break
                if is_seen:
                    synchronize(following)
                run.seconds += time.perf_counter() - started
                if getattr(following, "requires_grad", False):
                    following, state = detached(following), detached_fields(state)
                if is_seen:
                    last_step = following - w
                    if diagnostics and choice:
                        last_made = partial(
                            diagnose, at.aside(Calls()).gradient(), choice[0], optimizer.weight_decay * w
                        )
                w = following
                advance()
            if run.records and status not in (Status.CONVERGED, Status.STOPPED):
                status, message = outcome(problem, status, run.records, (start, run.last_seen[1]), seed)
    except KeyboardInterrupt:
        if on_interrupt == "raise" or not run.last_seen[0]:
            raise
        status, message = Status.INTERRUPTED, ""
    if not run.last_seen[0]:
        msg = "the loss or its gradient at w0 must be finite, got NaN or infinity."
        raise ValueError(msg)
    return run.trace(status, message)


def _number(x: Array) -> float:
    return float(detached(x))


def _is_finite(x: Array) -> bool:
    xp = namespace(x)
    return bool(xp.all(xp.isfinite(x)))
