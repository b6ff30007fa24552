"""Put every mutant into the code, one at a time, and see whether a test fails.

    python tests/mutation/kill.py likelihoods models/mlp.py

runs, for each mutant of these packages and files, the tests that execute its lines, on NumPy, the fastest first, until
one fails. What runs at import, a default say, takes a test run of its own. `--again` leaves out those that were killed
before or are listed as equivalent, `--tests` names other tests than the packages' own, `--everywhere` runs them on
every backend; other options, `--deselect` say, are pytest's. The verdicts are added to `.mutation/verdicts.jsonl` as
they come, and `python tests/mutation/score.py` counts them.
"""

import argparse
import gc
import importlib
import importlib.util
import json
import os
import sys
import tempfile
import time
from collections import Counter, defaultdict
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import FunctionType

import pytest
from forks import forked
from hypothesis import Phase, settings
from mutants import SOURCE, functions, mutants
from score import VERDICTS, equivalent, verdicts

ROOT = SOURCE.parent
OPTIONS = ["-o", "addopts=", "--doctest-modules", "-q", "-s", "-m", "not slow", "-p", "no:xdist"]
OPTIONS += ["--tb=native", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
OPTIONS += ["-W", "ignore:os.fork:RuntimeWarning"]  # JAX's: the parent has started none of its threads
SECONDS = 30
NOT_FOUND = 77


class Quick:
    """A pytest plugin that runs tests on NumPy only, and properties on fixed examples up to the first that fails."""

    def __init__(self, *, everywhere):
        self.everywhere = everywhere

    def pytest_collection_modifyitems(self, items):
        items[:] = [item for item in items if self.everywhere or _place(item) == "numpy"]
        for item in items:
            test = getattr(item, "obj", None)
            if getattr(test, "is_hypothesis_test", False):
                own = test._hypothesis_internal_use_settings or settings.default  # where Hypothesis keeps `@settings`
                short = settings(own, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate])
                test._hypothesis_internal_use_settings = short


def _place(item):
    return item.callspec.params.get("xp", "numpy") if hasattr(item, "callspec") else "numpy"


class Mutated:
    """A pytest plugin that runs the tests for each mutant of a function, in a child, instead of once."""

    def __init__(self, mutants, jobs):
        self.mutants, self.jobs = mutants, jobs

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        for module in {mutant.module for mutant in self.mutants}:
            importlib.import_module(module)
        files = list({str(mutant.file) for mutant in self.mutants})
        with tempfile.NamedTemporaryFile("r") as answer:
            [(_, status)] = forked([("", partial(_measure, session, files, answer.name))], 1, 20 * SECONDS, quiet=False)
            seconds, reached = (
                json.load(answer) if status == 0 else pytest.exit("nothing is tried where a test fails as it is")
            )
        named = defaultdict(list)
        for function in gc.get_objects():
            if type(function) is FunctionType:
                named[_key(function.__code__)].append(function)
        gc.freeze()  # a child's collections leave alone what it shares with its parent
        tasks = []
        for mutant in self.mutants:
            tests = {test for line in mutant.span for test in reached.get(f"{mutant.file}:{line}", ())}
            tests = sorted(tests, key=seconds.__getitem__)
            tasks.append((mutant, partial(_attempt, session, mutant, named, tests)))
        _record(forked(tasks, self.jobs, SECONDS))
        return True


def _measure(session, files, answer):
    """Write how long each test takes, and which tests reach each line; a test that fails as it is ends all."""
    import coverage

    seconds, reached = [], defaultdict(list)
    for number, item in enumerate(session.items):
        watch = coverage.Coverage(data_file=None, config_file=False, include=files)
        watch.set_option("run:disable_warnings", ["no-data-collected"])
        start = time.process_time()
        watch.start()
        _run(item, session.items[number + 1] if number + 1 < len(session.items) else None)
        watch.stop()
        seconds.append(time.process_time() - start)
        if session.testsfailed:
            print(f"\n{item.nodeid} fails as it is")
            return 1
        for path in watch.get_data().measured_files():
            for line in watch.get_data().lines(path):
                reached[f"{path}:{line}"].append(number)
    Path(answer).write_text(json.dumps([seconds, reached]))
    return 0


