"""A step of every registered method inside jax.jit, vmap and jacfwd is the eager step; states are pytrees."""

import dataclasses
import functools

import numpy as np
import pytest
from cases import PROBLEMS

from sofim_ref import arrays, optimizers, problems
from sofim_ref.optimizers import schedules

jax = pytest.importorskip("jax")
jnp = arrays.open_backend("jax").xp
# Older versions of JAX have it among the experimental functions.
arrays_in_64_bits = (jax if hasattr(jax, "enable_x64") else pytest.importorskip("jax.experimental")).enable_x64

PROBLEM = next(case for case in PROBLEMS if case.name == "SoftmaxRegression")


def every_method(quick):
    """Every registered method; those not named are slow, since JAX takes seconds to compile a step."""
    marks = {name: () if name in quick else pytest.mark.slow for name in optimizers.REGISTRY}
    return pytest.mark.parametrize("name", [pytest.param(name, marks=marks[name]) for name in marks])


@functools.cache
def problem_of(xp):
    return PROBLEM.make(xp.asarray)


def made(name):
    softened = {"epsilon": 1e-2} if name == "soap" else {}  # a softmax's gradients have low rank: rounding over ϵ
    return optimizers.REGISTRY[name].build(steps=100, **softened)


def start(scale=0.3):
    return scale * np.random.default_rng(0).standard_normal(problem_of(np).dim)


def first_step(optimizer, w, batch=None):
    """One step from the initial state, with the kind of arrays that w is."""
    problem = problem_of(np if isinstance(w, np.ndarray) else jnp)
    return optimizer.step(w, optimizer.init(w), problem.oracle(w, batch))[0]


def assert_equal(found, expected, tolerance=1e-12):
    """Equal up to rounding; SR1, which divides by the small part of y that B doesn't explain, magnifies it."""
    scale = np.max(np.abs(expected))
    np.testing.assert_allclose(np.asarray(found), expected, rtol=0, atol=tolerance * scale)


class Jitted:
    """Steps compiled by JAX, with w and state as donated arguments; it counts how often they are traced."""

    def __init__(self, optimizer, problem):
        self.traced = 0

        def step(w, state):
            self.traced += 1
            return optimizer.step(w, state, problem.oracle(w))

        self.step = jax.jit(step, donate_argnums=(0, 1))


def problems_of_every_kind():
    """A problem of each kind, on JAX."""
    X, rows = jnp.asarray(np.random.default_rng(0).standard_normal((12, 3))), np.arange(12)
    yield problem_of(jnp)
    yield problems.LeastSquares(X, X[:, 0], l2=0.01)
    yield problems.LogisticRegression(X, jnp.asarray(rows % 2))
    yield problems.PoissonRegression(X, jnp.asarray(rows % 4), l2=0.1)
    yield problems.MLPClassifier(X, jnp.asarray(rows % 3), hidden=(4,))
    yield problems.Rosenbrock(3, like=X[0, :])
    yield problems.Quadratic(jnp.eye(3), jnp.ones(3))


def assert_traced_alike(optimizer, problem):
    """The step can be traced, and the second state is of the first one's kind, so that nothing is compiled twice."""
    if not optimizer.needs <= problem.offers:
        return
    w = problem.initial_point()
    state, kinds = optimizer.init(w), []
    for _ in range(2):
        w, state = jax.eval_shape(lambda w, s: optimizer.step(w, s, problem.oracle(w)), w, state)
        leaves, structure = jax.tree_util.tree_flatten((w, state))
        kinds.append((structure, [(leaf.shape, leaf.dtype, leaf.weak_type) for leaf in leaves]))
    assert kinds[0] == kinds[1]


@every_method(quick=optimizers.REGISTRY)
def test_a_step_can_be_traced(name):
    assert_traced_alike(made(name), problem_of(jnp))


@every_method(quick=())
def test_a_step_on_a_problem_of_every_kind_can_be_traced(name):
    for problem in problems_of_every_kind():
        if "kfac" not in name or problem.name != "PoissonRegression":  # refused: see below
            assert_traced_alike(made(name), problem)


