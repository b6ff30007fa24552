"""``python -m sofim_ref`` is ``sofim-ref``."""

import sys

from sofim_ref.cli import main

if __name__ == "__main__":
    sys.exit(main())
