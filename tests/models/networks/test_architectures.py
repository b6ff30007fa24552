"""Torch networks: as many parameters as their formulas say, each row by itself, and what they refuse."""

import pytest

torch = pytest.importorskip("torch", reason="torch isn't installed")

from sofim_ref.models import TorchModel, networks  # noqa: E402  # after torch is known to be there
from sofim_ref.models.networks import framework  # noqa: E402


def size(network):
    return sum(parameter.numel() for parameter in network.parameters())


def test_lenet_has_the_parameters_that_its_formula_says():
    for channels, side in ((1, 28), (1, 32), (3, 32)):
        for classes in (2, 10):
            found = size(networks.lenet((channels, side, side), classes))
            assert found == 6 * (25 * channels + 1) + 16 * 151 + 120 * 401 + 84 * 121 + 85 * classes
    assert size(networks.lenet()) == 61_706


def test_the_convnet_has_the_parameters_that_its_formula_says():
    for c, C in ((8, 10), (3, 2)):
        assert size(networks.digits_convnet(C, channels=c)) == 10 * c + 2 * c * (9 * c + 1) + C * (8 * c + 1)


def resnet_size(depths, kernels, expansion, channels, classes):
    """The number of parameters, counted from the paper's table: convolutions without bias, two numbers a channel."""
    total, width = 9 * channels * 64 + 2 * 64, 64
    for stage, depth in enumerate(depths):
        inner = 64 * 2**stage
        after = expansion * inner
        for number in range(depth):
            widths = [width, *[inner] * (len(kernels) - 1), after]
            total += sum(k * k * a * b + 2 * b for k, a, b in zip(kernels, widths, widths[1:], strict=False))
            total += (width * after + 2 * after) * (number == 0 and (stage > 0 or width != after))
            width = after
    return total + (width + 1) * classes


@pytest.mark.parametrize("norm", ["group", "frozen batch"])
@pytest.mark.parametrize("classes", [10, 100])
def test_resnet_18_has_the_parameters_of_the_paper_s_table(norm, classes):
    assert size(networks.resnet18(classes=classes, norm=norm)) == resnet_size((2, 2, 2, 2), (3, 3), 1, 3, classes)


@pytest.mark.slow
def test_resnet_50_has_the_parameters_of_the_paper_s_table():
    expected = resnet_size((3, 4, 6, 3), (1, 3, 1), 4, 3, 10)
    assert expected == 23_520_842
    assert size(networks.resnet50()) == expected


def test_the_transformer_has_the_parameters_that_its_formula_says():
    for V, T, m, L in ((96, 16, 32, 1), (7, 5, 4, 3)):
        found = size(networks.CausalTransformer(V, T, width=m, blocks=L))
        assert found == V * m + T * m + L * (12 * m**2 + 9 * m) + (m + 1) * V


@pytest.mark.parametrize(
    ("make", "features", "layers"),
    [
        (networks.lenet, torch.zeros(2, 1, 28, 28), 5),
        (networks.digits_convnet, torch.zeros(2, 64), 3),
        (lambda: networks.CausalTransformer(96), torch.zeros(2, 16, dtype=torch.int64), 7),
    ],
)
def test_layers_cover_every_parameter_of_the_small_networks(make, features, layers):
    model = TorchModel(make(), initial="reset")
    model.prepare(features + torch.arange(2).reshape(2, *[1] * (features.ndim - 1)).to(features.dtype))
    assert len(model.layers) == layers
    assert model.uncovered == ()


@pytest.mark.slow
@pytest.mark.parametrize("norm", ["group", "frozen batch"])
def test_a_residual_network_takes_each_row_by_itself(norm):
    model = TorchModel(networks.resnet18(norm=norm), initial="reset")
    model.prepare(torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)))
    assert len(model.layers) == 21
    assert all(block.name.endswith(("weight", "bias")) for block in model.uncovered)


def test_a_later_token_changes_no_earlier_position():
    block = networks.transformer.CausalBlock(8, 2).double()
    stream = torch.randn(1, 5, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    changed = stream.clone()
    changed[:, 3:] += 1.0
    before, after = block(stream), block(changed)
    assert torch.equal(before[:, :3], after[:, :3])
    assert not torch.allclose(before[:, 3:], after[:, 3:])


def test_attention_is_torch_s():
    block = networks.transformer.CausalBlock(8, 2).double()
    stream = torch.randn(2, 5, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    q, k, v = (
        part.reshape(2, 5, 2, 4).transpose(1, 2) for part in block.attention(block.norm(stream)).split(8, dim=-1)
    )
    attended = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    expected = stream + block.gathered(attended.transpose(1, 2).reshape(2, 5, 8))
    expected = expected + block.dense(block.norm(expected))
    assert torch.allclose(block(stream), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: networks.lenet((1, 8, 8)), ValueError, r"shape must be .*\(channels, 32, 32\), got \(1, 8, 8\)"),
        (lambda: networks.lenet(classes=1), ValueError, "classes must be an integer >= 2, got 1"),
        (lambda: networks.digits_convnet(channels=0), ValueError, "channels must be an integer >= 1, got 0"),
        (
            lambda: networks.resnet18(norm="batch"),
            ValueError,
            "norm must be one of 'group', 'frozen batch', got 'batch'",
        ),
        (lambda: networks.CausalTransformer(9, width=5, heads=2), ValueError, "heads must divide width, got 2 and 5"),
        (lambda: networks.CausalTransformer(0), ValueError, "tokens must be an integer >= 1, got 0"),
    ],
)
def test_what_makes_no_network_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_without_torch_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(framework, "torch", None)
    for make in (networks.lenet, networks.digits_convnet, networks.resnet18, lambda: networks.CausalTransformer(9)):
        with pytest.raises(ImportError, match=r"needs torch: pip install 'sofim_ref\[torch\]'"):
            make()