@every_method(quick={"sofim"})
def test_jitted_steps_are_the_eager_ones_compiled_once_in_donated_memory(name):
    optimizer, problem = made(name), problem_of(np)
    jitted = Jitted(optimizer, problem_of(jnp))
    w, there = start(), jnp.asarray(start())
    state, state_there = optimizer.init(w), optimizer.init(there)
    for _ in range(4):
        before = there
        w, state = optimizer.step(w, state, problem.oracle(w))
        there, state_there = jitted.step(there, state_there)
        assert before.is_deleted()
        assert_equal(there, w, 1e-7 if name == "sr1" else 1e-12)
    begun = optimizer.init(start())  # some states have no factors before the first step
    sizes = [[np.shape(getattr(each, field.name)) for field in dataclasses.fields(each)[1:]] for each in (begun, state)]
    assert jitted.traced == 1 + (sizes[0] != sizes[1])
    assert int(state_there.step) == 4
    for field in dataclasses.fields(state)[1:]:
        expected = np.asarray(getattr(state, field.name))
        found = np.asarray(getattr(state_there, field.name))
        largest, loose = np.max(np.abs(expected), initial=1), 1e6 if name == "sr1" else 1.0
        np.testing.assert_allclose(found, expected, rtol=1e-10 * loose, atol=1e-12 * loose * largest)
    following = optimizer.step(w, state, problem.oracle(w))[0]
    eager = optimizer.step(there, state_there, problem_of(jnp).oracle(there))[0]  # goes on from a jitted one
    assert_equal(eager, following, 1e-7 if name == "sr1" else 1e-11)


@pytest.mark.slow
def test_an_eager_step_goes_on_from_a_jitted_one_where_a_matrix_s_weight_depends_on_the_step():
    optimizer, problem = optimizers.SOFIM(vector="gradient", bias_correction=False), problem_of(jnp)
    w = jnp.asarray(start())
    state = optimizer.init(w)
    expected, expected_state = optimizer.step(w, state, problem.oracle(w))
    following, following_state = jax.jit(lambda w, s: optimizer.step(w, s, problem.oracle(w)))(w, state)
    expected, _ = optimizer.step(expected, expected_state, problem.oracle(expected))
    assert_equal(optimizer.step(following, following_state, problem.oracle(following))[0], expected, 1e-11)


@every_method(quick={"sgd"})
def test_vmap_over_points_and_over_batches(name):
    optimizer = made(name)
    points = np.stack([start(), start(0.6), start(-0.3)])
    expected = np.stack([first_step(optimizer, w) for w in points])
    assert_equal(jax.vmap(lambda w: first_step(optimizer, w))(jnp.asarray(points)), expected)

    batches = np.random.default_rng(1).permutation(24).reshape(2, 12)
    expected = np.stack([first_step(optimizer, start(), rows) for rows in batches])
    found = jax.vmap(lambda rows: first_step(optimizer, jnp.asarray(start()), rows))(jnp.asarray(batches))
    assert_equal(found, expected)


WITHOUT_DERIVATIVE = {
    **dict.fromkeys(("adagrad-full", "sofim-k"), "singular vectors of equal singular values have none"),
}
"""The methods whose first steps JAX can't differentiate, as their docstrings say."""


@every_method(quick={"sgd"})
def test_jacfwd_in_the_point_is_the_slope_of_eager_steps(name):
    if name in WITHOUT_DERIVATIVE:
        pytest.skip(f"{name}: {WITHOUT_DERIVATIVE[name]}")
    optimizer = made(name)

    def step_twice(w):
        following = first_step(optimizer, w)
        return following, following

    jacobian, at = jax.jacfwd(step_twice, has_aux=True)(jnp.asarray(start()))
    assert_equal(at, first_step(optimizer, start()))
    along = np.random.default_rng(2).standard_normal(start().shape)

    def slope(h):
        return (first_step(optimizer, start() + h * along) - first_step(optimizer, start() - h * along)) / (2 * h)

    coarse, fine = ((4 * slope(h / 2) - slope(h)) / 3 for h in (2e-3, 1e-3))  # each without its error of order h²
    error = np.max(np.abs(fine - coarse)) + 1e-10 * np.max(np.abs(fine))
    np.testing.assert_allclose(np.asarray(jacobian) @ along, fine, rtol=0, atol=error)


