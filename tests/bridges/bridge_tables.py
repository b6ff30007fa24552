"""Which method each bridge takes: ``python tests/bridges/bridge_tables.py`` writes these tables anew."""

import re
from pathlib import Path

from sofim_ref.optimizers import REGISTRY

PAGE = Path(__file__).parents[2] / "docs" / "bridges.md"

GRADIENT, VALUE = {"gradient"}, {"gradient", "value"}
SECOND = {*VALUE, "hvp", "hessian"}
MADE = {method: method.build(steps=1) for method in REGISTRY.values()}


def names(wanted):
    """Return the registered names of the methods for which that is true, as a text."""
    return ", ".join(f"`{method.name}`" for method, made in MADE.items() if wanted(made))


def unsaid(wanted):
    """Return, as sentences, what those methods must be given that a loop doesn't tell."""
    steps = ", ".join(f"`{method.name}`" for method, made in MADE.items() if wanted(made) and method.needs_steps)
    sizes = names(lambda made: wanted(made) and not knows_examples(made))
    said = [f"; {steps} must be given the number of `steps` of the run"] * bool(steps)
    said += [f"; {sizes} must be given the number of examples, as `effective_size`"] * bool(sizes)
    return "".join(said)


def knows_examples(made):
    """Return whether a method needs no number of examples that a loop doesn't tell."""
    try:
        made.check_loop("a loop")
    except ValueError:
        return False
    return True


def gradient_alone(made):
    return made.needs == GRADIENT and not made.asks_elsewhere


def by_value(made):
    return made.needs == VALUE and not made.asks_elsewhere


def by_function(made):
    return made.needs <= SECOND and not gradient_alone(made) and not by_value(made)


def by_closure(made):
    return made.needs <= VALUE and not gradient_alone(made)


def by_products(made):
    return made.needs <= SECOND and not made.needs <= VALUE


def refused(made):
    return not made.needs <= SECOND


def one_group(wanted):
    """Return, as a sentence, which of those methods take all parameters in one group."""
    alone = names(lambda made: wanted(made) and made.asks_elsewhere)
    return f"; one group only: {alone}" * bool(alone)


REFUSED = "refused: they need single examples or layers"
TABLES = {
    "what `update` needs besides the gradients": [
        (gradient_alone, "nothing; those with `weight_decay` need `params`"),
        (by_value, f"`value`, the loss at `params`{unsaid(by_value)}"),
        (
            by_function,
            "`value_fn`, as `optax.lbfgs` takes it; they go along `grad` if that is given" + unsaid(by_function),
        ),
        (refused, REFUSED),
    ],
    "what `step` needs": [
        (gradient_alone, "gradients; a closure may be given"),
        (by_closure, f"a closure that returns the loss{unsaid(by_closure)}{one_group(by_closure)}"),
        (
            by_products,
            f"a closure that returns the loss and doesn't call `backward`{unsaid(by_products)}{one_group(by_products)}",
        ),
        (refused, REFUSED),
    ],
}


def table(heading):
    """Return a table in Markdown."""
    rows = [f"| {names(wanted)} | {need} |" for wanted, need in TABLES[heading]]
    return "\n".join([f"| method | {heading} |", "|---|---|", *rows, ""])


def with_tables(page):
    """Return the page with its tables made anew."""
    for heading in TABLES:
        old = rf"^\| method \| {re.escape(heading)} \|\n(\|.*\n)+"
        page = re.sub(old, lambda _, heading=heading: table(heading), page, flags=re.MULTILINE)
    return page


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
