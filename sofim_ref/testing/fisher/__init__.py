"""Which Fisher is this? A user's matrix against every candidate, layout, part, factor and shift."""

from sofim_ref.testing.fisher.assertion import assert_fisher
from sofim_ref.testing.fisher.check import check_fisher
from sofim_ref.testing.fisher.verdict import FisherVerdict

__all__ = ["FisherVerdict", "assert_fisher", "check_fisher"]