@every_method(quick=())
def test_jitted_steps_in_float32_without_x64(name):
    optimizer = made(name)
    steps = 1 if isinstance(optimizer, optimizers.TrustRegion) else 2  # the radius after it is rounding over ϵ = 1e-8
    with arrays_in_64_bits(False):
        problem = PROBLEM.make(lambda a: jnp.asarray(np.asarray(a, np.float32) if a.dtype.kind == "f" else a))
        jitted, w = Jitted(optimizer, problem), jnp.asarray(start(), dtype=np.float32)
        state = optimizer.init(w)
        for _ in range(steps):
            w, state = jitted.step(w, state)
            assert w.dtype == np.float32
    on_host = PROBLEM.make(lambda a: np.asarray(a, np.float32) if a.dtype.kind == "f" else a)
    expected = start().astype(np.float32)
    state = optimizer.init(expected)
    for _ in range(steps):
        expected, state = optimizer.step(expected, state, on_host.oracle(expected))
    assert_equal(w, expected, 1e-3 if name == "sr1" else 1e-4)


@every_method(quick=optimizers.REGISTRY)
def test_a_state_is_a_pytree_of_its_fields(name):
    optimizer, w = made(name), jnp.asarray(start())
    state = optimizer.init(w)
    leaves, structure = jax.tree_util.tree_flatten(state)
    for leaf, field in zip(leaves, dataclasses.fields(state), strict=True):
        assert leaf is getattr(state, field.name)
    again = jax.tree_util.tree_unflatten(structure, leaves)
    assert type(again) is type(state)
    assert all(one is other for one, other in zip(jax.tree_util.tree_leaves(again), leaves, strict=True))
    named, _ = jax.tree_util.tree_flatten_with_path(state)
    assert jax.tree_util.keystr(named[0][0]) == ".step"


@dataclasses.dataclass(frozen=True, slots=True)
class OwnState(optimizers.State):
    before: object
    label: str = dataclasses.field(metadata={"static": True})


@dataclasses.dataclass(frozen=True)
class Extrapolated(optimizers.Optimizer[OwnState]):
    """A user's method, with a state of its own in which a field may be None and another is no number."""

    lr: float = 0.1

    def init(self, w):
        return OwnState(0, None, "mine")

    def precondition(self, state, oracle):
        g = oracle.gradient()
        v = g if state.before is None else 2 * g - state.before
        matrix = optimizers.SGD().precondition(optimizers.SGD().init(g), oracle)[1].matrix
        return OwnState(state.step + 1, g, state.label), optimizers.Preconditioned(matrix, v)


def test_a_state_of_one_s_own_goes_through_jit_with_none_and_with_static_fields():
    optimizer = Extrapolated()
    jitted, w, there = Jitted(optimizer, problem_of(jnp)), start(), jnp.asarray(start())
    state, state_there = optimizer.init(w), optimizer.init(there)
    for _ in range(3):
        w, state = optimizer.step(w, state, problem_of(np).oracle(w))
        there, state_there = jitted.step(there, state_there)
    assert_equal(there, w)
    assert state_there.label == "mine"
    assert jitted.traced == 2  # None in the first step, an array afterwards


SCHEDULES = [
    schedules.Constant(0.3),
    schedules.Cosine(0.3, steps=3, lowest=0.01),
    schedules.StepDecay(0.3, every=2, factor=0.5),
    schedules.WarmUp(schedules.Cosine(0.3, steps=4), steps=2),
    lambda step: 0.3 / (1 + step),
]


def test_schedules_inside_jit():
    def rates(step):
        return [optimizers.SGD(lr=schedule).rate_at(step) for schedule in SCHEDULES]

    jitted = jax.jit(rates)
    for step in range(6):
        np.testing.assert_allclose(jitted(step), rates(step), rtol=1e-14)


