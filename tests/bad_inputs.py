"""Bad inputs and the message that each gets: ``python tests/bad_inputs.py`` writes docs/errors.md anew."""

import contextlib
import io
import os
import shlex
import tempfile
from pathlib import Path

from sofim_ref import cli

PAGE = Path(__file__).parents[1] / "docs" / "errors.md"

SETUP = """
import numpy as np
import sofim_ref as sr

X = np.asarray([[1.0, 2.0], [3.0, 5.0], [4.0, 1.0], [2.0, 2.0]])
y = np.asarray([1.0, 2.0, 3.0, 4.0])
v = np.ones(3)
problem = sr.problems.LeastSquares(X, y)
oracle = problem.oracle(v)
trace = sr.minimize(problem, sr.SGD(lr=0.01), steps=2)
bound = sr.convergence.linear_quadratic_bound
"""
"""What stands before the code of every case."""

FILES = {
    "data.csv": "a,b\n" + "1,2\n" * 20,
    "empty.csv": "",
    "words.csv": "a,b\n" + "1,two\n" * 20,
    "short.csv": "a,b\n1,2\n",
    "headless.csv": "1,2\n" * 20,
    "file": "in the way",
    "broken.py": "METHODS = [1]\n",
    "wide.py": "import numpy as np\n\ndef fisher(parameters, X, y):\n    return np.eye(39)\n",
    "raising.py": "def fisher(parameters, X, y):\n    return X[:, 3]\n",
}
"""What lies in the folder where every case is run."""

