"""Methods as optax transformations: optax's generic tests, written anew, and equality with the steps of both sides."""

import dataclasses
import re

import numpy as np
import pytest

import sofim_ref as sr
from sofim_ref.arrays import HostDecisionError, open_backend
from sofim_ref.arrays.sums import norm
from sofim_ref.bridges.optax_loss import LoopLoss
from sofim_ref.optimizers import REGISTRY
from tests.oracles import assert_close

pytest.importorskip("jax", reason="JAX isn't installed")
optax = pytest.importorskip("optax", reason="optax isn't installed")

import jax  # noqa: E402  # once it is known to be there
import jax.numpy as jnp  # noqa: E402

EPS = float(np.finfo(float).eps)
transformation = sr.bridges.optax.transformation


@pytest.fixture(scope="module", autouse=True)
def float64():
    """float64 is there, as wherever this library opened JAX."""
    open_backend("jax")


SETTINGS = {"ivon": {"effective_size": 1e6}}
MADE = {name: method.build(steps=30, **SETTINGS.get(name, {})) for name, method in REGISTRY.items()}
TAKEN = {name: made for name, made in MADE.items() if made.needs <= LoopLoss.offers}
DEFAULT = {"sofim", "soaa"}
"""The methods that the quick tests take: one that needs gradients, one that needs values."""


def taken(names=TAKEN):
    return pytest.mark.parametrize(
        "name", [name if name in DEFAULT else pytest.param(name, marks=pytest.mark.slow) for name in names]
    )


A = np.diag([1.0, 2.0, 4.0]) + 0.1


def bowl(params):
    w = jnp.concatenate([jnp.ravel(params["a"]), params["b"]])
    return 0.5 * w @ jnp.asarray(A, dtype=w.dtype) @ w - jnp.sum(w)


def start(dtype="float64"):
    return {"a": jnp.asarray(1.5, dtype=dtype), "b": jnp.asarray([-1.0, 0.5], dtype=dtype)}


def stepping(tx, loss):
    """One step as a loop of optax writes it."""

    def step(params, state):
        value, grad = jax.value_and_grad(loss)(params)
        updates, state = tx.update(grad, state, params, value=value, grad=grad, value_fn=loss)
        return optax.apply_updates(params, updates), state

    return step


def flat(params):
    return np.asarray(jax.flatten_util.ravel_pytree(params)[0])


@taken()
def test_a_compiled_step_is_the_eager_one(name):
    method, steps = MADE[name], 5
    problem = sr.problems.Quadratic(A, np.ones(3))
    w = flat(start())
    state = method.init(w)
    tx = transformation(method)
    params, compiled = start(), jax.jit(stepping(tx, bowl))
    carried = tx.init(params)
    for _ in range(steps):
        w, state = method.step(w, state, problem.oracle(w))
        params, carried = compiled(params, carried)
    # Each step rounds anew, and the bowl's condition number, 5, is what a rounded gradient may be magnified by
    assert_close(flat(params), w, within=steps * 50 * EPS)
    assert int(carried.step) == steps
    assert type(carried) is type(state)


def optax_pairs():
    yield "SGD", sr.SGD(lr=0.1), optax.sgd(0.1)
    yield "heavy ball", sr.SGD(lr=0.05, momentum=0.9), optax.sgd(0.05, momentum=0.9)
    yield "Nesterov", sr.SGD(lr=0.05, momentum=0.9, nesterov=True), optax.sgd(0.05, momentum=0.9, nesterov=True)
    yield "Adam", sr.Adam(lr=0.1), optax.adam(0.1)
    yield "AdamW", sr.AdamW(lr=0.1, weight_decay=0.02), optax.adamw(0.1, weight_decay=0.02)
    schedule = optax.warmup_cosine_decay_schedule(0.0, 0.1, 10, 60)
    yield "a schedule from 0", sr.Adam(lr=schedule), optax.adam(schedule)