def _run(item, following):
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)


def _key(code):
    return code.co_filename, code.co_firstlineno, code.co_qualname


def _attempt(session, mutant, named, tests):
    """Put a mutant's code into the function that it changes and those defined in it, and run tests until one fails."""
    codes, replaced = list(functions(mutant.code)), False
    times = Counter(map(_key, codes))  # two lambdas on one line can't be told apart
    for code in codes:
        if f"{code.co_qualname}.".startswith(f"{mutant.function}.") and times[_key(code)] == 1:
            for function in named[_key(code)]:
                if len(code.co_freevars) == len(function.__code__.co_freevars):
                    function.__code__, replaced = code, True
    for number, following in zip(tests, [*tests, None][1:], strict=True):  # none, if no test reaches it
        _run(session.items[number], None if following is None else session.items[following])
        if session.testsfailed:
            return 1
    return 0 if replaced else NOT_FOUND


class Planted:
    """An importer that gives a mutant in the place of its module."""

    def __init__(self, mutant):
        self.mutant = mutant

    def find_spec(self, name, path=None, target=None):
        if name != self.mutant.module:
            return None
        return importlib.util.spec_from_file_location(name, self.mutant.file, loader=self)

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        exec(self.mutant.code, module.__dict__)  # the module's own code, less one mistake


def _planted(mutant, tests, quick):
    """Import everything with the mutant in it, and run all tests until one fails."""
    sys.meta_path.insert(0, Planted(mutant))
    own = ROOT / "tests" / mutant.file.relative_to(SOURCE).parent / f"test_{mutant.file.name}"
    return pytest.main([*OPTIONS, "-x", *[str(own)] * own.exists(), *tests], plugins=[quick])


def _record(ended):
    VERDICTS.parent.mkdir(exist_ok=True)
    for mutant, status in ended:
        verdict = {0: "survived", NOT_FOUND: "not found"}.get(status, "killed" if status > 0 else "killed by the clock")
        with VERDICTS.open("a") as file:
            file.write(json.dumps([mutant.name, verdict], ensure_ascii=False) + "\n")


def kill(chosen, tests, quick, jobs):
    """Try mutants of functions in children of one test run, and those of what runs at import in runs of their own."""
    inside = partial(pytest.main, [*OPTIONS, *tests], [quick, Mutated([m for m in chosen if m.function], jobs)])
    [(_, status)] = forked([("", inside)], 1, 0, quiet=False)
    if status:
        sys.exit("the tests don't run as they are")
    _record(forked([(m, partial(_planted, m, tests, quick)) for m in chosen if not m.function], jobs, 10 * SECONDS))


def main():
    """Take packages, and give the verdicts on their mutants."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+", help="packages or files of sofim_ref")
    parser.add_argument("--tests", nargs="+", help="instead of the packages' own, of problems and of the API")
    parser.add_argument("--again", action="store_true", help="leave out those that were killed, or are equivalent")
    parser.add_argument("--everywhere", action="store_true", help="on every backend, not on NumPy alone")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="children at a time")
    arguments, more = parser.parse_known_args()
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(VERDICTS.parent / "jax")
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # a child has none of its parent's threads, and would wait for them
    for name in ("array_api_strict", "jax.numpy", "mpmath", "scipy.optimize"):  # once, not in each child
        with suppress(ImportError):
            importlib.import_module(name)
    packages = dict.fromkeys(path.split("/")[0] for path in arguments.paths)
    own = [f"{folder}/{package}" for package in packages for folder in ("tests", "sofim_ref")]
    tests = arguments.tests or list(dict.fromkeys(["tests/test_public_api.py", *own, "tests/problems"]))
    files = [file for path in arguments.paths for file in (sorted((SOURCE / path).rglob("*.py")) or [SOURCE / path])]
    dead = {name for name, verdict in verdicts().items() if verdict.startswith("killed")} | equivalent().keys()
    chosen = [mutant for file in files for mutant in mutants(file) if not (arguments.again and mutant.name in dead)]
    kill(chosen, [*tests, *more], Quick(everywhere=arguments.everywhere), arguments.jobs)


if __name__ == "__main__":
    main()
