"""The steps of the torch bridge: the functional steps of the library, and of torch's own optimizers, bit for bit."""

import copy
import dataclasses

import numpy as np
import pytest

import sofim_ref as sr
from sofim_ref.matrices import Diagonal
from sofim_ref.optimizers import REGISTRY, Optimizer, Preconditioned, State
from sofim_ref.problems import Function, SoftmaxRegression

torch = pytest.importorskip("torch", reason="the bridge needs torch")

bridge = sr.bridges.torch.optimizer

X = torch.as_tensor(np.random.default_rng(0).standard_normal((20, 3)))
Y = torch.as_tensor(np.random.default_rng(1).integers(0, 2, 20))


def module(seed=0):
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2)).double()


def loss_of(net):
    return torch.nn.functional.cross_entropy(net(X), Y)


def flat(params):
    return torch.cat([p.detach().reshape(-1) for p in params])


def as_problem(net):
    """The same loss as a problem of the library on tensors, of one vector."""
    names, shapes = zip(*[(name, p.shape) for name, p in net.named_parameters()], strict=True)
    ends = np.cumsum([shape.numel() for shape in shapes])

    def value(w):
        parts = [w[end - shape.numel() : end].reshape(shape) for end, shape in zip(ends, shapes, strict=True)]
        outputs = torch.func.functional_call(net, dict(zip(names, parts, strict=True)), (X,))
        return torch.nn.functional.cross_entropy(outputs, Y)

    def slope(w, *, twice=False):
        w = w.detach().requires_grad_()
        return w, torch.autograd.grad(value(w), w, create_graph=twice)[0]

    def hvp(w, v):
        w, g = slope(w, twice=True)
        return torch.autograd.grad(g @ v, w)[0]

    return Function(int(ends[-1]), lambda w: value(w).detach(), lambda w: slope(w)[1], hvp=hvp)


TAKEN = [
    name for name, method in REGISTRY.items() if method.build(steps=5).needs <= {"gradient", "value", "hvp", "hessian"}
]


def steps(net, optimizer, n):
    for _ in range(n):
        optimizer.zero_grad()
        loss_of(net).backward()
        optimizer.step()


def with_closure(net, optimizer, n, *, backward=False):
    def closure():
        optimizer.zero_grad()
        loss = loss_of(net)
        if backward:
            loss.backward()
        return loss

    return [optimizer.step(closure) for _ in range(n)]


@pytest.mark.parametrize("name", TAKEN)
def test_every_method_takes_the_functional_steps(name):
    settings = {"effective_size": 100.0} if name == "ivon" else {}
    net, method = module(), REGISTRY[name].build(steps=5, **settings)
    if name.startswith("newton"):  # the Hessian is singular
        method = dataclasses.replace(method, damping=1.0)
    problem, w = as_problem(copy.deepcopy(net)), flat(net.parameters())
    with_closure(net, bridge(method, net.parameters()), 2)
    state = method.init(w)
    for _ in range(2):
        w, state = method.step(w, state, problem.oracle(w))
    # Gradients are those of two programs, and conjugate gradients stop at a tolerance of their own.
    assert flat(net.parameters()) == pytest.approx(w, rel=1e-9, abs=1e-11)


@pytest.mark.parametrize("optimizer", [sr.SOFIM(), sr.SOFIM(vector="gradient"), sr.SGD(momentum=0.9), sr.Adam()])
def test_steps_in_place_are_those_of_minimize_bit_for_bit(optimizer):
    rng = np.random.default_rng(0)
    problem = SoftmaxRegression(rng.standard_normal((30, 4)), rng.integers(0, 3, 30))
    w = torch.nn.Parameter(torch.zeros(problem.dim, dtype=torch.float64))
    ours = bridge(optimizer, [w])
    for _ in range(20):
        w.grad = torch.as_tensor(problem.gradient(w.detach().numpy().copy()))
        ours.step()
    found, state = np.zeros(problem.dim), optimizer.init(np.zeros(problem.dim))
    for _ in range(20):
        found, state = optimizer.step(found, state, problem.oracle(found), inplace=True)
    assert np.array_equal(w.detach().numpy(), found)
    trace = sr.minimize(problem, optimizer, steps=20, w0=np.zeros(problem.dim))
    assert np.allclose(found, trace.w, rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (sr.SGD(lr=0.2), lambda p: torch.optim.SGD(p, lr=0.2)),
        (sr.SGD(lr=0.2, momentum=0.9), lambda p: torch.optim.SGD(p, lr=0.2, momentum=0.9)),
        (
            sr.SGD(lr=0.2, momentum=0.9, nesterov=True),
            lambda p: torch.optim.SGD(p, lr=0.2, momentum=0.9, nesterov=True),
        ),
        (sr.Adam(lr=0.05), lambda p: torch.optim.Adam(p, lr=0.05)),
        (sr.AdamW(lr=0.05), lambda p: torch.optim.AdamW(p, lr=0.05)),
    ],
)
def test_fifty_steps_are_those_of_torchs_own_optimizers(ours, theirs):
    net = module()
    other = copy.deepcopy(net)
    steps(net, bridge(ours, net.parameters()), 50)
    steps(other, theirs(other.parameters()), 50)
    assert flat(net.parameters()) == pytest.approx(flat(other.parameters()), rel=1e-9, abs=1e-11)


