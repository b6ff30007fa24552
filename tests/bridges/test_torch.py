"""The torch bridge behaves as torch's own optimizers do, in groups, state dicts and schedulers, and refuses by name."""

import copy
import io
import pickle

import pytest

import sofim_ref as sr

torch = pytest.importorskip("torch", reason="the bridge needs torch")

bridge = sr.bridges.torch.optimizer

X = torch.linspace(-1, 1, 24).reshape(8, 3)


def module(seed=0, *, width=4):
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Linear(3, width), torch.nn.Tanh(), torch.nn.Linear(width, 1))


def loss_of(net, x=X):
    return (net(x.to(next(net.parameters()))) - 1).square().mean()


def steps(net, optimizer, n=3, *, set_to_none=True):
    for _ in range(n):
        optimizer.zero_grad(set_to_none=set_to_none)
        loss_of(net).backward()
        optimizer.step()


def flat(net):
    return torch.cat([p.detach().reshape(-1) for p in net.parameters()])


def started(method=None, n=3, **options):
    net = module()
    optimizer = bridge(method or sr.SOFIM(), net.parameters(), **options)
    steps(net, optimizer, n)
    return net, optimizer


# Where parameters and gradients lie.


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


@pytest.mark.parametrize("moved", ["p.data", "zero_grad", "double", "assign", "shared"])
def test_parameters_and_gradients_that_were_moved_are_followed(moved):
    net, optimizer = started()
    other = copy.deepcopy(net)
    twin = bridge(sr.SOFIM(), other.parameters())
    twin.load_state_dict(optimizer.state_dict())
    if moved == "p.data":
        for p in net.parameters():
            p.data = p.data.clone()
    elif moved == "zero_grad":
        net.zero_grad()
    elif moved == "double":
        net.double()
        other.double()
        twin = bridge(sr.SOFIM(), other.parameters())
        twin.load_state_dict(optimizer.state_dict())
    elif moved == "assign":
        net.load_state_dict(other.state_dict(), assign=True)
        other.load_state_dict(copy.deepcopy(other.state_dict()))
    elif moved == "shared":
        net.share_memory()
    steps(net, optimizer)
    steps(other, twin)
    if moved == "assign":  # they are one module's parameters now
        assert next(net.parameters()) is not next(other.parameters())
    else:
        assert torch.equal(flat(net), flat(other))
    if moved == "shared":
        assert all(p.is_shared() for p in net.parameters())


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


# Groups.


def test_groups_have_hyper_parameters_and_a_state_of_their_own():
    net, other = module(), module()
    optimizer = bridge(
        sr.SOFIM(), [{"params": net[0].parameters()}, {"params": net[2].parameters(), "lr": 0.5, "rho": 0.1}]
    )
    apart = [bridge(sr.SOFIM(), other[0].parameters()), bridge(sr.SOFIM(lr=0.5, rho=0.1), other[2].parameters())]
    for _ in range(3):
        optimizer.zero_grad()
        other.zero_grad()
        loss_of(net).backward()
        loss_of(other).backward()
        for each in (optimizer, *apart):
            each.step()
    assert torch.equal(flat(net), flat(other))
    assert [group["rho"] for group in optimizer.param_groups] == [0.5, 0.1]
    assert optimizer.param_groups[0].keys() >= {"lr", "beta", "vector", "bias_correction", "weight_decay"}


def test_a_group_may_be_added_and_its_options_changed():
    net = module()
    optimizer = bridge(sr.SGD(lr=0.1), net[0].named_parameters())
    optimizer.add_param_group({"params": net[2].named_parameters(), "lr": 0.5})
    other = copy.deepcopy(net)
    steps(net, optimizer, 1)
    optimizer.param_groups[1]["weight_decay"] = 0.25
    before = net[2].bias.item()
    steps(net, optimizer, 1)
    twin = torch.optim.SGD([{"params": other[0].parameters()}, {"params": other[2].parameters(), "lr": 0.5}], lr=0.1)
    steps(other, twin, 1)
    assert before == pytest.approx(other[2].bias.item(), rel=1e-6)
    assert net[2].bias.item() == pytest.approx(before - 0.5 * (net[2].bias.grad.item() + 0.25 * before), rel=1e-6)
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]


