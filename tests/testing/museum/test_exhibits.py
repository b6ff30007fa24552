"""The checks say of every exhibit what it must be said of it, in other settings too, and the page lists them all."""

import re

import museum_page
import numpy as np
import pytest

from sofim_ref.models.networks import framework
from sofim_ref.testing.museum import EXHIBITS, Symptom, setting
from sofim_ref.testing.museum.asking import ask
from sofim_ref.testing.museum.setting import LIKELIHOODS

IN_A_SETTING = [exhibit for exhibit in EXHIBITS.values() if exhibit.check != "optimizer"]


def marked(exhibit):
    """An exhibit for which many hypotheses are tried, draws simulated or steps in 50 digits taken is slow."""
    nothing_fits = exhibit.says.get("matrix", "") is None or exhibit.says.get("kind") == "weighted"
    long = nothing_fits or "draws" in exhibit.settings or exhibit.check == "optimizer"
    return pytest.param(exhibit, marks=[pytest.mark.slow] if long else [])


@pytest.mark.parametrize("exhibit", [marked(exhibit) for exhibit in EXHIBITS.values()], ids=list(EXHIBITS))
def test_its_check_says_what_it_must(exhibit):
    if exhibit.framework:
        pytest.importorskip(exhibit.framework, reason=f"its setting is in {exhibit.framework}")
    said = ask(exhibit)
    assert said.departures(exhibit) == {}, said.sentence


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 6))
@pytest.mark.parametrize("exhibit", IN_A_SETTING, ids=[exhibit.name for exhibit in IN_A_SETTING])
def test_in_other_settings_too(exhibit, seed):
    if exhibit.framework:
        pytest.importorskip(exhibit.framework, reason=f"its setting is in {exhibit.framework}")
    said = ask(exhibit, seed)
    assert said.departures(exhibit) == {}, said.sentence


def test_they_are_documented_and_short():
    for exhibit in EXHIBITS.values():
        assert exhibit.mistake.endswith("."), exhibit
        assert ". " not in exhibit.mistake, exhibit
        assert exhibit.remark, exhibit
        assert exhibit.says, exhibit
        assert len(exhibit.code.splitlines()) <= 12, exhibit


def test_there_are_many_of_every_kind_and_most_have_a_thread():
    checks = [exhibit.check for exhibit in EXHIBITS.values()]
    assert len(EXHIBITS) >= 110
    assert min(checks.count(check) for check in ("fisher", "curvature", "optimizer")) >= 10
    assert sum(bool(exhibit.threads) for exhibit in EXHIBITS.values()) >= 40
    assert {exhibit.symptom for exhibit in EXHIBITS.values()} == set(Symptom)


def test_the_page_is_that_of_today():
    assert museum_page.PAGE.read_text(encoding="utf-8") == museum_page.page(), "run: python tests/museum_page.py"
    assert len(re.findall(r"^```python$", museum_page.page(), flags=re.MULTILINE)) == len(EXHIBITS)


def test_images_without_torch_say_what_is_missing(monkeypatch):
    monkeypatch.setattr(framework, "torch", None)
    with pytest.raises(
        ImportError, match=r"The museum's setting of images needs torch: pip install 'sofim_ref\[torch\]'"
    ):
        setting("images")


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_a_setting_s_arrays_belong_together(name):
    """Everything that exhibits are made of gives the same gradient, and the same Gauss–Newton matrix."""
    at = setting(name)
    mean = np.asarray(at.oracle.gradient()) - at.problem.l2 * at.w
    tiny = 100 * np.finfo(float).eps * np.abs(at.g).max()
    np.testing.assert_allclose(at.g.mean(axis=0), mean, rtol=0, atol=tiny)
    np.testing.assert_allclose(at.back(np.asarray(at.oracle.output_gradient())), at.g, rtol=0, atol=tiny)
    outer = [(h[:, :, None] * s[:, None, :]).reshape(at.B, -1) for h, s in at.layers]
    np.testing.assert_allclose(np.concatenate(outer, axis=1), at.g, rtol=0, atol=tiny)
    G = np.asarray(at.oracle.gauss_newton_of(at.oracle.output_hessian()))
    largest = 100 * np.finfo(float).eps * np.abs(G).max()
    np.testing.assert_allclose(at.sandwich(np.asarray(at.oracle.output_hessian())), G, rtol=0, atol=largest)
