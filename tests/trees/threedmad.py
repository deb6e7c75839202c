"""3DMAD: recordings with frames, depth and eye positions; no lists."""

from __future__ import annotations

import zlib
from pathlib import Path

import h5py
import numpy as np

from tests.trees.tree import TWINS, Tree
from tests.trees.writing import truncate

SUBJECTS = ("01", "02", "08", "09", "13", "14")  # two a split
FRAMES = 3
SIZE = 16

_NO_LIST = "there are no lists"


def sessions(root: Path, **switches: bool) -> Path:
    """Write one shot of each subject in each session."""
    twins = {name for name in TWINS if switches.get(name)}
    for session in ("01", "02", "03"):
        for subject in SUBJECTS:
            _write(root / f"session{session}/Data/{subject}_{session}_01.hdf5")
    first = root / "session01/Data/01_01_01.hdf5"
    if "flipped_labels" in twins:
        (root / "session03/Data/01_03_01.hdf5").rename(first.with_name("01_03_01.hdf5"))
    if "missing_modality" in twins:
        with h5py.File(first, "a") as file:
            del file["Depth_Data"]
    if "truncated_image" in twins:
        truncate(first)
    return root


def _write(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(zlib.crc32(path.name.encode()))
    with h5py.File(path, "w") as file:
        colour = rng.integers(0, 256, (FRAMES, 3, SIZE, SIZE))
        file["Color_Data"] = colour.astype(np.uint8)
        file["Depth_Data"] = rng.integers(0, 2048, (FRAMES, 1, SIZE, SIZE)).astype(np.uint16)
        file["Eye_Pos"] = np.tile([6.0, 5.0, 10.0, 5.0], (FRAMES, 1))


TREES = {
    "hdf5": Tree(
        sessions,
        {
            **dict.fromkeys(
                ("swapped_columns", "crlf", "byte_order_mark", "blank_lines", "frame_mismatch"),
                _NO_LIST,
            ),
            **dict.fromkeys(("absolute_path", "parent_path", "empty_list"), _NO_LIST),
            "missing_frame": "nothing names the recordings there should be; counts tell",
            "duplicate_across_splits": "the subject in a recording's name decides its split",
            "two_layouts": "there is one layout",
        },
        "threedmad@1",
        "rgb depth",
    )
}
