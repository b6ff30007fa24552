"""Systematic variants of a function's source: what slips of the pen and of the mind make of it."""

import ast
import inspect
import textwrap
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

OPERATORS = {
    ast.Add: (ast.Sub, ast.Mult),
    ast.Sub: (ast.Add, ast.Mult),
    ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult, ast.Sub),
    ast.Pow: (ast.Mult,),
    ast.MatMult: (ast.Mult,),
}
FUNCTIONS = {
    "np.mean": ("np.median", "np.sum"),
    "np.sum": ("np.mean", "np.median"),
    "np.median": ("np.mean", "np.sum"),
    "np.linalg.norm": ("np.linalg.det", "np.max"),
    "np.log": ("np.log2", "np.exp"),
    "np.exp": ("np.exp2", "np.log"),
    "np.argmin": ("np.argmax", "np.min"),
    "np.argmax": ("np.argmin", "np.max"),
    "np.max": ("np.min", "np.mean"),
    "np.min": ("np.max", "np.mean"),
    "np.isfinite": ("np.isnan", "np.isinf"),
    "np.isinf": ("np.isnan", "np.isfinite"),
    "np.all": ("np.any",),
    "np.any": ("np.all",),
    "np.outer": ("np.multiply", "np.add.outer"),
    "np.linalg.solve": ("np.matmul",),
    "np.eye": ("np.ones",),
    "np.zeros": ("np.ones",),
    "np.sqrt": ("np.abs", "np.square"),
    "np.cumsum": ("np.cumprod",),
    "max": ("min", "sum"),
    "min": ("max", "sum"),
    "sum": ("max", "min"),
}
AROUND = (
    "-{}",
    "abs({})",
    "2 * {}",
    "3 * {}",
    "{} / 2",
    "{} + 1",
    "{} - 1",
    "{} ** 2",
    "1 / {}",
    "np.sqrt({})",
    "np.exp({})",
    "np.log({})",
)
"""What may be done to a part that is a number or an array."""
LOGICAL = ("np.isfinite", "np.isinf", "np.isnan", "np.all", "np.any")
FIXED = ("np.eye", "np.zeros", "np.ones")


@dataclass(frozen=True)
class Mutant:
    """A variant: how it departs from the source, and the function."""

    change: str
    function: object


def mutants(function, positive=(), symmetric=()) -> Iterator[Mutant]:
    """Yield the variants of a function in which one part of its source is another.

    Left out are those that are equal by rules of arithmetic: x + y for y + x, |x| for an x that can't be negative since
    the names in `positive` aren't, and the transpose of what is no matrix or in `symmetric`.
    """
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    definition = tree.body[0]
    names = Names([argument.arg for argument in definition.args.args], positive, symmetric)
    for node, put in _places(definition):
        text, seen = ast.unparse(node), set()
        for other in names.others(node):
            change = f"{text} → {ast.unparse(other)}"
            if ast.unparse(other) == text or change in seen:
                continue
            seen.add(change)
            put(ast.fix_missing_locations(other))
            scope = dict(function.__globals__)
            with warnings.catch_warnings(action="ignore"):  # the compiler has a word on some
                exec(compile(tree, "<mutant>", "exec"), scope)
            yield Mutant(change, scope[function.__name__])
        put(node)


def _places(parent):
    """Yield each expression below a node, and what puts another in its place; not what only asks for a length."""
    for field, value in ast.iter_fields(parent):
        for i, node in enumerate(value if isinstance(value, list) else [value]):
            if not isinstance(node, ast.AST) or isinstance(node, ast.arguments):
                continue
            if isinstance(node, ast.expr) and not isinstance(getattr(node, "ctx", None), ast.Store):

                def put(other, field=field, value=value, i=i):
                    if isinstance(value, list):
                        value[i] = other
                    else:
                        setattr(parent, field, other)

                yield node, put
            if not _is_size(node):
                yield from _places(node)


def _is_size(node):
    """Whether a node is len(...) or ....shape[...]."""
    return _called(node) == "len" or (isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith(".shape"))


def _called(node):
    return ast.unparse(node.func) if isinstance(node, ast.Call) else ""


def _parsed(text):
    return ast.parse(text, mode="eval").body


@dataclass(frozen=True)
class Names:
    """A function's arguments, and what is known of them."""

    arguments: list
    positive: tuple
    symmetric: tuple

    def others(self, node) -> Iterator[ast.AST]:
        """Yield what may stand in a node's place."""
        text = ast.unparse(node)
        match node:
            case ast.Constant(value=int() | float() as x) if not isinstance(x, bool):
                yield from (_parsed(repr(y)) for y in (x + 1, x - 1, 2 * x, x / 2, 0, 1, -x))
            case ast.BinOp(left, operator, right):
                yield from (ast.BinOp(left, other(), right) for other in OPERATORS.get(type(operator), ()))
                yield from (left, right)
                if not isinstance(operator, ast.Add | ast.Mult):
                    yield ast.BinOp(right, operator, left)
            case ast.UnaryOp():
                yield node.operand
            case ast.IfExp():
                yield from (node.body, node.orelse)
            case ast.Attribute(attr="T"):
                yield node.value
            case ast.Tuple():
                yield ast.Tuple(node.elts[::-1], ast.Load())
            case ast.Name() if text in self.arguments:
                yield from map(_parsed, (*self.arguments, "1"))
                if text.isupper() and text not in self.symmetric:
                    yield _parsed(f"np.transpose({text})")
            case ast.Call() if not _is_size(node):
                yield from self._calls(node)
        if _called(node) in LOGICAL:
            yield _parsed(f"~({text})")
        elif _called(node) not in FIXED and (
            text in self.arguments or isinstance(node, ast.BinOp | ast.Call | ast.Subscript)
        ):
            for around in AROUND:
                if not (around == "abs({})" and self.never_negative(node)):
                    yield _parsed(around.format(f"({text})"))

    def _calls(self, node) -> Iterator[ast.AST]:
        yield from (ast.Call(_parsed(name), node.args, node.keywords) for name in FUNCTIONS.get(_called(node), ()))
        yield from node.args
        if len(node.args) > 1:
            if _called(node) not in ("max", "min"):
                yield ast.Call(node.func, node.args[::-1], node.keywords)
            yield ast.Call(node.func, node.args[:-1], node.keywords)
        for i in range(len(node.keywords)):
            yield ast.Call(node.func, node.args, node.keywords[:i] + node.keywords[i + 1 :])

    def never_negative(self, node) -> bool:
        """Whether an expression is ≥ 0 by the rules of signs."""
        match node:
            case ast.Constant(value):
                return value >= 0
            case ast.BinOp(left, ast.Pow(), ast.Constant(2)):
                return True
            case ast.BinOp(left, ast.MatMult(), right) if ast.unparse(left) == ast.unparse(right):
                return True
            case ast.BinOp(left, ast.Sub() | ast.MatMult(), right):
                return ast.unparse(node) in self.positive
            case ast.BinOp(left, _, right):
                return self.never_negative(left) and self.never_negative(right)
            case ast.Subscript(value):
                return _is_size(node) or self.never_negative(value)
            case ast.Call(args=args):
                always = ("len", "abs", "np.exp", "np.linalg.norm", "np.argmin", "np.argmax", "np.eye")
                kept = ("np.sort", "np.mean", "np.median", "np.sum", "max", "min", "int", "np.sqrt", "np.diag")
                return _called(node) in always or (_called(node) in kept and all(map(self.never_negative, args)))
            case ast.List(parts):
                return all(map(self.never_negative, parts))
        return ast.unparse(node) in self.positive
