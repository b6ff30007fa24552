"""A model whose process dies when it is told to."""

import os
import signal
from pathlib import Path

from sofim_ref.models import Linear


class Mortal(Linear):
    """A linear model whose process dies where it finds a file: one process for one file."""

    def __init__(self, file, features, outputs):
        super().__init__(features, outputs)
        object.__setattr__(self, "file", Path(file))

    def forward(self, w, features):
        try:
            self.file.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        except FileNotFoundError:
            return super().forward(w, features)
