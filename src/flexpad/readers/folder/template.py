"""An example of each layout, for a user to fill with data."""

from __future__ import annotations

import csv
import shutil
from io import StringIO
from itertools import product
from pathlib import Path
from typing import Literal

from flexpad.readers.folder.table import FILE_NAME
from flexpad.types import ATTACK, BONAFIDE, SPLITS, BadInput

Kind = Literal["tree", "csv"]

README = "README.txt"
SPECIES = "flat_print"
COLUMNS = (
    "split",
    "label",
    "species",
    "subject",
    "video",
    "frame",
    "rgb",
    "depth",
    "ir",
    "depth_encoding",
    "ir_encoding",
    "group_device",
)
COMMON = """\
Splits are train, dev (a threshold is chosen there) and test. No person and no recording may be in
two of them. Bona fide presentations are called bonafide; everything else is an attack and has the
name of its species, the kind of instrument: flat_print, replay, rigid_mask, ...
Frames are whole numbers. Modalities are rgb, depth, ir and thermal; one that is not there is
absent, which is not the same as black. Images are jpg, png or bmp.
RGB has 8 bits a channel. Depth and infrared of 16 bits need an encoding, which says what a value
means: mm:300-1500 (millimetres, 0 = no return), limits:0-4095 (raw values of the sensor) or mad:6
(around the median of the face).
"""
TREE = """\
One folder per split, per species, per person and per recording:

  <split>/<bonafide or species>/<subject>/<video>/<frame>.<modality>.<extension>
  train/bonafide/person-1/video-1/0001.rgb.jpg
  train/bonafide/person-1/video-1/0001.depth.png
  train/bonafide/person-1/video-1/0001.ir.png

{common}
Give the folders here your own names, fill them, and look at what came of it:

  flexpad data folder {folder} -o manifest.csv --protocol folder@1 --depth-encoding mm:300-1500
"""
TABLE = """\
One row of {file} per item, that is the images of one moment. Images may lie anywhere below this
folder; paths start here and are written with /.

  split, label         train, dev or test; bonafide or attack
  species              of an attack; empty for bona fide
  subject, video       the person, and the recording among those of the person and species
  frame                number in the recording; left out, rows are counted
  rgb, depth, ir, thermal
                       paths; an empty cell is an absent modality
  depth_encoding, ir_encoding
                       what 16-bit values mean; empty for 8 bits
  box                  the face in RGB pixels, "x0 y0 x1 y1"; empty = the image is cropped to it
  group_<name>         anything to break error rates down by

{common}
Replace the rows of {file} by your own, and look at what came of it:

  flexpad data folder {folder} -o manifest.csv --protocol folder@1
"""


def write_template(folder: Path, kind: Kind = "tree") -> None:
    """Write a folder to be filled: example folders or example rows, and what they mean.

    There is no image in it, so that nothing of it can be taken for data.

    Args:
        folder: To be written; may be there if it is empty.
        kind: Which layout.

    Raises:
        BadInput: The folder holds something, or cannot be written.
    """
    partial = folder.with_name(f"{folder.name}.partial")
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise BadInput(f"{folder}: is not an empty folder; choose another one")
        partial.mkdir(parents=True)
    except OSError as error:
        raise BadInput(f"{partial}: cannot be made ({error.strerror})") from error
    try:
        _fill(partial, kind, folder)
        if folder.exists():
            folder.rmdir()
        partial.rename(folder)
    except OSError as error:
        raise BadInput(f"{folder}: cannot be written ({error.strerror})") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _fill(partial: Path, kind: Kind, folder: Path) -> None:
    words = {"common": COMMON, "folder": folder, "file": FILE_NAME}
    if kind == "csv":
        (partial / README).write_text(TABLE.format(**words), encoding="utf-8")
        (partial / FILE_NAME).write_text(_rows(), encoding="utf-8")
        return
    (partial / README).write_text(TREE.format(**words), encoding="utf-8")
    for number, split in enumerate(SPLITS, start=1):
        for species in (BONAFIDE, SPECIES):
            (partial / split / species / f"person-{number}" / "video-1").mkdir(parents=True)


def _rows() -> str:
    text = StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    for (number, split), species in product(enumerate(SPLITS, start=1), ("", SPECIES)):
        label, person = ATTACK if species else BONAFIDE, f"person-{number}"
        image = f"images/{person}/{species or BONAFIDE}-1/0001.{{}}".format
        paths = [image(name) for name in ("rgb.jpg", "depth.png", "ir.png")]
        codes = ["mm:300-1500", "", "front camera"]
        rows.writerow([split, label, species, person, "1", 1, *paths, *codes])
    return text.getvalue()
