"""A user's own data, as a folder tree and as a CSV. The sensor has no thermal camera."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Collection, Iterator
from io import StringIO
from pathlib import Path

from tests.trees.tree import TWINS, Tree
from tests.trees.writing import truncate, write_image, write_list

MODES = {"rgb": "RGB", "depth": "L", "ir": "L"}
SUFFIXES = {"rgb": "jpg", "depth": "png", "ir": "png"}
COLUMNS = ("split", "label", "species", "subject", "video", "frame", *MODES, "group_device")
SUBJECTS = {"train": ("ada", "ben"), "dev": ("cleo", "dov"), "test": ("eda", "fei")}
SPECIES = ("flat_print", "rigid_mask")
FRAMES = (2, 10)
FIRST = "train/bonafide/ada/1/0002.{}"


def videos(twins: Collection[str]) -> Iterator[tuple[str, str, str]]:
    """Split, subject and species of each video, "" for bona fide."""
    for split, subjects in SUBJECTS.items():
        again = ("ada",) if split == "test" and "duplicate_across_splits" in twins else ()
        for subject in (*subjects, *again):
            for species in ("", *SPECIES):
                yield split, subject, species


def tree(root: Path, *, modes: dict[str, str] = MODES, **switches: bool) -> Path:
    """Write the folder tree; ``modes`` says which modalities, and of how many bits."""
    twins = {name for name, on in switches.items() if on}
    assert twins <= set(TWINS)
    _write_images(root, twins, modes)
    if "two_layouts" in twins:
        shutil.copytree(table(root.with_name("table")), root, dirs_exist_ok=True)
    return root


def table(root: Path, **switches: bool) -> Path:
    """Write the CSV, with images in folders that have the names of the tree's."""
    twins = {name for name, on in switches.items() if on}
    assert twins <= set(TWINS)
    _write_images(root, twins, MODES)
    if "two_layouts" not in twins:  # else the folders of the splits are those of a tree
        (root / "images").mkdir()
        for split in SUBJECTS:
            (root / split).rename(root / "images" / split)
    rows = [
        _row(split, subject, species, frame, place % 2, "" if "two_layouts" in twins else "images/")
        for place, (split, subject, species) in enumerate(videos(twins))
        for frame in FRAMES
    ]
    rows[0] = _broken(rows[0], twins)
    write_list(root / "items.csv", [_line(COLUMNS), *map(_line, rows)], twins)
    return root


def _row(
    split: str, subject: str, species: str, frame: int, device: int, base: str
) -> tuple[str, ...]:
    video = f"{base}{split}/{species or 'bonafide'}/{subject}/1"
    paths = [f"{video}/{frame:04d}.{name}.{SUFFIXES[name]}" for name in MODES]
    label = "attack" if species else "bonafide"
    return split, label, species, subject, "1", str(frame), *paths, f"camera {device}"


def _broken(row: tuple[str, ...], twins: Collection[str]) -> tuple[str, ...]:
    """Give the first row the fault of a twin."""
    cells = dict(zip(COLUMNS, row, strict=True))
    if "flipped_labels" in twins:
        cells |= {"label": "attack", "species": "flat_print", "video": "2"}
    if "frame_mismatch" in twins:
        cells["ir"] = cells["ir"].replace("0002", "0010")
    if "absolute_path" in twins:
        cells["rgb"] = f"/data/{cells['rgb']}"
    if "parent_path" in twins:
        cells["rgb"] = f"../{cells['rgb']}"
    return tuple(cells.values())


def _line(cells: Collection[str]) -> str:
    text = StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()


def _write_images(root: Path, twins: Collection[str], modes: dict[str, str]) -> None:
    for split, subject, species in videos(twins):
        for frame in FRAMES:
            video = root / split / (species or "bonafide") / subject / "1"
            for name, mode in modes.items():
                write_image(video / f"{frame:04d}.{name}.{SUFFIXES[name]}", mode)
    first = [root / FIRST.format(f"{name}.{SUFFIXES[name]}") for name in modes]
    if "missing_modality" in twins:
        first[1].unlink()
    if "missing_frame" in twins:
        for path in first:
            path.unlink()
    if "truncated_image" in twins:
        truncate(first[0])


DRESS = ("crlf", "byte_order_mark", "blank_lines")
NO_LIST = (
    "flipped_labels",
    "swapped_columns",
    *DRESS,
    "missing_frame",
    "frame_mismatch",
    "absolute_path",
    "parent_path",
    "empty_list",
)
TREES = {
    "tree": Tree(tree, dict.fromkeys(NO_LIST, "a tree has no list"), protocol="folder@1"),
    "csv": Tree(
        table,
        {
            "swapped_columns": "columns have names; a name against its file's is an error",
            **dict.fromkeys(DRESS, "spreadsheets write CSV so; it is read without a word"),
        },
        protocol="folder@1",
    ),
}
