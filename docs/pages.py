"""The pages that are made of the code: lessons, a card for each method, the reference. Written to ``docs/_made``."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import pkgutil
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import nbformat
import numpy as np
from matplotlib.figure import Figure

import sofim_ref
from sofim_ref.atlas import LIMITS, PLACES
from sofim_ref.lessons.live_figure import BUNDLES
from sofim_ref.lessons.student_copies import notebook, number, sources
from sofim_ref.optimizers import REGISTRY, Method
from sofim_ref.plots.style import look
from sofim_ref.problems import LogisticRegression

DOCS = Path(__file__).parent
ROOT = DOCS.parent
MADE = DOCS / "_made"
LIVE = ROOT / "live"


def make() -> None:
    """Write every page that is made of the code, and the static files; what hasn't changed keeps its time."""
    static()
    lessons()
    methods()
    reference()
    write("changes.md", f"# Changes\n\n{(ROOT / 'CHANGELOG.md').read_text(encoding='utf-8').partition(chr(10))[2]}")
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    write("contribute.md", text)


def write(path: str, text: str) -> None:
    """Write a file under `MADE`, unless it is there already with the same text."""
    target = MADE / path
    if not target.exists() or target.read_text(encoding="utf-8") != text:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def static() -> None:
    """Copy the live figures and MathJax, which come with the repository and with npm."""
    mathjax = LIVE / "node_modules" / "mathjax" / "es5" / "tex-svg.js"
    if not mathjax.exists():
        if shutil.which("npm") is None:
            msg = "the site needs MathJax from npm: install Node, then run the build again."
            raise FileNotFoundError(msg)
        subprocess.run(["npm", "install"], cwd=LIVE, check=True, stdout=subprocess.DEVNULL)
    for source, target in (
        (BUNDLES / "figures.js", "figures.js"),
        (mathjax, "vendor/tex-svg.js"),
        (DOCS / "site.css", "site.css"),
    ):
        copy = MADE / "static" / target
        copy.parent.mkdir(parents=True, exist_ok=True)
        if not copy.exists() or copy.read_bytes() != source.read_bytes():
            shutil.copyfile(source, copy)


def lessons() -> None:
    """Write the students' copies as notebooks, which the build executes, and the list of them."""
    names = []
    for script in sorted(sources(), key=number):
        book = notebook(script)
        for i, cell in enumerate(book.cells):  # so that an unchanged lesson is an unchanged file
            cell.id = f"cell-{i}"
        write(f"lessons/{script.stem}.ipynb", nbformat.writes(book))
        names.append(script.stem)
    listed = "\n".join(names)
    write(
        "lessons/index.md",
        "# The lessons\n\nEach lesson begins with a question, has figures to drag, and exercises that check themselves. Here "
        "they are executed, and figures that are drawn in the browser can be dragged; to write answers, open them yourself:\n\n"
        "```sh\n.venv/bin/python -m pip install -c constraints.txt '.[notebooks]'\n.venv/bin/sofim-ref lab\n```\n\n"
        f"```{{toctree}}\n:maxdepth: 1\n\n{listed}\n```\n",
    )


def methods() -> None:
    """Write a card for each method, and the list of them by what C is an estimate of."""
    rows = []
    for name, method in REGISTRY.items():
        picture(method)
        write(f"methods/{name}.md", card(method))
        place = PLACES[name]
        rows.append(
            f"| [{method.title}]({name}.md) | {method.matrix} | {method.vector} | {place.structure} | {place.estimates} |"
        )
    table = "\n".join(["| method | C | v | structure of C | C estimates |", "|---|---|---|---|---|", *rows])
    hidden = "\n".join(REGISTRY)
    write(
        "methods/index.md",
        f"# All methods\n\n{len(REGISTRY)} methods, each `w ← w − lr · C⁻¹ v`, and a card for each. Which of them is which other "
        f"one, and when: [the atlas](../../atlas.md).\n\n{table}\n\n```{{toctree}}\n:hidden:\n\n{hidden}\n```\n",
    )


def card(method: Method) -> str:
    """Return a method's page."""
    place = PLACES[method.name]
    optimizer = method.build(steps=10)
    limits = [limit for limit in LIMITS if method.name in (limit.method, limit.becomes)]
    equal = [
        f"| [{one.method}]({one.method}.md) | {'=' if one.exact else '→'} | [{one.becomes}]({one.becomes}.md) | "
        f"{one.when.replace('|', chr(92) + '|')} |"
        for one in limits
    ]
    facts = {
        "C": method.matrix,
        "v": method.vector,
        "structure of C": place.structure,
        "C estimates": place.estimates,
        "asks, besides the gradient": ", ".join(sorted(optimizer.needs - {"gradient"})) or "nothing",
        "cost of a step": method.cost,
        "memory": method.memory,
        "source": method.source,
        "open": method.open or "nothing known",
    }
    kind = type(optimizer)
    lines = [
        f"# {method.title}",
        "",
        f"`{method.name}`, class {{py:class}}`~sofim_ref.optimizers.{kind.__name__}`",
        "",
        f"![The ellipses of C along a path]({method.name}.png)",
        "",
        "*Where uᵀCu is constant, for the Hessian (grey) and for the method's C after one, three and ten steps of gradient "
        "descent on logistic regression with two features. All ellipses have one area: only the shape counts.*",
        "",
        "| | |",
        "|---|---|",
        *(f"| {key} | {value.replace('|', chr(92) + '|')} |" for key, value in facts.items()),
        "",
    ]
    if limits:
        lines += [
            "## Which other method it is, and when",
            "",
            "| method | is | method | when |",
            "|---|---|---|---|",
            *equal,
            "",
        ]
    return "\n".join(lines)