@pytest.mark.parametrize(
    ("method", "groups", "said"),
    [
        (sr.SOFIM(), lambda net: [{"params": net.parameters(), "rho": -1.0}], "rho must be a finite number > 0"),
        (sr.SOFIM(), lambda net: [{"params": net.parameters(), "maximize": True}], "maximize must be left out"),
        (sr.SOFIM(), lambda net: [{"params": net.parameters(), "differentiable": True}], "differentiable must be left"),
        (sr.SOFIM(), lambda net: [net[0].weight, net[0].weight], "each parameter once"),
        (sr.SOFIM(), lambda net: [net[0].weight, net[0].bias.double().detach().requires_grad_()], "a group of its own"),
        (sr.SOFIM(), lambda net: net.half().parameters(), r"parameter 0 .* float16: keep .* torch\.autocast"),
        (sr.SOFIM(), lambda net: net.bfloat16().named_parameters(), r"0\.weight must be .* got bfloat16"),
        (sr.SOFIM(), lambda _: [torch.ones(2, dtype=torch.complex64, requires_grad=True)], "complex64: a complex"),
        (sr.SOFIM(), lambda _: torch.nn.LazyLinear(2).parameters(), "call the module once"),
        (sr.SOFIM(lr=sr.optimizers.Constant(0.1)), lambda net: net.parameters(), r"LambdaLR"),
        (sr.SOFIM(scope="layer"), lambda net: net.parameters(), "each layer a group of its own"),
        (sr.KFAC(), lambda net: net.parameters(), "needs layer_statistics_of.*TorchModel"),
        (sr.NaturalGradient(), lambda net: net.parameters(), "TorchModel"),
        (sr.LBFGS(), lambda net: [{"params": net[i].parameters()} for i in (0, 2)], "one group for LBFGS, got 2"),
        (sr.SOFIM, lambda net: net.parameters(), "method must be an Optimizer"),
        (sr.SOFIM(), lambda _: [], "empty parameter list"),
        (sr.SOFIM(), lambda net: net[0].weight, "iterable of Tensors"),
    ],
)
@pytest.mark.filterwarnings("ignore:Lazy modules")
def test_what_is_refused(method, groups, said):
    with pytest.raises((TypeError, ValueError), match=said):
        bridge(method, groups(module()))


def test_a_group_that_is_refused_is_not_added():
    net = module()
    optimizer = bridge(sr.SOFIM(), net[0].parameters())
    with pytest.raises(ValueError, match="beta must be"):
        optimizer.add_param_group({"params": net[2].parameters(), "beta": 1.0})
    assert len(optimizer.param_groups) == 1
    optimizer.add_param_group({"params": net[2].parameters()})


def test_a_sparse_gradient_is_refused_before_any_step():
    table, w = torch.nn.Embedding(4, 2, sparse=True), torch.nn.Parameter(torch.ones(2))
    optimizer = bridge(sr.SGD(), [{"params": [w]}, {"params": table.named_parameters()}][:1])
    optimizer.add_param_group({"params": table.parameters()})
    (table(torch.tensor([1])).sum() + w.sum()).backward()
    with pytest.raises(TypeError, match="the gradient of parameter 0 of its group must be dense"):
        optimizer.step()
    assert w.tolist() == [1.0, 1.0]


# Parameters without a gradient.


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


# State dicts.

METHODS = [sr.SOFIM(), sr.SGD(momentum=0.9), sr.Adam(), sr.SOAA(steps=20), sr.LBFGS(), sr.AdaHessian()]


def train(net, optimizer, n):
    for _ in range(n):
        optimizer.step(lambda: loss_of(net))


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


# What stands around an optimizer.


