"""Open a page in headless Chromium, without a network, and take pictures of its first screen.

    python tools/screenshot.py runs/demo/report.html docs/report --chromium /usr/bin/chromium

Needs playwright (`pip install playwright`) and a Chromium; neither belongs to flexpad. It fails if
the page asks for anything but itself, prints to its console, or is wider than the screen.
"""

from __future__ import annotations

import argparse
from pathlib import Path

SCREENS = {  # name: width, height, colour scheme
    "first-screen": (1280, 860, "light"),
    "first-screen-dark": (1280, 860, "dark"),
    "first-screen-phone": (390, 844, "light"),
}


def take(page_file: Path, out: Path, chromium: str | None) -> None:
    """Write a PNG for each of :data:`SCREENS`.

    Raises:
        RuntimeError: The page is not what it should be.
    """
    from playwright.sync_api import sync_playwright

    address = page_file.resolve().as_uri()
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, (width, height, scheme) in SCREENS.items():
            context = browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=scheme, offline=True
            )
            page = context.new_page()
            asked: list[str] = []
            said: list[str] = []
            page.on("request", lambda request, asked=asked: asked.append(request.url))
            page.on("console", lambda message, said=said: said.append(message.text))
            page.goto(address)
            page.screenshot(path=str(out / f"{name}.png"))
            wide = page.evaluate("document.documentElement.scrollWidth") > width
            if asked != [address] or said or wide:
                raise RuntimeError(f"{name}: asked for {asked}, said {said}, too wide: {wide}")
            context.close()
        browser.close()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--chromium")
    given = parser.parse_args()
    take(given.page, given.out, given.chromium)


if __name__ == "__main__":
    main()
