"""A name or a signature that changes is a change that users notice: it is seen here, and belongs in CHANGELOG.md."""

import difflib
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import sofim_ref as sr

API = runpy.run_path(str(Path(__file__).with_name("public_api.py")))


def test_names_and_signatures_are_those_that_were_written_down():
    written = API["FILE"].read_text(encoding="utf-8").splitlines()
    changes = [
        line
        for line in difflib.unified_diff(written, list(API["lines"]()), lineterm="", n=0)
        if not line.startswith(("---", "+++", "@@"))
    ]
    assert changes == [], "if this was meant: python tests/public_api.py, and a line in CHANGELOG.md"


def test_every_public_package_is_an_attribute_and_in_dir():
    packages = "arrays convergence curvature datasets kernels lessons likelihoods matrices models optimizers plots"
    for name in [*packages.split(), "problems", "reporting", "studies", "testing", "training", "verify"]:
        assert name in dir(sr)
        assert getattr(sr, name).__name__ == f"sofim_ref.{name}"
    assert sr.register is sr.optimizers.register


@pytest.mark.parametrize(
    ("name", "near"), [("SOFM", "SOFIM"), ("sofim", "SOFIM"), ("minimise", "minimize"), ("plot", "plots")]
)
def test_a_mistyped_name_gets_the_nearest(name, near):
    with pytest.raises(AttributeError, match=re.escape(f"no attribute {name!r}. Did you mean {near!r}?")):
        getattr(sr, name)
    assert not hasattr(sr, "nothing_like_it_at_all")


def test_the_package_itself_imports_nothing_heavy():
    program = "import sys, sofim_ref; print(*{'numpy', 'scipy', 'matplotlib', 'rich', 'cyclopts'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
