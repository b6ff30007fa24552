"""A likelihood's derivatives against differences, its factors, its bounds, and the rounding that it states."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, eps, from_numpy, namespace
from sofim_ref.likelihoods import Likelihood
from sofim_ref.problems.difference_quotient import NOISE_POINTS, noise, slope
from sofim_ref.testing.check_gradient import TIMES, power_of_two_scale
from sofim_ref.testing.likelihood_finding import Host, LikelihoodFinding, curvature_rounding, multiple, on_host


def derivatives(likelihood: Likelihood, f: Array, y: Array) -> Iterator[LikelihoodFinding]:
    """Yield whether gradient and Hessian are those of the loss, by central differences in every output."""

    def loss(at: Array) -> Array:
        return likelihood.loss(at, y)

    unit = eps(namespace(f), f.dtype)
    own = unit * on_host(likelihood.gradient_rounding(f, y))
    yield _compared("gradient", "loss", loss, f, (on_host(likelihood.gradient(f, y)), own))
    own = np.full_like(own, curvature_rounding(likelihood, f, y))
    H = on_host(likelihood.hessian(f, y))
    for c in range(f.shape[1]):

        def component(at: Array, c: int = c) -> Array:
            return likelihood.gradient(at, y)[:, c]

        found = _compared("hessian", f"gradient's component {c}", component, f, (H[:, c, :], own))
        if found.holds is not True or c == f.shape[1] - 1:
            yield found
            return


def _compared(
    name: str, of: str, function: Callable[[Array], Array], f: Array, derivative: tuple[Host, Host]
) -> LikelihoodFinding:
    """Return whether a derivative (N, C), given with its rounding, is that of a function f -> (N,) in each output."""
    claimed, own = derivative
    host, unit = on_host(f), eps(namespace(f), f.dtype)
    known: dict[tuple[int, float], Host] = {}

    def at(c: int, h: float) -> Host:
        if (c, h) not in known:
            point = host.copy()
            point[:, c] += h
            known[c, h] = on_host(function(from_numpy(point, like=f)))
        return known[c, h]

    differences, errors = np.empty_like(claimed), np.empty_like(claimed)
    with np.errstate(all="ignore"):
        for c in range(host.shape[1]):
            scales = [power_of_two_scale(float(x)) for x in host[:, c]]
            for n, scale in enumerate(scales):
                near = [float(at(c, k * unit**0.5 * scale)[n]) for k in range(NOISE_POINTS)]
                found = slope(
                    lambda h, n=n, c=c: float(at(c, h)[n]),  # type: ignore[misc]  # bound here, since slope is called here
                    scale,
                    claimed=float(claimed[n, c]),
                    rounding=noise(near),
                    eps=unit,
                )
                differences[n, c], errors[n, c] = found.value, TIMES * found.error
    allowed = errors + TIMES * (own + unit * np.abs(claimed))
    off = np.abs(claimed - differences)
    wrong = np.where(np.isfinite(allowed), off > allowed, False) | ~np.isfinite(claimed)
    if wrong.any():
        n, c = divmod(int(np.argmax(np.where(wrong, off / allowed, 0))), wrong.shape[1])
        text = (
            f"{name} isn't the derivative of the {of}: at example {n} and output {c} it is {claimed[n, c]:.6g}, the "
            f"difference {differences[n, c]:.6g}{multiple(differences, claimed, allowed)}."
        )
        return LikelihoodFinding(name, holds=False, text=text)
    open_ = ~np.isfinite(allowed)
    if open_.any():
        return LikelihoodFinding(name, None, f"the {of} isn't finite near {int(open_.sum())} of the outputs.")
    return LikelihoodFinding(name, holds=True)


def factor(likelihood: Likelihood, f: Array, y: Array) -> LikelihoodFinding:
    """Return whether the Fisher matrix is symmetric and S Sᵀ, up to rounding."""
    F, S = on_host(likelihood.fisher(f)), on_host(likelihood.fisher_factor(f))
    within = np.asarray(curvature_rounding(likelihood, f, y))
    if (np.abs(F - F.swapaxes(1, 2)) > within).any():
        return LikelihoodFinding("fisher_factor", holds=False, text="fisher isn't symmetric.")
    product = S @ S.swapaxes(1, 2)
    if (np.abs(product - F) > within).any():
        n = int(np.argmax(np.max(np.abs(product - F), axis=(1, 2))))
        text = f"fisher_factor times its transpose isn't fisher at example {n}{multiple(product, F, within)}."
        return LikelihoodFinding("fisher_factor", holds=False, text=text)
    return LikelihoodFinding("fisher_factor", holds=True)


def bounds(likelihood: Likelihood, f: Array, y: Array, rng: np.random.Generator) -> LikelihoodFinding:
    """Return whether second and third derivatives keep `bounds` and `bounds_between`, at points near the outputs."""
    host = on_host(f)
    moved = host + rng.uniform(-1, 1, host.shape)
    g = from_numpy(moved, like=f)
    box = likelihood.bounds_between(from_numpy(host - 1, like=f), from_numpy(host + 1, like=f))
    matrices = [on_host(likelihood.hessian(at, y)) for at in (f, g)]
    length = np.linalg.norm(on_host(g) - host, axis=1)
    third = np.linalg.norm(matrices[1] - matrices[0], ord=2, axis=(1, 2)) / length
    spectra = np.concatenate([np.linalg.eigvalsh(H) for H in matrices], axis=1)
    rounding = max(curvature_rounding(likelihood, at, y) for at in (f, g))
    for where, (low, high, change) in (("bounds", likelihood.bounds), ("bounds_between", box)):
        for what, seen, bound, sign in (
            ("smallest eigenvalue of hessian", spectra.min(axis=1), low, 1),
            ("largest eigenvalue of hessian", spectra.max(axis=1), high, -1),
            ("change of hessian per unit of f", third, change, -1),
        ):
            if bound is None:
                continue
            beyond = sign * (_as_host(bound) - seen) - rounding * (1 if sign > 0 or what[0] != "c" else 1 / length)
            if (beyond > 0).any():
                n = int(np.argmax(beyond))
                limit = float(np.broadcast_to(_as_host(bound), seen.shape)[n])
                text = f"the {what} is {seen[n]:.6g} near example {n}, where `{where}` says {limit:.6g}."
                return LikelihoodFinding("bounds", holds=False, text=text)
    return LikelihoodFinding("bounds", holds=True)


def _as_host(bound: Any) -> Host:
    return np.asarray(bound, dtype=np.float64) if isinstance(bound, int | float) else on_host(bound)


def rounding(likelihood: Likelihood, f: Array, targets: Array) -> LikelihoodFinding:
    """Return whether the gradient in float32 is as close to that in float64 as `gradient_rounding` says."""
    xp, name, C = namespace(f), "gradient_rounding", f.shape[1]
    if eps(xp, f.dtype) > 1e-10:
        return LikelihoodFinding(name, None, "outputs in float64 are needed to measure the rounding of float32.")
    narrow = xp.astype(f, xp.float32)
    y = likelihood.encode(targets, like=narrow, outputs=C)
    wide = xp.astype(narrow, f.dtype), xp.astype(y, f.dtype)
    found, truth = on_host(likelihood.gradient(narrow, y)), on_host(likelihood.gradient(*wide))
    stated = on_host(likelihood.gradient_rounding(*wide)) * eps(xp, xp.float32)
    beyond = np.abs(found - truth) - stated * (1 + 1e-6) - 2.0**-126
    if (beyond > 0).any():
        n, c = np.unravel_index(int(np.argmax(beyond)), beyond.shape)
        text = (
            f"gradient in float32 is off by {abs(found[n, c] - truth[n, c]):.2g} at example {n} and output {c}, where "
            f"gradient_rounding allows {stated[n, c]:.2g}."
        )
        return LikelihoodFinding(name, holds=False, text=text)
    return LikelihoodFinding(name, holds=math.isfinite(float(np.max(stated))))
