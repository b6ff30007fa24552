import array_api_strict as strict
import numpy as np
import pytest

from sofim_ref.arrays import validation

NUMBERS = {
    validation.positive: "a finite number > 0",
    validation.non_negative: "a finite number >= 0",
    validation.fraction: r"a number in \[0, 1\)",
    validation.rate: "a finite number > 0",
}
EVERY_NUMBER = pytest.mark.parametrize("check", NUMBERS, ids=lambda check: check.__name__)


@EVERY_NUMBER
@pytest.mark.parametrize("value", [-1.0, np.nan, np.inf, -np.inf, -1, np.float32(-2)])
def test_numbers_out_of_range_are_refused(check, value):
    with pytest.raises(ValueError, match=rf"speed must be {NUMBERS[check]}, got "):
        check("speed", value)


@EVERY_NUMBER
@pytest.mark.parametrize("value", ["1", None, True, 1j, np.ones(1), [1.0]])
def test_what_is_no_number_is_refused(check, value):
    with pytest.raises(TypeError, match=rf"speed must be {NUMBERS[check]}, got "):
        check("speed", value)


def test_the_ends_of_the_ranges_are_where_the_messages_say():
    validation.non_negative("x", 0)
    validation.fraction("x", 0.0)
    validation.fraction("x", np.nextafter(1, 0))
    for check, value in ((validation.positive, 0), (validation.positive, 0.0), (validation.fraction, 1)):
        with pytest.raises(ValueError, match="x must be"):
            check("x", value)


@pytest.mark.parametrize("value", [1, 0.5, np.float32(0.5), np.int64(3)])
def test_numbers_of_python_and_numpy_pass(value):
    validation.positive("x", value)
    validation.non_negative("x", value)
    validation.rate("x", value)


def test_a_schedule_is_a_rate():
    validation.rate("lr", lambda step: 1 / (1 + step))


@pytest.mark.parametrize("value", [1.0, "1", True, None])
def test_a_count_is_an_integer(value):
    with pytest.raises(TypeError, match=r"steps must be an integer >= 1, got "):
        validation.count("steps", value)


def test_a_count_has_its_minimum():
    validation.count("steps", np.int64(1))
    validation.count("steps", 0, minimum=0)
    with pytest.raises(ValueError, match=r"steps must be an integer >= 2, got 1"):
        validation.count("steps", 1, minimum=2)


def test_a_number_beside_an_array_is_one_that_its_dtype_holds(xp):
    for dtype in xp.dtypes:
        x, tiny = xp.asarray(np.ones(1), dtype), float(np.finfo(dtype).tiny)
        for value in (tiny, 1, 1.0, 1 / tiny):
            validation.positive_in_dtype("c", value, x)
        with pytest.raises(ValueError, match=rf"c must be at least .*, the smallest normal .*{dtype}, got "):
            validation.positive_in_dtype("c", tiny / 2, x)
        with pytest.raises(ValueError, match=rf"c must be at most .*, one over the smallest normal .*{dtype}, got "):
            validation.positive_in_dtype("c", np.nextafter(1 / tiny, np.inf), x)
        with pytest.raises(ValueError, match=r"c must be a finite number > 0, got nan"):
            validation.positive_in_dtype("c", np.nan, x)


def test_an_unknown_name_gets_the_nearest_known():
    validation.one_of("form", "stable", ["stable", "textbook"])
    with pytest.raises(
        ValueError, match=r"form must be one of 'stable', 'textbook', got 'stabel'\. Did you mean 'stable'\?"
    ):
        validation.one_of("form", "stabel", ["stable", "textbook"])
    with pytest.raises(ValueError, match=r"got 7\.$"):
        validation.one_of("form", 7, ["stable", "textbook"])
    assert validation.nearest("sdg", ["sgd", "sdgm"]) == " Did you mean 'sdgm' or 'sgd'?"


def test_of_many_names_only_those_that_resemble_the_one_given_are_listed():
    many = [f"name-{i}" for i in range(30)]
    with pytest.raises(ValueError, match=r"^form must be one of 30 names, got 'nme-7'\. Did you mean 'name-7'"):
        validation.one_of("form", "nme-7", many)
    with pytest.raises(ValueError, match=r"one of 'name-0', .*, 'name-29', got 'x'\.$"):
        validation.one_of("form", "x", many)


@pytest.mark.parametrize(("wrong", "known"), [("SOFIM", "sofim"), ("k-FAC", "kfac"), ("sofim", "SOFIM")])
def test_a_name_in_another_case_gets_the_known_one(wrong, known):
    assert validation.nearest(wrong, ["adam", known, "tadam"]) == f" Did you mean {known!r}?"


def test_a_floating_array_is_of_a_known_backend_and_of_the_right_rank(xp):
    validation.floating("w", xp.asarray(np.ones(2)), ndim=1)
    with pytest.raises(
        TypeError, match=r"w must be an array of NumPy, CuPy, torch, .*, got <class 'tuple'>: pass np\.asarray\(w\)\."
    ):
        validation.floating("w", (1.0,), ndim=1)
    for dtype in (np.int64, np.bool_):
        with pytest.raises(TypeError, match=rf"w must have a real floating-point dtype, got .*{np.dtype(dtype).name}"):
            validation.floating("w", xp.asarray(np.ones(2, dtype=dtype)), ndim=1)
    with pytest.raises(ValueError, match=r"w must be 1-D, got shape \(\)"):
        validation.floating("w", xp.asarray(np.asarray(1.0)), ndim=1)


def test_a_complex_array_is_not_real():
    with pytest.raises(TypeError, match=r"w must have a real floating-point dtype, got complex128"):
        validation.floating("w", np.ones(2, dtype=complex), ndim=1)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_number_that_is_not_finite_is_enough(xp, bad):
    validation.finite("x", xp.asarray(np.ones(3)))
    with pytest.raises(ValueError, match=r"x must be finite, got NaN or infinity"):
        validation.finite("x", xp.asarray(np.asarray([1.0, bad, 0.0])))


def test_arrays_together_share_backend_device_and_dtype(xp):
    x = xp.asarray(np.ones(2), "float32")
    validation.same_backend(a=x, b=x, c=xp.asarray(np.zeros((3, 1)), "float32"))
    with pytest.raises(TypeError, match=r"a and c must have one dtype, got .*float32 and .*int64"):
        validation.same_backend(a=x, b=x, c=xp.asarray(np.ones(2, dtype=np.int64)))
    with pytest.raises(TypeError, match=r"b must be an array, as a is, got <class 'float'>: pass np\.asarray\(b\)\."):
        validation.same_backend(a=x, b=1.0)
    other = strict.ones(2) if "numpy" in xp.name else np.ones(2)
    with pytest.raises(TypeError, match=r"a and b must be arrays of one backend, got "):
        validation.same_backend(a=x, b=other)


def test_arrays_on_two_devices_are_not_together():
    there = strict.ones(2, device=strict.Device("device1"))
    with pytest.raises(ValueError, match=r"a and b must be on one device, got .*CPU_DEVICE.* and .*device1"):
        validation.same_backend(a=strict.ones(2), b=there)
