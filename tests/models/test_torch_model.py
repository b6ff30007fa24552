"""Torch modules as models: as the hand-written MLP, and as differences and other ways to the same derivatives."""

import pickle

import cases
import numpy as np
import pytest
from oracles import assert_close, host

from sofim_ref import curvature, likelihoods, minimize, problems
from sofim_ref.models import MLP, TorchModel
from sofim_ref.optimizers import REGISTRY

torch = pytest.importorskip("torch", reason="no torch")
import torch_networks as networks  # noqa: E402  # it imports torch

X, SCORE, _, LABEL = cases.data()
CURVATURES = {
    "hessian": curvature.hessian,
    "fisher": curvature.fisher,
    "gauss_newton": curvature.gauss_newton,
    "empirical_fisher": curvature.empirical_fisher,
    "improved_empirical_fisher": curvature.improved_empirical_fisher,
    "sampled_fisher": lambda oracle: curvature.sampled_fisher(oracle, np.random.default_rng(0), samples=2),
    "mean_gradient_fisher": lambda oracle: curvature.mean_gradient_fisher(oracle, rho=0.5),
    "hutchinson_diagonal": lambda oracle: curvature.hutchinson_diagonal(oracle, np.random.default_rng(0)),
    "nystrom": lambda oracle: curvature.nystrom(oracle, np.random.default_rng(0), columns=2, rho=0.5),
    "kfac": lambda oracle: curvature.kfac(oracle, np.random.default_rng(0), damping=0.1),
    "ekfac": lambda oracle: curvature.ekfac(oracle, np.random.default_rng(0), damping=0.1),
    "reparametrized_diagonal": lambda oracle: curvature.reparametrized_diagonal(
        oracle, np.random.default_rng(0), deviation=0.1 + 0 * oracle.w
    )[1],
    "sketched_gauss_newton": lambda oracle: curvature.sketched_gauss_newton(
        oracle, np.random.default_rng(0), damping=0.1, rows=8
    ),
    "adafisher_diagonal": curvature.adafisher_diagonal,
    "matrix_free_hessian": curvature.matrix_free_hessian,
    "matrix_free_fisher": curvature.matrix_free_fisher,
}
NOT_MATRICES = {name for name in curvature.__all__ if name.endswith(("_factor", "_factors", "_squares", "_vectors"))}


def both(likelihood, targets, **options):
    """The same problem with the hand-written model and with its torch copy."""
    data = torch.from_numpy(X), torch.from_numpy(targets)
    models = MLP((3, 4, 3)), TorchModel(networks.dense(), chunk=5, **options)
    return [problems.FiniteSum(model, likelihood, *data, l2=0.01) for model in models]


def of(module, features, C=3, **options):
    """A problem of classes for a module, and its oracle at the module's parameters."""
    model = TorchModel(networks.fixed(module), chunk=4, **options)
    problem = problems.FiniteSum(model, likelihoods.Categorical(C), features, networks.labels(C=C), l2=0.01)
    return problem, problem.oracle(problem.initial_point())


def test_every_curvature_of_a_copy_of_the_mlp_is_the_hand_written_ones(capsys):
    assert set(CURVATURES) == set(curvature.__all__) - NOT_MATRICES
    by_hand, by_torch = both(likelihoods.Categorical(3), LABEL)
    assert by_torch.model.layers == by_hand.model.layers
    assert by_torch.model.uncovered == ()
    w = by_hand.initial_point(1)
    worst = 0.0
    for name, matrix in CURVATURES.items():
        one, other = (host(matrix(problem.oracle(w)).to_dense()) for problem in (by_hand, by_torch))
        difference = np.max(np.abs(one - other))
        assert difference <= 1e-10, name
        worst = max(worst, difference)
    with capsys.disabled():
        print(f"\nworst difference of a curvature from the hand-written MLP's: {worst:.1e}")  # noqa: T201  # asked for


@pytest.mark.parametrize("method", REGISTRY.values(), ids=lambda method: method.name)
def test_every_method_takes_the_hand_written_models_steps(method):
    by_hand, by_torch = both(likelihoods.Categorical(3), LABEL)
    w = by_hand.initial_point(1)
    runs = [minimize(problem, method.build(steps=2), steps=2, w0=w, seed=0) for problem in (by_hand, by_torch)]
    # The first gradients of a layer have null spaces, in which SOAP's bases are made of rounding; SR1 divides by small
    # differences.
    within = {"soap": 1e-9, "sr1": 1e-8}.get(method.name, 1e-10)
    assert_close(runs[1].w, host(runs[0].w), within=within * (1 + np.max(np.abs(host(runs[0].w)))))


CASES = {
    "LeNet": lambda: of(networks.LeNet(), networks.images()),
    "transformer": lambda: of(networks.Transformer(), networks.tokens()),
    "recurrent": lambda: of(networks.Recurrent(), networks.sequences()),
    "shared": lambda: of(networks.Shared(), networks.tokens(), C=5),
}