API = {
    "Optimizers and schedules": [
        ("sr.SOFIM(lr=0)", ValueError, "lr", "0"),
        ('sr.SOFIM(lr="fast")', TypeError, "lr", "'fast'"),
        ("sr.SOFIM(rho=-0.1)", ValueError, "rho", "-0.1"),
        ("sr.SOFIM(rho=np.nan)", ValueError, "rho", "nan"),
        ("sr.SOFIM(beta=1.0)", ValueError, "beta", "1.0"),
        ("sr.SOFIM(beta=True)", TypeError, "beta", "True"),
        ('sr.SOFIM(vector="moments")', ValueError, "vector", "'moments'"),
        ("sr.Adam(beta2=1.5)", ValueError, "beta2", "1.5"),
        ("sr.Adam(epsilon=np.inf)", ValueError, "epsilon", "inf"),
        ("sr.SGD(momentum=-1)", ValueError, "momentum", "-1"),
        ("sr.SGD(weight_decay=[0.1])", TypeError, "weight_decay", "[0.1]"),
        ('sr.NaturalGradient(fisher="emprical")', ValueError, "fisher", "'emprical'"),
        ("sr.LBFGS(history=2.5)", TypeError, "history", "2.5"),
        ("sr.KFAC(damping=10**400)", ValueError, "damping", "beyond the largest float"),
        ('sr.optimizers.method_named("sofm")', ValueError, "method", "'sofm'"),
        ("sr.register(sr.SGD())", TypeError, "method", "SGD("),
        ("sr.optimizers.Cosine(0.1, steps=0)", ValueError, "steps", "0"),
        ("sr.SOFIM(beta=10**300)", ValueError, "beta", "'int'"),
        ("sr.LBFGS(history=-(10**5000))", ValueError, "history", "'int'"),
        ("sr.SGD(momentum=0.9, nesterov=np.ones(2))", TypeError, "nesterov", "array([1., 1.])"),
        ("sr.SOFIM(bias_correction=np.ones(2))", TypeError, "bias_correction", "array([1., 1.])"),
        ("sr.Newton(line_search=1)", TypeError, "line_search", "1"),
    ],
    "Matrices": [
        ("sr.matrices.Diagonal([1.0, 2.0])", TypeError, "values", "list"),
        ("sr.matrices.Diagonal(np.asarray([1, 2]))", TypeError, "values", "int64"),
        ("sr.matrices.Kronecker(np.eye(2), np.ones((1, 2)))", ValueError, "right", "(1, 2)"),
        ("sr.matrices.Diagonal(np.ones((2, 2)))", ValueError, "values", "(2, 2)"),
        ("sr.matrices.Dense(np.ones((2, 3)))", ValueError, "matrix", "(2, 3)"),
        ("sr.matrices.RankOne(0.0, v)", ValueError, "shift", "0.0"),
        ("sr.matrices.LowRank(0.5, v)", ValueError, "factor", "(3,)"),
        ("sr.matrices.BlockDiagonal(())", ValueError, "blocks", "none"),
        ("sr.matrices.Diagonal(v).solve(np.ones(2))", ValueError, "v", "(2,)"),
        ("sr.matrices.Diagonal(v).solve(np.ones(3, np.float32))", TypeError, "v", "float32"),
        ('sr.matrices.RankOne(0.5, v).solve(v, form="textbok")', ValueError, "form", "'textbok'"),
    ],
    "Data, models and problems": [
        ("sr.problems.LeastSquares(X, y[:2])", ValueError, "targets", "(2,)"),
        ("sr.problems.LeastSquares(X.tolist(), y)", TypeError, "features", "list"),
        ("sr.problems.LeastSquares(X.astype(int), y)", TypeError, "features", "int64"),
        ("sr.problems.LeastSquares(X * np.inf, y)", ValueError, "features", "infinity"),
        ("sr.problems.LeastSquares(X[:0], y[:0])", ValueError, "features", "(0, 2)"),
        ("sr.problems.LeastSquares(X, y, l2=-1)", ValueError, "l2", "-1"),
        ("sr.problems.LogisticRegression(X, y)", ValueError, "targets", "2.0"),
        ("sr.problems.PoissonRegression(X, -y)", ValueError, "targets", "-1.0"),
        ("sr.problems.SoftmaxRegression(X, y + 0.5)", ValueError, "targets", "1.5"),
        ("sr.problems.MLPClassifier(X, y, hidden=(0,))", ValueError, "hidden", "got 0"),
        ('sr.problems.MLPRegressor(X, y, activation="relu6")', ValueError, "activation", "'relu6'"),
        ("sr.problems.FiniteSum(sr.models.Linear(2), None, X, y)", TypeError, "likelihood", "None"),
        ("sr.problems.Quadratic(np.eye(2), v)", ValueError, "matrix", "(2, 2)"),
        ("sr.problems.Rosenbrock(1)", ValueError, "dim", "1"),
        ("sr.models.MLP((2,))", ValueError, "sizes", "(2,)"),
        ("problem.value(np.ones(2))", ValueError, "w", "(2,)"),
        ("problem.gradient(v, batch=[0, 1])", TypeError, "batch", "list"),
        ("problem.oracle(v, batch=np.asarray([0.0]))", TypeError, "batch", "float64"),
        ("problem.initial_point(seed=-1)", ValueError, "seed", "-1"),
        ('problem.price("gradent")', ValueError, "question", "'gradent'"),
        ('oracle.ask("jacobean")', TypeError, "jacobean", "jacobian"),
        ("oracle.gradient(v)", TypeError, "gradient", "too many"),
        ("oracle.hvp()", TypeError, "v", "missing"),
        ("oracle.hvp(np.ones((3, 1)))", ValueError, "v", "(3, 1)"),
        ("oracle.gauss_newton_of(np.ones((4, 2, 2)))", ValueError, "H", "(4, 2, 2)"),
        ("oracle.gauss_newton_product(np.ones((4, 1, 1)), np.ones(2))", ValueError, "v", "(2,)"),
        ("oracle.per_example_gradients_of(np.ones((3, 1)))", ValueError, "u", "(3, 1)"),
        ("oracle.per_example_gradients_of(np.ones((4, 1), np.float32))", TypeError, "u", "float32"),
        ("oracle.sampled_output_gradient(0)", TypeError, "rng", "0"),
        ("sr.problems.Oracle(5, v)", TypeError, "problem", "5"),
        ("sr.models.Linear(2, intercept=np.ones(2))", TypeError, "intercept", "array([1., 1.])"),
        ('sr.datasets.load("irs")', ValueError, "dataset", "'irs'"),
        ("sr.datasets.from_arrays(X, y, test_share=2)", ValueError, "test_share", "2"),
        ('sr.datasets.read_csv("nowhere.csv", target="b")', FileNotFoundError, "nowhere.csv", "No such file"),
        ('sr.datasets.read_csv(3, target="b")', TypeError, "path", "3"),
        ('sr.datasets.read_csv("data.csv", target="B")', ValueError, "target", "'B'"),
        ('sr.datasets.open_rows("dat.csv", target="b")', FileNotFoundError, "dat.csv", "Did you mean 'data.csv'"),
        ('sr.datasets.open_rows("data.csv", target="B")', ValueError, "target", "'B'"),
        ("sr.datasets.open_rows(X, target=0)", TypeError, "rows", "Blocks.from_rows takes arrays"),
        ('sr.arrays.open_backend("tensorflow")', ValueError, "backend", "'tensorflow'"),
    ],
    "Curvature": [
        ("sr.curvature.fisher(problem)", TypeError, "oracle", "LeastSquares"),
        ("sr.curvature.hessian(oracle, damping=-1)", ValueError, "damping", "-1"),
        ("sr.curvature.mean_gradient_fisher(oracle, rho=0)", ValueError, "rho", "0"),
        ("sr.curvature.hessian(oracle, include_l2=np.ones(2))", TypeError, "include_l2", "array([1., 1.])"),
        ("sr.curvature.fisher(oracle, include_l2=1)", TypeError, "include_l2", "1"),
        ("sr.curvature.matrix_free_hessian(oracle, include_l2=1)", TypeError, "include_l2", "1"),
        ("sr.curvature.sampled_fisher(oracle, 0)", TypeError, "rng", "0"),
        ("sr.curvature.nystrom(oracle, np.random.default_rng(0), columns=9, rho=1.0)", ValueError, "columns", "9"),
    ],
    "Condition numbers": [
        ("sr.matrices.condition_needed([1.0], v)", TypeError, "g", "list"),
        ("sr.matrices.condition_needed(v, np.ones(2))", ValueError, "y", "3 and 2"),
        ("sr.matrices.best_conditioned(v, -v)", ValueError, "y", "-3"),
    ],
    "Training": [
        ("sr.minimize(problem, sr.SGD)", TypeError, "optimizer", "SGD"),
        ("sr.minimize(sr.SGD(), problem, steps=1)", TypeError, "problem", "SGD("),
        ("sr.minimize(problem, sr.SGD())", ValueError, "steps", "epochs"),
        ("sr.minimize(problem, sr.SGD(), steps=1.5)", TypeError, "steps", "1.5"),
        ("sr.minimize(problem, sr.SGD(), steps=1, batch_size=5)", ValueError, "batch_size", "5"),
        ("sr.minimize(problem, sr.SGD(), steps=1, w0=np.ones(2))", ValueError, "w0", "(2,)"),
        ("sr.minimize(problem, sr.SGD(), steps=1, w0=v * np.nan)", ValueError, "w0", "NaN"),
        ("sr.minimize(problem, sr.SGD(), steps=1, state=sr.SGD().init(v))", ValueError, "state", "w0"),
        ("sr.minimize(problem, sr.SGD(), steps=1, callbacks=print)", TypeError, "callbacks", "print"),
        ('sr.minimize(problem, sr.SGD(), steps=1)["los"]', ValueError, "column", "'los'"),
        ("sr.minimize(problem, sr.SGD(), steps=1, store_points=v)", TypeError, "store_points", "array([1., 1., 1.])"),
        ("sr.minimize(problem, sr.SGD(), steps=1, progress=2)", TypeError, "progress", "2"),
        ('sr.minimize(problem, sr.SGD(), steps=1, diagnostics="all")', TypeError, "diagnostics", "'all'"),
        ("sr.SGD().step(v, None, oracle)", TypeError, "state", "None"),
        ("sr.SGD().step(v, sr.SGD().init(v), oracle, inplace=v)", TypeError, "inplace", "array([1., 1., 1.])"),
        ("sr.SGD().step(v, sr.SGD().init(v[:2]), oracle)", ValueError, "state.moment", "(2,)"),
        ("sr.SOFIM().step(v, sr.SGD().init(v), oracle, inplace=True)", TypeError, "state", "SGDState("),
        ("sr.SGD().precondition(None, oracle)", TypeError, "state", "None"),
        ("sr.SGD().precondition(sr.SGD().init(v), problem)", TypeError, "oracle", "LeastSquares"),
        ("sr.SGD().step(v, sr.SGD().init(v), problem)", TypeError, "oracle", "LeastSquares"),
        ('sr.Trace.load("nowhere.npz")', FileNotFoundError, "nowhere.npz", "No such file"),
        ('sr.Trace.load("file")', ValueError, "path", "'file'"),
        ('sr.minimize(problem, sr.SGD(), steps=1).save("")', ValueError, "path", "''"),
    ],
    "Convergence, pictures, studies and races": [
        ("sr.convergence.grade(np.ones(2), oracle)", ValueError, "direction", "(2,)"),
        ("sr.convergence.inverse_norm(np.eye(2))", TypeError, "C", "array"),
        ("bound(problem, sr.SGD(), [v, v], constants=5)", TypeError, "constants", "5"),
        ("bound(problem, sr.SGD(), [v, v], optimum=np.ones(2))", ValueError, "optimum", "(2,)"),
        ("bound(problem, sr.SGD(), [v, 1])", TypeError, "points", "1"),
        ("bound(problem, sr.SGD(), 5)", TypeError, "points", "5"),
        ("list(sr.convergence.replay(problem, sr.SGD, [v, v]))", TypeError, "optimizer", "SGD"),
        ("sr.convergence.order_of_convergence([1.0, -1.0])", ValueError, "errors", "-1.0"),
        ('sr.studies.take_tour("iris", backend=sr.arrays.open_backend("numpy"))', TypeError, "dataset", "'iris'"),
        ('sr.studies.race.usual_setting("iris")', TypeError, "workload", "'iris'"),
        ("sr.plots.heat_maps([np.eye(2)], title='C')", TypeError, "matrices", "list"),
        ("sr.plots.loss_gap({}, 0.0, title=3)", TypeError, "title", "3"),
        ("sr.plots.error_map(5, title='t')", TypeError, "steps", "'int'"),
        ("sr.plots.error_map({'SGD': (v, v)}, title='t')", ValueError, "steps", "'SGD'"),
        ("sr.plots.error_map({'SGD': (v, v, v[:2])}, title='t')", ValueError, "steps", "(2,)"),
        ("sr.plots.loss_gap({'SGD': 5}, 0.0, title='t')", TypeError, "traces", "5"),
        ("sr.plots.contractions({'SGD': 5}, title='t')", TypeError, "bounds", "5"),
        ("sr.plots.performance_profiles({'epochs': {'SGD': 5}}, title='t')", TypeError, "ratios", "5"),
        ("sr.verify.verify(quick=1)", TypeError, "quick", "1"),
        ("sr.plots.step_norms({'SGD': 5}, title='t')", TypeError, "traces", "5"),
        ("sr.plots.step_diagnostics({'SGD': trace}, title='t')", ValueError, "traces", "['SGD']"),
        ("sr.plots.step_norms({'SGD': trace}, title='t', limits=5)", TypeError, "limits", "'int'"),
        ("sr.plots.step_norms({'SGD': trace}, title='t', limits={'Adam': 1.0})", ValueError, "limits", "'Adam'"),
        ("sr.plots.step_norms({'SGD': trace}, title='t', limits={'SGD': 'x'})", TypeError, "limits", "'x'"),
        ("sr.training.gap(problem, 0.0)", TypeError, "trace", "LeastSquares"),
        ("sr.studies.race.quantile([], 0.5)", ValueError, "values", "[]"),
        ("sr.studies.race.performance_profiles(5)", TypeError, "costs", "5"),
        ("sr.studies.race.performance_profiles({'a': 5})", TypeError, "costs", "5"),
        ("sr.studies.race.performance_profiles({'a': [1.0], 'b': [1.0, 2.0]})", ValueError, "costs", "1 and 2"),
        ("sr.studies.race.performance_profiles({'a': [-1.0]})", ValueError, "costs", "-1.0"),
        ("sr.lessons.check(5, print)", TypeError, "exercise", "5"),
        ("sr.lessons.check('peak_step', print, limit=-1)", ValueError, "limit", "-1"),
        ('sr.lessons.check("sofim", print)', ValueError, "exercise", "'sofim'"),
    ],
}  # fmt: skip
"""From a section's title to its cases: the code, the class of error, and the argument and value that it names."""

