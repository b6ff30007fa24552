"""Live figures: their arithmetic against the library's, and dragging, keys, accessibility and requests in Chromium."""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sofim_ref import curvature, problems
from sofim_ref.convergence import CompanionNorm, linear_quadratic_bound
from sofim_ref.lessons import live_figure
from sofim_ref.lessons.live_figure import BUNDLES, LiveFigure, names
from sofim_ref.lessons.live_figure import page as page_of
from sofim_ref.matrices import RankOne
from sofim_ref.optimizers import SGD, SOFIM, AdaGrad, Adam, NaturalGradient, Newton
from sofim_ref.problems import Quadratic
from sofim_ref.training import minimize

LIVE = Path(__file__).parents[2] / "live"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
in_browser = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium isn't installed"),
    pytest.mark.skipif(importlib.util.find_spec("playwright") is None, reason="playwright isn't installed"),
]
SAMPLE = np.asarray([-1.0, 0.0, 1.0, 2.0, 3.0])
DATA = {"centre": 1.0, "spread": 2.0}


def test_every_figure_is_built_and_has_its_still_picture():
    assert names() == tuple(sorted(path.stem for path in (LIVE / "src" / "figures").glob("*.js")))
    page = (BUNDLES / "figures.js").read_text(encoding="utf-8")
    for name in names():
        assert LiveFigure(name).png().startswith(b"\x89PNG")
        assert name in page


def test_an_unknown_figure_is_refused_with_the_nearest_name():
    with pytest.raises(ValueError, match="steepest"):
        LiveFigure("steepst")


def test_a_notebook_gets_a_widget_and_a_still_picture():
    pytest.importorskip("anywidget")
    figure = LiveFigure("steepest", epsilon=0.25)
    bundle = figure._repr_mimebundle_()
    assert {"application/vnd.jupyter.widget-view+json", "image/png", "text/plain"} <= set(bundle)
    figure.widget.state = {**figure.state, "mean": 2.0}  # as a drag does
    assert figure.state == {"epsilon": 0.25, "mean": 2.0}


def test_without_anywidget_it_is_a_still_picture(monkeypatch):
    monkeypatch.setitem(sys.modules, "anywidget", None)
    live_figure._widget_class.cache_clear()
    assert set(LiveFigure("steepest")._repr_mimebundle_()) == {"image/png", "text/html", "text/plain"}


def test_on_a_page_it_is_a_place_that_the_script_fills():
    html = LiveFigure("steepest", epsilon=0.25).html("iVBOR")
    assert html.startswith('<div data-live-figure="steepest" data-state="{&quot;epsilon&quot;: 0.25}"><img alt=')


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("npm") is None, reason="Node isn't installed")
def test_the_built_figures_are_those_of_the_source(tmp_path):
    shutil.copytree(LIVE, tmp_path / "live", ignore=shutil.ignore_patterns("node_modules"))
    installed = subprocess.run(["npm", "install"], check=False, cwd=tmp_path / "live", capture_output=True, timeout=300)
    if installed.returncode:
        pytest.skip("no npm packages to be had here")
    subprocess.run(["node", "build.mjs", str(tmp_path / "built")], cwd=tmp_path / "live", check=True, timeout=60)
    for path in (tmp_path / "built").iterdir():
        assert path.read_bytes() == (BUNDLES / path.name).read_bytes(), (
            f"run npm run build in live/: {path.name} is old"
        )


def test_the_race_counts_a_product_as_two_gradients_as_the_lesson_does():
    source = (LIVE / "src" / "figures" / "racer.js").read_text(encoding="utf-8")
    prices = dict(re.findall(r'^  \["(\w+)", "[^"]+", "[^"]+", \S.*, (\d+)\],$', source, flags=re.MULTILINE))
    assert len(prices) == 7
    assert {name for name, price in prices.items() if price == "5"} == {"natural", "newton"}  # 1 + 2 · 2, with d = 2
    assert {*prices.values()} == {"1", "5"}


@pytest.fixture(scope="module")
def page():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.problems = []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("request", lambda request: page.problems.append(request.url) if "://" in request.url else None)
        yield page
        browser.close()


