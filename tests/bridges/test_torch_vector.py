"""Parameters and gradients are views of vectors where they may be, and are followed where they go."""

import copy
import tracemalloc

import pytest

import sofim_ref as sr

torch = pytest.importorskip("torch", reason="the bridge needs torch")

from tests.bridges.torch_loop import X, flat, module, started, steps  # noqa: E402  # it imports torch

bridge = sr.bridges.torch.optimizer


def test_parameters_are_views_of_one_vector_and_stay_where_they_are():
    net, optimizer = started()
    places = [p.data_ptr() for p in net.parameters()]
    grads = [p.grad.data_ptr() for p in net.parameters()]
    assert len({p.untyped_storage().data_ptr() for p in net.parameters()}) == 1
    before = flat(net)
    steps(net, optimizer, set_to_none=False)
    assert not torch.equal(flat(net), before)
    assert [p.data_ptr() for p in net.parameters()] == places
    assert [p.grad.data_ptr() for p in net.parameters()] == grads  # autograd adds to them in place


def test_parameters_that_lie_side_by_side_are_adopted():
    net, _ = started()
    places = [p.data_ptr() for p in net.parameters()]
    steps(net, bridge(sr.SGD(), net.parameters()))
    bridge(sr.SGD(), net[2].parameters())
    assert [p.data_ptr() for p in net.parameters()] == places
    w = torch.nn.Parameter(torch.ones(5))
    place = w.data_ptr()
    bridge(sr.SGD(), [w])
    assert w.data_ptr() == place


MOVES = {
    "p.data": lambda net: [setattr(p, "data", p.data.clone()) for p in net.parameters()],
    "module.zero_grad": lambda net: net.zero_grad(),
    "there and back": lambda net: net.double().float(),
    "share_memory": lambda net: net.share_memory(),
}


@pytest.mark.parametrize("move", MOVES)
def test_parameters_and_gradients_that_were_moved_are_followed(move):
    net, optimizer = started()
    other, twin = started()
    MOVES[move](net)
    steps(net, optimizer)
    steps(other, twin)
    assert torch.equal(flat(net), flat(other))


def test_the_state_follows_the_parameters_to_another_dtype():
    net, optimizer = started()
    other = copy.deepcopy(net).double()
    twin = bridge(sr.SOFIM(), other.parameters())
    twin.load_state_dict(optimizer.state_dict())
    steps(net.double(), optimizer)
    steps(other, twin)
    assert flat(net).dtype == optimizer.state[net[0].weight]["mean"].dtype == torch.float64
    assert torch.equal(flat(net), flat(other))


def test_a_step_in_place_takes_no_memory_of_the_parameters_size():
    w = torch.nn.Parameter(torch.ones(400_000))
    optimizer = bridge(sr.SOFIM(), [w])
    w.grad = torch.ones_like(w)
    optimizer.step()
    tracemalloc.start()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        optimizer.step()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < w.nbytes / 4  # NumPy's memory
    assert sum(max(0, event.cpu_memory_usage) for event in profile.events()) < w.nbytes / 4  # and torch's


def test_parameters_in_shared_memory_stay_there():
    net = module().share_memory()
    other = module()
    places = [p.data_ptr() for p in net.parameters()]
    steps(net, bridge(sr.SOFIM(), net.parameters()))
    steps(other, bridge(sr.SOFIM(), other.parameters()))
    assert [p.data_ptr() for p in net.parameters()] == places
    assert torch.equal(flat(net), flat(other))


def test_channels_last_is_kept():
    conv = torch.nn.Conv2d(3, 2, 2).to(memory_format=torch.channels_last)
    other = copy.deepcopy(conv).to(memory_format=torch.contiguous_format)
    x = torch.linspace(-1, 1, 48).reshape(1, 3, 4, 4)
    for net in (conv, other):
        optimizer = bridge(sr.SGD(momentum=0.9), net.parameters())
        for _ in range(3):
            optimizer.zero_grad()
            net(x).square().mean().backward()
            optimizer.step()
    assert conv.weight.is_contiguous(memory_format=torch.channels_last)
    assert conv.weight.detach().reshape(-1) == pytest.approx(other.weight.detach().reshape(-1), rel=1e-5, abs=1e-7)


def test_a_gradient_that_is_a_view_of_someones_memory_is_left_there():
    w = torch.nn.Parameter(torch.ones(2))
    bucket = torch.ones(3)
    w.grad = bucket[:2]
    bridge(sr.SGD(lr=0.5), [w]).step()
    assert w.tolist() == [0.5, 0.5]
    assert w.grad.data_ptr() == bucket.data_ptr()


def test_autograd_learns_that_parameters_have_changed():
    net, optimizer = started()
    loss = (net(X) ** 2).mean()
    optimizer.step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_off_the_host_methods_step_on_tensors(monkeypatch):
    net, _ = started(n=6)
    other = module()
    optimizer = bridge(sr.SOFIM(), other.parameters())
    monkeypatch.setattr(sr.optimizers.SOFIM, "overwrite", sr.optimizers.Optimizer.overwrite)  # as if it had no kernel
    steps(other, optimizer, 6)
    assert flat(other) == pytest.approx(flat(net), rel=1e-5, abs=1e-6)
    assert optimizer.state[other[0].weight]["mean"].data_ptr() != other[0].weight.grad.data_ptr()


def test_a_parameter_without_a_gradient_has_the_gradient_zero():
    a, b = (torch.nn.Parameter(torch.ones(2)) for _ in range(2))
    optimizer = bridge(sr.SGD(lr=0.5, momentum=0.5), [a, b])
    (a + b).sum().backward()
    optimizer.step()
    optimizer.zero_grad()
    a.sum().backward()
    optimizer.step()
    assert b.grad is None
    assert b.tolist() == [0.25, 0.25]  # 1 − 0.5 − 0.5·0.5: its moment goes on
    optimizer.zero_grad()
    optimizer.step()  # no gradient at all: no step
    assert b.tolist() == [0.25, 0.25]
    assert optimizer.state[a]["step"] == 2


def test_frozen_parameters_stay_where_they_are():
    net = module()
    net[0].requires_grad_(False).half()  # and may be of any dtype
    before = net[0].weight.clone()
    optimizer = bridge(sr.SOFIM(weight_decay=0.1), net.parameters())
    net[2](torch.ones(1, 4)).sum().backward()
    optimizer.step()
    assert torch.equal(net[0].weight, before)
    assert optimizer.state[net[0].weight]["mean"].shape == (5,)


def test_a_group_that_is_frozen_whole_is_skipped_until_it_is_trained():
    net = module()
    net[0].requires_grad_(False)
    optimizer = bridge(sr.SOFIM(), [{"params": layer.parameters()} for layer in (net[0], net[2])])
    before = net[0].weight.clone()
    steps(net, optimizer)
    assert torch.equal(net[0].weight, before)
    net[0].requires_grad_(True)
    steps(net, optimizer)
    assert not torch.equal(net[0].weight, before)
    assert [optimizer.state[layer.weight]["step"] for layer in (net[0], net[2])] == [3, 6]


def test_a_part_of_a_group_that_is_frozen_later_is_named():
    net, optimizer = started()
    net[0].bias.requires_grad_(False)
    with pytest.raises(ValueError, match="parameter 1 of its group was frozen after its group's state was made"):
        steps(net, optimizer)
    net[0].bias.requires_grad_(True)
    steps(net, optimizer)
