"""PADISI-Face of USC: one archive of 22 channels per capture.

::

    <anywhere below>/ID_<transaction_id>_<trial_id>_<trial_name>.npz    data (1, 22, 320, 256) float
    [data/][face_partitions/]padisi_USC_FACE_ground_truth.csv
    [data/][face_partitions/]padisi_USC_FACE_dataset_partition_3folds_part{0,1,2}.csv

Channels are shares of the largest value of their sensor: 0-2 colour in the order BGR, 3 near
infrared and 4 depth of the RealSense, 5 thermal; 6-21 are further bands, which no column holds.
Archives of 3 channels have colour alone. The last eight digits of a transaction are the time of
the capture (# inferred: they read as Unix times of 2019) and stay out of every id.

Layout, codes and folds: https://github.com/vimal-isi-edu/PADISI_USC_Dataset, README_FACE.md.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import numpy as np

from flexpad.data.lists import text_of
from flexpad.data.manifest import Row
from flexpad.data.protocols.padisi import FOLDS, GROUP, published
from flexpad.data.reading import DataSet, Layout, Source
from flexpad.types import ATTACK, BONAFIDE, BadInput

GROUND_TRUTH = "padisi_USC_FACE_ground_truth.csv"
PARTITION = "padisi_USC_FACE_dataset_partition_3folds_{fold}.csv"
PICKLED = "padisi_USC_FACE_preprocessed.bz2"
LIST_FOLDERS = ("data/face_partitions", "face_partitions", ".")
CAPTURE = ("transaction_id", "trial_id", "trial_name")
ATTRIBUTES = ("gender", "ethnicity", "race")
SPLIT_NAMES = {"train": "train", "valid": "dev", "test": "test"}
CHANNELS = {  # of 22; # inferred: "mad", because the unit of depth is not told
    "rgb": "data[0][2::-1]",
    "depth": "data[0][4]",
    "ir": "data[0][3]",
    "thermal": "data[0][5]",
}
ENCODINGS = {"depth_encoding": "mad:6", "ir_encoding": "limits:0-65535"}
ALL_CHANNELS, COLOUR_CHANNELS = 22, 3

_ID = re.compile(r"[A-Za-z0-9_-]+")
_TIMED = re.compile(r"[0-9a-f]{40}")
_ATTACK = re.compile(r"(m50[1-9])\d\d")
_BONAFIDE = "m00000"

Key = tuple[str, str, str]


@dataclass(frozen=True)
class CsvList:
    """A CSV list with a row per capture.

    Attributes:
        path: Where it is.
        sha256: Hash of its bytes.
        captures: The cells of each capture's line by column, and the line's number.
    """

    path: Path
    sha256: str
    captures: Mapping[Key, tuple[int, Mapping[str, str]]]


def find(root: Path) -> Path | None:
    """Find the folder that has the lists in it or below."""
    return root if _list_folder(root) else None


def read(source: Source) -> Iterator[Row]:
    """Make a row of every capture the ground truth names, in the split the first fold has it in.

    Raises:
        BadInput: A list cannot be read, or there are only pickled arrays.
    """
    folder = _list_folder(source.root) or source.root
    truth = _read_list(folder / GROUND_TRUTH, ("ground_truth", "participant_id"), source)
    source.header["list_ground_truth"] = f"{GROUND_TRUTH} sha256 {truth.sha256}"
    folds = {fold: _read_fold(folder, fold, truth, source) for fold in FOLDS}
    files = _Files(source)
    for key, (number, cells) in truth.captures.items():
        where = f"{truth.path}, line {number}"
        splits = {fold: splits[key] for fold, splits in folds.items() if key in splits}
        label = _label(cells["ground_truth"])
        if label is None:
            example = f"{where}: ground truth {cells['ground_truth']!r} should be m00000 or m50112"
            source.findings.note("malformed_line", example, dropped=1)
        elif FOLDS[0] not in splits:
            source.findings.note("no_split", f"{where}: is not in {FOLDS[0]}", dropped=1)
        elif images := files.images(key, where):
            groups = {**_groups(key, cells), **{GROUP.format(fold=f): s for f, s in splits.items()}}
            yield _row(key, cells, splits[FOLDS[0]], label, groups, images)


def _list_folder(root: Path) -> Path | None:
    return next((root / f for f in LIST_FOLDERS if (root / f / GROUND_TRUTH).is_file()), None)


def _read_fold(folder: Path, fold: str, truth: CsvList, source: Source) -> Mapping[Key, str]:
    """Read which split each capture is in; nothing if a later fold has no file."""
    path = folder / PARTITION.format(fold=fold)
    if fold != FOLDS[0] and not path.exists():
        source.findings.note("missing_list", str(path))
        return {}
    listing = _read_list(path, ("partition_name",), source)
    source.header[f"list_{fold}"] = f"{path.name} sha256 {listing.sha256}"
    splits = {}
    for key, (number, cells) in listing.captures.items():
        split = SPLIT_NAMES.get(cells["partition_name"])
        if split and key in truth.captures:
            splits[key] = split
            continue
        words = (
            "is not in the ground truth" if split else f"{cells['partition_name']!r} is no split"
        )
        source.findings.note("malformed_line", f"{path}, line {number}: {words}")
    return splits


def _read_list(path: Path, needed: tuple[str, ...], source: Source) -> CsvList:
    """Read a list; lines that cannot be used are noted and left out."""
    text, digest = text_of(path, source.findings)
    table = csv.reader(StringIO(text))
    columns = next(table)
    for column in (*CAPTURE, *needed):
        if column not in columns:
            raise BadInput(f"{path}: column {column!r} is missing")
    captures: dict[Key, tuple[int, Mapping[str, str]]] = {}
    for line in table:
        if not line:
            continue
        where = f"{path}, line {table.line_num}"
        cells = dict(zip(columns, line, strict=False))
        key: Key = tuple(cells.get(name, "") for name in CAPTURE)  # type: ignore[assignment]
        if len(line) != len(columns) or not all(map(_ID.fullmatch, key)):
            example = f"{where}: should have {len(columns)} cells, and ids of letters and digits"
            source.findings.note("malformed_line", example, dropped=1)
        elif key in captures:
            kind = "repeated_line" if captures[key][1] == cells else "line_against_line"
            first = captures[key][0]
            source.findings.note(kind, f"{where}: stands in line {first} too", dropped=1)
        else:
            captures[key] = (table.line_num, cells)
    return CsvList(path, digest, captures)


def _label(code: str) -> tuple[str, str] | None:
    """Say label and species of a code; None for one that is not known."""
    if code == _BONAFIDE:
        return BONAFIDE, ""
    match = _ATTACK.fullmatch(code)
    return (ATTACK, match[1]) if match else None


def _groups(key: Key, cells: Mapping[str, str]) -> dict[str, str]:
    """What rates may be broken down by; of the age the decade."""
    age = cells.get("age", "")
    decade = int(age) // 10 * 10 if age.isdecimal() else None
    glasses = re.search("WITH(OUT)?_GLASS", key[2])
    expression = re.search("NEUTRAL|SMILE|FROWN", key[2])
    code = cells["ground_truth"]
    return {
        **{attribute: cells.get(attribute, "") for attribute in ATTRIBUTES},
        "age": "" if decade is None else f"{decade}-{decade + 9}",
        "glasses": "" if glasses is None else "no" if glasses[1] else "yes",
        "expression": expression[0].lower() if expression else "",
        "instrument": "" if code == _BONAFIDE else code,
    }


def _row(
    key: Key,
    cells: Mapping[str, str],
    split: str,
    label: tuple[str, str],
    groups: Mapping[str, str],
    images: Mapping[str, str],
) -> Row:
    transaction, trial, _ = key
    session = transaction[:-8] if _TIMED.fullmatch(transaction) else transaction
    encodings = {
        name: code for name, code in ENCODINGS.items() if name.removesuffix("_encoding") in images
    }
    return Row(
        sample_id=f"{session}_{trial}/0000",
        dataset="padisi",
        split=split,
        subject_id=cells["participant_id"],
        video_id=f"{session}_{trial}",
        frame=0,
        label=label[0],
        pai_species=label[1],
        groups=groups,
        **images,
        **encodings,
    )


class _Files:
    """The archives below a folder, by the capture they are of."""

    def __init__(self, source: Source) -> None:
        """Look below the root of ``source``.

        Raises:
            BadInput: There is no archive, but the pickle.
        """
        self._source = source
        self._paths: dict[str, str] = {}
        if source.options.lists_only:
            return
        for path in sorted(source.root.glob("**/ID_*.npz")):
            relative = path.relative_to(source.root).as_posix()
            first = self._paths.setdefault(path.stem, relative)
            if first != relative:
                source.findings.note("repeated_frame", f"{relative}: {first} is the same capture")
        pickled = next(source.root.glob(f"**/{PICKLED}"), None)
        if pickled and not self._paths:
            raise BadInput(
                f"{pickled}: is a pickle, which can run any program when it is opened; convert it"
                " once to ID_*.npz as docs/datasets/padisi.md says"
            )

    def images(self, key: Key, where: str) -> Mapping[str, str]:
        """Give the locators of a capture's images; none if there is no archive, which is noted."""
        name = "ID_" + "_".join(key)
        if self._source.options.lists_only:
            return {modality: f"{name}.npz::{inside}" for modality, inside in CHANNELS.items()}
        path = self._paths.get(name)
        if path is None:
            self._source.findings.note("missing_item", f"{where}: has no {name}.npz", dropped=1)
            return {}
        try:
            channels = _channels(self._source.root / path)
        except (OSError, ValueError, KeyError, BadZipFile) as error:
            example = f"{path}: is no archive of channels ({' '.join(str(error).split())})"
            self._source.findings.note("unreadable_image", example, dropped=1)
            return {}
        shown = {"rgb"} if channels == COLOUR_CHANNELS else set(CHANNELS)
        return {name: f"{path}::{inside}" for name, inside in CHANNELS.items() if name in shown}


def _channels(path: Path) -> int:
    """Read from the header of an archive how many channels it has.

    Raises:
        OSError, KeyError, BadZipFile: It cannot be read.
        ValueError: It holds something else, such as a pickle.
    """
    with ZipFile(path) as archive, archive.open("data.npy") as file:
        version = np.lib.format.read_magic(file)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else None
        shape, _, kind = (header or np.lib.format.read_array_header_2_0)(file)
    if len(shape) != 4 or shape[1] not in (COLOUR_CHANNELS, ALL_CHANNELS) or kind.hasobject:
        raise ValueError(f"holds {kind} of the shape {shape}, not (1, {ALL_CHANNELS}, H, W)")
    return int(shape[1])


DATA_SET = DataSet(
    name="padisi",
    title="PADISI-Face",
    licence="PADISI-Face data transfer and use agreement of USC: academic, not to be passed on",
    version=1,
    layouts=(
        Layout(
            "arrays",
            f"{GROUND_TRUTH} and the partition files, with ID_*.npz anywhere below",
            find,
            read,
            published(FOLDS[0]),
        ),
    ),
)
