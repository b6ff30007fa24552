"""A card for each method, made from the registry: formula, C and v, ellipses, cost, and which other one it is."""

from __future__ import annotations

import hashlib
import inspect
import re
import textwrap

import numpy as np
from matplotlib.figure import Figure

from docs.made import DOCS, MADE, table, toctree, write
from sofim_ref.atlas import LIMITS, PLACES
from sofim_ref.optimizers import REGISTRY, Method
from sofim_ref.plots import method_map
from sofim_ref.plots.style import look
from sofim_ref.problems import LogisticRegression

PROOFS = {
    "SOFIM": ("theory/descent", "theory/moment", "theory/stable_solves", "paper_against_code"),
    "SOFIMAdaptive": ("theory/descent",),
    "SOAA": ("paper_against_code",),
    "TAdam": ("paper_against_code",),
    "AdaFisher": ("paper_against_code",),
    "KFAC": ("theory/kfac",),
    "EKFAC": ("theory/kfac",),
    "SGD": ("theory/moment",),
    "NaturalGradient": ("theory/condition_needed",),
    "Newton": ("convergence",),
    "TrustRegionNewton": ("theory/hard_case",),
    "CubicNewton": ("theory/hard_case",),
}
"""The pages on which something is derived or compared about the methods of a class."""

LESSONS = {
    "NaturalGradient": "[Lesson 1, What is steepest?](../lessons/1_what_is_steepest.ipynb)",
    "SOFIM": "[Lesson 5, What does SOFIM really do?](../lessons/5_what_sofim_does.ipynb)",
}
"""The lesson on a class, on its methods' cards."""

READINGS = {"M̂": r"\hat M \quad \text{(the first reading)}", "g": r"g_t \quad \text{(the second reading)}"}
"""What SOFIM's paper can be read to mean by v: the class has both, a card has one."""


def make() -> None:
    """Write a card for each method, the list of them by what C is an estimate of, and the map of all, to enlarge."""
    rows = []
    for name, method in REGISTRY.items():
        picture(method)
        write(f"methods/{name}.md", card(method))
        place = PLACES[name]
        rows.append([f"[{method.title}]({name}.md)", matrix(method), method.vector, place.structure, place.estimates])
    (MADE / "static").mkdir(parents=True, exist_ok=True)
    method_map(PLACES, LIMITS).savefig(MADE / "static" / "atlas.svg", metadata={"Date": None})
    listed = table(["method", "C", "v", "structure of C", "C estimates"], rows)
    write(
        "methods/index.md",
        f"# All methods\n\n{len(REGISTRY)} methods, each `w ← w − lr · C⁻¹ v`, and a card for each: its formula, the "
        "ellipses of its C, what a step costs, and what is open about it. Which of them is which other one, and when, "
        f"is drawn in [the atlas](../../atlas.md).\n\n{listed}\n\n{toctree(list(REGISTRY))}",
    )


def matrix(method: Method) -> str:
    """Return what C is, in words where it consists of a block for each layer."""
    block = method.matrix.removeprefix("diag of ")
    return method.matrix if block == method.matrix else f"for each layer a block {block}"


def card(method: Method) -> str:
    """Return a method's page."""
    place = PLACES[method.name]
    optimizer = method.build(steps=10)
    kind = type(optimizer)
    source = f"../../_modules/{kind.__module__.replace('.', '/')}.html#{kind.__name__}"
    needs = sorted(optimizer.needs - {"gradient"})
    settings = textwrap.fill(repr(method.make()), 68, subsequent_indent=" " * (len(kind.__name__) + 1))
    facts = {
        "C": matrix(method),
        "v": method.vector,
        "Structure of C": place.structure,
        "C estimates": place.estimates,
        "Asks an oracle, besides the gradient, for": ", ".join(f"`{need}`" for need in needs) or "nothing",
        "Cost of a step": method.cost,
        "Memory": method.memory,
        "Source": method.source,
        "Open questions": method.open or "none known",
    }
    lines = [
        f"# {method.title}",
        "",
        first_sentence(kind),
        "",
        *formula(kind, method.vector),
        f"```python\n{settings}\n```",
        "",
        (
            f"The command line's name is `{method.name}`, the class "
            f"{{py:class}}`~sofim_ref.optimizers.{kind.__name__}` "
            f'(<a href="{source}">its source</a>).'
        ),
        "",
        table(["Property", method.title], [[f"**{key}**", value] for key, value in facts.items()]),
        "",
        letters(method),
        "",
        f"![Ellipses of C on logistic regression, {method.title}]({method.name}.png)",
        "",
        (
            "*Where uᵀCu is constant: for the Hessian (grey) and for the method's C after one (palest), three and ten "
            "steps of gradient descent on logistic regression with two features; where fewer are seen, they coincide. "
            "All ellipses have the same area: only the shape counts.*"
        ),
        "",
    ]
    limits = [limit for limit in LIMITS if method.name in (limit.method, limit.becomes)]
    if limits:
        rows = [
            [
                f"[{one.method}]({one.method}.md)",
                "=" if one.exact else "→",
                f"[{one.becomes}]({one.becomes}.md)",
                one.when,
            ]
            for one in limits
        ]
        lines += ["## Which other method it is, and when", "", table(["method", "is", "method", "when"], rows), ""]
    proofs = [page for page in PROOFS.get(kind.__name__, ()) if (DOCS / f"{page}.md").exists()]
    pages = [f"- [{title(page)}](../../{page}.md)" for page in proofs]
    if kind.__name__ in LESSONS:
        pages.insert(0, f"- {LESSONS[kind.__name__]}")
    if pages:
        lines += ["## Derived and compared", "", *pages, ""]
    return "\n".join(lines)


