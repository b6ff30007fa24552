"""The state of the torch bridge is saved, loaded and copied as that of torch's own optimizers is."""

import copy
import io
import pickle

import pytest

import sofim_ref as sr

torch = pytest.importorskip("torch", reason="the bridge needs torch")

from tests.bridges.torch_loop import flat, loss_of, module, started, steps  # noqa: E402  # it imports torch

bridge = sr.bridges.torch.optimizer


METHODS = [sr.SOFIM(), sr.SGD(momentum=0.9), sr.Adam(), sr.SOAA(steps=20), sr.LBFGS(), sr.AdaHessian()]


def saved_with_torch(net, optimizer):
    buffer = io.BytesIO()
    torch.save({"net": net.state_dict(), "optimizer": optimizer.state_dict()}, buffer)
    buffer.seek(0)
    found = torch.load(buffer, weights_only=True)
    other = module(1)
    other.load_state_dict(found["net"])
    loaded = bridge(type(optimizer.method)(**({"steps": 7} if "steps" in optimizer.names else {})), other.parameters())
    loaded.load_state_dict(found["optimizer"])
    return other, loaded


WAYS = {
    "torch.save": saved_with_torch,
    "pickle": lambda net, optimizer: pickle.loads(pickle.dumps((net, optimizer))),
    "deepcopy": lambda net, optimizer: copy.deepcopy((net, optimizer)),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_a_run_goes_on_bit_for_bit(method, way):
    net = module()
    optimizer = bridge(method, net.parameters())
    optimizer.param_groups[0]["lr"] = 0.03
    for _ in range(3):
        train_once(net, optimizer)
    other, loaded = WAYS[way](net, optimizer)
    assert loaded.param_groups[0]["lr"] == 0.03
    before = flat(other)
    for _ in range(3):
        train_once(net, optimizer)
    assert torch.equal(flat(other), before)  # nothing is shared
    for _ in range(3):
        train_once(other, loaded)
    assert torch.equal(flat(net), flat(other))
    ours, theirs = optimizer.state[next(net.parameters())], loaded.state[next(other.parameters())]
    assert all(torch.equal(torch.as_tensor(ours[name]), torch.as_tensor(theirs[name])) for name in ours)


def train_once(net, optimizer):
    net.zero_grad()
    optimizer.step(lambda: loss_of(net))


def test_one_state_dict_starts_two_runs():
    net, optimizer = started()
    saved = optimizer.state_dict()
    ends = []
    for _ in range(2):
        other = copy.deepcopy(net)
        twin = bridge(sr.SOFIM(), other.parameters())
        twin.load_state_dict(saved)
        steps(other, twin)
        ends.append(flat(other))
    assert torch.equal(*ends)


def test_a_state_dict_before_the_first_step_is_loaded():
    net = module()
    optimizer = bridge(sr.SOFIM(), net.parameters())
    saved = optimizer.state_dict()
    assert saved["state"] == {}
    steps(net, optimizer)
    optimizer.load_state_dict(saved)
    steps(net, optimizer, 1)
    assert optimizer.state[net[0].weight]["step"] == 1


def of_torch(net):
    optimizer = torch.optim.SGD(net.parameters(), momentum=0.9)
    steps(net, optimizer, 1)
    return optimizer.state_dict()


def saved_by(method):
    return started(method)[1].state_dict()


def without_mean():
    saved = saved_by(sr.SOFIM())
    saved["state"][0] = {"step": 1}
    return saved


def out_of_range():
    saved = saved_by(sr.SOFIM())
    saved["param_groups"][0]["rho"] = -1.0
    return saved


@pytest.mark.parametrize(
    ("saved", "said"),
    [
        (lambda: of_torch(module()), "state_dict must be of SOFIM: its groups have no rho, beta"),
        (lambda: saved_by(sr.Adam()), "its groups have no rho"),
        (without_mean, "the state of a group has step"),
        (out_of_range, "rho must be"),
        (lambda: wider().state_dict(), r"state\.mean must have shape \(21,\), got \(41,\)"),
        (lambda: frozen().state_dict(), "parameter 0 of its group was unfrozen"),
        (lambda: bridge(sr.SOFIM(), [torch.ones(2, requires_grad=True)]).state_dict(), "doesn't match the size"),
    ],
)
def test_a_state_dict_of_something_else_is_refused_and_changes_nothing(saved, said):
    net, optimizer = started()
    other, twin = started()
    with pytest.raises(ValueError, match=said):
        optimizer.load_state_dict(saved())
    steps(net, optimizer)
    steps(other, twin)
    assert torch.equal(flat(net), flat(other))


def wider():
    net = module(width=8)
    optimizer = bridge(sr.SOFIM(), net.parameters())
    steps(net, optimizer, 1)
    return optimizer


def frozen():
    net = module()
    net[0].weight.requires_grad_(False)
    optimizer = bridge(sr.SOFIM(), net.parameters())
    steps(net, optimizer, 1)
    return optimizer
