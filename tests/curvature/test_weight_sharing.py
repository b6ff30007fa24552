"""K-FAC and AdaFisher where layers share weights among positions, and where parameters belong to no layer."""

import cases
import numpy as np
import pytest
from oracles import assert_close, host

from sofim_ref import curvature, likelihoods, minimize, models, optimizers, problems
from sofim_ref.arrays.generators import generator

torch = pytest.importorskip("torch", reason="no torch")
import torch_networks as networks  # noqa: E402  # it imports torch

UNCOVERED = (
    r'^no layer covers the parameters positions, layer\.self_attn\.in_proj_weight, .* and 5 more: uncovered="diag'
)


def of(module, features, likelihood=None, targets=None):
    """The oracle of a problem at the module's parameters, classes if nothing else is said."""
    model = models.TorchModel(networks.fixed(module))
    targets = networks.labels() if targets is None else targets
    problem = problems.FiniteSum(model, likelihood or likelihoods.Categorical(3), features, targets, l2=0.01)
    return problem.oracle(problem.initial_point())


def regression(*, mean):
    """A network without activations on four positions with a Gaussian likelihood."""
    outputs = 2 if mean else 8
    targets = torch.from_numpy(np.random.default_rng(3).standard_normal((6, outputs)))
    return of(networks.Positions(mean=mean), networks.sequences(), likelihoods.Gaussian(), targets)


@pytest.mark.parametrize(("approximation", "mean"), [("expand", False), ("reduce", True)])
def test_it_is_exact_where_the_paper_proves_it_and_the_other_one_is_not(approximation, mean):
    """Eschenhagen et al. 2023, Propositions 1 and 2: a linear network, outputs of each position or their mean."""
    oracle = regression(mean=mean)
    F = host(curvature.fisher(oracle).to_dense())
    for each in ("expand", "reduce"):
        factors = curvature.kfac_factors(oracle, approximation=each, labels="expected")
        for layer, (A, G) in zip(oracle.layers, factors, strict=True):
            truth = F[layer.start : layer.stop, layer.start : layer.stop]
            found = np.kron(host(A), host(G))
            if each == approximation:
                assert_close(found, truth, within=1e-13 * np.linalg.norm(truth))
            else:
                assert np.linalg.norm(found - truth) > 0.1 * np.linalg.norm(truth)


def test_both_are_the_same_numbers_where_nothing_is_shared():
    X, _, _, labels = cases.data()
    problem = problems.MLPClassifier(X, labels, hidden=(2,))
    oracle = problem.oracle(problem.initial_point())
    expand, reduce = (
        curvature.kfac_factors(oracle, np.random.default_rng(0), approximation=each) for each in ("expand", "reduce")
    )
    for flow, one, other in zip(oracle.layer_statistics(), expand, reduce, strict=True):
        h = flow.inputs  # in which the 1s are multiplied, not counted: the sums of 24 products have another order
        bound = 25 * np.finfo(h.dtype).eps * (np.abs(h).T @ np.abs(h)) / 24
        assert np.all(np.abs(one[0] - h.T @ h / 24) <= bound)
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("labels", ["sampled", "expected", "data"])
def test_factors_follow_their_formulas_position_by_position(labels):
    oracle = of(networks.LeNet(), networks.images())
    S = host(oracle.output_fisher_factor())
    drawn = {
        "sampled": [oracle.sampled_output_gradient(np.random.default_rng(1))],
        "expected": [torch.from_numpy(S[:, :, c].copy()) for c in range(3)],
        "data": [oracle.output_gradient()],
    }[labels]
    flows = [oracle.layer_statistics_of(u) for u in drawn]
    for approximation in ("expand", "reduce"):
        found = curvature.kfac_factors(oracle, np.random.default_rng(1), approximation=approximation, labels=labels)
        for k, (A, G) in enumerate(found):
            h = host(flows[0][k].inputs).reshape(6, -1, A.shape[0])
            s = [host(each[k].gradients).reshape(6, -1, G.shape[0]) for each in flows]
            T = h.shape[1]
            if approximation == "reduce":
                h, s, T = h.mean(1, keepdims=True), [one.sum(1, keepdims=True) for one in s], 1
            assert_close(A, np.einsum("nti,ntj->ij", h, h) / (6 * T), within=1e-13)
            assert_close(G, sum(np.einsum("nti,ntj->ij", one, one) for one in s) / 6, within=1e-13)


def test_the_expectation_is_that_over_all_labels():
    oracle = of(networks.LeNet(), networks.images())
    p, each = oracle.problem.likelihood.probability(oracle.outputs()), torch.eye(3, dtype=torch.float64)
    for k, (_, G) in enumerate(curvature.kfac_factors(oracle, approximation="reduce", labels="expected")):
        truth = 0.0
        for c in range(3):
            s = host(oracle.layer_statistics_of((p - each[c]) * p[:, c : c + 1] ** 0.5)[k].gradients)
            s = s.reshape(6, -1, G.shape[0]).sum(axis=1)
            truth = truth + s.T @ s / 6
        assert_close(G, truth, within=1e-13)


