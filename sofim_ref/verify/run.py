"""The whole verification, from names of backends to a report."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from sofim_ref.arrays import BACKENDS, Backend, available_backends
from sofim_ref.arrays.validation import count, flag
from sofim_ref.matrices import Matrix, RankOne
from sofim_ref.optimizers import REGISTRY, Method
from sofim_ref.verify.matrices import MATRICES, Subject, evaluate_matrix, subjects
from sofim_ref.verify.optimizers import evaluate_method
from sofim_ref.verify.report import Report, Row
from sofim_ref.verify.textbook import compare

Progress = Callable[[int, int, str], object]
"""Called with the number of rows done, the number of all rows, and the subject of the next one."""


def verify(  # noqa: PLR0913  # what there is to choose
    backends: Iterable[str] | None = None,
    *,
    methods: Sequence[Method] | None = None,
    matrices: Sequence[type[Matrix] | Matrix] | None = None,
    quick: bool = False,
    seed: int = 0,
    progress: Progress | None = None,
) -> Report:
    r"""Check every matrix class and every method against dense inversion in 50 digits.

    A matrix is written out by its `definition` in mpmath numbers, inverted by elimination with as many digits as its
    condition number asks for, and compared with what `solve` returns:

    .. math:: \eta = \frac{\|C x - v\|}{\|C\|\,\|x\| + \|v\|} \text{ in eps}, \qquad
              \frac{\|x - C^{-1} v\|}{\kappa(C)\,\|C^{-1} v\|} \text{ in eps}.

    Parameters
    ----------
    backends : iterable of str, optional
        Names among `arrays.BACKENDS`; all of them if not given. One that can't be used here is listed in the report
        with its reason, and fails nothing.
    methods : sequence of Method, optional
        Every registered one if not given.
    matrices : sequence of Matrix or of its subclasses, optional
        `MATRICES`, the library's own classes, if not given. A class is evaluated on its `cases`; an instance, which
        must keep NumPy arrays, by itself. Without a `definition` of its own it is compared with its `to_dense`.
    quick : bool
        Whether to evaluate a few cases of each kind only, the extreme scales among them.
    seed : int
        What the random numbers are drawn from, on the host: every backend is given the same.
    progress : callable, optional
        ``progress(done, total, text)``, called before each row with what comes next, and once when all is done.

    Returns
    -------
    Report

    Raises
    ------
    TypeError, ValueError
        If a name is not a backend's (the message names the nearest), `seed` not an integer >= 0, an element of
        `methods` no `Method`, or an element of `matrices` no matrix or a class without cases.

    Notes
    -----
    The cases: v an eigenvector of the largest eigenvalue, within a few eps of it, one of the smallest, random, and the
    matrix's own vector; with the factors of `factorized` too; sizes from 1e-30 to 1e30 in float32 and from 1e-150 to
    1e150 in float64; every order of shift that a matrix takes; condition numbers to 1/eps and, where a class has a
    shift, far beyond; d = 1, m = 0, Z of dependent columns. A case whose exact solution the dtype can't hold isn't
    counted. Where an exact solution is itself near the smallest normal number, one such number per entry is forgiven.

    What is allowed is each class's own `solve_bound` and `dense_bound`, and where it has an `equilibrated_bound`, that
    too, measured in its norm. A method's step is compared with w − lr·C⁻¹v, C from `to_dense`, whose own rounding is
    allowed on top.

    Cost on one core: some six seconds on NumPy and on torch, a minute on JAX, which compiles; two if `quick`.
    Inverses are computed once for all backends. A class that is no dataclass can't be moved: NumPy alone evaluates it.

    Examples
    --------
    >>> from sofim_ref.matrices import Diagonal, RankOne
    >>> report = verify(["numpy"], methods=(), matrices=(Diagonal, RankOne), quick=True)
    >>> report.passed, [f"{row.subject} in {row.dtype}" for row in report.rows]
    (True, ['Diagonal in float32', 'Diagonal in float64', 'RankOne in float32', 'RankOne in float64'])
    """
    count("seed", seed, minimum=0)
    flag("quick", quick)
    methods = tuple(REGISTRY.values()) if methods is None else methods
    matrices = MATRICES if matrices is None else matrices
    for i, method in enumerate(methods):
        if not isinstance(method, Method):
            msg = f"methods[{i}] must be a Method, got {method!r}; Method.of(optimizer) makes one."
            raise TypeError(msg)
    asked = subjects(matrices)
    found = available_backends(BACKENDS if backends is None else tuple(backends))
    usable = [backend for backend in found.values() if isinstance(backend, Backend)]
    unusable = {name: reason for name, reason in found.items() if isinstance(reason, str)}

    steps = [(method, backend, dtype) for method in methods for backend in usable for dtype in backend.dtypes()]
    total = sum(subject.on(backend) for subject in asked for backend in usable) + len(steps)
    numbers = itertools.count()

    def announce(text: str) -> None:
        if progress is not None:
            progress(next(numbers), total, text)

    def rows() -> Iterator[Row]:
        for i, subject in enumerate(asked):
            yield from _matrix_rows(subject, usable, np.random.default_rng((seed, i)), quick, announce)
        for method, backend, dtype in steps:
            announce(f"{method.name}, {backend.name}, {dtype}")
            measured = list(evaluate_method(method, backend, dtype, quick=quick, seed=seed))
            yield Row.of(method.name, "optimizer", backend, dtype, measured)

    with np.errstate(all="ignore"):  # an overflow shows in the solution
        report = Report(tuple(rows()), unusable, compare(quick=quick, seed=seed) if RankOne in matrices else ())
    if total:
        announce("done")
    return report


def _matrix_rows(
    subject: Subject, backends: list[Backend], rng: np.random.Generator, quick: bool, announce: Callable[[str], None]
) -> Iterator[Row]:
    backends = [backend for backend in backends if subject.on(backend)]
    cases = subject.solved_cases(rng, quick=quick) if backends else []
    for backend in backends:
        announce(f"{subject.name}, {backend.name}, {subject.dtype}")
        measured = [measurement for case in cases for measurement in evaluate_matrix(case, backend)]
        yield Row.of(subject.name, "matrix", backend, subject.dtype, measured)
