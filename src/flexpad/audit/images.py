"""What the images of a manifest show of a data set's faults: unreadable, constant, empty, grey."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from math import log
from pathlib import Path

import numpy as np

from flexpad.data import images
from flexpad.data.containers import MARK
from flexpad.data.encoding import ENCODED
from flexpad.data.findings import Findings
from flexpad.data.manifest import Manifest, Row
from flexpad.log import progress
from flexpad.types import BadInput, Modality

SAMPLE = 300  # items that are opened without --deep
GREY = 4  # an RGB image whose channels differ nowhere by more is grey; JPEG alone moves them by 2-3
ASPECT = 0.02  # as the loader: a pixel of rounding in a crop of 50


@dataclass(frozen=True, slots=True)
class Looked:
    """What one item shows.

    Attributes:
        problems: Kind and example of each problem.
        sizes: Width and height by modality.
        digests: SHA-256 of the pixels by path; empty unless asked for.
    """

    problems: tuple[tuple[str, str], ...]
    sizes: dict[str, tuple[int, int]]
    digests: dict[str, str]


def look(manifest: Manifest, findings: Findings, *, deep: bool) -> dict[str, object]:
    """Open images and note what is wrong with them.

    Args:
        manifest: Rows whose files should be there.
        findings: Gets ``unreadable_image``, ``constant_image``, ``empty_depth``, ``grey_rgb``,
            ``view_differs``, ``encoding_against_image`` and, with ``deep``, ``same_content``.
        deep: Open every item; otherwise :data:`SAMPLE` of them, evenly spread.

    Returns:
        For the audit: how many items were opened, of how many, and the sizes seen by modality.
    """
    wanted = len(manifest) if deep else min(SAMPLE, len(manifest))
    places = (
        np.linspace(0, len(manifest) - 1, wanted).round().astype(int).tolist() if wanted else []
    )
    sizes: dict[str, Counter[tuple[int, int]]] = {m.value: Counter() for m in Modality}
    splits: dict[str, dict[str, str]] = {}
    for row, looked in _look_at(manifest, places, deep=deep):
        for kind, example in looked.problems:
            findings.note(kind, example)
        for modality, size in looked.sizes.items():
            sizes[modality][size] += 1
        for path, digest in looked.digests.items():
            splits.setdefault(digest, {}).setdefault(row.split, path)
    for by_split in splits.values():
        if len(by_split) > 1:
            same = " and ".join(f"{path} ({split})" for split, path in by_split.items())
            findings.note("same_content", same)
    seen = {m: [f"{w}x{h}" for (w, h), _ in c.most_common(3)] for m, c in sizes.items() if c}
    return {"opened": len(places), "of": len(manifest), "sizes": seen}


def _look_at(manifest: Manifest, places: list[int], *, deep: bool) -> Iterator[tuple[Row, Looked]]:
    """Open rows in two threads; decoding leaves Python's lock free."""
    rows = [manifest.rows[place] for place in places]
    at = partial(look_at, manifest.root, digests=deep)
    with ThreadPoolExecutor(2) as pool, progress("looking", len(rows)) as tick:
        for row, looked in zip(rows, pool.map(at, rows), strict=True):
            tick()
            yield row, looked


def look_at(root: Path, row: Row, *, digests: bool = False) -> Looked:
    """Open the images of one row."""
    problems: list[tuple[str, str]] = []
    sizes: dict[str, tuple[int, int]] = {}
    found: dict[str, str] = {}
    for modality in row.modalities:
        path = row.path(modality)
        try:
            pixels = images.read_array(root, path)
        except BadInput as error:
            problems.append(("unreadable_image", str(error)))
            continue
        sizes[modality.value] = (pixels.shape[1], pixels.shape[0])
        problems += ((kind, path) for kind in _faults(pixels, modality))
        if modality in ENCODED and MARK not in path:
            problems += _misread(pixels, path, getattr(row, f"{modality.value}_encoding"))
        if digests:
            found[path] = hashlib.sha256(pixels.tobytes()).hexdigest()
    ratios = [log(width / height) for width, height in sizes.values()]
    if ratios and max(ratios) - min(ratios) > ASPECT:
        views = ", ".join(f"{name} {w}x{h}" for name, (w, h) in sizes.items())
        problems.append(("view_differs", f"{row.sample_id}: {views}"))
    return Looked(tuple(problems), sizes, found)


def _faults(pixels: np.ndarray, modality: Modality) -> Iterator[str]:
    if modality is Modality.DEPTH and not pixels.any():
        yield "empty_depth"
    elif pixels.min() == pixels.max():
        yield "constant_image"
    elif modality is Modality.RGB and _is_grey(pixels):
        yield "grey_rgb"


def _misread(pixels: np.ndarray, path: str, encoding: str) -> Iterator[tuple[str, str]]:
    """Say that the bits of an image file do not fit its encoding."""
    if pixels.dtype == np.uint8 and encoding and not encoding.startswith("8bit:"):
        yield "encoding_against_image", f"{path}: has 8 bits, but {encoding} is for raw values"
    elif pixels.dtype != np.uint8 and (not encoding or encoding.startswith("8bit:")):
        but = f"but {encoding}" if encoding else "and no encoding"
        yield "encoding_against_image", f"{path}: has more than 8 bits, {but}"


def _is_grey(pixels: np.ndarray) -> bool:
    if pixels.ndim == 2:
        return True
    low, high = pixels.min(axis=2).astype(int), pixels.max(axis=2).astype(int)
    return int((high - low).max()) <= GREY
