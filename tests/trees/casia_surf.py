"""CASIA-SURF in its three layouts, and rendered sets in the first of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.trees.tree import TWINS, Tree
from tests.trees.writing import truncate, write_image, write_list

SPECIES = {
    "train": ("04_en_b", "05_enm_s"),
    "dev": ("01_e_s", "02_e_b"),
    "test": ("01_e_s", "03_en_s"),
}
SPLIT_FOLDERS = {"train": "Training", "dev": "Val", "test": "Testing"}
SIZES = {"RGB": 16, "L": 8}  # depth and infrared are smaller in the release
FOLDERS = {"color": "RGB", "depth": "L", "ir": "L"}
FIRST_SUBJECTS = {"train": 1, "dev": 101, "test": 201}


@dataclass(frozen=True)
class Plan:
    """What is to be written.

    Attributes:
        subjects: Subjects per split.
        frames: Frame numbers of every video; 10 and 2 show whether sorting is numeric.
        image_lists: Whether the author release has image lists beside the video lists.
        images: Whether any image is there at all.
        rendered: Subjects of flexpad's generator, with ``RENDERED.json``.
        rendering_interrupted: The same without ``RENDERED.json``.
        swapped_lists: The splits in whose lists all labels are turned.
        mixed: The lists of the crops hold rows of CeFA too, as those of Flex-Modal.
        labelled: The splits of the challenge whose lists have labels.
        twins: Faults, by their name in TWINS.
    """

    subjects: int = 2
    frames: tuple[int, ...] = (2, 10)
    image_lists: bool = True
    images: bool = True
    rendered: bool = False
    rendering_interrupted: bool = False
    swapped_lists: tuple[str, ...] = ()
    mixed: bool = False
    labelled: tuple[str, ...] = ("dev", "test")
    twins: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def of(cls, **switches: object) -> Plan:
        """Tell twins from other switches."""
        twins = frozenset(name for name in TWINS if switches.pop(name, False))
        return cls(**switches, twins=twins)

    def videos(self, split: str) -> Iterator[tuple[str, str]]:
        """Subject and species of each video, "" for bona fide."""
        rendered = self.rendered or self.rendering_interrupted
        first = FIRST_SUBJECTS[split]
        names = [
            f"SYNT_RS{number:04d}" if rendered else f"CLKJ_AS{number:04d}"
            for number in range(first, first + self.subjects)
        ]
        if split == "test" and "duplicate_across_splits" in self.twins:
            names.append(f"{names[0][:-4]}0001")
        for name in names:
            for species in ("", *SPECIES[split]):
                yield name, species


def casia_surf(root: Path, **switches: object) -> Path:
    """Write the author release."""
    plan = Plan.of(**switches)
    base = root / "CASIA_SURF"
    for split, folder in SPLIT_FOLDERS.items():
        wholes, frames = [], []
        for subject, species in plan.videos(split):
            part, label = ("fake_part", 1) if species else ("real_part", 0)
            video = f"CASIA_SURF/Data/{folder}/{part}/{subject}/{species or 'real'}.rssdk"
            _write_video(root, video, plan, "{:04d}.jpg")
            wholes.append(((f"{video}/color",), label))
            frames += [((f"{video}/color/{frame:04d}.jpg",), label) for frame in plan.frames]
        _write(base / f"protocol/CASIA_SURF@p1_video_{split}.txt", wholes, split, plan)
        if plan.image_lists:
            _write(base / f"protocol/CASIA_SURF@p1_image_{split}.txt", frames, split, plan)
    first = "CASIA_SURF/Data/Training/real_part/CLKJ_AS0001/real.rssdk/{}/0002.jpg"
    _break_images(root, [first.format(name) for name in FOLDERS], plan)
    if plan.rendered:
        (base / "RENDERED.json").write_text(json.dumps({"subjects": rendered_subjects(plan)}))
    if "two_layouts" in plan.twins:
        shutil.copytree(challenge(root.with_name("challenge")), root, dirs_exist_ok=True)
    return root


def rendered_subjects(plan: Plan) -> dict[str, dict[str, object]]:
    """Give the attributes of the subjects of a rendered tree."""
    subjects = sorted({subject for split in SPECIES for subject, _ in plan.videos(split)})
    return {
        subject: {"ethnicity": "african", "age": 20 + place, "coefficients": [0.1, 0.2]}
        for place, subject in enumerate(subjects)
    }


def challenge(root: Path, **switches: object) -> Path:
    """Write the 2019 challenge: only training names subjects and species."""
    plan = Plan.of(**switches)
    train = []
    for subject, species in plan.videos("train"):
        part, label = ("fake_part", 0) if species else ("real_part", 1)
        video = f"Training/{part}/{subject}/{species or 'real'}.rssdk"
        _write_video(root, video, plan, "{}.jpg")
        train += [
            (tuple(f"{video}/{name}/{frame}.jpg" for name in FOLDERS), label)
            for frame in plan.frames
        ]
    _write(root / "train_list.txt", train, "train", plan)
    for split in ("dev", "test"):
        items = []
        for place, (_, species) in enumerate(plan.videos(split)):
            paths = tuple(f"{SPLIT_FOLDERS[split]}/0000/{place:06d}-{m}.jpg" for m in FOLDERS)
            for path, mode in zip(paths, FOLDERS.values(), strict=True):
                if plan.images:
                    write_image(root / path, mode, SIZES[mode])
            items.append((paths, 0 if species else 1))
        name = "val" if split == "dev" else split
        public = [f"{' '.join(paths)} " for paths, _ in items]
        write_list(root / f"{name}_public_list.txt", public)
        if split in plan.labelled:
            _write(root / f"{name}_private_list.txt", items, split, plan)
    first = "Training/real_part/CLKJ_AS0001/real.rssdk/{}/2.jpg"
    _break_images(root, [first.format(name) for name in FOLDERS], plan)
    if "two_layouts" in plan.twins:
        shutil.copytree(crop(root.with_name("crop")), root, dirs_exist_ok=True)
    return root


def crop(root: Path, **switches: object) -> Path:
    """Write the crops of Flex-Modal and MMDG, with the lists of one of them."""
    plan = Plan.of(**switches)
    for split in SPECIES:
        name = "val" if split == "dev" else split
        lines = []
        for subject, species in plan.videos(split):
            kind, label = ("fake", 0) if species else ("real", 1)
            folder = f"CASIA-SURF-CROP/{kind}_part/{kind}_{name}_part/{subject}"
            video = f"{folder}/{species or 'real'}.rssdk"
            _write_video(root, video, plan, "{}.jpg")
            lines += [
                (tuple(f"{video}/{name}/{frame}.jpg" for name in FOLDERS), label)
                for frame in plan.frames
            ]
        if plan.mixed:
            cefa = "CeFA/CeFA-Race/AF/AF-000/1_000_1_1_1/{}/0026.jpg"
            lines.append((tuple(cefa.format(m) for m in ("profile", "depth", "ir")), 1))
        family = "FlexModal_Protocols/CASIA-SURF_CeFA" if plan.mixed else "S"
        _write(root / f"{family}{'_' if plan.mixed else '-'}{name}.txt", lines, split, plan)
    first = "CASIA-SURF-CROP/real_part/real_train_part/CLKJ_AS0001/real.rssdk/{}/2.jpg"
    _break_images(root, [first.format(name) for name in FOLDERS], plan)
    if "two_layouts" in plan.twins:
        shutil.copytree(casia_surf(root.with_name("author")), root, dirs_exist_ok=True)
    return root


def _write_video(root: Path, video: str, plan: Plan, name: str) -> None:
    for folder, mode in FOLDERS.items() if plan.images else ():
        for frame in plan.frames:
            write_image(root / video / folder / name.format(frame), mode, SIZES[mode])


def _write(path: Path, rows: list[tuple[tuple[str, ...], int]], split: str, plan: Plan) -> None:
    """Write a list; in the training list, the first line gets the fault of a twin."""
    rows = [(paths, 1 - label if split in plan.swapped_lists else label) for paths, label in rows]
    if split == "train":
        rows[0] = _broken(*rows[0], plan)
    write_list(path, [f"{' '.join(paths)} {label}" for paths, label in rows], plan.twins)


def _broken(paths: tuple[str, ...], label: int, plan: Plan) -> tuple[tuple[str, ...], int]:
    if "flipped_labels" in plan.twins:
        label = 1 - label
    if "swapped_columns" in plan.twins:
        paths = (paths[0], paths[2], paths[1])
    if "frame_mismatch" in plan.twins:
        paths = (*paths[:2], paths[2].replace("2.jpg", "10.jpg"))
    if "absolute_path" in plan.twins:
        paths = (f"/data/{paths[0]}", *paths[1:])
    if "parent_path" in plan.twins:
        paths = (f"../{paths[0]}", *paths[1:])
    return paths, label


def _break_images(root: Path, first: list[str], plan: Plan) -> None:
    """Break the images of the first frame of training, color, depth and ir."""
    if "missing_modality" in plan.twins:
        (root / first[1]).unlink()
    if "missing_frame" in plan.twins:
        for path in first:
            (root / path).unlink()
    if "truncated_image" in plan.twins:
        truncate(root / first[0])


ONE_PATH = "a line names one path"
TREES = {
    "author": Tree(
        casia_surf,
        {"swapped_columns": ONE_PATH, "frame_mismatch": ONE_PATH},
        protocol="surf@1",
    ),
    "challenge": Tree(
        challenge,
        {
            "duplicate_across_splits": "validation and test name no subject and no video;"
            " copies show with --deep only",
        },
        protocol="surf@challenge",
    ),
    "crop": Tree(crop, protocol="surf@crop"),
}