def evaluate(page, module, calls, change=("", "")):
    """Return what a module of live/src/mathematics answers to (function, arguments), with a change to its text."""
    source = (LIVE / "src" / "mathematics" / f"{module}.js").read_text(encoding="utf-8")
    assert change[0] in source
    source = source.replace(*change, 1)
    if module == "methods":
        losses = (LIVE / "src" / "mathematics" / "losses.js").read_text(encoding="utf-8")
        source += re.sub(
            r"^const (mean|outer) =",
            r"var \1 =",
            losses.replace("export const line ", "const line "),
            flags=re.MULTILINE,
        )
    source = re.sub(r"^export ", "", source, flags=re.MULTILINE)
    program = f"{source}\nreturn [{', '.join(f'({call})(...arguments_[{k}])' for k, (call, _) in enumerate(calls))}];"
    return page.evaluate(
        "([program, given]) => new Function('arguments_', program)(given)", [program, [x for _, x in calls]]
    )


def gaussian_case(rng):
    """Return calls of gaussian.js at one point, and what the library says."""
    mean, log_s, other, other_s, epsilon = rng.uniform([-2, -1, -2, 0.3, 0.05], [3, 1.2, 3, 3, 0.8]).tolist()
    s = float(np.exp(log_s))
    oracle = problems.GaussianFit(SAMPLE).oracle(np.asarray([mean, log_s]))
    g, F = oracle.gradient(), curvature.fisher(oracle).to_dense()
    to_s = np.diag([1.0, 1 / s])  # d log s / ds, which carries both into (μ, s)
    step = -epsilon * np.linalg.solve(F, g) / np.sqrt(g @ np.linalg.solve(F, g))
    kl = np.log(other_s / s) + (s**2 + (mean - other) ** 2) / (2 * other_s**2) - 0.5
    p = [mean, s]
    return [
        ("divergence", [p, [other, other_s]], kl),
        ("loss", [p, DATA], float(oracle.value())),
        ("gradient", [p, DATA], to_s @ g),
        ("gradientOfLog", [p, DATA], g),
        ("fisher", [p], np.diag(to_s @ F @ to_s)),
        ("fisherOfLog", [p], np.diag(F)),
        ("steepestStep", [g.tolist(), np.diag(F).tolist(), epsilon], step),
        (
            "(p, e) => pointsOf(ballOfDivergence(p, e), 24).map((q) => divergence(p, q))",
            [p, epsilon],
            np.full(24, epsilon**2 / 2),
        ),
        (
            "(e, d) => pointsOf(contour(0.5 + Math.log(2) / 2 + e, d), 24).map((q) => loss(q, d))",
            [epsilon, DATA],
            np.full(24, 0.5 + np.log(2) / 2 + epsilon),
        ),
    ]


def rank_one_case(rng):
    """Return calls of rank_one.js, and what `RankOne` says."""
    m, v = rng.standard_normal((2, 3))
    rho = float(rng.uniform(0.2, 5))
    along = m * (m @ v) / (m @ m)
    return [
        ("solve", [rho, m.tolist(), v.tolist()], RankOne(rho, m).solve(v)),
        ("(m, v) => split(m, v).along", [m.tolist(), v.tolist()], along),
        ("(m, v) => split(m, v).across", [m.tolist(), v.tolist()], v - along),
        ("dot", [m.tolist(), v.tolist()], m @ v),
    ]


