"""The whole verification, from names of backends to a report."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from sofim_ref.arrays import BACKENDS, Backend, available_backends
from sofim_ref.arrays.validation import count
from sofim_ref.optimizers import REGISTRY
from sofim_ref.verify.cases import DRAFTS
from sofim_ref.verify.matrices import matrix_cases, play
from sofim_ref.verify.optimizers import play_optimizer
from sofim_ref.verify.report import Report, Row
from sofim_ref.verify.textbook import compare

Progress = Callable[[int, int, str], object]
"""Called with the number of rows done, the number of all rows, and what comes next."""


def verify(
    backends: Iterable[str] | None = None, *, quick: bool = False, seed: int = 0, progress: Progress | None = None
) -> Report:
    r"""Check every matrix class and every optimizer against dense inversion in 50 digits.

    A matrix is written out from its definition in decimal numbers, inverted by Gauss and Jordan's elimination with as
    many digits as its condition number asks for, and set against what `solve` returns:

    .. math:: \eta = \frac{\|C x - v\|}{\|C\|\,\|x\| + \|v\|} \text{ in eps}, \qquad
              \frac{\|x - C^{-1} v\|}{\kappa(C)\,\|C^{-1} v\|} \text{ in eps}.

    Parameters
    ----------
    backends : iterable of str, optional
        Names among `arrays.BACKENDS`; all of them if not given. One that can't be used here is listed in the report
        with its reason, and fails nothing.
    quick : bool
        Whether to play a few cases of each kind only, the extreme scales among them.
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
        If a name is not a backend's (the message names the nearest), or `seed` not an integer >= 0.

    Notes
    -----
    The cases: v along the steep direction, within a few eps of it, across it, random, and the matrix's own vector;
    sizes from 1e-30 to 1e30 in float32 and from 1e-150 to 1e150 in float64; every order of shift that a matrix takes;
    condition numbers to 1/eps and, where a class has a shift, far beyond; d = 1, m = 0, Z of dependent columns. A case
    whose exact answer the dtype can't hold isn't played, and isn't counted. Where an exact answer is itself near the
    smallest normal number, one such number per entry is forgiven.

    What is allowed is what the docstrings promise: 1 eps for `ScaledIdentity` and `Diagonal`, 8 for `RankOne`,
    8 (1 + √k) for `LowRank`, 8 √d for `Dense`, 8 (√p + 2 √q) for `Kronecker`, the worst block's for `BlockDiagonal`,
    τ/eps + 8 d for `MatrixFree`; and for `LBFGSMatrix` 8 and a sum over the pairs that grows with the root of a
    condition number. An optimizer's step is held against w − lr·C⁻¹v with C from `to_dense`, whose own rounding is
    allowed on top.

    Cost on one core: some five seconds on NumPy and on torch, forty on JAX, which compiles; a second on NumPy if
    `quick`. Inverses are computed once and shared by all backends.

    Examples
    --------
    >>> report = verify(["numpy"], quick=True)
    >>> report.passed, sorted({row.subject for row in report.rows if row.kind == "matrix"})[:5]
    (True, ['BlockDiagonal', 'Dense', 'Diagonal', 'Kronecker', 'LBFGSMatrix'])
    """
    count("seed", seed, minimum=0)
    found = available_backends(BACKENDS if backends is None else tuple(backends))
    usable = [backend for backend in found.values() if isinstance(backend, Backend)]
    unusable = {name: reason for name, reason in found.items() if isinstance(reason, str)}
    if not usable:
        return Report(unusable=unusable)

    total = (len(DRAFTS) + len(REGISTRY)) * sum(len(backend.dtypes()) for backend in usable)
    numbers = itertools.count()

    def announce(text: str) -> None:
        if progress is not None:
            progress(next(numbers), total, text)

    with np.errstate(all="ignore"):  # what overflows is seen in the answer
        matrices = tuple(_matrices(usable, quick, seed, announce))
        optimizers = tuple(_optimizers(usable, quick, seed, announce))
    announce("done")
    return Report(matrices + optimizers, unusable, compare(quick=quick, seed=seed))


def _matrices(backends: list[Backend], quick: bool, seed: int, announce: Callable[[str], None]) -> Iterator[Row]:
    for subject, dtype in itertools.product(DRAFTS, ("float32", "float64")):
        cases = matrix_cases(subject, dtype, quick=quick, seed=seed)
        for backend in backends:
            if dtype in backend.dtypes():
                announce(f"{subject}, {backend.name}, {dtype}")
                measured = [measurement for case in cases for measurement in play(case, backend)]
                yield Row.of(subject, "matrix", backend, dtype, measured)


def _optimizers(backends: list[Backend], quick: bool, seed: int, announce: Callable[[str], None]) -> Iterator[Row]:
    for (name, method), backend in itertools.product(REGISTRY.items(), backends):
        for dtype in backend.dtypes():
            announce(f"{name}, {backend.name}, {dtype}")
            measured = list(play_optimizer(method, backend, dtype, quick=quick, seed=seed))
            yield Row.of(name, "optimizer", backend, dtype, measured)
