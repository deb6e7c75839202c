"""Miniature trees in the layout data sets have on disk, and their broken twins."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

SURF_SPLITS = {"train": "Training", "dev": "Val", "test": "Testing"}
SURF_SPECIES = {
    "train": ("04_en_b", "05_enm_s"),
    "dev": ("01_e_s", "02_e_b"),
    "test": ("01_e_s", "03_en_s"),
}
SYNTH_SPECIES = ("flat_print", "rigid_mask")


@dataclass(frozen=True)
class SurfTree:
    """What :func:`casia_surf` is to write; every switch breaks or bends one thing.

    Attributes:
        subjects: Subjects per split.
        frames: Frame numbers of every video; 10 and 2 show whether sorting is numeric.
        image_lists: Whether the image lists are there beside the video lists.
        images: Whether any image is there at all.
        crlf: Lists end their lines as Windows does.
        bom: Lists begin with a byte-order mark.
        blank_lines: Lists have an empty line after each line and no newline at their end.
        flipped_labels: The lists, by split, in which the first label is turned.
        swapped_lists: The lists, by split, in which all labels are turned.
        missing_depth: The first training frame has no depth image.
        missing_item: The first training frame has no image at all.
        duplicate_subject: The first training subject is in the test folder and list too.
        absolute_path: The first line of the training lists is an absolute path.
        rendered: Subjects and species of flexpad's generator, with ``RENDERED.json``.
        rendering_interrupted: The same without ``RENDERED.json``.
    """

    subjects: int = 2
    frames: tuple[int, ...] = (2, 10)
    image_lists: bool = True
    images: bool = True
    crlf: bool = False
    bom: bool = False
    blank_lines: bool = False
    flipped_labels: tuple[str, ...] = ()
    swapped_lists: tuple[str, ...] = ()
    missing_depth: bool = False
    missing_item: bool = False
    duplicate_subject: bool = False
    absolute_path: bool = False
    rendered: bool = False
    rendering_interrupted: bool = False


def casia_surf(root: Path, **switches: object) -> Path:
    """Write a tree in the layout of the CASIA-SURF author release; the switches of SurfTree."""
    tree = replace(SurfTree(), **switches)
    base = root / "CASIA_SURF"
    (base / "protocol").mkdir(parents=True)
    for split in SURF_SPLITS:
        videos = list(_surf_videos(tree, split))
        if tree.images:
            for folder, _ in videos:
                _write_video(root / folder, tree.frames)
        _write_lists(base / "protocol", tree, split, videos)
    if tree.missing_depth or tree.missing_item:
        first = root / next(_surf_videos(tree, "train"))[0]
        gone = ("depth",) if tree.missing_depth else ("color", "depth", "ir")
        for name in gone:
            (first / name / f"{tree.frames[0]:04d}.jpg").unlink()
    if tree.rendered and not tree.rendering_interrupted:
        (base / "RENDERED.json").write_text(json.dumps({"subjects": rendered_subjects(tree)}))
    return root


def rendered_subjects(tree: SurfTree) -> dict[str, dict[str, object]]:
    """Give the attributes of the subjects of a rendered tree."""
    subjects = {
        folder.split("/")[4] for split in SURF_SPLITS for folder, _ in _surf_videos(tree, split)
    }
    return {
        subject: {"ethnicity": "african", "age": 20 + place, "coefficients": [0.1, 0.2]}
        for place, subject in enumerate(sorted(subjects))
    }


def _surf_videos(tree: SurfTree, split: str) -> Iterator[tuple[str, int]]:
    """Each video's folder and its label, 0 = bona fide."""
    rendered = tree.rendered or tree.rendering_interrupted
    species = SYNTH_SPECIES if rendered else SURF_SPECIES[split]
    start = list(SURF_SPLITS).index(split) * 100 + 1
    names = [
        f"SYNT_RS{number:04d}" if rendered else f"CLKJ_AS{number:04d}"
        for number in range(start, start + tree.subjects)
    ]
    if tree.duplicate_subject and split == "test":
        names.append(names[0][:-4] + "0001")
    for name in names:
        data = f"CASIA_SURF/Data/{SURF_SPLITS[split]}"
        yield f"{data}/real_part/{name}/real.rssdk", 0
        for folder in species:
            yield f"{data}/fake_part/{name}/{folder}.rssdk", 1


def _write_video(folder: Path, frames: tuple[int, ...]) -> None:
    for name, mode in (("color", "RGB"), ("depth", "L"), ("ir", "L")):
        (folder / name).mkdir(parents=True)
        for frame in frames:
            shade = frame % 256
            image = Image.new(mode, (8, 8), (shade, 90, 60) if mode == "RGB" else shade)
            image.save(folder / name / f"{frame:04d}.jpg")


def _write_lists(folder: Path, tree: SurfTree, split: str, videos: list[tuple[str, int]]) -> None:
    wholes = [(f"{video}/color", label) for video, label in videos]
    frames = [(f"{path}/{frame:04d}.jpg", label) for path, label in wholes for frame in tree.frames]
    _write_list(folder / f"CASIA_SURF@p1_video_{split}.txt", tree, split, wholes)
    if tree.image_lists:
        _write_list(folder / f"CASIA_SURF@p1_image_{split}.txt", tree, split, frames)


def _write_list(path: Path, tree: SurfTree, split: str, rows: list[tuple[str, int]]) -> None:
    if split in tree.swapped_lists:
        rows = [(name, 1 - label) for name, label in rows]
    if split in tree.flipped_labels:
        rows = [(rows[0][0], 1 - rows[0][1]), *rows[1:]]
    if tree.absolute_path and split == "train":
        rows = [(f"/data/{rows[0][0]}", rows[0][1]), *rows[1:]]
    lines = [f"{name} {label}" for name, label in rows]
    text = "\n\n".join(lines) if tree.blank_lines else "\n".join(lines) + "\n"
    text = text.replace("\n", "\r\n") if tree.crlf else text
    path.write_bytes(text.encode("utf-8-sig" if tree.bom else "utf-8"))
