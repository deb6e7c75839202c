"""CASIA-SURF CeFA in its three layouts, and rendered sets in the first of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.trees.tree import TWINS, Tree
from tests.trees.writing import truncate, write_image, write_list

NUMBERS = {"train": (0, 1), "dev": (200,), "test": (300, 499)}
PAIS = ("1_1_1", "3_1_2", "3_2_2", "3_1_4")  # bona fide, cloth indoors and outdoors, screen
MASKS = (
    "3D-Mask/073/1_073_1_0_2_1_2",
    "3D-Mask/074/1_074_0_0_2_2_3",
    "Silicone-Mask/006/2_006_1_1_2_1_4",
)
MODES = {"profile": "RGB", "color": "RGB", "depth": "L", "ir": "L"}
RENDERED_MASKS = {"SYNT_3D-Mask-073", "SYNT_3D-Mask-074", "SYNT_Silicone-Mask-006"}
# Author list -> the races of train and dev, then what train and dev have, then test, by PAI.
AUTHOR_LISTS = {
    "p1.1": ("AF", "124", "124"),
    "p4.1": ("AF", "14", "12"),
    "p4.3": ("CA", "14", "12"),
    "p4.5": ("EA", "14", "12"),
}
DEMOGRAPHICS = {
    "AF": "AF-000 1999 F\nAF-001 11 M\nAF-200  \nAF-300  M\n",
    "EA": "EA-000 1940 F\nEA-499 2001 M\n",
}


@dataclass(frozen=True)
class Plan:
    """What is to be written.

    Attributes:
        frames: Frame numbers of every video; 10 and 2 show whether sorting is numeric.
        image_lists: The splits for which the author release has image lists beside the video lists.
        lists: Whether there is any list.
        personal: Subjects of the research release have a birth date in their folder.
        flex_modal: Its lists are those of Flex-Modal, with a line of CASIA-SURF.
        labelled: The splits of the challenge whose lists have labels.
        rendered: Subjects of flexpad's generator, with ``RENDERED.json``.
        twins: Faults, by their name in TWINS.
    """

    frames: tuple[int, ...] = (2, 10)
    image_lists: tuple[str, ...] = ("train", "dev", "test")
    lists: bool = True
    personal: bool = True
    flex_modal: bool = False
    labelled: tuple[str, ...] = ("dev",)
    rendered: bool = False
    twins: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def of(cls, **switches: object) -> Plan:
        """Tell twins from other switches."""
        twins = frozenset(name for name in TWINS if switches.pop(name, False))
        return cls(**switches, twins=twins)


def faces(split: str, race: str) -> Iterator[tuple[str, str]]:
    """Subject and video of each 2D presentation."""
    digit = ("AF", "CA", "EA").index(race) + 1
    for number in NUMBERS[split]:
        for pai in PAIS:
            yield f"{race}-{number:03d}", f"{digit}_{number:03d}_{pai}"


def author(root: Path, **switches: object) -> Path:
    """Write the author release."""
    plan = Plan.of(**switches)
    base = root / "CASIA_CeFA"
    prefix = "SYNT_" if plan.rendered else ""
    paths = {
        video: f"CASIA_CeFA/Ethnicity/{race}/{prefix}{subject}/{video}"
        for race in ("AF", "CA", "EA")
        for split in NUMBERS
        for subject, video in faces(split, race)
    }
    masks = [f"CASIA_CeFA/Mask/{mask.replace('/', f'/{prefix}', 1)}" for mask in MASKS]
    for folder in (*paths.values(), *masks):
        _write_video(root, folder, "color", plan)
    for protocol in AUTHOR_LISTS if plan.lists else ():
        for split in NUMBERS:
            videos = [paths[video] for video in _of_author_list(protocol, split)]
            if split == "test":
                videos += masks
            if split == "dev" and "duplicate_across_splits" in plan.twins:
                videos.append(paths["1_000_1_1_1"])
            _write_author_lists(base / "protocol", protocol, split, videos, plan)
    _write_about_people(base, paths.values(), plan)
    _break_images(root, "CASIA_CeFA/Ethnicity/AF/AF-000/1_000_1_1_1/{}/0002.jpg", "color", plan)
    if "two_layouts" in plan.twins:
        shutil.copytree(research(root.with_name("research")), root, dirs_exist_ok=True)
    return root


def _write_about_people(base: Path, videos: Iterable[str], plan: Plan) -> None:
    for race, text in DEMOGRAPHICS.items():
        (base / f"{race}_Age_Gender.txt").write_text(text)
    if plan.rendered:
        subjects = {video.split("/")[-2] for video in videos}
        attributes = {subject: {"sex": "female"} for subject in sorted(subjects | RENDERED_MASKS)}
        (base / "RENDERED.json").write_text(json.dumps({"subjects": attributes}))


def _write_author_lists(
    folder: Path, protocol: str, split: str, videos: list[str], plan: Plan
) -> None:
    wholes = [(f"{video}/color", video) for video in videos]
    frames = [(f"{path}/{f:04d}.jpg", video) for path, video in wholes for f in plan.frames]
    name = f"CASIA_CeFA@{protocol}_{{}}_{split}.txt"
    _write(folder / name.format("video"), wholes, split, plan, bonafide=0)
    if split in plan.image_lists:
        _write(folder / name.format("image"), frames, split, plan, bonafide=0)


def _of_author_list(protocol: str, split: str) -> list[str]:
    one, seen, unseen = AUTHOR_LISTS[protocol]
    races = [race for race in ("AF", "CA", "EA") if (race == one) == (split != "test")]
    pais = unseen if split == "test" else seen
    return [video for race in races for _, video in faces(split, race) if video[-1] in pais]


def research(root: Path, **switches: object) -> Path:
    """Write the older research release, with the lists of MMDG or Flex-Modal."""
    plan = Plan.of(**switches)
    suffix = "-198006250024" if plan.personal else ""
    videos = {
        split: [
            f"CeFA/CeFA-Race/{race}/{subject}{suffix}/{video}"
            for race in ("AF", "CA", "EA")
            for subject, video in faces(split, race)
        ]
        for split in NUMBERS
    }
    videos["test"] += [f"CeFA/CeFA-Mask/{mask}" for mask in MASKS]
    for folder in (folder for of_split in videos.values() for folder in of_split):
        _write_video(root, folder, "profile", plan)
    for split, folders in videos.items() if plan.lists else ():
        if split == "dev" and "duplicate_across_splits" in plan.twins:
            folders = [*folders, videos["test"][0]]  # as the list of Flex-Modal
        lines = [
            (" ".join(f"{v}/{m}/{f:04d}.jpg" for m in ("profile", "depth", "ir")), v)
            for v in folders
            for f in plan.frames
        ]
        if plan.flex_modal:
            surf = "CASIA-SURF-CROP/real_part/real_train_part/CLKJ_AS0005/real.rssdk/{}/131.jpg"
            lines.append((" ".join(surf.format(m) for m in ("color", "depth", "ir")), "1_1_1"))
        name = "val" if split == "dev" else split
        family = "FlexModal_Protocols/CASIA-SURF_CeFA_" if plan.flex_modal else "C-"
        _write(root / f"{family}{name}.txt", lines, split, plan, bonafide=1)
    (root / "CeFA/EA_Age_Gender.txt").write_text(DEMOGRAPHICS["EA"])
    first = f"CeFA/CeFA-Race/AF/AF-000{suffix}/1_000_1_1_1/{{}}/0002.jpg"
    _break_images(root, first, "profile", plan)
    if "two_layouts" in plan.twins:
        shutil.copytree(challenge(root.with_name("challenge")), root, dirs_exist_ok=True)
    return root


def challenge(root: Path, **switches: object) -> Path:
    """Write the challenge of CVPR 2020: only training names subjects and species."""
    plan = Plan.of(**switches)
    for place, race in enumerate(("AF", "CA", "EA")):
        lines = []
        for _, video in faces("train", race):
            if video[-1] in "14":
                _write_video(root, f"phase1/train/{video}", "profile", plan)
                lines += [(f"train/{video}/profile/{f:04d}.jpg", video) for f in plan.frames]
        _write(root / f"phase1/4@{place + 1}_train.txt", lines, "train", plan, bonafide=1)
        for split, phase in (("dev", "phase1"), ("test", "phase2")):
            names = [f"{split}/{number:06d}" for number in range(10 * place, 10 * place + 3)]
            for name in names:
                _write_video(root, f"{phase}/{name}", "profile", plan)
            write_list(root / f"{phase}/4@{place + 1}_{split}_res.txt", names)
            if split in plan.labelled:
                labelled = [f"{name} {int(number == 0)}" for number, name in enumerate(names)]
                write_list(root / f"{phase}/4@{place + 1}_{split}_ref.txt", labelled)
    _break_images(root, "phase1/train/1_000_1_1_1/{}/0002.jpg", "profile", plan)
    if "two_layouts" in plan.twins:
        shutil.copytree(author(root.with_name("author")), root, dirs_exist_ok=True)
    return root


def _write_video(root: Path, video: str, rgb: str, plan: Plan) -> None:
    for folder in (rgb, "depth", "ir"):
        for frame in plan.frames:
            write_image(root / video / folder / f"{frame:04d}.jpg", MODES[folder])


def _write(
    path: Path, rows: list[tuple[str, str]], split: str, plan: Plan, *, bonafide: int
) -> None:
    """Write a list of paths, each with its video; in train the first line has a twin's fault."""
    labels = [bonafide if video.endswith("1_1_1") else 1 - bonafide for _, video in rows]
    lines = [f"{paths} {label}" for (paths, _), label in zip(rows, labels, strict=True)]
    if split == "train":
        lines[0] = _broken(rows[0][0].split(), labels[0], plan)
    write_list(path, lines, plan.twins)