@pytest.mark.parametrize(
    "make",
    [
        lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda t: t / 2),  # from 0 on
        lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=3),  # to 0
        lambda o: torch.optim.lr_scheduler.OneCycleLR(o, max_lr=0.5, total_steps=9),  # and the momentum
        lambda o: torch.optim.lr_scheduler.StepLR(o, 2),
    ],
)
def test_schedulers_do_what_they_do_to_torchs_own(make):
    net, other = module(), module()
    ours = bridge(sr.SGD(lr=0.2, momentum=0.9), net.parameters())
    theirs = torch.optim.SGD(other.parameters(), lr=0.2, momentum=0.9)
    for trained, optimizer in ((net, ours), (other, theirs)):
        scheduler = make(optimizer)
        for _ in range(6):
            steps(trained, optimizer, 1)
            scheduler.step()
    assert ours.param_groups[0]["lr"] == theirs.param_groups[0]["lr"]
    assert ours.param_groups[0]["momentum"] == theirs.param_groups[0]["momentum"]
    assert flat(net) == pytest.approx(flat(other), rel=1e-4, abs=1e-6)


def test_a_learning_rate_of_zero_moves_the_state_alone():
    net, optimizer = started()
    before, mean = flat(net), optimizer.state[net[0].weight]["mean"].clone()
    optimizer.param_groups[0]["lr"] = 0.0
    steps(net, optimizer, 1)
    assert torch.equal(flat(net), before)
    assert not torch.equal(optimizer.state[net[0].weight]["mean"], mean)
    optimizer.param_groups[0]["lr"] = -0.1
    with pytest.raises(ValueError, match="lr must be a finite number > 0"):
        steps(net, optimizer, 1)


def test_a_scaler_scales_and_skips():
    net, other = module(), module()
    ours, theirs = bridge(sr.SOFIM(), net.parameters()), bridge(sr.SOFIM(), other.parameters())
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    steps(other, theirs)
    for _ in range(3):
        ours.zero_grad()
        scaler.scale(loss_of(net)).backward()
        scaler.step(ours)
        scaler.update()
    assert flat(net) == pytest.approx(flat(other), rel=1e-6)
    before = flat(net)
    ours.zero_grad()
    scaler.scale(loss_of(net) * torch.inf).backward()
    scaler.step(ours)
    scaler.update()
    assert torch.equal(flat(net), before)
    assert ours.state[net[0].weight]["step"] == 3
    assert scaler.get_scale() == 512.0


@pytest.mark.parametrize("set_to_none", [True, False])
def test_zero_grad_does_as_it_is_told(set_to_none):
    net, optimizer = started()
    optimizer.zero_grad(set_to_none=set_to_none)
    grads = [p.grad for p in net.parameters()]
    assert all(g is None for g in grads) if set_to_none else all(not g.any() for g in grads)
    other, twin = started()
    steps(net, optimizer, set_to_none=set_to_none)
    steps(other, twin)
    assert torch.equal(flat(net), flat(other))


def test_hooks_are_called():
    net = module()
    optimizer, called = bridge(sr.SOFIM(), net.parameters()), []
    handle = optimizer.register_step_pre_hook(lambda *_: called.append("before"))
    optimizer.register_step_post_hook(lambda *_: called.append("after"))
    steps(net, optimizer, 1)
    handle.remove()
    steps(net, optimizer, 1)
    assert called == ["before", "after", "after"]
    assert isinstance(optimizer, torch.optim.Optimizer)
    assert "rho: 0.5" in repr(optimizer)


def test_gradients_are_clipped_and_accumulated_as_ever():
    net, other = module(), module()
    ours, theirs = (
        make(n.parameters())
        for make, n in ((lambda p: bridge(sr.SGD(), p), net), (lambda p: torch.optim.SGD(p, lr=0.1), other))
    )
    for trained, optimizer in ((net, ours), (other, theirs)):
        for _ in range(3):
            optimizer.zero_grad()
            for half in (X[:4], X[4:]):
                loss_of(trained, half).backward()
            torch.nn.utils.clip_grad_norm_(trained.parameters(), 0.5)
            optimizer.step()
    assert flat(net) == pytest.approx(flat(other), rel=1e-5, abs=1e-7)


def test_without_torch_the_extra_is_named(monkeypatch):
    import sys

    for name in [name for name in sys.modules if name.startswith("sofim_ref.bridges.torch_")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r"needs torch: pip install 'sofim_ref\[torch\]'"):
        bridge(sr.SOFIM(), [])