def moment_case(rng):
    """Return calls of moment.js, and what SOFIM and `CompanionNorm` say."""
    beta, rho, start, s = rng.uniform([0.1, 0.5, 0.5, 0.2], [0.95, 3.0, 2.0, 5.0]).tolist()
    eta = float(rng.uniform(0.1, 1.5)) * rho * (1 + beta) / (1 - beta)
    sofim, problem, w = (
        SOFIM(lr=eta, rho=rho, beta=beta, bias_correction=False),
        Quadratic(np.eye(1), np.zeros(1)),
        np.asarray([start]),
    )
    state, points = sofim.init(w), [[start, 0.0]]
    for t in range(1, 31):
        w, state = sofim.step(w, state, problem.oracle(w))
        points.append([float(w[0]), (1 - beta**t) * float(state.mean[0])])
    norm = CompanionNorm(np.ones(1), beta, eta / rho)
    (x0, y0), R = rng.standard_normal((2, 2)), norm.factors()[0]
    g = rng.standard_normal(20)
    plain = [(1 - beta) * sum(beta ** (t - k) * g[k] for k in range(t + 1)) for t in range(20)]
    return [
        ("stepLength", [eta, rho, s], eta * RankOne(rho, np.asarray([s])).solve(np.asarray([s]))[0]),
        ("(b, g) => moments(b, g).map((m) => m.plain)", [beta, g.tolist()], plain),
        ("(b, g) => moments(b, g).map((m) => m.corrected)", [beta, g.tolist()], plain / (1 - beta ** np.arange(1, 21))),
        ("weights", [beta, 12], (1 - beta) * beta ** np.arange(11, -1, -1)),
        ("path", [beta, eta, rho, [start, 0.0], 30], points),
        ("(b, a) => companionNorm(b, a).R", [beta, eta / rho], R),
        (
            "(b, a) => [companionNorm(b, a).gamma, companionNorm(b, a).radius]",
            [beta, eta / rho],
            [norm.gamma, norm.spectral_radius],
        ),
        ("lengthOf", [R.tolist(), [x0[0], y0[0]]], norm.norm(x0[:1], y0[:1])),
        ("(R, n) => ellipse(R, n, 12).map((z) => lengthOf(R, z))", [R.tolist(), s], np.full(12, s)),
    ]


