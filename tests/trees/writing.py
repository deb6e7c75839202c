"""How the files of a miniature tree are written, and the faults any list or image can have."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable
from pathlib import Path

import numpy as np
from PIL import Image


def write_image(path: Path, mode: str, size: int = 16) -> None:
    """Write noise that no other path has: "RGB" and "L" in 8 bit, "I;16" in 16 bit."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(zlib.crc32(path.as_posix().encode()[-200:]))
    shape = (size, size, 3) if mode == "RGB" else (size, size)
    depth = np.uint16 if mode == "I;16" else np.uint8
    top = 65536 if mode == "I;16" else 256
    Image.fromarray(noise.integers(0, top, shape).astype(depth)).save(path)


def write_list(path: Path, lines: Iterable[str], twins: Collection[str] = ()) -> None:
    """Write the lines of a list, dressed as some twins have it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    joined = "\n\n" if "blank_lines" in twins else "\n"
    text = "" if "empty_list" in twins else joined.join(lines) + "\n"
    if "crlf" in twins:
        text = text.replace("\n", "\r\n")
    path.write_bytes(text.encode("utf-8-sig" if "byte_order_mark" in twins else "utf-8"))


def truncate(path: Path) -> None:
    """Cut an image off."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
