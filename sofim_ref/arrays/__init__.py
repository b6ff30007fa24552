"""Arrays of any backend: their namespaces, which backends can be used, checks of arguments, sums that keep digits."""

from sofim_ref.arrays.backends import BACKENDS, Backend, available_backends, open_backend
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

__all__ = [
    "BACKENDS",
    "Array",
    "Backend",
    "Namespace",
    "available_backends",
    "device",
    "eps",
    "from_numpy",
    "has_out",
    "is_integral",
    "is_real_floating",
    "namespace",
    "normal_range",
    "open_backend",
    "smallest_normal",
    "synchronize",
    "to_numpy",
]