COMMANDS = [
    ("sofim-ref tuor", "command", "'tuor'"),
    ("sofim-ref tour --stepps 3", "option", "'--stepps'"),
    ("sofim-ref tour --steps 0", "--steps", "'0'"),
    ("sofim-ref tour --steps 1e3", "--steps", "'1e3'"),
    ("sofim-ref tour --seed -1", "--seed", "'-1'"),
    ("sofim-ref tour --dataset irsi", "--dataset", "'irsi'"),
    ("sofim-ref tour --methods sofim,newtn", "--methods", "'newtn'"),
    ("sofim-ref tour --backend cupi", "--backend", "'cupi'"),
    ("sofim-ref tour --batch-size 9999", "--batch-size", "9999"),
    ("sofim-ref tour --out file", "--out", "'file'"),
    ("sofim-ref tour --out file/below", "--out", "'file/below'"),
    ("sofim-ref tour --plugin nowhere.py", "--plugin", "nowhere.py"),
    ("sofim-ref tour --plugin broken.py", "--plugin", "1"),
    ("sofim-ref convergence --rho inf", "--rho", "'inf'"),
    ("sofim-ref convergence --data nowhere.csv --target b", "--data", "'nowhere.csv'"),
    ("sofim-ref convergence --data empty.csv --target b", "--data", "empty.csv"),
    ("sofim-ref convergence --data headless.csv --target b", "--data", "1, 2"),
    ("sofim-ref convergence --data short.csv --target b", "--data", "rows: 1"),
    ("sofim-ref convergence --data words.csv --target a", "--data", "'two'"),
    ("sofim-ref convergence --data data.csv", "--target", "--data"),
    ("sofim-ref convergence --target b", "--target", "--data"),
    ("sofim-ref convergence --data data.csv --target b --problem iris", "--data", "--problem"),
    ("sofim-ref race", "WORKLOAD", "--data"),
    ("sofim-ref race iris --jobs 2 --dask tcp://host:8786", "--dask", "--jobs"),
    ("sofim-ref race iris --dask ''", "--dask", "''"),
    ("sofim-ref race diabetes --score 0.1,0.2", "--score", "0.1, 0.2"),
    ("sofim-ref race diabetes --train-loss low", "--train-loss", "'low'"),
    ("sofim-ref race diabetes --out file", "--out", "'file'"),
    ("sofim-ref verify --methods ''", "--methods", "''"),
    ("sofim-ref check", "FILE", "--new"),
    ("sofim-ref check nowhere.py", "FILE", "'nowhere.py'"),
    ("sofim-ref check broken.py", "FILE", "none of them"),
    ("sofim-ref check raising.py", "fisher", "line 2"),
    ("sofim-ref check wide.py", "F", "(39, 39)"),
    ("sofim-ref check --new wide.py", "--new", "'wide.py'"),
    ("sofim-ref methods sofi", "NAME", "'sofi'"),
]
"""Command lines, each with the argument and the value that its sentence names."""


