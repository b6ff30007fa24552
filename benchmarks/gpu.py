"""SOFIM's kernels on a GPU: a hundred million parameters, beside the device's own copy and torch's SGD there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.timing import Row, Timed, rows
from sofim_ref import SGD, SOFIM, Adam, arrays, kernels
from sofim_ref.optimizers import Optimizer
from sofim_ref.problems import Function

TITLE = "A step on the GPU, its gradient given, float32"
D = 100_000_000
COPY, PEER = "device copy, 2d numbers", "torch SGD with momentum, fused, same GPU"
METHODS: dict[str, tuple[Optimizer[Any], int]] = {
    "SOFIM, moment": (SOFIM(), 6),
    "SOFIM, gradient": (SOFIM(vector="gradient"), 7),
    "SGD with momentum": (SGD(momentum=0.9), 5),
    "Adam": (Adam(), 7),
}
"""Methods, and how many numbers a fused step of theirs moves, in units of d."""
AGAINST_BYTES, AGAINST_TORCH = 1.2, {"SOFIM, moment": 1.3, "SOFIM, gradient": 1.5}


def run(*, quick: bool) -> list[Row]:
    """Return the rows, or one that says why there are none."""
    try:
        arrays.open_backend("cupy")
    except RuntimeError as error:
        return [Row("CuPy", note=f"left out: {error}")]
    import cupy

    d = D // 100 if quick else D
    g = cupy.random.default_rng(0).standard_normal(d, dtype=cupy.float32)
    g /= cupy.linalg.norm(g)
    target = cupy.empty_like(g)
    subjects: dict[str, Callable[[], Any]] = {COPY: lambda: cupy.copyto(target, g)}
    for name, (optimizer, _) in METHODS.items():
        subjects[f"{name}, in place"] = _stepping(optimizer, g, inplace=True)
        subjects[f"{name}, plain"] = _stepping(optimizer, g, inplace=False)
    table = []
    try:
        subjects[PEER] = _torch(d)
    except (ImportError, RuntimeError, AssertionError) as error:
        table.append(Row(PEER, note=f"left out: {error}"))
    timed = _by_events(subjects, rounds=5 if quick else 25)

    number = timed[COPY][0] / 2  # the time that reading or writing d numbers takes
    device = cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
    table.append(Row(COPY, *timed[COPY], note=f"{device}: {4 * d / number / 1e9:.0f} GB/s"))
    for name, (_, moved) in METHODS.items():
        median, spread = timed[f"{name}, in place"]
        ratio = median / (moved * number)
        bound = AGAINST_BYTES if name.startswith("SOFIM") else None
        subject = f"{name}, in place, over its {moved}d numbers"
        table.append(Row(subject, median, spread, ratio, bound, "ratio"))
    base = PEER if PEER in timed else COPY
    against = {f"{name}, in place": most for name, most in AGAINST_TORCH.items()} if base == PEER else {}
    table += rows(timed, peer=base, targets=against, target_is="ratio")
    return table


def _stepping(optimizer: Optimizer[Any], g: Any, *, inplace: bool) -> Callable[[], None]:
    problem, w = Function(g.size, lambda w: w @ w, lambda _: g), g * 0
    state = optimizer.init(w)
    assert not inplace or kernels.kernels_for(g, w=w) is not None

    def step() -> None:
        nonlocal w, state
        w, state = optimizer.step(w, state, problem.oracle(w), inplace=inplace)

    return step


def _torch(d: int) -> Callable[[], Any]:
    import torch

    w = torch.nn.Parameter(torch.zeros(d, device="cuda"))
    w.grad = torch.full_like(w, d**-0.5)
    return torch.optim.SGD([w], lr=0.1, momentum=0.9, fused=True).step


def _by_events(subjects: dict[str, Callable[[], Any]], *, rounds: int) -> dict[str, Timed]:
    """Return what each takes, in seconds on the device, subjects taking turns.

    CuPy and torch each have a stream of their own: the default one, which both of them wait for, carries the events.
    """
    import cupy

    seconds: dict[str, list[float]] = {name: [] for name in subjects}
    for _ in range(rounds):
        for name, call in subjects.items():
            call()
            cupy.cuda.Device().synchronize()
            begun, ended = cupy.cuda.Event(), cupy.cuda.Event()
            begun.record(cupy.cuda.Stream.null)
            call()
            ended.record(cupy.cuda.Stream.null)
            ended.synchronize()
            seconds[name].append(cupy.cuda.get_elapsed_time(begun, ended) / 1e3)
    return {name: Timed.of(values) for name, values in seconds.items()}
