"""HQ-WMCA: recordings with streams of several cameras, and the list that comes with them."""

from __future__ import annotations

import zlib
from pathlib import Path

import h5py
import numpy as np

from tests.trees.tree import TWINS, Tree
from tests.trees.writing import truncate, write_list

VIDEOS = {
    "train": ("1_01_0001_0000_00_00_000-0a1b2c", "1_01_0002_0100_06_01_005-0a1b2d"),
    "dev": ("1_01_0003_0000_00_00_000-0a1b2e", "1_02_0003_0100_01_00_006-0a1b2f"),
    "eval": ("1_01_0004_0000_00_00_000-0a1b30", "1_02_0005_0100_10_02_007-0a1b31"),
}
FIRST = VIDEOS["train"][0]
DAY = "12.03.19"
SIZE = 16


def recordings(root: Path, **switches: bool) -> Path:
    """Write recordings of four frames in colour and two in infrared."""
    twins = {name for name in TWINS if switches.get(name)}
    lines = []
    listed = [(name, split) for split, names in VIDEOS.items() for name in names]
    for name, _ in listed:
        _write(root / DAY / f"{name}.h5")
    if "duplicate_across_splits" in twins:
        listed.append((FIRST, "eval"))
    for name, split in listed:
        kind = name.split("_")[4]
        label = int(kind != "00")
        path = f"{DAY}/{name}"
        if name == FIRST:
            label = 1 - label if "flipped_labels" in twins else label
            path = f"/data/{path}" if "absolute_path" in twins else path
            path = f"../{path}" if "parent_path" in twins else path
        lines.append(f"{path},{label},{kind},{split}")
    write_list(root / "PROTOCOL-grand_test.csv", lines, twins)
    first = root / DAY / f"{FIRST}.h5"
    if "missing_modality" in twins:
        with h5py.File(first, "a") as file:
            del file["BASLER_LEFT_NIR_850nm"]
    if "missing_frame" in twins:
        first.unlink()
    if "truncated_image" in twins:
        truncate(first)
    return root


def _write(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(zlib.crc32(path.name.encode()))
    with h5py.File(path, "w") as file:
        file["BASLER_BGR"] = rng.integers(0, 256, (4, 3, SIZE, SIZE)).astype(np.uint8)
        for band in ("735nm", "850nm"):
            stream = rng.integers(0, 1024, (2, 1, SIZE, SIZE)).astype(np.uint16)
            file[f"BASLER_LEFT_NIR_{band}"] = stream
        depth = rng.integers(400, 900, (4, SIZE, SIZE)).astype(np.uint16)
        file["REALSENSE_DEPTH"] = depth


TREES = {
    "raw": Tree(
        recordings,
        {
            "swapped_columns": "the lists have one path in a line",
            "frame_mismatch": "the lists name videos, not frames",
            "two_layouts": "there is one layout",
        },
        "hq_wmca@grandtest",
    )
}
