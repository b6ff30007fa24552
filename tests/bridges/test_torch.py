"""The torch bridge behaves as torch's own optimizers do, in groups and schedulers, and refuses by name."""

import copy
import sys

import pytest

import sofim_ref as sr
from sofim_ref.optimizers import REGISTRY

torch = pytest.importorskip("torch", reason="the bridge needs torch")

from tests.bridges.torch_loop import X, flat, loss_of, module, started, steps  # noqa: E402  # it imports torch

bridge = sr.bridges.torch.optimizer


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
        (sr.IVON(), lambda net: net.parameters(), "effective_size must be given to IVON, .* a torch loop doesn't tell"),
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
    optimizer = bridge(sr.SGD(), [{"params": [w]}, {"params": table.parameters()}])
    (table(torch.tensor([1])).sum() + w.sum()).backward()
    with pytest.raises(TypeError, match="the gradient of parameter 0 of its group must be dense"):
        optimizer.step()
    assert w.tolist() == [1.0, 1.0]


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


@pytest.mark.parametrize("name", ["nystrom-sgd", "trust-region-newton", "cubic-newton"])
def test_a_loss_that_is_no_longer_finite_is_said_to_be(name):
    net = module()
    optimizer = bridge(REGISTRY[name].make(), net.parameters())
    said = r"the loss must be finite for a step of \w+, got nan: has the run diverged\?"
    with pytest.raises(ValueError, match=said):
        optimizer.step(lambda: loss_of(net) * torch.nan)


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
    for name in [name for name in sys.modules if name.startswith("sofim_ref.bridges.torch_")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r"needs torch: pip install 'sofim_ref\[torch\]'"):
        bridge(sr.SOFIM(), [])


def test_a_module_in_place_of_its_parameters_is_refused_with_the_remedy():
    with pytest.raises(TypeError, match=r"params must be parameters, got a module: pass module\.parameters\(\)\."):
        bridge(sr.SOFIM(), torch.nn.Linear(2, 2))
