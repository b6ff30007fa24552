"""The live figures in headless Chromium: how long a frame takes while a handle is dragged with the mouse."""

from __future__ import annotations

import importlib.util
import math
import shutil
import statistics

from benchmarks.timing import Row

TITLE = "Live figures: a frame while a handle is dragged, in headless Chromium"
TARGET = 0.033
RECORD = """() => { window.frames_ = []; let last = performance.now();
  const tick = (now) => { window.frames_.push(now - last); last = now; requestAnimationFrame(tick); };
  requestAnimationFrame(tick); }"""


def run(*, quick: bool) -> list[Row]:
    """Return a row a figure: the median frame, the distance of the quartiles, and in the note the longest frame."""
    from sofim_ref.lessons.live_figure import names, page

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None or importlib.util.find_spec("playwright") is None:
        return [Row("all figures", note="Chromium or playwright isn't installed")]
    from playwright.sync_api import sync_playwright

    rows = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for name in names()[: 2 if quick else None]:
            tab = browser.new_page(viewport={"width": 1280, "height": 900})
            tab.set_content(page(name))
            handle = tab.locator(".handle .dot")
            if handle.count() == 0:
                rows.append(Row(name, note="nothing to drag"))
                continue
            box = handle.first.bounding_box()
            x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
            tab.mouse.move(x, y)
            tab.mouse.down()
            tab.evaluate(RECORD)
            for k in range(60 if quick else 240):
                tab.mouse.move(x + 40 * math.sin(k / 12), y + 40 * (1 - math.cos(k / 12)))
            frames = sorted(tab.evaluate("() => window.frames_.slice(2)"))
            tab.mouse.up()
            low, _, high = statistics.quantiles(frames, n=4)
            median = statistics.median(frames) / 1e3
            note = f"longest of {len(frames)}: {frames[-1]:.0f} ms"
            rows.append(Row(name, median=median, spread=(high - low) / 1e3, target=TARGET, note=note))
        browser.close()
    return rows
