"""The program of the confined process: it runs a copy's code, and calls its functions when asked, by lines of JSON.

It is started as a file of its own; its arguments are the folder to write in, the one with all copies, and the search
path. The solutions are never in it: in their place stands an empty module, and a check in a copy does nothing.
"""

import os
import sys
import types
from pathlib import Path
from typing import Any


def serve() -> None:
    """Answer the messages on standard input until it ends."""
    folder, copies, *sys.path[:] = sys.argv[1:]
    exercises = types.ModuleType("sofim_ref.lessons.exercises")
    exercises.__dict__.update(EXERCISES={}, LESSONS=(), __path__=[])
    sys.modules[exercises.__name__] = exercises
    from sofim_ref import lessons
    from sofim_ref.lessons.marks import walls, wire

    vars(lessons)["check"] = lambda *_arguments, **_options: None
    asked, told = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    told.write(wire.line({"missing": walls.raise_walls(folder)}))
    told.flush()
    walls.refuse(folder, [copies, str(Path(walls.__file__).parents[1] / "exercises")])
    names: dict[str, Any] = {}
    while asking := asked.readline(wire.MOST):
        told.write(wire.line(_answer(wire.message(asking), names)))
        told.flush()


def _answer(asking: dict[str, Any], names: dict[str, Any]) -> dict[str, Any]:
    """Do what a message asks, and return the reply."""
    from sofim_ref.lessons.check import is_blank
    from sofim_ref.lessons.marks.wire import decoded, encoded
    from sofim_ref.lessons.sandbox import call, memory

    if "run" in asking:
        names.clear()
        names["__name__"] = "__main__"
        return {"troubles": [_run(source, names) for source in asking["run"]]}
    function: Any = names.get(asking["name"])
    if "case" not in asking:
        kind = "missing" if function is None else "function" if callable(function) else "thing"
        return {"kind": "blank" if kind == "function" and is_blank(function) else kind}
    case = {name: decoded(value) for name, value in asking["case"].items()}
    if asking.get("memory"):
        return {"memory": memory(function, case)}
    answered = call(function, case)
    return {"trouble": answered.trouble} if answered.trouble else {"value": encoded(answered.value)}


def _run(source: str, names: dict[str, Any]) -> str:
    """Run a cell, and return what it raised, in words; empty if nothing."""
    try:
        exec(compile(source, "<copy>", "exec"), names)  # noqa: S102  # that is what this process is for
    except BaseException as error:  # noqa: BLE001  # whatever a student's code raises is reported
        return f"{type(error).__name__}: {error}"
    return ""


if __name__ == "__main__":
    serve()
