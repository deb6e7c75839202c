"""What has to be known of a layout to read a CLIP that was written in it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from flexpad import files
from flexpad.data.transforms import CLIP_MEAN, CLIP_STD
from flexpad.encoders.clip import ClipConfig
from flexpad.types import BadInput


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file keeps one of our tensors.

    Attributes:
        parts: Names of what is laid one after the other along the first axis.
        transposed: Whether the file has the axes of a matrix the other way round.
    """

    parts: tuple[str, ...]
    transposed: bool = False

    def shape_of_part(self, ours: Sequence[int]) -> tuple[int, ...]:
        """Say what shape each part has if the whole has the shape ``ours`` with us."""
        shape = tuple(reversed(ours)) if self.transposed else tuple(ours)
        return (shape[0] // len(self.parts), *shape[1:]) if len(self.parts) > 1 else shape


@dataclass(frozen=True, slots=True)
class Layout:
    """How a library writes a CLIP into a folder.

    Attributes:
        name: For messages and records.
        configuration: The file of sizes.
        weights: Names the file of weights may have, the usual one first.
        pickles: Names of pickles that may stand there instead.
        read_config: The folder to sizes.
        place: The name of a tensor of ours, and the names in the file, to where it is kept.
        unused: Tensors a file may hold that no feature depends on.
        antialias: Whether that library smooths position embeddings when a grid gets smaller.
    """

    name: str
    configuration: str
    weights: tuple[str, ...]
    pickles: tuple[str, ...]
    read_config: Callable[[Path], ClipConfig]
    place: Callable[[str, Collection[str]], Place]
    unused: frozenset[str]
    antialias: bool


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file beside weights, that holds one object.

    Raises:
        BadInput: The file is missing, is no JSON, or holds something else.
    """
    content = files.read_json(path, "download the weights again")
    if not isinstance(content, dict):
        raise BadInput(f"{path}: should hold one JSON object")
    return content


def side(size: int | tuple[int, int], what: str) -> int:
    """Give the side of a square.

    Raises:
        BadInput: It is none.
    """
    height, width = size if isinstance(size, tuple) else (size, size)
    if height != width:
        raise BadInput(f"{what} {height} x {width} is not square, which flexpad needs")
    return height


def check_normalisation(mean: object, std: object, where: str) -> None:
    """Refuse weights that want images of another mean and deviation than flexpad gives them.

    Args:
        mean: As a preprocessing file has it; None = not said.
        std: Likewise.
        where: The file, and the part of it.

    Raises:
        BadInput: One of them is not CLIP's.
    """
    for given, ours in ((mean, CLIP_MEAN), (std, CLIP_STD)):
        if given is None:
            continue
        try:
            same = np.allclose(np.asarray(given, dtype=float), ours, atol=1e-4)
        except (TypeError, ValueError):
            same = False
        if not same:
            raise BadInput(
                f"{where}: says {given}; flexpad normalises every image with CLIP's"
                f" {[round(float(value), 4) for value in ours]}"
            )
