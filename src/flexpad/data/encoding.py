"""What a value of a depth or infrared image means, and how raw values become a model's input.

An encoding is one word in the columns ``depth_encoding`` and ``ir_encoding``:

====================  ==========================================================================
``8bit:<origin>``     released as 8 bit by a scaling that is undisclosed or differs from image to
                      image; a number means the same only within ``<origin>``
``limits:<lo>-<hi>``  raw values of a sensor, ``<lo>`` shown as 0 and ``<hi>`` as 255
``mad:<n>``           raw values, the median of the face +- n median absolute deviations
``mm:<lo>-<hi>``      distance in millimetres, ``<lo>`` shown as 0 and ``<hi>`` as 255; a distance
                      of 0 is no return and stays 0
(empty)               unknown; for 8-bit images only
====================  ==========================================================================

The formula of ``mad`` is that of bob.pad.face 2.2.3 (``FaceCropAlign.auto_norm_image``), without
its rounding to 8 bit. It has n = 3 for infrared and n = 6 for depth; which of them made the files
of WMCA is not stated anywhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from flexpad.types import BadInput, Modality

if TYPE_CHECKING:
    from flexpad.data.manifest import Manifest

RAW_GRAMMAR = "limits:<lo>-<hi>, mad:<n> or mm:<lo>-<hi>"
ENCODED = (Modality.DEPTH, Modality.IR)
ABOVE_HOLES = 1.0  # bob.pad.face 2.2.3: drops depth without a return and dead thermal pixels

Values = NDArray[np.float32]

_NUMBER = r"\d+(?:\.\d+)?"
_EIGHT_BIT = re.compile(r"8bit:([A-Za-z0-9_.+-]+)")
_WINDOW = re.compile(rf"(limits|mm):({_NUMBER})-({_NUMBER})")
_DEVIATIONS = re.compile(rf"mad:({_NUMBER})")


class UnusableImage(BadInput):
    """An image that can be read, but whose face has nothing a scaling could go by."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """One encoding.

    Attributes:
        kind: Which of the four.
        origin: Of ``8bit``: the data set or sensor it came from.
        low: Of ``limits`` and ``mm``: the raw value shown as 0.
        high: Of ``limits`` and ``mm``: the raw value shown as 255.
        deviations: Of ``mad``: how many median absolute deviations lie either side.
    """

    kind: Literal["8bit", "limits", "mad", "mm"]
    origin: str = ""
    low: float = 0.0
    high: float = 0.0
    deviations: float = 0.0


def parse(text: str) -> Encoding:
    """Understand an encoding that is not empty.

    Raises:
        BadInput: It is none.

    >>> parse("mm:300-1500").high
    1500.0
    """
    if match := _EIGHT_BIT.fullmatch(text):
        return Encoding("8bit", origin=match[1])
    if match := _WINDOW.fullmatch(text):
        low, high = float(match[2]), float(match[3])
        if low < high:
            return Encoding("mm" if match[1] == "mm" else "limits", low=low, high=high)
        raise BadInput(f"encoding {text!r}: {match[2]} should be less than {match[3]}")
    if match := _DEVIATIONS.fullmatch(text):
        if float(match[1]) > 0:
            return Encoding("mad", deviations=float(match[1]))
        raise BadInput(f"encoding {text!r}: the number should be more than 0")
    raise BadInput(f"encoding {text!r} should be 8bit:<origin>, {RAW_GRAMMAR}, or empty")


def scale(raw: NDArray[np.generic], encoding: Encoding, face: tuple[slice, slice]) -> Values:
    """Bring raw values to the range of 8-bit images without losing their precision.

    Args:
        raw: (H, W) values of a sensor.
        encoding: ``limits``, ``mad`` or ``mm``.
        face: Rows and columns of the face; only ``mad`` looks at it.

    Returns:
        (H, W) in [0, 255]. Of ``mad`` it is
        ``clip((x - median + n mad) / (2 n mad), 0, 1) * 255`` with the median and the median
        absolute deviation of the face's pixels above 1.

    Raises:
        UnusableImage: With ``mad``, the face has no pixel above 1, or all have one value.
        ValueError: The encoding is ``8bit``, which needs no scaling.
    """
    values = raw.astype(np.float64)
    if encoding.kind == "8bit":
        raise ValueError("8-bit images are not scaled")
    if encoding.kind == "mad":
        low, high = _deviation_limits(values[face], encoding.deviations)
    else:
        low, high = encoding.low, encoding.high
    return np.asarray(((values - low) / (high - low)).clip(0, 1) * 255, dtype=np.float32)


def complaint(table: pl.DataFrame) -> tuple[int, str] | None:
    """Say which row has an encoding that cannot be understood, and what is wrong with it.

    Args:
        table: Columns ``depth_encoding`` and ``ir_encoding``, as in a manifest.

    Returns:
        The place of a row, from 0, and the words; None if nothing is wrong.
    """
    for column in (f"{modality.value}_encoding" for modality in ENCODED):
        for text in table[column].unique(maintain_order=True):
            try:
                _ = text == "" or parse(text)
            except BadInput as error:
                return (table[column] == text).arg_max() or 0, f"{column}: {error}"
    return None


def check_mixture(rows: Manifest, *, allowed: bool) -> None:
    """Refuse rows in which one number has several meanings, unless that was asked for.

    Args:
        rows: What a model is to be trained on.
        allowed: Whether it was.

    Raises:
        BadInput: Depth or infrared images of them are of different encodings, or some of a known
            and some of an unknown one.
    """
    for modality in ENCODED:
        present = rows.rows.table.filter(pl.col(modality.value) != "")
        counts = present[f"{modality.value}_encoding"].value_counts(sort=True).rows()
        if len(counts) > 1 and not allowed:
            named = " and ".join(f"{name or 'unknown'} ({count} rows)" for name, count in counts)
            raise BadInput(
                f"{rows.name}: training rows have {modality.value} images encoded as {named}; a"
                " value does not mean the same in them. Leave out all but one, or set"
                " mix_encodings: true"
            )


def _deviation_limits(face: NDArray[np.float64], deviations: float) -> tuple[float, float]:
    shown = face[face > ABOVE_HOLES]
    if not shown.size:
        raise UnusableImage("is unusable: no pixel of the face is above 1, so there is no median")
    median = float(np.median(shown))
    spread = deviations * float(np.median(np.abs(shown - median)))
    if spread == 0:
        raise UnusableImage(
            f"is unusable: most pixels of the face are {median:g}, so they do not deviate"
        )
    return median - spread, median + spread
