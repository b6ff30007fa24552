"""Makes the still pictures of the live figures anew: `python tests/lessons/live_pictures.py`, in headless Chromium."""

import shutil

from sofim_ref.lessons.live_figure import BUNDLES, names
from sofim_ref.lessons.live_figure import page as page_of


def main():
    """Draw each figure 1,080 pixels wide."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1080, "height": 900}, color_scheme="light")
        for name in names():
            page.set_content(page_of(name))
            page.wait_for_selector(".live svg")
            page.locator(".live").screenshot(path=BUNDLES / f"{name}.png")


if __name__ == "__main__":
    main()
