"""PADISI-Face: an archive of 22 channels per capture, ground truth and three partitions."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np

from tests.trees.tree import TWINS, Tree
from tests.trees.writing import truncate, write_list

CODES = ("m00000", "m50602", "m50104")
PARTICIPANTS = 6  # two a split
LISTS = "padisi_USC_FACE_{}.csv"
CAPTURE = "transaction_id,trial_id,trial_name"
TRUTH = f"{CAPTURE},modality,ground_truth,participant_id,gender,ethnicity,race,age"
SPLITS = ("train", "valid", "test")

_IDS = "lists name captures by id, not by path"


def captures() -> list[tuple[int, str, str, str, str]]:
    """Participant, transaction, trial, name and code of each capture."""
    return [
        (
            person,
            f"{zlib.crc32(b'%d' % person):032x}5c76e8{person:x}{place:x}",
            f"{zlib.crc32(b'%d %d' % (person, place)):08x}",
            "FACE_SMILE_WITHOUT_GLASS" if place else "FACE_WITH_GLASS_1",
            code,
        )
        for person in range(PARTICIPANTS)
        for place, code in enumerate(CODES)
    ]


def arrays(root: Path, **switches: bool) -> Path:
    """Write the lists in ``face_partitions`` and the archives in a folder beside it."""
    twins = {name for name in TWINS if switches.get(name)}
    found = captures()
    lines = [
        f"{transaction},{trial},{name},FACE,{code},p{person:015x},Female,No,Other,{20 + person}"
        for person, transaction, trial, name, code in found
    ]
    write_list(root / "face_partitions" / LISTS.format("ground_truth"), [TRUTH, *lines], twins)
    for fold in range(3):
        rows = [
            f"{transaction},{trial},{name},{SPLITS[(person // 2 + fold) % 3]}"
            for person, transaction, trial, name, _ in found
        ]
        if "duplicate_across_splits" in twins and fold == 0:
            rows[0] = rows[0].replace("train", "test")
        name = LISTS.format(f"dataset_partition_3folds_part{fold}")
        write_list(root / "face_partitions" / name, [f"{CAPTURE},partition_name", *rows])
    files = [root / "npz" / f"ID_{t}_{trial}_{name}.npz" for _, t, trial, name, _ in found]
    for file in files:
        write_archive(file, 3 if file == files[0] and "missing_modality" in twins else 22)
    if "missing_frame" in twins:
        files[0].unlink()
    if "truncated_image" in twins:
        truncate(files[0])
    return root


def write_archive(path: Path, channels: int = 22) -> None:
    """Write shares as sensors of 8 bits (colour, infrared) and 16 bits (the rest) would give."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(zlib.crc32(path.name.encode()))
    data = rng.integers(0, 256, (1, channels, 16, 12)) / 255
    data[:, 4:] = rng.integers(400, 900, data[:, 4:].shape) / 65535
    np.savez_compressed(path, data=data.astype(np.float32))


TREES = {
    "arrays": Tree(
        arrays,
        {
            "flipped_labels": "the ground truth alone says what a capture is",
            "swapped_columns": "one file holds all modalities",
            "frame_mismatch": "one file holds all modalities",
            "absolute_path": _IDS,
            "parent_path": _IDS,
            "two_layouts": "there is one layout",
        },
        "padisi@3folds_part0",
        "rgb depth ir thermal",
    )
}
