"""The built site in Chromium, opened as files: requests, formulas, figures, search, accessibility, phones, paper."""

import importlib.util
import json
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SITE = ROOT / "docs" / "_build" / "html"
AXE = ROOT / "live" / "node_modules" / "axe-core" / "axe.min.js"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (SITE / "index.html").exists(), reason="the site isn't built: python -m docs"),
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium isn't installed"),
    pytest.mark.skipif(importlib.util.find_spec("playwright") is None, reason="playwright isn't installed"),
]
KINDS = (
    "index.html",
    "learn.html",
    "_made/lessons/index.html",
    "_made/lessons/1_what_is_steepest.html",
    "_made/gallery/index.html",
    "_made/gallery/01_step_length.html",
    "your_own.html",
    "_made/methods/index.html",
    "_made/methods/sofim.html",
    "atlas.html",
    "theory/moment.html",
    "verification.html",
    "races/outcome.html",
    "references.html",
    "_made/reference/sofim_ref.matrices.html",
    "_modules/sofim_ref/optimizers/sofim.html",
    "search.html",
)
"""One page of each kind."""
SLICES = 8


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@pytest.fixture
def page(browser):
    shown = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
    shown.outside, shown.errors = [], []
    shown.on(
        "request", lambda r: None if r.url.startswith(("file:", "data:", "blob:")) else shown.outside.append(r.url)
    )
    shown.on("pageerror", lambda error: shown.errors.append(str(error)))
    yield shown
    shown.close()


def show(page, name):
    page.goto((SITE / name).as_uri())
    if page.evaluate("typeof MathJax === 'object'"):
        page.evaluate("MathJax.startup.promise")


@pytest.mark.parametrize("part", range(SLICES))
def test_no_page_asks_for_anything_outside_nor_raises(page, part):
    names = sorted(path for path in SITE.rglob("*.html") if not {"_static", "_modules"} & set(path.parts))
    assert len(names) > 100
    page.route("**/tex-svg.js", lambda route: route.abort())  # formulas have a test of their own
    for path in names[part::SLICES]:
        page.goto(path.as_uri(), wait_until="domcontentloaded")
        assert page.outside == [], path.name
        assert page.errors == [], path.name


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", KINDS)
def test_nothing_serious_is_found_by_axe(page, name, scheme):
    if not AXE.exists():
        pytest.skip("axe-core isn't installed: npm install in live/")
    page.emulate_media(color_scheme=scheme)
    show(page, name)
    page.evaluate(f"document.documentElement.dataset.theme = '{scheme}'")
    page.add_script_tag(content=AXE.read_text(encoding="utf-8"))
    found = page.evaluate("async () => (await axe.run({resultTypes: ['violations']})).violations")
    serious = [
        (one["id"], [node["html"][:200] for node in one["nodes"][:3]])
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]
    assert serious == [], json.dumps(serious, indent=1)


@pytest.mark.parametrize("name", KINDS)
def test_nothing_sticks_out_at_360_pixels(page, name):
    page.set_viewport_size({"width": 360, "height": 740})
    show(page, name)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_pages_are_under_one_megabyte_before_pictures():
    heavy = {str(p.relative_to(SITE)): p.stat().st_size for p in SITE.rglob("*.html") if p.stat().st_size > 1e6}
    assert heavy == {}


def test_formulas_are_typeset_by_the_vendored_copy(page):
    show(page, "_made/methods/sofim.html")
    assert page.locator("mjx-container svg").count() >= 1
    assert page.locator("mjx-merror").count() == 0
    assert page.outside == []


def test_a_live_figure_is_drawn_and_dragged(page):
    show(page, "index.html")
    page.wait_for_selector("[data-live-figure] .live svg")
    handle = page.locator("[data-live-figure] .live [role=slider]").first
    handle.scroll_into_view_if_needed()
    before, box = page.locator(".live").first.inner_html(), handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 25, y + 15, steps=4)
    page.mouse.up()
    assert page.locator(".live").first.inner_html() != before
    assert page.errors == []


def test_lessons_have_live_figures_and_their_still_pictures_are_files(page):
    show(page, "_made/lessons/1_what_is_steepest.html")
    page.wait_for_selector("[data-live-figure] .live svg")
    assert 'src="data:image/png' not in (SITE / "_made/lessons/1_what_is_steepest.html").read_text(encoding="utf-8")


def test_search_finds_a_page_from_the_file_system(page):
    page.goto((SITE / "search.html").as_uri() + "?q=descent")
    page.wait_for_selector("#search-results li a")
    assert "theory/descent.html" in " ".join(
        link.get_attribute("href") for link in page.locator("#search-results a").all()
    )
    assert page.outside == []


def test_the_header_has_five_entries_and_the_proof_is_one_click_away(page):
    show(page, "index.html")
    names = [entry.inner_text().strip() for entry in page.locator(".bd-header .navbar-nav .nav-item > a").all()]
    assert [name for name in names if name] == ["Learn", "Use", "Methods and theory", "Verify", "Reference"]
    page.locator("article a", has_text="descent direction").first.click()
    assert "Proposition" in page.locator("article").inner_text()


def test_on_paper_there_is_no_navigation(page):
    page.emulate_media(media="print")
    show(page, "theory/moment.html")
    for part in (".bd-header", ".bd-sidebar-primary", ".bd-sidebar-secondary", ".prev-next-footer"):
        assert all(not one.is_visible() for one in page.locator(part).all()), part