def plane(kind, rng):
    """Return the arguments of a loss of losses.js, its problem here, and a point from which no method is chaotic."""
    w = rng.uniform(-1, 1, 2)
    points = rng.standard_normal((7, 2))
    if kind == "quadratic":
        angle, condition = rng.uniform(0, 3), rng.uniform(1, 9)
        Q = np.asarray([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        H = Q @ np.diag([1.0, condition]) @ Q.T
        problem = Quadratic((H + H.T) / 2, np.zeros(2))
        return {"angle": angle, "condition": condition}, problem, w
    if kind == "logistic":
        label = (points[:, 0] + rng.standard_normal(7) > 0).astype(int)
        label[:2] = [0, 1]
        rows = [[*x, k] for x, k in zip(points.tolist(), label.tolist(), strict=True)]
        problem = problems.LogisticRegression(points, label, l2=0.1, intercept=False)
        return {"points": rows, "l2": 0.1}, problem, w
    if kind == "line":
        ones = np.stack([np.ones(7), points[:, 0]], axis=1)
        return {"points": points.tolist()}, problems.LeastSquares(ones, points[:, 1], intercept=False), w
    if kind == "rosenbrock":
        return {"b": 3.0}, problems.Rosenbrock(b=3.0), np.asarray([1.0, 1.1]) + 0.1 * w
    network = problems.MLPRegressor(points[:, :1], points[:, 1], hidden=(1,), l2=0.0)
    return {"points": points.tolist()}, network, np.asarray([1.0, 0.5]) + 0.2 * w


PLANES = ("quadratic", "logistic", "line", "rosenbrock")
SETTINGS = {"eta": 0.05, "beta": 0.9, "rho": 0.7, "damping": 0.3}
LIBRARY = {
    "gradient": SGD(lr=0.05),
    "momentum": SGD(lr=0.05, momentum=0.9),
    "adam": Adam(lr=0.05),
    "adagrad": AdaGrad(lr=0.05),
    "sofim": SOFIM(lr=0.05, rho=0.7),
    "sofimGradient": SOFIM(lr=0.05, rho=0.7, vector="gradient"),
    "natural": NaturalGradient(lr=0.05, damping=0.3),
    "empirical": NaturalGradient(lr=0.05, damping=0.3, fisher="empirical"),
    "newton": Newton(lr=0.05, damping=0.3, line_search=False),
}


def losses_case(rng):
    """Return calls of losses.js, and what the problems say; the network has no biases, and ours are zero."""
    case, upper = [], np.asarray([0, 1, 3])
    for kind in (*PLANES, "network"):
        arguments, problem, w = plane(kind, rng)
        kept = np.asarray([0, 2] if kind == "network" else [0, 1])
        point = np.zeros(problem.dim)
        point[kept] = w
        oracle = problem.oracle(point)
        H = oracle.hessian()
        F = H if kind == "quadratic" else curvature.fisher(oracle, include_l2=True).to_dense()
        answers = {
            "value": float(oracle.value()),
            "gradient": oracle.gradient()[kept],
            "hessian": H[np.ix_(kept, kept)].ravel()[upper],
            "fisher": F[np.ix_(kept, kept)].ravel()[upper],
        }
        case += [(f"(a, w) => {kind}(a).{name}(w)", [arguments, w.tolist()], right) for name, right in answers.items()]
    return case


def methods_case(rng):
    """Return runs of 40 steps of methods.js, and where the library's methods go."""
    case = []
    for kind in PLANES:
        arguments, problem, w = plane(kind, rng)
        for name in LIBRARY:
            if kind in ("quadratic", "rosenbrock") and name == "empirical":
                continue  # the quadratic has no examples here, and Rosenbrock's two residuals are one example
            its = (
                "newton" if (kind, name) == ("quadratic", "natural") else name
            )  # a quadratic's Fisher matrix is its Hessian
            trace = minimize(problem, LIBRARY[its], steps=40, w0=w, store_points=True)
            call = f"(a, w, s) => run({name!r}, {kind}(a), w, s, 40)"
            case.append((call, [arguments, w.tolist(), SETTINGS], np.stack(trace.points)))
    return case


def bound_case(rng):
    """Return calls of bound.js, and what `linear_quadratic_bound` says of one step."""
    arguments, problem, w = plane("logistic", rng)
    sofim = SOFIM(lr=0.5, rho=0.3, beta=0.0)
    trace = minimize(problem, sofim, steps=1, w0=w, store_points=True)
    found, oracle = linear_quadratic_bound(problem, sofim, trace), problem.oracle(w)
    H = oracle.hessian().ravel()[np.asarray([0, 1, 3])]
    M = problem.constants(problem.optimum(), 1.0).hessian_lipschitz
    any_matrix = rng.standard_normal((2, 2))
    return [
        ("firstCoefficient", [0.5, 0.3, oracle.gradient().tolist(), H.tolist()], found.xi1[0]),
        ("secondCoefficient", [0.5, 0.3, M], found.xi2[0]),
        ("hessianLipschitz", [arguments["points"]], M),
        ("largest", [H.tolist()], np.linalg.eigvalsh(oracle.hessian())[-1]),
        ("norm", [any_matrix.ravel().tolist()], np.linalg.norm(any_matrix, 2)),
    ]


CASES = {
    "bound": bound_case,
    "gaussian": gaussian_case,
    "losses": losses_case,
    "methods": methods_case,
    "moment": moment_case,
    "rank_one": rank_one_case,
}
ALLOWED = {"gaussian": 20, "methods": 10}
"""Over 1e-13: the boundary of a small ball loses digits in log t, and rounding grows over 40 steps."""

MISTAKES = [
    ("bound", ("1 - eta * (p * a + q * b)", "1 - eta * (p * a - q * b)")),
    ("bound", ("(6 * Math.sqrt(3))", "6")),
    ("bound", ("/ (2 * rho)", "/ rho")),
    ("gaussian", ("- 0.5;", "- 0.49;")),
    ("gaussian", ("(2 * otherS * otherS)", "(2 * s * s)")),
    ("gaussian", ("square / (s * s * s)", "square / (s * s)")),
    ("gaussian", ("2 / (s * s)]", "1 / (s * s)]")),
    ("gaussian", ("point[1] * gS", "gS")),
    ("gaussian", ("(-epsilon * entry) / length", "(epsilon * entry) / length")),
    ("gaussian", ("- data.spread,", "- 2 * data.spread,")),
    ("losses", ("p * (1 - p)", "p")),
    ("losses", ("condition * s * s", "s * s")),
    ("losses", ("entry + r * second[i]", "entry")),
    ("losses", ("+ (i === 1 ? 0 : l2)", "")),
    ("methods", ("c * x - b * y", "c * x + b * y")),
    ("methods", ("beta * b[i] + entry", "beta * b[i] + (1 - beta) * entry")),
    ("methods", ("0.999", "0.99")),
    ("methods", ("entry / (1 - state.left)", "entry")),
    ("methods", ("share * m[i]) / rho", "share * m[i])")),
    ("methods", ("plus(loss.fisher(w), damping)", "loss.fisher(w)")),
    ("moment", ("rho + s * s", "rho + s")),
    ("moment", ("M / (1 - power)", "M / (1 - beta)")),
    ("moment", ("(1 + radius) / 2", "(2 + radius) / 3")),
    ("moment", ("theta - u", "theta + u")),
    ("moment", ("beta * M + (1 - beta) * error", "beta * M + error")),
    ("rank_one", ("across[i] / rho + along[i] / large", "across[i] / large + along[i] / rho")),
    ("rank_one", ("rho + dot(m, m)", "rho * rho + dot(m, m)")),
    ("rank_one", ("dot(m, v) / square", "dot(m, v)")),
]


def worst(page, module, change=("", "")):
    """Return the largest relative error over ten random cases, in units of 1e-13."""
    rng, error = np.random.default_rng(0), 0.0
    for _ in range(10):
        case = CASES[module](rng)
        found = evaluate(page, module, [(call, given) for call, given, _ in case], change)
        for answer, (_, _, right) in zip(found, case, strict=True):
            error = max(error, float(np.max(np.abs(np.asarray(answer) - right)) / np.max(np.abs(right))))
    return error / 1e-13


class TestInBrowser:
    pytestmark = in_browser

    @pytest.mark.parametrize("module", CASES)
    def test_arithmetic_is_the_library_s(self, page, module):
        assert worst(page, module) < ALLOWED.get(module, 1)

    @pytest.mark.parametrize(("module", "change"), MISTAKES)
    def test_a_planted_mistake_is_noticed(self, page, module, change):
        assert not worst(page, module, change) < 1e6

    @pytest.mark.parametrize("name", names())
    def test_a_handle_follows_the_mouse_and_the_keys(self, page, name):
        page.problems.clear()
        page.set_content(page_of(name))
        handles = page.locator(".handle")
        for k in range(handles.count()):
            handle = handles.nth(k)
            box = handle.locator(".dot").bounding_box()
            x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
            page.mouse.move(x, y)
            page.mouse.down()
            page.mouse.move(x + 12, y + 9, steps=4)
            page.mouse.up()
            page.wait_for_timeout(60)
            after = handle.locator(".dot").bounding_box()
            along = handle.get_attribute("data-along")
            for axis, by in (("x", 12), ("y", 9)):
                assert axis not in along or abs(after[axis] - box[axis] - by) < 1.5, (
                    f"handle {k} didn't follow in {axis}"
                )
            before = handle.get_attribute("aria-valuetext")
            handle.focus()
            page.keyboard.press("ArrowRight" if "x" in along else "ArrowUp")
            page.wait_for_timeout(60)
            assert handle.get_attribute("aria-valuetext") != before
        assert page.problems == []

    @pytest.mark.parametrize("name", names())
    def test_a_slider_s_ends_leave_finite_numbers_and_a_sentence(self, page, name):
        page.set_content(page_of(name))
        for k in range(page.locator("input[type=range]").count()):
            for key in ("Home", "End"):
                page.locator("input[type=range]").nth(k).focus()
                page.keyboard.press(key)
                page.wait_for_timeout(60)
                assert "NaN" not in page.locator(".live").inner_html()
                assert len(page.locator(".said").inner_text()) > 20

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("name", names())
    def test_nothing_serious_is_found_by_axe(self, page, name, scheme):
        axe = LIVE / "node_modules" / "axe-core" / "axe.min.js"
        if not axe.exists():
            pytest.skip("axe-core isn't installed: npm install in live/")
        page.emulate_media(color_scheme=scheme)
        page.set_content(page_of(name))
        page.add_script_tag(content=axe.read_text(encoding="utf-8"))
        found = page.evaluate("async () => (await axe.run()).violations")
        page.emulate_media(color_scheme="light")
        serious = [f for f in found if f["impact"] in ("serious", "critical")]
        assert serious == [], json.dumps(serious, indent=1)[:2000]

    @pytest.mark.parametrize("width", [360, 1280])
    @pytest.mark.parametrize("name", names())
    def test_nothing_sticks_out_of_a_page(self, page, name, width):
        page.set_viewport_size({"width": width, "height": 1000})
        page.set_content(page_of(name))
        page.wait_for_selector(".live svg")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.set_viewport_size({"width": 1280, "height": 1000})