@pytest.mark.parametrize("name", CASES)
def test_derivatives_agree_with_differences_and_with_each_other(name):
    problem, at = CASES[name]()
    v = torch.from_numpy(np.random.default_rng(2).standard_normal(problem.dim))
    if name == "transformer":
        start = problem.layers[0].start
        v[start : start + 4] = 0  # what stands for a token that pads is a constant in torch's derivatives
    ahead, behind = (at.at(at.w + h * v) for h in (1e-5, -1e-5))
    assert_close(at.hvp(v), host((ahead.gradient() - behind.gradient()) / 2e-5), within=1e-6)
    assert_close(at.gradient() @ v, host((ahead.value() - behind.value()) / 2e-5), within=1e-7)
    J, F = host(at.jacobian()), host(at.output_fisher())
    assert_close(at.jacobian() @ v, host((ahead.outputs() - behind.outputs()) / 2e-5), within=1e-7)
    truth = np.einsum("nad,nab,nbe->de", J, F, J) / at.size
    assert_close(at.gauss_newton_of(at.output_fisher()), truth, within=1e-12)
    assert_close(at.gauss_newton_product(at.output_fisher(), v), truth @ host(v), within=1e-12)
    u = host(at.output_gradient())
    assert_close(at.per_example_gradients(), np.einsum("nad,na->nd", J, u), within=1e-13)
    assert_close(at.gradient(), host(at.per_example_gradients().mean(0) + 0.01 * at.w), within=1e-13)


@pytest.mark.parametrize("name", CASES)
def test_layer_statistics_give_each_examples_gradient_in_each_layer(name):
    _, at = CASES[name]()
    gradients = host(at.per_example_gradients())
    assert len(at.layer_statistics()) == {"LeNet": 4, "transformer": 4, "recurrent": 1, "shared": 1}[name]
    for flow in at.layer_statistics():
        h, s = (host(x if x.ndim > 2 else x[:, None]) for x in (flow.inputs, flow.gradients))
        claimed = np.einsum("nti,ntj->nij", h, s).reshape(at.size, -1)
        assert_close(claimed, gradients[:, flow.layer.start : flow.layer.stop], within=1e-13)


def test_parameters_that_no_layer_covers_are_named_and_the_blocks_are_all_of_w():
    problem, at = CASES["transformer"]()
    assert [block.name for block in at.uncovered[:2]] == ["positions", "layer.self_attn.in_proj_weight"]
    ends = [0, *(block.stop for block in at.parameter_blocks)]
    assert [block.start for block in at.parameter_blocks] == ends[:-1]
    assert ends[-1] == problem.dim
    shared, _ = CASES["shared"]()
    assert [block.name for block in shared.uncovered] == ["embedding.weight = out.weight", "out.bias"]


@pytest.mark.parametrize("name", CASES)
def test_packing_and_unpacking_are_inverse(name):
    problem, at = CASES[name]()
    model, module = problem.model, problem.model.module
    v = at.w + 0.1
    assert torch.equal(model.pack(model.unpack(v)), v)
    assert torch.equal(model.pack(module), at.w)
    model.write(v)
    assert torch.equal(model.pack(module), v)
    assert_close(problem.oracle(v).outputs(), host(module(problem.features).detach()), within=1e-13)


def test_frozen_parameters_and_buffers_stay_as_they_were_at_construction():
    module = networks.fixed(torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 3)))
    module[0].bias.requires_grad_(False)  # torch's own
    problem, at = of(module.eval(), torch.from_numpy(X[:6]))
    assert problem.dim == 12 + 8 + 15
    assert problem.model.layers[0].rows == 3
    before = at.outputs()
    module.train()
    module[1].running_mean += 1
    with torch.no_grad():
        module[0].bias += 1
    assert torch.equal(problem.oracle(at.w).outputs(), before)


def test_a_start_is_the_modules_own_or_drawn_by_its_parts():
    own, reset = (TorchModel(networks.LeNet(), initial=initial) for initial in ("module", "reset"))
    rngs = [np.random.default_rng(seed) for seed in (0, 0, 1)]
    before = torch.random.get_rng_state()
    np.testing.assert_array_equal(own.start(rngs[0]), host(own.like))
    first, again, other = (reset.start(np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert torch.equal(torch.random.get_rng_state(), before)
    np.testing.assert_array_equal(first, again)
    assert not np.any(first == other)
    assert np.max(np.abs(first[:27])) <= 1 / 3  # Conv2d draws from ±1/√9


def test_products_at_one_point_share_the_recorded_gradient():
    problem, at = CASES["LeNet"]()
    v = torch.ones_like(at.w)
    first = at.hvp(v)
    tape = problem._tape(at)
    recorded = tape.transposed[2]
    assert torch.equal(at.hvp(v), first)
    assert tape.transposed[2] is recorded


def test_a_problem_of_a_module_can_be_pickled():
    problem, at = CASES["transformer"]()
    other = pickle.loads(pickle.dumps(problem))
    assert torch.equal(other.gradient(at.w), at.gradient())


def test_float32_stays_float32():
    model = TorchModel(networks.LeNet())
    problem = problems.FiniteSum(model, likelihoods.Categorical(3), networks.images().float(), networks.labels())
    at = problem.oracle(problem.initial_point())
    answers = [at.gradient(), at.hvp(at.w), at.per_example_gradients(), *(x.inputs for x in at.layer_statistics())]
    assert {x.dtype for x in answers} == {torch.float32}


def test_the_minimum_on_the_host_is_refused():
    problem, _ = CASES["LeNet"]()
    with pytest.raises(TypeError, match=r"^local_minimum evaluates the model on NumPy's arrays in float64, not a Tor"):
        problem.local_minimum()