@pytest.mark.slow
@pytest.mark.parametrize("settings", [{"rho": 0.5}, {"lr": 0.1}, {"beta": 0.9}, {"weight_decay": 0.1}], ids=str)
def test_jacfwd_in_a_hyper_parameter(settings):
    ((name, at),) = settings.items()

    def two_steps(value, w):
        optimizer = optimizers.SOFIM(**{name: value})
        problem, state = problem_of(np if isinstance(w, np.ndarray) else jnp), optimizer.init(w)
        for _ in range(2):
            w, state = optimizer.step(w, state, problem.oracle(w))
        return w

    found, h = jax.jit(jax.jacfwd(lambda value: two_steps(value, jnp.asarray(start()))))(at), 1e-4
    slope = (two_steps(at + h, start()) - two_steps(at - h, start())) / (2 * h)
    np.testing.assert_allclose(found, slope, rtol=0, atol=1e-6 * np.max(np.abs(slope)) + 1e-11)


@dataclasses.dataclass(frozen=True)
class Decisive(Extrapolated):
    def precondition(self, state, oracle):
        if oracle.value() > 1:
            return super().precondition(state, oracle)
        return super().precondition(state, oracle)


def test_what_decides_on_the_host_says_so_by_name():
    w = jnp.asarray(start())

    def halving(step):
        return 0.1 if step < 3 else 0.05

    poisson = problems.PoissonRegression(jnp.asarray(np.ones((4, 2))), jnp.asarray([0, 1, 2, 1]))
    for optimizer, problem, reason in [
        (Decisive(), problem_of(jnp), "Attempted boolean conversion of traced array"),
        (optimizers.SGD(lr=halving), problem_of(jnp), "Attempted boolean conversion of traced array"),
        (optimizers.KFAC(), poisson, "NumPy draws a Poisson count from its mean"),
    ]:
        message = rf"^{type(optimizer).__name__} can't step inside jax\.jit, .*: {reason}"
        point = w[: problem.dim]
        with pytest.raises(arrays.HostDecisionError, match=message):
            jax.jit(lambda w, s, o=optimizer, p=problem: o.step(w, s, p.oracle(w)))(point, optimizer.init(point))


@pytest.mark.slow
@pytest.mark.parametrize(
    "optimizer",
    [
        optimizers.KFAC(update_every=2, samples=2),
        optimizers.AdaFisher(update_every=2),
        optimizers.NaturalGradient(fisher="sampled", samples=2, seed=3),
        optimizers.NystromSGD(columns=1),
        optimizers.LBFGS(line_search=False),
        optimizers.AdaHessian(block_size=2, seed=3),
    ],
    ids=repr,
)
def test_what_is_refreshed_or_drawn_now_and_then_is_so_inside_jit(optimizer):
    jitted, w, there = Jitted(optimizer, problem_of(jnp)), start(), jnp.asarray(start())
    state, state_there = optimizer.init(w), optimizer.init(there)
    for _ in range(5):
        w, state = optimizer.step(w, state, problem_of(np).oracle(w))
        there, state_there = jitted.step(there, state_there)
        assert_equal(there, w)


@pytest.mark.slow
def test_a_loop_of_steps_inside_one_program():
    optimizer = optimizers.SOFIM()
    w = start()
    state = optimizer.init(w)

    def body(carried, _):
        w, state = carried
        w, state = optimizer.step(w, state, problem_of(jnp).oracle(w))
        return (w, state), problem_of(jnp).value(w)

    there = jnp.asarray(w)
    (there, state_there), losses = jax.jit(
        lambda w: jax.lax.scan(body, (w, dataclasses.replace(optimizer.init(w), step=jnp.asarray(0))), length=5)
    )(there)
    for loss in losses:
        w, state = optimizer.step(w, state, problem_of(np).oracle(w))
        assert_equal(loss, problem_of(np).value(w))
    assert_equal(there, w)
    assert int(state_there.step) == 5
