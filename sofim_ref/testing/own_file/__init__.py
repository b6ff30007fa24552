"""The check of a file that somebody else wrote: `sofim-ref check FILE.py`."""

from sofim_ref.testing.own_file.check import Answer, check_file
from sofim_ref.testing.own_file.contents import OwnFile, OwnFileError
from sofim_ref.testing.own_file.template import TEMPLATES, template

__all__ = ["TEMPLATES", "Answer", "OwnFile", "OwnFileError", "check_file", "template"]
