"""The stored trajectories are what the script makes of the formulas, and show what the formulas say."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import sofim_ref.testing
from sofim_ref.testing import references
from sofim_ref.testing.formulas import __main__ as script
from sofim_ref.testing.formulas import adafisher

ROOT = Path(sofim_ref.testing.__file__).parent.parent.parent


def test_the_stored_trajectories_are_what_the_script_makes():
    for stored in references():
        steps = 100 if (stored.method, stored.case) == ("SOFIM", "orthogonal") else 5
        made = script.trajectory(stored.method, stored.case, stored.settings, steps)
        np.testing.assert_array_equal(made, stored.points[: steps + 1])
        told = script.flows(stored.case) if "inputs" in stored.arguments else script.gradients(stored.case)
        for name, part in stored.arguments.items():
            for stored_layer, layer in zip(_layers(part), _layers(told[name]), strict=True):
                np.testing.assert_array_equal(stored_layer, layer)


def _layers(part):
    return part if isinstance(part, list) else [part]


def test_they_are_small_and_of_the_sizes_promised():
    folder = Path(sofim_ref.testing.__file__).parent / "reference"
    settings = {(stored.method, str(stored.settings)) for stored in references()}
    assert sum(file.stat().st_size for file in folder.iterdir()) < 24_000 * len(settings)
    for stored in references():
        assert stored.steps == 100
        assert 4 <= len(stored.points[0]) <= 9
        assert len(stored.points[0]) == stored.layers[-1].stop


def test_the_formulas_are_written_without_this_library():
    for file in (Path(sofim_ref.testing.__file__).parent / "formulas").glob("*.py"):
        lines = file.read_text(encoding="utf-8").replace("sofim_ref.testing.formulas", "").splitlines()
        assert not any("sofim_ref" in line for line in lines if "import" in line.split()[:3]), file.name


def test_gradients_lie_as_the_case_says():
    for stored in references():
        G = stored.arguments["gradient"]
        if stored.case == "collinear":
            assert np.linalg.matrix_rank(G) == 1
        elif stored.case == "orthogonal":
            assert not (G[1:] * G[:-1]).sum(axis=1).any()
        elif stored.case == "zero":
            assert not G[:10].any()
            assert G[10:20].any(axis=1).all()
        elif stored.case == "huge and tiny":
            sizes = np.abs(G).max(axis=1)
            assert sizes.min() < 1e-5
            assert sizes.max() > 1e5


def test_a_layer_gradient_is_the_mean_outer_product_exactly():
    for stored in references("AdaFisher"):
        flows = zip(stored.arguments["inputs"], stored.arguments["output_gradients"], strict=True)
        for layer, (h, s) in zip(stored.layers, flows, strict=True):
            mean = np.einsum("tni,tnc->tic", h, s).reshape(100, -1) / 4
            np.testing.assert_array_equal(stored.arguments["gradient"][:, layer], mean)


def test_sofim_with_the_moment_steps_by_m_over_rho_plus_its_square():
    stored = next(references("SOFIM"))
    M = np.zeros_like(stored.points[0])
    for t, g in enumerate(stored.arguments["gradient"], start=1):
        M = 0.9 * M + 0.1 * g
        M_hat = M / (1 - 0.9**t)
        taken = (stored.points[t - 1] - stored.points[t]) / 0.1
        np.testing.assert_allclose(taken, M_hat / (0.5 + M_hat @ M_hat), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize(("ema", "largest"), [("paper_v1", 153.761), ("paper_v3", 1.001), ("code", 1.0756e-3)])
def test_adafisher_s_matrix_lies_after_long_averaging_between_lambda_and_the_reading_s_bound(ema, largest):
    old, new = adafisher.weights(ema, 0.8)
    H, S = [1.0, 1.0, 1.0], [1.0, 1.0]
    for _ in range(600):
        H, S = (adafisher.averaged(*pair, old, new) for pair in ((H, [0.2, 1.0, 3.0]), (S, [0.1, 0.7])))
    F = [float(f) for f in adafisher.kronecker(H, S, 1e-3)]
    assert min(F) == pytest.approx(1e-3, rel=1e-6)
    assert max(F) == pytest.approx(largest, rel=2e-5)


def test_the_library_comes_without_its_testing():
    asked = (
        "import sys, sofim_ref; print([m for m in sys.modules if m.startswith(('sofim_ref.testing', 'hypothesis'))])"
    )
    found = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True, cwd=ROOT)
    assert found.stdout.strip() == "[]"
