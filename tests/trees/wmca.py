"""WMCA in its three layouts: HDF5 pairs, JPEG files made of them, recordings."""

from __future__ import annotations

import shutil
import zlib
from collections.abc import Collection
from itertools import product
from pathlib import Path

import h5py
import numpy as np

from tests.trees.tree import TWINS, Tree
from tests.trees.writing import truncate, write_image, write_list

# Two clients a split; type 1 is glasses and rigid masks, type 3 prints and replays.
VIDEOS = {
    "train": ("001_01_000_0_00", "001_02_021_2_12", "002_01_000_0_01", "002_03_010_3_01"),
    "dev": ("003_01_000_0_00", "003_02_021_1_02", "004_01_000_0_02", "004_03_010_3_05"),
    "test": ("005_01_000_0_00", "005_02_021_2_08", "006_01_000_0_01", "006_03_010_2_13"),
}
SPLIT_WORDS = {"train": "train", "dev": "dev", "test": "eval"}
FIRST = VIDEOS["train"][0]
FRAMES = (2, 10)
DAY = "12.02.18"
RGB_STATION = f"preprocessed-face-station_RGB/WMCA/face-station/{DAY}"
CDIT_STATION = f"preprocessed-face-station_CDIT/WMCA/face-station/{DAY}"
MODES = {"color": "RGB", "depth": "L", "ir": "L", "thermal": "L"}
SIZE = 16

_WHOLE_VIDEOS = {
    "swapped_columns": "the lists have one path in a line",
    "frame_mismatch": "the lists name videos, not frames",
}


def _noise(name: str, shape: tuple[int, ...], kind: type = np.uint8) -> np.ndarray:
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    low, high = (0, 256) if kind is np.uint8 else (1500, 40000)
    return rng.integers(low, high, shape).astype(kind)


def _is_bonafide(name: str) -> bool:
    return name.split("_")[3] == "0"


def _listed(twins: Collection[str]) -> list[tuple[str, str, bool]]:
    """Each video with its split and whether the list calls it bona fide."""
    listed = [
        (name, split, _is_bonafide(name)) for split, names in VIDEOS.items() for name in names
    ]
    if "duplicate_across_splits" in twins:
        listed.append((FIRST, "test", True))
    if "flipped_labels" in twins:
        listed[0] = (*listed[0][:2], not listed[0][2])
    return listed


def _path(folder: str, name: str, twins: Collection[str]) -> str:
    """A path as a list has it; the first one breaks."""
    before = ""
    if name == FIRST:
        before = "/data/" if "absolute_path" in twins else before
        before = "../" if "parent_path" in twins else before
    return f"{before}{folder}/{name}"


def pairs(root: Path, **switches: bool) -> Path:
    """Write the pre-processed HDF5 pairs, with the CSV list of the CASIA-FAS-Dataset repository."""
    twins = {name for name in TWINS if switches.get(name)}
    for names in VIDEOS.values():
        for name in names:
            _write_frames(root / RGB_STATION / f"{name}.hdf5", 3)
            _write_frames(root / CDIT_STATION / f"{name}.hdf5", 4)
    lines = [
        f"{place},{int(name[:3])},{_path(f'face-station/{DAY}', name, twins)},{SPLIT_WORDS[split]},"
        f"{'bonafide' if bonafide else 'attack'}"
        for place, (name, split, bonafide) in enumerate(_listed(twins), start=1)
    ]
    write_list(root / "WMCA_Grandtest.txt", [",client_id,filepath,group,label", *lines], twins)
    rgb, cdit = (root / station / f"{FIRST}.hdf5" for station in (RGB_STATION, CDIT_STATION))
    if "missing_modality" in twins:
        cdit.unlink()
    if "missing_frame" in twins:
        rgb.unlink()
        cdit.unlink()
    if "truncated_image" in twins:
        truncate(cdit)
    if "two_layouts" in twins:
        shutil.copytree(jpeg(root.with_name("jpeg")), root, dirs_exist_ok=True)
    return root


def _write_frames(path: Path, channels: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        for frame in FRAMES:
            name = f"{path.parent.parent.name}{path.name}{frame}{channels}"
            file[f"Frame_{frame}/array"] = _noise(name, (channels, SIZE, SIZE))


def jpeg(root: Path, **switches: bool) -> Path:
    """Write the JPEG export, with the video lists of the CASIA-FAS-Dataset repository."""
    twins = {name for name in TWINS if switches.get(name)}
    names = [name for names in VIDEOS.values() for name in names]
    for name, (folder, mode), frame in product(names, MODES.items(), FRAMES):
        path = root / "IDIAP_WMCA/R_CDIT" / name / folder / f"{frame:04d}.jpg"
        write_image(path, mode, SIZE)
    for split, word in (("train", "train"), ("dev", "val"), ("test", "test")):
        lines = [
            f"{_path('IDIAP_WMCA/R_CDIT', name, twins)} {int(not bonafide)}"
            for name, of, bonafide in _listed(twins)
            if of == split
        ]
        write_list(root / f"IDIAP_WMCA/protocol/p1_video_{word}.txt", lines, twins)
    first = root / "IDIAP_WMCA/R_CDIT" / FIRST
    if "missing_modality" in twins:
        shutil.rmtree(first / "depth")
    if "missing_frame" in twins:
        shutil.rmtree(first)
    if "truncated_image" in twins:
        truncate(first / "color/0002.jpg")
    if "two_layouts" in twins:
        shutil.copytree(pairs(root.with_name("pairs")), root, dirs_exist_ok=True)
    return root


def recordings(root: Path, **switches: bool) -> Path:
    """Write recordings with all streams, and the protocol list that comes with the data."""
    twins = {name for name in TWINS if switches.get(name)}
    folder = root / "WMCA/face-station" / DAY
    folder.mkdir(parents=True)
    for names in VIDEOS.values():
        for name in names:
            with h5py.File(folder / f"{name}.hdf5", "w") as file:
                file["intelsr300_bgr"] = _noise(name, (4, 3, SIZE, SIZE))
                for stream in ("intelsr300_depth", "intelsr300_ir"):
                    file[stream] = _noise(name + stream, (4, 1, SIZE, SIZE), np.uint16)
                file["seek_ir"] = _noise(f"{name}seek", (2, 1, SIZE, SIZE), np.uint16)
    lines = [
        f"{_path(f'face-station/{DAY}', name, twins)},{int(not bonafide)},{name.split('_')[3]},"
        f"{SPLIT_WORDS[split]}"
        for name, split, bonafide in _listed(twins)
    ]
    write_list(root / "PROTOCOL-grandtest.csv", lines, twins)
    first = folder / f"{FIRST}.hdf5"
    if "missing_modality" in twins:
        with h5py.File(first, "a") as file:
            del file["intelsr300_depth"]
    if "missing_frame" in twins:
        first.unlink()
    if "truncated_image" in twins:
        truncate(first)
    if "two_layouts" in twins:
        shutil.copytree(jpeg(root.with_name("jpeg")), root, dirs_exist_ok=True)
    return root


ALL = "rgb depth ir thermal"
TREES = {
    "hdf5": Tree(pairs, _WHOLE_VIDEOS, "wmca@grandtest", ALL),
    "jpg": Tree(jpeg, _WHOLE_VIDEOS, "wmca@grandtest", ALL),
    "raw": Tree(recordings, _WHOLE_VIDEOS, "wmca@grandtest", ALL),
}