@pytest.mark.parametrize("method", [sr.LBFGS(), sr.SOAA(steps=10, lr=0.1), sr.SOFIM()])
def test_a_closure_may_call_backward_or_not(method):
    net = module()
    other = copy.deepcopy(net)
    losses = with_closure(net, bridge(method, net.parameters()), 5, backward=True)
    if method.needs == {"gradient"}:
        steps(other, bridge(method, other.parameters()), 5)
    else:
        assert losses == with_closure(other, bridge(method, other.parameters()), 5)
        assert losses[-1] < losses[0]
    assert torch.equal(flat(net.parameters()), flat(other.parameters()))


def test_what_a_line_search_has_evaluated_is_not_evaluated_again():
    net, calls = module(), []

    def closure():
        calls.append(1)
        return loss_of(net)

    optimizer = bridge(sr.LBFGS(), net.parameters())
    optimizer.step(closure)
    assert len(calls) == 2  # at the start, and where the first step of the line search ended


def test_groups_are_stepped_from_one_point():
    net = module()
    other = copy.deepcopy(net)
    groups = [{"params": layer.parameters()} for layer in (net[0], net[2])]
    with_closure(net, bridge(sr.AdaHessian(), groups), 1)
    for chosen in (0, 2):  # the other layer stays where it was
        alone = copy.deepcopy(other)
        with_closure(alone, bridge(sr.AdaHessian(), alone[chosen].parameters()), 1)
        assert flat(net[chosen].parameters()) == pytest.approx(flat(alone[chosen].parameters()), rel=1e-12)


def test_a_misspelled_setting_of_a_group_is_named_and_an_option_of_its_own_is_kept():
    group = {"params": list(module().parameters()), "rhoo": 2.0}
    with pytest.raises(ValueError, match=r"settings of SOFIM and options of its own, got 'rhoo': is it 'rho'\?"):
        bridge(sr.SOFIM(), [group])
    group["name"] = group.pop("rhoo")
    assert bridge(sr.SOFIM(), [group]).param_groups[0]["name"] == 2.0


def test_a_closure_that_fails_leaves_the_parameters_where_they_were():
    net = module()
    before, left = flat(net.parameters()), [1]

    def closure():
        if not left:
            raise FloatingPointError
        left.pop()
        return loss_of(net)

    with pytest.raises(FloatingPointError):
        bridge(sr.LBFGS(), net.parameters()).step(closure)
    assert torch.equal(flat(net.parameters()), before)


def test_a_linear_loss_has_the_hessian_zero():
    w = torch.nn.Parameter(torch.ones(2, dtype=torch.float64))
    bridge(sr.optimizers.NewtonCG(damping=1.0), [w]).step(w.sum)
    assert w.tolist() == pytest.approx([0.0, 0.0])


@pytest.mark.parametrize(
    ("method", "closure", "said"),
    [
        (sr.LBFGS(), None, "closure must be given to LBFGS"),
        (sr.LBFGS(), lambda _: "no loss", "closure must return the loss, a tensor of shape"),
        (sr.LBFGS(), lambda net: net(X).sum(0), r"got shape \(2,\): average it"),
        (sr.LBFGS(), lambda net: loss_of(net).detach(), "with its graph, or call backward"),
        (sr.AdaHessian(), lambda net: [loss := loss_of(net), loss.backward()][0], "without calling backward"),
    ],
)
def test_closures_that_are_refused(method, closure, said):
    net = module()
    before = flat(net.parameters())
    with pytest.raises((TypeError, ValueError), match=said):
        bridge(method, net.parameters()).step(None if closure is None else lambda: closure(net))
    assert torch.equal(flat(net.parameters()), before)


def test_gradients_from_before_a_closure_are_cleared():
    net = module()
    other = copy.deepcopy(net)
    (7 * loss_of(net)).backward()
    for trained in (net, other):
        bridge(sr.LBFGS(), trained.parameters()).step(lambda trained=trained: loss_of(trained))
    assert torch.equal(flat(net.parameters()), flat(other.parameters()))


@dataclasses.dataclass(frozen=True, slots=True)
class SecantState(State):
    w: object
    g: object


@dataclasses.dataclass(frozen=True)
class Secant(Optimizer[SecantState]):
    """Keeps point and gradient, as they are, to divide by the change of one over the change of the other."""

    lr: float = 0.5

    def init(self, w):
        return SecantState(0, torch.zeros_like(w), torch.zeros_like(w))

    def precondition(self, state, oracle):
        g = oracle.gradient()
        return SecantState(state.step + 1, oracle.w, g), Preconditioned(
            Diagonal(abs((g - state.g) / (oracle.w - state.w))), g
        )


def test_a_method_of_ones_own_may_keep_what_it_is_given():
    w = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
    optimizer = bridge(Secant(), [w])
    for _ in range(3):
        optimizer.zero_grad(set_to_none=False)
        (torch.tensor([1.0, 3.0]) * w * w).sum().backward()
        optimizer.step()
    assert w.tolist() == pytest.approx([0.125, 0.25])  # Newton's step, halved, three times
