"""Choices, loops and random numbers are the same on the host and inside a JAX transformation."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from sofim_ref import arrays
from sofim_ref.arrays import branch, choose, generator, number, repeat
from sofim_ref.arrays.sums import one_minus_power

jax = pytest.importorskip("jax")
jnp = arrays.open_backend("jax").xp
# Older versions of JAX have it among the experimental functions.
arrays_in_64_bits = (jax if hasattr(jax, "enable_x64") else pytest.importorskip("jax.experimental")).enable_x64


def collatz(n):
    """One turn: half of an even number, else three times it and one; stop at 1."""
    n = branch(n % 2 == 0, lambda: n // 2, lambda: 3 * n + 1)
    return n != 1, n


@pytest.mark.parametrize("limit", [1, 5, 100])
def test_a_loop_with_a_branch_is_the_same_inside_jit(limit):
    expected = 7
    for _ in range(limit):
        expected = expected // 2 if expected % 2 == 0 else 3 * expected + 1
        if expected == 1:
            break
    assert repeat(collatz, 7, limit) == expected
    assert jax.jit(lambda n: repeat(collatz, n, limit))(7) == expected


def test_on_the_host_only_what_is_taken_is_called():
    assert branch(True, lambda: 1, lambda: pytest.fail("called")) == 1
    assert branch(False, lambda: pytest.fail("called"), lambda: 2) == 2
    assert choose(np.bool_(False), "one", "other") == "other"


def test_a_number_is_python_s_outside_and_a_tracer_inside():
    assert type(number(jnp.asarray(0.5))) is float
    assert jax.jit(lambda x: choose(x > 1, 2 * number(x), 0.0))(3.0) == 6.0


DRAWS = {
    "random": lambda rng: rng.random((2, 3)),
    "standard_normal": lambda rng: rng.standard_normal(4),
    "choice": lambda rng: rng.choice(10, size=3, replace=False),
    "signs": lambda rng: rng.choice([-1.0, 1.0], size=5),
}


def test_draws_are_numpy_s_one_after_another_for_every_step():
    def drawn(step):
        rng = generator(3, step)
        return [draw(rng) for draw in DRAWS.values()]

    jitted = jax.jit(drawn)
    for step in (0, 7):
        rng = np.random.default_rng((3, step))
        for found, draw in zip(jitted(step), DRAWS.values(), strict=True):
            assert np.array_equal(found, draw(rng))
    assert np.array_equal(generator(3, jnp.asarray(7)).random(2), np.random.default_rng((3, 7)).random(2))
    with pytest.raises(AttributeError, match="no_such"):
        jax.jit(lambda step: generator(3, step).no_such())(1)


def test_one_minus_a_power_keeps_its_digits_in_float32():
    with arrays_in_64_bits(False):
        jitted = jax.jit(lambda t: one_minus_power(0.999, t))
        for t in (1, 2, 1000):
            assert abs(float(jitted(t)) / (1 - 0.999**t) - 1) < 4 * np.finfo(np.float32).eps
    assert jax.jit(lambda t: one_minus_power(0.0, t))(3) == 1.0
    assert one_minus_power(0.9, 3) == 1 - 0.9**3


def test_a_tracer_has_no_device_and_none_is_compared():
    def f(x):
        arrays.validation.same_backend(x=x, y=jnp.ones(2))
        assert arrays.device(x) is None
        return arrays.from_numpy(np.ones(2), like=x) + x

    assert np.array_equal(jax.jit(f)(jnp.ones(2)), [2.0, 2.0])


def test_numbers_of_a_tracer_can_t_be_had_on_the_host():
    with pytest.raises(arrays.HostDecisionError, match=r"numbers of shape \(2,\) are needed on the host"):
        jax.jit(arrays.to_numpy)(jnp.ones(2))


@dataclasses.dataclass
class Kept:
    one: object
    name: str = dataclasses.field(metadata={"static": True})


def test_a_dataclass_as_a_pytree():
    arrays.pytrees.register_pytree(Kept)
    kept = jax.tree_util.tree_map(lambda x: 2 * x, Kept(jnp.ones(2), "name"))
    assert np.array_equal(kept.one, [2.0, 2.0])
    assert kept.name == "name"
    assert jax.tree_util.tree_leaves(Kept(None, "name")) == []


IMPORTED_LATE = """
import numpy as np, sofim_ref as sr
from sofim_ref import optimizers
assert "jax" not in __import__("sys").modules
import jax
optimizer = sr.SOFIM()
state = optimizer.init(np.ones(2))  # no array of JAX in sight
assert len(jax.tree_util.tree_leaves(state)) == 2, jax.tree_util.tree_leaves(state)
"""


@pytest.mark.slow
def test_jax_imported_after_this_library_knows_the_states():
    subprocess.run([sys.executable, "-c", IMPORTED_LATE], check=True)
