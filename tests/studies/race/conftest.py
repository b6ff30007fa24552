"""One tiny race, run once, and the folder that it left."""

import pytest
from tiny import run_tiny

from sofim_ref.studies import race


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    seen, store, _ = run_tiny(tmp_path_factory.mktemp("race"))
    race.report(seen, "sofim-ref race breast-cancer").write(store.path)
    return seen, store.path
