"""One tiny race, held once, and the folder that it left."""

import pytest
from tiny import hold

from sofim_ref.studies.race import report


@pytest.fixture(scope="session")
def held(tmp_path_factory):
    seen, folder, _ = hold(tmp_path_factory.mktemp("race"))
    report.write(seen, folder, "sofim-ref race breast-cancer")
    return seen, folder.path
