"""One tiny race, run once, and the folder that it left; a longer one, run by the command and never interrupted."""

import pytest
from processes import RACE, run
from tiny import numbers, run_tiny

from sofim_ref.studies import race


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    seen, store, _ = run_tiny(tmp_path_factory.mktemp("race"))
    race.report(seen, "sofim-ref race breast-cancer").write(store.path)
    return seen, store.path


@pytest.fixture(scope="session")
def uninterrupted(tmp_path_factory):
    """The numbers of `processes.RACE`."""
    store = tmp_path_factory.mktemp("uninterrupted")
    run(*RACE, "--jobs", "2", "--out", store)
    return numbers(store)