@contextlib.contextmanager
def folder():
    """Stand in a folder of its own with `FILES` in it, and nothing else but they must be there afterwards."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as name:
        for file, text in FILES.items():
            (Path(name) / file).write_text(text, encoding="utf-8")
        os.chdir(name)
        try:
            yield
            assert {path.name for path in Path().iterdir()} - {"__pycache__"} == set(FILES), "something was written"
        finally:
            os.chdir(before)


def setup():
    """Return the names that the code of a case uses."""
    names = {}
    exec(SETUP, names)
    return names


def error_of(code, names):
    """Return the error that the code raises."""
    try:
        exec(code, dict(names))
    except Exception as error:  # noqa: BLE001  # whatever it is, the test looks at it
        return error
    msg = f"{code} is accepted"
    raise AssertionError(msg)


def sentence_of(command):
    """Return the exit status of a command line, what it printed and what it said of errors."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as said:
        status = cli.main(shlex.split(command)[1:])
    return status, out.getvalue(), said.getvalue()


def entry(code, error):
    """Return what the page says of the code of a case."""
    return f">>> {code}\n{type(error).__name__}: {error}\n"


def command_entry(command, said):
    """Return what the page says of a command line."""
    return f"$ {command}\n{said}"


def page():
    """Return the page: every case with the message that it gets."""
    parts = [
        "# What is said of a bad input\n",
        "Made by `python tests/bad_inputs.py`, and compared by a test with what is said today. Every line of Python",
        f"runs after these:\n\n```python\n{SETUP.strip()}\n```\n",
    ]
    with folder():
        names = setup()
        for title, cases in API.items():
            parts += [f"## {title}\n", _block("pycon", [entry(code, error_of(code, names)) for code, *_ in cases])]
        parts.append("## The command line\n\nEach ends with status 2, before any work.\n")
        parts.append(_block("console", [command_entry(command, sentence_of(command)[2]) for command, *_ in COMMANDS]))
    return "\n".join(parts)


def _block(language, entries):
    return f"```{language}\n{chr(10).join(entries)}```\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
