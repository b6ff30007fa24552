"""What the tests of check_fisher share."""

import pytest
from fisher_settings import ROWS, network


@pytest.fixture(scope="module")
def at():
    problem, w = network()
    return problem, w, ROWS
