"""Content that a program puts into a page, between two lines that are marked for it."""

from __future__ import annotations

import re
from pathlib import Path


def fill(path: Path, mark: str, content: str) -> None:
    """Put content between ``<!-- mark -->`` and ``<!-- /mark -->`` in a page.

    Raises:
        SystemExit: The page has no such lines.
    """
    text = path.read_text(encoding="utf-8")
    name = re.escape(mark)
    between = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    if not between.search(text):
        raise SystemExit(f"{path}: has no lines <!-- {mark} --> and <!-- /{mark} -->")
    path.write_text(between.sub(lambda m: f"{m[1]}{content}\n{m[2]}", text), encoding="utf-8")