def _broken(paths: list[str], label: int, plan: Plan) -> str:
    if "flipped_labels" in plan.twins:
        label = 1 - label
    if "swapped_columns" in plan.twins:
        paths = [paths[0], paths[2], paths[1]]
    if "frame_mismatch" in plan.twins:
        paths = [*paths[:2], paths[2].replace("0002.jpg", "0010.jpg")]
    if "absolute_path" in plan.twins:
        paths = [f"/data/{paths[0]}", *paths[1:]]
    if "parent_path" in plan.twins:
        paths = [f"../{paths[0]}", *paths[1:]]
    return f"{' '.join(paths)} {label}"


def _break_images(root: Path, first: str, rgb: str, plan: Plan) -> None:
    """Break the images of the first frame of training."""
    if "missing_modality" in plan.twins:
        (root / first.format("depth")).unlink()
    if "missing_frame" in plan.twins:
        for folder in (rgb, "depth", "ir"):
            (root / first.format(folder)).unlink()
    if "truncated_image" in plan.twins:
        truncate(root / first.format(rgb))


ONE_PATH = "a line names one path"
TREES = {
    "author": Tree(
        author,
        {"swapped_columns": ONE_PATH, "frame_mismatch": ONE_PATH},
        protocol="cefa@4.1",
    ),
    "research": Tree(research, protocol="cefa@4.1"),
    "challenge": Tree(
        challenge,
        {
            "swapped_columns": ONE_PATH,
            "frame_mismatch": ONE_PATH,
            "duplicate_across_splits": "dev and test are anonymous",
        },
    ),
}
