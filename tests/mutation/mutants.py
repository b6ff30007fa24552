"""The mutants of a source file: one small mistake each, in an operator, a comparison, a constant or a branch."""

import ast
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import CodeType

SOURCE = Path(__file__).parents[2] / "sofim_ref"
OPERATORS = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Mult,),
    ast.Mod: (ast.Mult,),
    ast.Pow: (ast.Mult,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
    ast.USub: (ast.UAdd,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
UNTOUCHED = (ast.JoinedStr, ast.Raise, ast.Assert, ast.Import, ast.ImportFrom)
"""Texts and messages, and what is there for types."""
SAMPLES = "cases.py"
"""With the methods of that name: on which matrices `verify` is evaluated, others being as good."""


@dataclass(frozen=True)
class Mutant:
    """A file with one changed expression, compiled."""

    file: Path
    function: str  # the outermost function that it is in; empty for what runs when the module is imported
    line: int  # where that function's code begins
    change: str
    span: range  # the lines of the expression
    code: CodeType

    @property
    def name(self):
        return f"{self.file.relative_to(SOURCE).as_posix()} {self.function or '(import)'}: {self.change}"

    @property
    def module(self):
        return ".".join(["sofim_ref", *self.file.relative_to(SOURCE).with_suffix("").parts]).removesuffix(".__init__")


def functions(code):
    """Give every function's code object inside `code`."""
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield inner
            yield from functions(inner)


def mutants(file):
    """Give the mutants of a file, in the order of its lines."""
    if file.name == SAMPLES:
        return
    tree = ast.parse(file.read_text())
    times = Counter()
    for path in _paths((tree,)):
        node, outermost = path[-1], _outermost_function(path)
        function = ".".join(_names(path[: path.index(outermost) + 1])) if outermost else ""
        line = min([outermost.lineno, *(d.lineno for d in outermost.decorator_list)]) if outermost else 0
        for owner, field, index, new in _mistakes(node):
            context = _context(path)
            before = ast.unparse(context)
            old = _put(owner, field, index, new)
            change = f"`{before}` → `{ast.unparse(context)}`"
            code = compile(ast.fix_missing_locations(tree), str(file), "exec")
            _put(owner, field, index, old)
            times[function, change] += 1
            if times[function, change] > 1:
                change += f" (no. {times[function, change]})"
            spot = node.test if isinstance(node, ast.If | ast.While) else node
            spot = path[-2] if isinstance(spot, ast.comprehension) else spot
            yield Mutant(file, function, line, change, range(spot.lineno, spot.end_lineno + 1), code)


def _paths(path):
    """Give every node that may be changed, as the path to it from the module."""
    yield path
    for field, value in ast.iter_fields(path[-1]):
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _untouched(field, child):
                yield from _paths((*path, child))


def _untouched(field, child):
    if isinstance(child, UNTOUCHED) or field in {"annotation", "returns"}:
        return True
    if isinstance(child, ast.FunctionDef):
        return f"{child.name}.py" == SAMPLES
    if isinstance(child, ast.Assign):
        return ast.unparse(child.targets[0]) == "msg"
    if isinstance(child, ast.If):
        return ast.unparse(child.test) == "TYPE_CHECKING"
    if isinstance(child, ast.Call):
        called = ast.unparse(child.func)
        return called == "warnings.warn" or (field == "decorator_list" and called == "dataclass")
    return isinstance(child, ast.keyword) and child.arg == "strict"  # zip's own assertion


def _mistakes(node):  # noqa: C901 - one case for each kind of expression
    """Give what to put where: the node, its field, the place in the field if that is a list, and what comes there."""
    match node:
        case ast.Constant(value=bool() as value):
            yield node, "value", None, not value
        case ast.Constant(value=int() | float() as value):
            yield node, "value", None, value + 1
        case ast.BinOp() | ast.BoolOp() | ast.AugAssign() | ast.UnaryOp(op=ast.USub()):
            for other in OPERATORS.get(type(node.op), ()):
                yield node, "op", None, other()
        case ast.UnaryOp(op=ast.Not()):
            yield node, "operand", None, ast.UnaryOp(ast.Not(), node.operand)
        case ast.Compare():
            for index, operator in enumerate(node.ops):
                for other in OPERATORS[type(operator)]:
                    yield node, "ops", index, other()
        case ast.If() | ast.IfExp():
            yield node, "test", None, ast.Constant(value=True)
            yield node, "test", None, ast.Constant(value=False)
        case ast.While():
            yield node, "test", None, ast.Constant(value=False)
        case ast.comprehension():
            for index in range(len(node.ifs)):
                yield node, "ifs", index, ast.Constant(value=True)


def _put(owner, field, index, new):
    """Put `new` in a field; return what was there."""
    if index is None:
        old = getattr(owner, field)
        setattr(owner, field, new)
    else:
        old = getattr(owner, field)[index]
        getattr(owner, field)[index] = new
    return old


def _outermost_function(path):
    """Find the outermost function whose body holds the path's end; its defaults and decorators run at import."""
    for outer, inner in pairwise(path):
        if isinstance(outer, ast.FunctionDef) and inner in outer.body:
            return outer
    return None


def _names(path):
    return [node.name for node in path if isinstance(node, ast.ClassDef | ast.FunctionDef)]


def _context(path):
    """Find the part of the code that shows a change best: of a constant, the expression around it."""
    if isinstance(path[-1], ast.If | ast.While):
        return _Test(path[-1])
    shown = ast.expr | ast.keyword | ast.arguments | ast.stmt | ast.comprehension
    nodes = [node for node in path if isinstance(node, shown)]
    return next((node for node in reversed(nodes) if not isinstance(node, ast.Constant | ast.Tuple)), path[-1])


class _Test(ast.Expr):
    """What an `if` or a `while` tests."""

    def __init__(self, node):
        super().__init__(lineno=node.lineno)
        self.node = node

    @property
    def value(self):
        return self.node.test