RNG = np.random.default_rng(3)
FEATURES = RNG.standard_normal((40, 2)) @ np.asarray([[1.6, 0.9], [0.0, 0.5]])
PROBLEM = LogisticRegression(
    FEATURES, (FEATURES @ [1.0, -1.0] + RNG.standard_normal(40) > 0).astype(int), l2=0.02, intercept=False
)


def picture(method: Method) -> None:
    """Draw the ellipses of a method's C, unless they are drawn already with this version of it."""
    target = MADE / "methods" / f"{method.name}.png"
    written = inspect.getsource(inspect.getmodule(type(method.build(steps=10))))  # type: ignore[arg-type]  # it has a file
    mark = target.with_suffix(".mark")
    version = hashlib.sha256((written + inspect.getsource(picture)).encode()).hexdigest()
    if target.exists() and mark.exists() and mark.read_text() == version:
        return
    optimizer, w = method.build(steps=10), np.asarray([-1.5, 2.0])
    state = optimizer.init(w)
    target.parent.mkdir(parents=True, exist_ok=True)
    with look():
        figure = Figure(figsize=(4.2, 4.2), layout="constrained")
        axes = figure.subplots()
        for t in range(1, 11):
            oracle = PROBLEM.oracle(w)
            state, choice = optimizer.precondition(state, oracle)
            if t == 10:
                axes.fill(*outline(oracle.hessian()), color="#CCCCCC", zorder=0, label="Hessian")
            if t in (1, 3, 10):
                axes.plot(
                    *outline(choice.matrix.to_dense()),
                    color=method.colour or "#333333",
                    alpha={1: 0.35, 3: 0.6, 10: 1.0}[t],
                )
            w = w - oracle.gradient()
        axes.set(aspect="equal", xlim=(-2.6, 2.6), ylim=(-2.6, 2.6), xticks=[], yticks=[], xlabel="w₁", ylabel="w₂")
        figure.savefig(target, dpi=80)
    mark.write_text(version)


def outline(C: np.ndarray) -> np.ndarray:
    """Return the ellipse uᵀCu = const that has the area of a circle of radius 1; C is made symmetric and positive."""
    eigenvalues, vectors = np.linalg.eigh((C + C.T) / 2)
    eigenvalues = np.maximum(np.abs(eigenvalues), 1e-12 * np.max(np.abs(eigenvalues)))
    turn = np.linspace(0, 2 * np.pi, 120)
    radii = np.prod(eigenvalues) ** 0.25 / np.sqrt(eigenvalues)
    return vectors @ (radii[:, None] * np.stack([np.cos(turn), np.sin(turn)]))


def packages() -> Iterator[str]:
    """Yield the names of all public packages, outer ones first."""
    yield "sofim_ref"
    for found in pkgutil.walk_packages(sofim_ref.__path__, "sofim_ref."):
        module_names = found.name.split(".")
        if found.ispkg and not any(part.startswith("_") for part in module_names) and "cli" not in module_names:
            if getattr(importlib.import_module(found.name), "__all__", None):
                yield found.name


def reference() -> None:
    """Write a page for each public package, with every name of its ``__all__``."""
    listed = []
    for package in packages():
        module = importlib.import_module(package)
        parts, elsewhere = [], []
        for name in sorted(module.__all__):
            thing = getattr(module, name)
            if inspect.ismodule(thing):
                continue
            shown = canonical(package, name, thing)
            if shown != f"{package}.{name}":
                elsewhere.append(f"- {{py:obj}}`{name} <{shown}>`")
                continue
            kind = "autoclass" if inspect.isclass(thing) else "autofunction" if callable(thing) else "autodata"
            options = "\n   :members:\n" if kind == "autoclass" else "\n"
            parts.append(f"```{{eval-rst}}\n.. {kind}:: {package}.{name}{options}```\n")
        said = (inspect.getdoc(module) or "").strip()
        text = f"# {package}\n\n{said}\n\n" + "\n".join(parts)
        if elsewhere:
            text += "\n" + "\n".join(elsewhere) + "\n"
        write(f"reference/{package}.md", text)
        listed.append(package)
    names = "\n".join(listed)
    write(
        "reference/index.md",
        f"# Reference\n\nEvery public name, package by package, in the order in which data moves.\n\n```{{toctree}}\n:maxdepth: 1\n\n{names}\n```\n",
    )


def canonical(package: str, name: str, thing: object) -> str:
    """Return the full name under which something is described: that of the innermost package that shows it."""
    home = getattr(thing, "__module__", "") or ""
    owners = [other for other in packages() if other != "sofim_ref" and f"{home}.".startswith(f"{other}.")]
    owners = [other for other in owners if getattr(importlib.import_module(other), name, None) is thing]
    return f"{max(owners, key=len, default=package)}.{name}"