def test_parameters_that_no_layer_covers_are_refused_or_take_the_fisher_matrixs_diagonal_or_the_identity():
    oracle = of(networks.Transformer(), networks.tokens())
    for ask in (curvature.adafisher_diagonal, lambda at: curvature.kfac(at, damping=1.0, labels="data")):
        with pytest.raises(ValueError, match=UNCOVERED):
            ask(oracle)
    diagonal, identity = (
        curvature.kfac(oracle, damping=0.25, labels="expected", uncovered=each) for each in ("diagonal", "identity")
    )
    F = np.diag(host(curvature.fisher(oracle).to_dense()))
    for block, one, other in zip(oracle.parameter_blocks, diagonal.blocks, identity.blocks, strict=True):
        if block in oracle.uncovered:
            assert_close(one.values, F[block.start : block.stop] + 0.25, within=1e-13)
            assert_close(other.to_dense(), np.eye(block.stop - block.start), within=0)
        else:
            assert_close(one.left, host(other.left), within=0)


def test_adafishers_factors_of_shared_weights_and_of_parameters_that_no_layer_covers():
    oracle = of(networks.Transformer(), networks.tokens())
    H, S = curvature.adafisher_factors(oracle, uncovered="diagonal")
    ones = curvature.adafisher_factors(oracle, uncovered="identity")
    flow, layer = oracle.layer_statistics()[1], oracle.layers[1]

    def scaled(x):
        return (x - x.min()) / (x.max() - x.min() + 1e-6)

    h, s = (host(x) ** 2 for x in (flow.inputs, flow.gradients))
    assert h.ndim == 3
    shape = (layer.rows, layer.columns)
    for found, truth in ((H, scaled(h.mean((0, 1)))[:, None]), (S, scaled(s.sum(1).mean(0))[None, :])):
        assert_close(found[layer.start : layer.stop], np.broadcast_to(truth, shape).ravel(), within=1e-13)
    block, squares = oracle.uncovered[0], host(oracle.per_example_gradients()) ** 2
    assert_close(S[block.start : block.stop], scaled(squares.mean(0)[block.start : block.stop]), within=1e-13)
    for x in (H, *ones):
        assert_close(x[block.start : block.stop], np.ones(block.stop - block.start), within=0)


@pytest.mark.parametrize("uncovered", ["diagonal", "identity"])
@pytest.mark.parametrize("update_every", [1, 2])
def test_kfac_steps_with_the_averaged_factors_of_every_block(uncovered, update_every):
    oracle = of(networks.Transformer(), networks.tokens())
    method = optimizers.KFAC(
        damping=0.1, decay=0.5, approximation="reduce", uncovered=uncovered, update_every=update_every
    )
    state, _ = method.precondition(method.init(oracle.w), oracle)
    _, choice = method.precondition(state, oracle)
    options = {"approximation": "reduce", "uncovered": uncovered}
    drawn = [curvature.kfac_factors(oracle, generator(0, step), **options) for step in (0, 1)]
    if update_every == 1:
        drawn = [[((A + B) / 2, (G + H) / 2) for (A, G), (B, H) in zip(*drawn, strict=True)]]
    truth = curvature.kfac(oracle, damping=0.1 + 0.01, factors=drawn[0])
    assert_close(choice.matrix.to_dense(), host(truth.to_dense()), within=1e-13)
    x = host(choice.matrix.solve(choice.vector))
    assert_close(truth.to_dense() @ torch.from_numpy(x), host(oracle.gradient()), within=1e-12)


@pytest.mark.parametrize(
    "method",
    [
        optimizers.KFAC(lr=0.3, damping=0.1, uncovered="diagonal"),
        optimizers.KFAC(lr=0.3, damping=0.1, uncovered="identity", approximation="reduce"),
        optimizers.AdaFisher(lr=0.1, uncovered="diagonal"),
        optimizers.AdaFisherW(lr=0.1, uncovered="identity"),
        optimizers.SOFIM(lr=0.1, scope="layer"),
    ],
    ids=lambda method: f"{type(method).__name__} {getattr(method, 'uncovered', '')}",
)
@pytest.mark.parametrize("network", ["LeNet", "Transformer"])
def test_methods_of_layers_learn_on_convolutions_and_attention(method, network):
    features = networks.images() if network == "LeNet" else networks.tokens()
    problem = of(getattr(networks, network)(), features).problem
    trace = minimize(problem, method, steps=15)
    assert float(problem.value(trace.w)) < 0.97 * float(problem.value(problem.initial_point()))


def test_names_of_approximations_labels_and_ways_are_checked():
    oracle = regression(mean=True)
    with pytest.raises(ValueError, match=r"^approximation must be one of 'expand', 'reduce', got 'expnad'\. Did you m"):
        curvature.kfac_factors(oracle, approximation="expnad", labels="data")
    with pytest.raises(ValueError, match=r"^labels must be one of 'sampled', 'expected', 'data', got 'model'"):
        curvature.kfac_factors(oracle, labels="model")
    with pytest.raises(TypeError, match=r"^rng must be a numpy\.random\.Generator, got None"):
        curvature.kfac_factors(oracle)
    with pytest.raises(ValueError, match=r"^uncovered must be one of 'refuse', 'diagonal', 'identity', got 'zero'"):
        curvature.kfac_factors(oracle, labels="data", uncovered="zero")
    for method in (optimizers.KFAC, optimizers.AdaFisher):
        with pytest.raises(ValueError, match=r"^uncovered must be one of"):
            method(uncovered="zero")
    with pytest.raises(ValueError, match=r"^approximation must be one of"):
        optimizers.KFAC(approximation="both")
