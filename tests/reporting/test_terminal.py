"""What a study says of its progress: a bar on a terminal, lines in a file."""

import threading

from sofim_ref.reporting import progress, terminal


def said(capsys, line):
    """Wait until a line is printed on standard error."""
    found = ""
    for _ in range(500):
        found += capsys.readouterr().err
        if line in found:
            return found
        threading.Event().wait(0.01)
    raise AssertionError(found)


def test_where_there_is_no_terminal_what_takes_long_is_said_once(capsys, monkeypatch):
    monkeypatch.setattr(terminal, "SECONDS", 0.005)
    with progress() as tell:
        tell(0, 2, "looking for the optimum")
        first = said(capsys, "sofim-ref: looking for the optimum (0 of 2)\n")
        tell(1, 2, "looking for the optimum")
        threading.Event().wait(0.02)
        tell(1, 2, "running Newton")
        second = said(capsys, "sofim-ref: running Newton (1 of 2)\n")
    assert (first + second).count("\n") == 2
    assert capsys.readouterr().err == ""


def test_what_is_over_soon_is_not_said(capsys):
    before = threading.active_count()
    with progress() as tell:
        tell(0, 1, "running Newton")
    assert capsys.readouterr() == ("", "")
    assert threading.active_count() == before