def whole_run(tx, loss, params, steps):
    """A run as one program, which refuses a state whose structure, shapes or dtypes a step changes."""

    @jax.jit
    def run(params):
        step = stepping(optax.with_extra_args_support(tx), loss)
        return jax.lax.scan(lambda carried, _: (step(*carried), None), (params, tx.init(params)), length=steps)[0]

    return run(params)


@pytest.mark.parametrize(("ours", "theirs"), [pytest.param(*pair, id=name) for name, *pair in optax_pairs()])
def test_fifty_steps_are_those_of_optax(ours, theirs):
    ends = [flat(whole_run(tx, bowl, start(), 50)[0]) for tx in (transformation(ours), theirs)]
    assert_close(*ends, within=50 * 50 * EPS)


@taken()
@pytest.mark.parametrize("dtype", ["float32", pytest.param("float64", marks=pytest.mark.slow)])
def test_dtypes_and_shapes_survive_a_scan(name, dtype):
    tx = transformation(dataclasses.replace(MADE[name], lr=optax.linear_schedule(0.1, 0.05, 10)))
    params = start(dtype)
    state = tx.init(params)
    after = whole_run(tx, bowl, params, 3)
    described = [jax.tree.map(lambda x: (x.shape, x.dtype), each) for each in ((params, state), after)]
    assert described[0] == described[1]
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(after))


def rosenbrock(params):
    x, y = params["a"], params["b"][0]
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


RATES = {
    "sofim": {"lr": 0.5, "rho": 0.5},
    "sofim-gradient": {"lr": 0.05},
    "adam": {"lr": 0.1},
    "adamw": {"lr": 0.1, "weight_decay": 0.0},
    "soaa": {"lr": 0.1},
    "tadam": {"lr": 0.1},
    "adahessian": {"lr": 0.15},
    "nystrom-sgd": {"lr": 0.05},
    "adagrad": {"lr": 0.5},
    "adagrad-full": {"lr": 0.5},
    "rmsprop-rootfree": {"lr": 0.05},
    "ivon": {"lr": 0.1},
}


@taken([name for name in TAKEN if name != "sofim-adaptive"])  # its steps, lr/2‖M̂‖ long, grow as gradients vanish
def test_it_finds_the_bottom_of_a_parabola(name):
    method = dataclasses.replace(MADE[name], **RATES.get(name, {}))
    params, _ = whole_run(transformation(method), bowl, start(), 400)
    assert_close(flat(params), np.linalg.solve(A, np.ones(3)), within=3e-2)  # optax's own tolerance


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sofim", "adam", "nesterov", "lbfgs", "newton", "newton-cg"])
def test_it_finds_the_minimum_of_rosenbrocks_function(name):
    rates = {"sofim": {"lr": 2e-3, "rho": 0.5}, "adam": {"lr": 0.1}, "nesterov": {"lr": 1e-3}}
    method = dataclasses.replace(MADE[name], **rates.get(name, {}))
    start = {"a": jnp.asarray(0.0), "b": jnp.asarray([0.0])}
    params, _ = whole_run(transformation(method), rosenbrock, start, 100 if name in {"newton", "lbfgs"} else 10_000)
    assert_close(flat(params), np.ones(2), within=3e-2)


def test_hyper_parameters_are_injected_and_changed():
    tx = optax.inject_hyperparams(lambda lr, rho: transformation(sr.SOFIM(lr=lr, rho=rho)))(
        lr=optax.exponential_decay(0.5, 1, 0.5), rho=2.0
    )
    params = start()
    state = tx.init(params)
    compiled = jax.jit(stepping(tx, bowl))
    w, plain = flat(params), sr.SOFIM(lr=sr.optimizers.StepDecay(0.5, every=1, factor=0.5), rho=2.0)
    problem = sr.problems.Quadratic(A, np.ones(3))
    kept = plain.init(w)
    for rho in (2.0, 0.3):
        state.hyperparams["rho"] = jnp.asarray(rho)
        plain = dataclasses.replace(plain, rho=rho)
        params, state = compiled(params, state)
        w, kept = plain.step(w, kept, problem.oracle(w))
    assert_close(flat(params), w, within=100 * EPS)