def letters(method: Method) -> str:
    """Return what the letters of a card's table are."""
    said, costs = ["d is the number of parameters"], f"{method.cost} {method.memory}"
    if "B" in costs:
        said.append("B in a cost the number of examples in a batch")
    if "BC" in costs:
        said.append("C in a cost the number of a model's outputs")
    if "rows" in costs:
        said.append("rows and columns are those of a layer's matrix of weights")
    if "JᵀHJ" in method.matrix:
        said.append("J is the Jacobian of an example's outputs and H the Fisher matrix of these outputs")
    if "l2" in method.matrix:
        said.append("l2 belongs to the loss's own term, l2/2 ‖w‖²")
    return f"Here {'; '.join(said)}. [Notation](../../theory/notation.md) has all letters."


def title(page: str) -> str:
    """Return a page's heading."""
    return (DOCS / f"{page}.md").read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")


def first_sentence(kind: type) -> str:
    """Return the first paragraph of a class's docstring, as Markdown."""
    paragraph = (inspect.getdoc(kind) or "").partition("\n\n")[0].replace("\n", " ")
    return re.sub(r"`+([^`]+)`+", r"`\1`", paragraph)


def formula(kind: type, vector: str) -> list[str]:
    """Return the first displayed formula of a class's docstring, if there is one, with the method's own v."""
    lines = (inspect.getdoc(kind) or "").splitlines()
    starts = [i for i, line in enumerate(lines) if line.startswith(".. math::")]
    if not starts:
        return []
    body = [lines[starts[0]].removeprefix(".. math::")]
    for line in lines[starts[0] + 1 :]:
        if line.strip() and not line.startswith(" "):
            break
        body.append(line)
    inner = "\n".join(line.strip() for line in body if line.strip())
    if vector in READINGS:
        inner = inner.replace(r"\hat M \text{ or } g_t", READINGS[vector])
    return [f"```{{math}}\n{inner.rstrip(' ,.')} .\n```", ""]


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
            if t in {1, 3, 10}:
                axes.plot(
                    *outline(choice.matrix.to_dense()),
                    color=method.colour or "#333333",
                    alpha={1: 0.35, 3: 0.6, 10: 1.0}[t],
                )
            following = w - oracle.gradient()
            _, state = optimizer.accept(state, oracle, choice, following)  # where a quasi-Newton method learns
            w = following
        axes.set(aspect="equal", xlim=(-2.6, 2.6), ylim=(-2.6, 2.6), xticks=[], yticks=[], xlabel="u₁", ylabel="u₂")
        figure.savefig(target, dpi=80)
    mark.write_text(version)


def outline(C: np.ndarray) -> np.ndarray:
    """Return the ellipse uᵀCu = const that has the area of a circle of radius 1; C is made symmetric and positive."""
    eigenvalues, vectors = np.linalg.eigh((C + C.T) / 2)
    eigenvalues = np.maximum(np.abs(eigenvalues), 1e-12 * np.max(np.abs(eigenvalues)))
    turn = np.linspace(0, 2 * np.pi, 120)
    radii = np.prod(eigenvalues) ** 0.25 / np.sqrt(eigenvalues)
    ellipse: np.ndarray = vectors @ (radii[:, None] * np.stack([np.cos(turn), np.sin(turn)]))
    return ellipse
