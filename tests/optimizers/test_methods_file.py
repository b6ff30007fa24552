"""Methods from a TOML file: settings, policies by name, search spaces, and what is refused in which words."""

import pytest

from sofim_ref.optimizers import REGISTRY, SOFIM, GradientRoot, LogUniform, Newton, OneOf, Scheduled, TrustRadius
from sofim_ref.optimizers.plugins import open_plugin
from sofim_ref.optimizers.policy_tables import NAMED, as_table, from_table
from sofim_ref.optimizers.schedules import Cosine


@pytest.fixture
def read(tmp_path):
    """Return what reads the methods of a TOML text."""

    def methods(text):
        (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
        return open_plugin(tmp_path / "mine.toml").methods

    return methods


def test_a_table_is_a_known_method_with_settings_and_policies(read):
    one, other = read("""
        [sofim-root]
        method = "sofim"
        rho = {policy = "GradientRoot", c = 0.1}
        beta = 0.8

        [newton-trust]
        method = "newton"
        title = "Newton, λ from a radius"
        colour = "#123456"
        damping = {policy = "TrustRadius", radius = 2.0}
        lr = {schedule = "Cosine", lr = 1.0, steps = 9}
        line_search = false
        space = {lr = [0.1, 1], damping = {one_of = [0.5, {policy = "TrustRadius"}]}}
    """)
    assert one.build(steps=1) == SOFIM(rho=GradientRoot(0.1), beta=0.8)
    assert one.title == "SOFIM (moment), rho = GradientRoot(c=0.1), beta = 0.8"
    assert one.space == {"lr": REGISTRY["sofim"].space["lr"]}  # what the file sets is not searched
    assert other.build(steps=1) == Newton(lr=Cosine(1.0, 9), damping=TrustRadius(2.0), line_search=False)
    assert (other.title, other.colour) == ("Newton, λ from a radius", "#123456")
    assert other.space == {"lr": LogUniform(0.1, 1), "damping": OneOf((0.5, TrustRadius()))}
    assert not {"sofim-root", "newton-trust"} & set(REGISTRY)


def test_a_table_and_what_it_stands_for_are_the_same():
    made = [kind() for name, kind in NAMED["policy"].items() if name != "Scheduled"]
    for policy in (*made, Scheduled(Cosine(1.0, 4))):
        assert from_table("rho", as_table(policy)) == policy
    assert as_table(0.5) == from_table("rho", 0.5) == 0.5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[a]\nmethod = 'sofimm'", r"\[a\]: method must be one of .*, got 'sofimm'.*'sofim'"),
        ("[a]\nlr = 1.0", r"\[a\] must be a table with a key 'method', the name of the method that it sets"),
        ("a = 1", r"\[a\] must be a table"),
        ("[a]\nmethod = 'sofim'\nrh = 1.0", r"\[a\]: a setting must be one of .*, got 'rh'.*'rho'"),
        ("[a]\nmethod = 'sofim'\nrho = -1.0", r"\[a\]: .*rho must be a finite number > 0, got -1.0"),
        ("[a]\nmethod = 'sofim'\nrho = {policy = 'GradientRot'}", r"rho's policy must be one of .*'GradientRoot'"),
        ("[a]\nmethod = 'sofim'\nrho = {policy = 'GradientRoot', k = 1}", r"rho's GradientRoot takes c, not k"),
        ("[a]\nmethod = 'sofim'\nrho = {c = 1}", r"rho must be a number or name its rule, as in {policy = "),
        ("[a]\nmethod = 'sofim'\nlr = {policy = 'GradientRoot'}", r"lr must be a finite number > 0, got GradientRoot"),
        ("[a]\nmethod = 'sofim'\nspace = {lr = [1, 0.1]}", r"space.lr must be an interval"),
        ("[sofim]\nmethod = 'sofim'", r"a name that is not registered yet, got 'sofim'"),
        ("[a", "plugin .*mine.toml': Expected"),
    ],
)
def test_what_is_refused(read, text, message):
    with pytest.raises((TypeError, ValueError), match=message):
        read(text)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"none.toml': No such file or directory\.$"):
        open_plugin(tmp_path / "none.toml")
