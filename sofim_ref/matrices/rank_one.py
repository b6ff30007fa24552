"""C = ρI + c mmᵀ: one direction has more curvature than all the rest. It is SOFIM's matrix."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from sofim_ref.arrays import Array, device, eps, namespace, smallest_normal
from sofim_ref.arrays.detach import detached
from sofim_ref.arrays.host_view import host_view
from sofim_ref.arrays.namespace import normal_range
from sofim_ref.arrays.sums import dot, largest_magnitude, narrowed, norm, widened
from sofim_ref.arrays.tracing import python_number
from sofim_ref.arrays.validation import floating, one_of, positive_in_dtype
from sofim_ref.matrices.cases import Case, Host, Scales, orthogonal_to, unit_vector
from sofim_ref.matrices.exact import Exact, exact, identity
from sofim_ref.matrices.extremes import Extremes
from sofim_ref.matrices.matrix import Matrix
from sofim_ref.matrices.rank_one_blocks import LONG, solved_in_blocks
from sofim_ref.matrices.rank_one_short import solved_at_once

_NORMAL = {dtype: normal_range(np, dtype) for dtype in (np.dtype(np.float32), np.dtype(np.float64))}


@dataclass(frozen=True, eq=False)
class RankOne(Matrix):
    r"""The matrix :math:`C = \rho I + c\, m m^\top`.

    Parameters
    ----------
    shift : float
        The number ρ > 0, from the smallest normal number of the dtype to one over it.
    vector : array, shape (d,)
        The vector m; zero is allowed and gives ρI.
    weight : float
        The number c > 0, in the same range as ρ; 1 if not given. √c m, rounded, would not have m's direction.

    Raises
    ------
    TypeError, ValueError
        If `shift` or `weight` is not such a number, or `vector` not a 1-D floating array.

    Notes
    -----
    Eigenvalues: ρ, d−1 times, and ρ + c‖m‖². Condition number 1 + c‖m‖²/ρ. Determinant ρ^(d−1) (ρ + c‖m‖²).
    `solve` costs O(d) operations and a few vectors of memory; dense inversion costs d³ and d².

    Source: Sherman & Morrison 1950, doi:10.1214/aoms/1177729893, for the textbook form; SOFIM, arXiv 2403.02833, for
    its use. The stable form is this library's own arrangement of the same inverse.

    Examples
    --------
    >>> import numpy as np
    >>> C = RankOne(1.0, np.asarray([0.0, 3.0]))
    >>> C.solve(np.asarray([1.0, 1.0]))
    array([1. , 0.1])
    >>> C.to_dense()
    array([[ 1.,  0.],
           [ 0., 10.]])
    """

    shift: float
    vector: Array
    weight: float = 1.0

    knows_extremes = True

    def __init__(self, shift: float, vector: Array, weight: float = 1.0) -> None:
        # What a frozen dataclass writes for itself sets field by field through object, and every step makes one.
        known: dict[str, Any] = self.__dict__
        known["shift"], known["vector"], known["weight"] = shift, vector, weight
        if type(vector) is np.ndarray and vector.ndim == 1 and type(shift) is type(weight) is float:
            smallest, largest = _NORMAL.get(vector.dtype, (math.inf, 0.0))
            if smallest <= shift <= largest and smallest <= weight <= largest:
                return  # what the checks below would let pass as it is
        floating("vector", self.vector, ndim=1)
        object.__setattr__(self, "shift", positive_in_dtype("shift", self.shift, self.vector))
        weight = python_number(self.weight)  # of a state that a compiled step returned it is an array
        object.__setattr__(self, "weight", positive_in_dtype("weight", weight, self.vector))

    @property
    def like(self) -> Array:
        """The vector m."""
        return self.vector

    def matvec(self, v: Array) -> Array:
        """Return ρv + cm(mᵀv): two passes over d numbers."""
        self.check_operand(v)
        m = self._as_column(v)
        return self.shift * v + m * (self.weight * (self.vector @ v))

    def solve(self, v: Array, *, form: Literal["stable", "textbook"] = "stable") -> Array:
        r"""Return the x with C x = v.

        Parameters
        ----------
        v : array, shape (d,) or (d, k)
        form : {"stable", "textbook"}
            ``"stable"`` splits v along u = m/‖m‖ and across it, and divides each part by its own eigenvalue:

            .. math:: x = \frac{v_\perp}{\rho} + \frac{\alpha}{\rho + c \|m\|^2}\, u,
                      \qquad \alpha = u^\top v, \quad v_\perp = v - \alpha u .

            Backward error at any scale: :math:`\|C x - v\| \le 8\,\varepsilon\,(\|C\|\,(\|x\| + \omega) + \|v\|)`. The
            split is made in float64 where the device has it. There ω is 0, unless v is parallel to m up to the
            rounding of the split: then it is √d times the smallest normal number over eps, below which x underflows.
            ``"textbook"`` is the Sherman–Morrison formula as papers print it, kept because lessons compare the two:

            .. math:: x = \frac{v}{\rho} - \frac{c\, m\,(m^\top v)}{\rho^2 + \rho\, c \|m\|^2} .

            It subtracts two nearly equal vectors when v is parallel to m and ‖m‖² ≫ ρ, and overflows early.

        Returns
        -------
        array
            Same shape as `v`.

        Raises
        ------
        TypeError, ValueError
            If `v` has another length, backend, device or dtype, or `form` is neither name.
        """
        if v is not self.vector:
            self.check_operand(v)
        if form != "stable":
            one_of("form", form, ("stable", "textbook"))
            m, c = self._as_column(v), self.weight
            below = self.shift**2 + self.shift * (c * (self.vector @ self.vector))
            return v / self.shift - m * (c * (self.vector @ v) / below)
        if type(v) is np.ndarray and v.ndim == 1 and v.shape[0] < LONG:
            x = solved_at_once(self.shift, self.vector, self.weight, v)
            if x is not None:
                return x
        xp = namespace(v)
        if v.ndim == 1 and v.shape[0] >= LONG:
            m, b = host_view(self.vector), host_view(v)
            if m is not None and b is not None:
                x = solved_in_blocks(self.shift, m, self.weight, m if v is self.vector else b)
                if x is not None:
                    return x if xp is np else xp.from_numpy(x)
        root, root_c = self.shift**0.5, self.weight**0.5
        if v is self.vector:  # nothing lies across m: C⁻¹m = m / (ρ + c‖m‖²)
            s = xp.hypot(root_c * norm(v), root)
            return v / s / s

        m = widened(self.vector)
        scale = largest_magnitude(m)
        m = m / scale
        length = xp.sqrt(dot(m, m))
        u = m / (length + smallest_normal(xp, m.dtype))  # zero for m = 0
        s = xp.hypot(root_c * scale * length, root)  # s² = ρ + c‖m‖², without the overflow of a square

        size = largest_magnitude(v)
        b = widened(v) / size
        column = u if v.ndim == 1 else u[:, None]
        along = dot(u, b)
        across = b - column * along
        left = dot(u, across)  # rounding left a little of u in it, and 1/ρ would blow that up
        along, across = along + left, across - column * left
        # What is across by less than rounding is rounding.
        rounding = (4 * eps(xp, b.dtype) * along) ** 2
        across = xp.where(xp.vecdot(across, across, axis=-v.ndim) > rounding, across, 0.0)
        return narrowed(across * size / self.shift + column * (along * size / s / s), like=v)

    def to_dense(self) -> Array:
        """Return ρI + cmmᵀ, shape (d, d)."""
        return self.shift * self.identity() + self.weight * (self.vector[:, None] * self.vector[None, :])

    def eigenvalues(self) -> Array:
        """Return ρ, d−1 times, then ρ + c‖m‖²."""
        xp = namespace(self.vector)
        s = self.weight**0.5 * norm(self.vector)
        last = xp.arange(self.dim, device=device(self.vector)) == self.dim - 1
        return xp.where(last, self.shift + s * s, xp.full_like(self.vector, self.shift))

    def extreme_eigenvalues(self) -> Extremes:
        """Return the two that `eigenvalues` has, ρ exactly."""
        largest = float(detached(self.eigenvalues()[-1]))
        if self.dim > 1:
            return Extremes(self.shift, largest, 0.0)
        return Extremes(largest, largest, 4 * eps(namespace(self.vector), self.vector.dtype) * largest)

    def definition(self) -> Exact:
        """Return ρI + cmmᵀ."""
        m = exact(self.vector)
        return np.asarray(exact(self.shift) * identity(self.dim) + exact(self.weight) * np.outer(m, m))

    def solve_bound(self) -> float:
        """Return 8."""
        return 8.0

    def dense_bound(self) -> float:
        """Return 3: two products and a sum."""
        return 3.0

    @classmethod
    def cases(cls, scales: Scales, rng: np.random.Generator) -> Iterator[Case]:
        """Yield every ‖m‖ with every ρ, and some c; where ‖m‖²/ρ stops being harmless; d = 1; m zero or uneven."""

        def case(kind: str, m: Host, shift: float, weight: float = 1.0) -> Case:
            m = scales.cast(m)
            along = m if m.any() else rng.standard_normal(m.shape[0])
            length = float(np.linalg.norm(m.astype(np.longdouble)))
            label = f"{kind}‖m‖ = {length:.1e}, ρ = {shift:.2e}, d = {m.shape[0]}"
            return Case(label, cls(shift, m, weight), along, orthogonal_to(along[:, None], rng))

        for length, shift in itertools.product(scales.norms, scales.shifts):
            yield case("", length * unit_vector(rng, 6), shift * rng.uniform(1, 2))
        for length, ratio in itertools.product(scales.norms[1:-1:3], scales.ratios):
            yield case("", length * unit_vector(rng, 6), scales.clipped(length**2 * ratio))
        for length, shift in itertools.product(scales.norms[::2], scales.shifts[::3]):
            yield case("", np.full(1, length), shift * rng.uniform(1, 2))
        for weight, shift in itertools.product((1e-10, 0.19, 1e10), scales.shifts[::3]):
            yield case(f"c = {weight:g}, ", unit_vector(rng, 6), shift, weight)
        for shift in scales.shifts[::3]:
            yield case("zero m, ", np.zeros(6), shift)
            yield case("m along an axis, ", np.eye(6)[2], shift)
            yield case("entries of m from 1 to 1e-10, ", np.geomspace(1, 1e-10, 6), shift)

    def _as_column(self, v: Array) -> Array:
        return self.vector if v.ndim == 1 else self.vector[:, None]