def test_many_runs_at_once():
    tx = transformation(sr.SOFIM(lr=0.2))
    points = jax.tree.map(lambda x: jnp.stack([x, 2 * x, -x]), start())
    step = jax.jit(lambda params: stepping(tx, bowl)(params, tx.init(params))[0])
    together = jax.jit(jax.vmap(step))(points)
    for i in range(3):
        one = jax.tree.map(lambda x, i=i: x[i], points)
        alone = step(one)
        assert_close(flat(alone), flat(jax.tree.map(lambda x, i=i: x[i], together)), within=20 * EPS)


def test_it_stands_in_chains_masks_partitions_and_accumulation():
    sofim, params, g = transformation(sr.SOFIM(lr=1.0, rho=1.0)), start(), start()
    alone, _ = sofim.update(g, sofim.init(params), params)
    chained = optax.chain(optax.scale(0.5), sofim, optax.scale(3.0))
    m = flat(g) / 2
    updates, _ = chained.update(g, chained.init(params), params)
    assert_close(flat(updates), -3 * m / (1 + m @ m), within=20 * EPS)

    masked = optax.masked(sofim, {"a": False, "b": True})
    updates, _ = masked.update(g, masked.init(params), params)
    b = np.asarray(g["b"])
    assert_close(updates["b"], -b / (1 + b @ b), within=10 * EPS)
    assert updates["a"] is g["a"]

    labels = {"a": "frozen", "b": "sofim"}
    parts = optax.multi_transform({"sofim": sofim, "frozen": optax.set_to_zero(), "empty": sofim}, labels)
    updates, _ = parts.update(g, parts.init(params), params)
    assert_close(updates["b"], -b / (1 + b @ b), within=10 * EPS)
    assert float(updates["a"]) == 0

    every = optax.MultiSteps(sofim, every_k_schedule=2)
    state = every.init(params)
    for _ in range(2):
        updates, state = every.update(g, state, params)
    assert_close(flat(updates), flat(alone), within=10 * EPS)


def test_updates_have_digits_of_their_own():
    """They aren't the difference of two points, in which a step of 1e-12 beside a w of 1e6 would have none."""
    tx, far = transformation(sr.SGD(lr=1e-12)), jax.tree.map(lambda x: x + 1e6, start())
    g = start()
    updates, _ = tx.update(g, tx.init(far), far)
    assert_close(flat(updates), -1e-12 * flat(g), within=4 * EPS * 1e-12)
    without, _ = tx.update(g, tx.init(far))
    assert (flat(without) == flat(updates)).all()


def test_the_arguments_of_the_loss_reach_it():
    tx, params = transformation(sr.LBFGS()), start()

    def loss(params, scale):
        return scale * bowl(params)

    @jax.jit
    def update(params, scale):
        g = jax.grad(loss)(params, scale)
        other = jax.tree.map(jnp.zeros_like, g)  # `grad` is the loss's own gradient, whatever the updates are
        return tx.update(other, tx.init(params), params, grad=g, value_fn=loss, scale=scale, more="ignored")[0]

    updates = update(params, 2.0)
    twice = sr.problems.Quadratic(2 * A, 2 * np.ones(3))
    w = flat(params)
    expected, _ = sr.LBFGS().step(w, sr.LBFGS().init(w), twice.oracle(w))
    assert_close(w + flat(updates), expected, within=50 * EPS)


@pytest.mark.parametrize("name", sorted(MADE.keys() - TAKEN.keys()))
def test_a_method_that_needs_examples_is_refused_with_the_way_out(name):
    missing = sorted(MADE[name].needs - LoopLoss.offers)
    with pytest.raises(TypeError, match=rf"{type(MADE[name]).__name__}\(.*needs {', '.join(missing)}, .*JaxModel"):
        transformation(MADE[name])


def update(method, params, updates, **given):
    tx = transformation(method)
    return tx.update(updates, tx.init(params), params, **given)


