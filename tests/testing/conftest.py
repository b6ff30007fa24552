import pytest

from sofim_ref.testing import optimizer_explanations


@pytest.fixture
def unasked(monkeypatch):
    """Where and how far an optimizer departs is asked, not why: that takes a second or two."""
    why = optimizer_explanations.Departure("unknown", "", "")
    monkeypatch.setattr(optimizer_explanations, "explain", lambda _: why)
