"""Half precision, bfloat16 and long doubles are refused by name wherever an array comes in: no run begins in them."""

import numpy as np
import pytest

from sofim_ref import matrices, minimize, problems
from sofim_ref.optimizers import SOFIM, Adam


def of_torch(dtype):
    torch = pytest.importorskip("torch")
    return torch.ones(2, dtype=getattr(torch, dtype))


def of_jax(dtype):
    return pytest.importorskip("jax.numpy").ones(2, dtype=dtype)


def of_ml_dtypes(dtype):
    return np.ones(2, dtype=getattr(pytest.importorskip("ml_dtypes"), dtype))


NARROW = {
    "float16": lambda: np.ones(2, dtype=np.float16),
    "float128": lambda: np.ones(2, dtype=getattr(np, "float128", None) or pytest.skip("no long double here")),
    "bfloat16": lambda: of_ml_dtypes("bfloat16"),
    "torch.float16": lambda: of_torch("float16"),
    "torch.bfloat16": lambda: of_torch("bfloat16"),
    " float16": lambda: of_jax("float16"),
    " bfloat16": lambda: of_jax("bfloat16"),
}
PLACES = {
    "w0": lambda x: minimize(problems.Function(2, lambda w: w @ w, lambda w: 2 * w), SOFIM(), steps=3, w0=x),
    "w": lambda x: Adam().init(x),
    "features": lambda x: problems.LeastSquares(x[:, None], x),
    "linear": lambda x: problems.Quadratic(np.eye(2), x),
    "vector": lambda x: matrices.RankOne(1.0, x),
    "values": matrices.Diagonal,
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("dtype", NARROW)
def test_a_dtype_that_the_library_does_not_compute_in_is_refused_by_name(place, dtype):
    x = NARROW[dtype]()
    other = "float64" if dtype == "float128" else "float32"
    said = rf"^{place} must be float32 or float64, got {dtype.strip()}: convert it to {other}\.$"
    with pytest.raises(TypeError, match=said):
        PLACES[place](x)