REFUSED = {
    "a name": (lambda: transformation("sofim"), TypeError, "method must be an Optimizer, got 'sofim'"),
    "mixed dtypes": (
        lambda: transformation(sr.SOFIM()).init({"a": jnp.ones(2, "float32"), "b": jnp.ones(2)}),
        TypeError,
        "params must be of one dtype, got float32, float64: optax.multi_transform",
    ),
    "complex": (
        lambda: transformation(sr.SOFIM()).init(jnp.ones(2, "complex64")),
        TypeError,
        "params must have a real floating-point dtype, got complex64",
    ),
    "half": (
        lambda: transformation(sr.SOFIM()).init(jnp.ones(2, "bfloat16")),
        TypeError,
        "params must be float32 or float64, got bfloat16: convert it to float32",
    ),
    "no value": (
        lambda: update(sr.SOAA(steps=3), start(), start()),
        ValueError,
        "value must be given to SOAA, the loss at params",
    ),
    "losses for value": (
        lambda: update(sr.SOAA(steps=3), start(), start(), value=jnp.ones(2)),
        ValueError,
        r"value must be the loss, an array of shape \(\), got shape \(2,\): average it",
    ),
    **{
        f"losses for {type(method).__name__}": (
            lambda method=method: update(
                method, start(), start(), value_fn=lambda params: jnp.stack([bowl(params)] * 2)
            ),
            ValueError,
            r"value_fn must return the loss, an array of shape \(\), got shape \(2,\): average it",
        )
        for method in (sr.LBFGS(), sr.Newton(), sr.NewtonCG(), sr.AdaHessian())
    },
    "more than the loss": (
        lambda: update(sr.LBFGS(), start(), start(), value_fn=lambda params: (bowl(params), 3)),
        TypeError,
        "value_fn must return the loss, an array of shape .*, got a tuple: the loss alone",
    ),
    "no number of examples": (
        lambda: transformation(sr.IVON()),
        ValueError,
        r"effective_size must be given to IVON, .* an optax loop doesn't tell: sofim_ref\.IVON\(effective_size=len",
    ),
    "no function": (
        lambda: update(sr.LBFGS(), start(), start(), value=1.0),
        ValueError,
        "value_fn must be given to LBFGS, which asks about the loss at other points",
    ),
    "no params": (
        lambda: transformation(sr.AdamW()).update(start(), transformation(sr.AdamW()).init(start())),
        ValueError,
        "params must be given to AdamW",
    ),
    "another tree": (
        lambda: update(sr.SGD(), start(), {"a": jnp.ones(2), "b": jnp.ones(1)}),
        ValueError,
        "updates must have the structure and shapes of params",
    ),
    "another dtype": (
        lambda: update(sr.SGD(), start(), start("float32")),
        TypeError,
        "updates must be float64, as params are, got float32",
    ),
    "a negative schedule": (
        lambda: update(sr.SGD(lr=lambda _: -1.0), start(), start()),
        ValueError,
        r"lr\(0\) must be a finite number > 0, got -1.0",
    ),
}


@pytest.mark.parametrize(("call", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_go_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_schedule_that_decides_on_the_host_is_named():
    tx = transformation(sr.SGD(lr=lambda step: 0.5 if step < 10 else 0.1))
    with pytest.raises(HostDecisionError, match="SGD can't step inside"):
        jax.jit(stepping(tx, bowl))(start(), tx.init(start()))


def test_without_optax_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "optax", None)
    with pytest.raises(ImportError, match=re.escape("needs optax: pip install 'sofim_ref[optax]'")):
        transformation(sr.SOFIM())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_compiled_norm_is_right_at_every_scale(dtype):
    """One sum of squares does where it can; where squares would overflow, or vanish, another is taken."""
    x = np.random.default_rng(0).standard_normal(1000)
    tiny, huge = (1e-30, 1e30) if dtype == "float32" else (1e-300, 1e300)
    found = jax.jit(norm)
    for scale in (tiny, 1.0, huge):
        scaled = (scale * x).astype(dtype)
        truth = scale * np.linalg.norm(scaled.astype(np.longdouble) / scale)
        assert_close(found(jnp.asarray(scaled)) / float(truth), 1.0, within=8 * float(np.finfo(dtype).eps))
    assert float(found(jnp.zeros(3, dtype))) == 0
