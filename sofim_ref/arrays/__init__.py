"""Arrays of any backend: their namespaces, which backends can be used, checks of arguments, sums that keep digits."""

from sofim_ref.arrays.backends import BACKENDS, Backend, available_backends, open_backend
from sofim_ref.arrays.control_flow import branch, choose, number, repeat
from sofim_ref.arrays.generators import generator
from sofim_ref.arrays.namespace import (
    Array,
    Namespace,
    device,
    eps,
    from_numpy,
    has_out,
    is_integral,
    is_real_floating,
    namespace,
    normal_range,
    smallest_normal,
    synchronize,
    to_numpy,
)
from sofim_ref.arrays.tracing import HostDecisionError, is_traced

__all__ = [
    "BACKENDS",
    "Array",
    "Backend",
    "HostDecisionError",
    "Namespace",
    "available_backends",
    "branch",
    "choose",
    "device",
    "eps",
    "from_numpy",
    "generator",
    "has_out",
    "is_integral",
    "is_real_floating",
    "is_traced",
    "namespace",
    "normal_range",
    "number",
    "open_backend",
    "repeat",
    "smallest_normal",
    "synchronize",
    "to_numpy",
]
