"""Lessons in JupyterLab, and lectures in voila, in headless Chromium: run all, move a slider, measure the page."""

import importlib.util
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from sofim_ref.lessons.lecture import OPTIONS, environment, write_lectures
from sofim_ref.lessons.student_copies import JUPYTERLAB, number, sources, write_copies
from tests.lessons.lecture_page import MEASURE

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
MISSING = [name for name in ("playwright", "jupyterlab", "voila") if importlib.util.find_spec(name) is None]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium isn't installed"),
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
    pytest.mark.filterwarnings("ignore"),  # of the browser's and the server's libraries
]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
RUN_ALL = """async () => {
    const app = window.jupyterapp; await app.restored; const w = app.shell.currentWidget;
    await w.context.ready; await w.sessionContext.ready; await app.commands.execute('notebook:run-all-cells');
}"""
PICTURE = "img.widget-image, .widget-image img, img.jupyter-widgets"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with copies of the lessons; what Jupyter notes goes beside them, not to the user's own."""
    folder = tmp_path_factory.mktemp("lab")
    write_copies(folder / "lessons", teacher=True)
    return folder


@contextmanager
def serving(home, *program):
    """Start a server; yield its port once it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {"JUPYTER_CONFIG_DIR": home / "config", "JUPYTER_DATA_DIR": home / "data", "IPYTHONDIR": home / "ipython"}
    settings = {**environment(), **{name: str(path) for name, path in own.items()}}
    command = [sys.executable, "-m", *(part.format(port=port) for part in program)]
    log = (home / "log").open("w+")
    process = subprocess.Popen(
        command, cwd=home / "lessons", env=settings, stdout=log, stderr=log, start_new_session=True
    )
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2).close()
                break
            except urllib.error.HTTPError:
                break  # it answers
            except OSError:
                assert process.poll() is None, (home / "log").read_text()
                time.sleep(0.1)
        yield port
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@contextmanager
def watched(browser, port):
    """Yield a page, with what its console says and what it asks from elsewhere."""
    page = browser.new_page(viewport={"width": 1300, "height": 1000})
    errors, elsewhere = [], []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    local = (f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}", "data:", "blob:")
    page.on("request", lambda request: None if request.url.startswith(local) else elsewhere.append(request.url))
    yield page, errors, elsewhere
    page.close()


def moved(page, times=3):
    """Move the first slider some steps; return the seconds until the picture changed, each time."""
    seconds = []
    handle = page.locator(".widget-hslider .noUi-handle").first
    handle.scroll_into_view_if_needed()
    for _ in range(times):
        before = page.locator(PICTURE).first.get_attribute("src")
        handle.focus()
        began = time.perf_counter()
        page.keyboard.press("ArrowRight")
        page.wait_for_function(
            "([selector, before]) => document.querySelector(selector).src !== before",
            arg=[PICTURE, before],
            timeout=20_000,
            polling=10,
        )
        seconds.append(time.perf_counter() - began)
    return seconds


@pytest.fixture(scope="module")
def lab(home):
    program = ["jupyterlab", "--no-browser", "--ip=127.0.0.1", "--port={port}", "--IdentityProvider.token=T"]
    more = [
        "--allow-root",
        "--LabApp.expose_app_in_browser=True",
        f"--LabApp.app_settings_dir={JUPYTERLAB}",
    ]
    with serving(home, *program, *more) as port:
        yield port


def with_sliders():
    """The first lesson whose first figure has sliders."""
    return next(script.stem for script in sources() if "demos." in script.read_text().split("LiveFigure(")[0])


def runs(page, lab, lesson, figure):
    """Open a lesson, run all of it, and wait for a figure; return what its cells say."""
    page.goto(f"http://127.0.0.1:{lab}/lab/tree/{lesson}.ipynb?token=T&reset")
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    page.evaluate(RUN_ALL)
    page.wait_for_selector(figure, timeout=60_000)
    return page.evaluate("() => Array.from(document.querySelectorAll('.jp-OutputArea-output')).map(o => o.innerText)")


def test_a_lesson_in_jupyterlab_runs_and_its_slider_moves_the_picture(lab, browser):
    lesson = with_sliders()
    with watched(browser, lab) as (page, errors, elsewhere):
        said = runs(page, lab, lesson, PICTURE)
        seconds = moved(page, times=7)
        assert not any("Traceback" in text for text in said)
        assert page.locator(".Toastify__toast").count() == 0  # no news, no newer version
        assert not errors
        assert not elsewhere
        if folder := os.environ.get("SOFIM_REF_SCREENSHOTS"):
            page.screenshot(path=f"{folder}/{lesson}.png")
            with (Path(folder) / "redraw.txt").open("a") as file:
                file.write(f"{lesson}: {1e3 * statistics.median(seconds):.0f} ms\n")


def handled(page):
    """Move the first handle of the first live figure by a key; return what it said before and after."""
    handle = page.locator(".live .handle").first
    before = handle.get_attribute("aria-valuetext")
    handle.focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(200)
    return before, handle.get_attribute("aria-valuetext")


@pytest.mark.parametrize("lesson", ["1_what_is_steepest", "3_one_rank_one_division"])
def test_a_live_figure_is_moved_in_jupyterlab(lesson, lab, browser):
    with watched(browser, lab) as (page, errors, elsewhere):
        said = runs(page, lab, lesson, ".live svg")
        before, after = handled(page)
        assert before != after
        assert not any("Traceback" in text for text in said)
        assert not errors
        assert not elsewhere
        if folder := os.environ.get("SOFIM_REF_SCREENSHOTS"):
            page.screenshot(path=f"{folder}/{lesson}.png")


@pytest.fixture(scope="module")
def lectures(home):
    """A server of all lectures."""
    (home / "told").mkdir()
    write_lectures(home / "told")
    with serving(home, "voila", *OPTIONS, "--no-browser", "--Voila.ip=127.0.0.1", "--port={port}", "../told") as port:
        yield port


@pytest.mark.parametrize("lesson", ["1_what_is_steepest", with_sliders()])
def test_a_lecture_fits_the_screen_and_is_led_by_keys(lesson, lectures, browser):
    with watched(browser, lectures) as (page, errors, elsewhere):
        page.set_viewport_size({"width": 1920, "height": 1080})
        page.goto(f"http://127.0.0.1:{lectures}/voila/render/{lesson}.ipynb")
        page.wait_for_selector(f".live svg, {PICTURE}", timeout=60_000)
        page.wait_for_selector("mjx-container")
        for width, height in ((1920, 1080), (1280, 800)):
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_timeout(500)
            found = page.evaluate(MEASURE)
            assert found["font"] >= 24
            assert 55 <= found["longest"] <= 76  # characters
            assert found["figures"] == 1
            assert found["tallest"] <= 1.1
            assert found["overlapping"] == []
            assert found["cut"] == []
            if folder := os.environ.get("SOFIM_REF_SCREENSHOTS"):
                page.screenshot(path=f"{folder}/lecture_{lesson}_{width}.png", full_page=True)
        place = page.locator("#place")
        for key, at in (("ArrowRight", 2), ("ArrowRight", 3), ("ArrowLeft", 2)):
            page.keyboard.press(key)
            page.wait_for_timeout(100)
            assert place.inner_text() == f"{at} / {found['screens']}"
        text = page.inner_text("body")
        assert "import numpy as np" not in text
        assert "Exercise" not in text
        assert "For the teacher" not in text
        page.keyboard.press("c")
        assert "import numpy as np" in page.inner_text("body")
        page.keyboard.press("c")
        if page.locator(PICTURE).count():
            moved(page)
        assert not errors
        assert not elsewhere


def test_the_lectures_are_listed_in_order(lectures, browser):
    with watched(browser, lectures) as (page, errors, elsewhere):
        page.goto(f"http://127.0.0.1:{lectures}/")
        listed = page.locator("li").all()
        assert [item.get_attribute("value") for item in listed] == [str(number(script)) for script in sources()]
        assert not errors
        assert not elsewhere
