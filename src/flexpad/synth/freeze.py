"""What the frozen version looks like: a checksum for every subject of every family and size.

A checksum is over the pixels before they are encoded, so that it is the same in every layout. The
files are made by ``tools/freeze_synth.py`` and stand in ``frozen/``. Floating-point results differ
in their last digits between kinds of processors and versions of libraries; now and then such a
digit turns a pixel, and then a checksum. What the files were made with is in their heads.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import numpy as np

from flexpad.data import rendered
from flexpad.files import whole_file
from flexpad.synth.config import VERSION, FamilyName, SizeName, SynthConfig
from flexpad.synth.layouts import LAYOUTS
from flexpad.types import BadInput

LIBRARIES = ("numpy", "scipy", "embreex", "pillow")


@dataclass(frozen=True)
class Frozen:
    """The content of a file.

    Attributes:
        made_with: Versions of libraries and the kind of processor.
        checksums: By subject.
    """

    made_with: Mapping[str, str]
    checksums: Mapping[str, str]


def this_place() -> dict[str, str]:
    """Versions of the libraries that pixels depend on, and the kind of processor.

    Numpy rounds last digits by the vector instructions it finds.
    """
    found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    return {
        **{name: version(name) for name in LIBRARIES},
        "machine": platform.machine(),
        "instructions": " ".join(found),
    }


def file_name(family: FamilyName, size: SizeName) -> str:
    """The file of a family and size, e.g. ``synth-1.0-surf-small.txt``."""
    return f"{VERSION}-{family}-{size}.txt"


def load(family: FamilyName, size: SizeName) -> Frozen | None:
    """Read the file of a family and size; None if this version has not been frozen."""
    path = files("flexpad.synth") / "frozen" / file_name(family, size)
    if not path.is_file():
        return None
    header, checksums = {}, {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            key, _, value = line[1:].partition(":")
            header[key.strip()] = value.strip()
        else:
            subject, checksum = line.split()
            checksums[subject] = checksum
    return Frozen(header, checksums)


def write(folder: Path, family: FamilyName, size: SizeName, checksums: Mapping[str, str]) -> Path:
    """Write the file of a family and size.

    Args:
        folder: Where to.
        family: Whose checksums they are.
        size: Likewise.
        checksums: By subject, in order.

    Returns:
        The file.
    """
    path = folder / file_name(family, size)
    head = [f"# {key}: {value}" for key, value in this_place().items()]
    lines = [*head, *(f"{subject} {checksum}" for subject, checksum in checksums.items())]
    with whole_file(path) as partial:
        partial.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def checksums_of(root: Path, config: SynthConfig) -> dict[str, str]:
    """The checksums of a complete set, by subject.

    Raises:
        BadInput: It has none.
    """
    path = root / LAYOUTS[config.layout_name].base / rendered.FILE_NAME
    try:
        return {str(k): str(v) for k, v in json.loads(path.read_text())["checksums"].items()}
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise BadInput(f"{path}: has no checksums; render again") from error


def verdict(root: Path, config: SynthConfig) -> str:
    """Say in one line how a complete set compares with the frozen version."""
    if not config.is_frozen:
        return f"{config.name}: not the frozen version, which has another seed or size of pictures"
    frozen = load(config.family, config.size)
    if frozen is None:
        return f"{config.name}: there are no frozen checksums of this version yet"
    ours = checksums_of(root, config)
    other = [name for name, checksum in ours.items() if frozen.checksums.get(name) != checksum]
    if not other:
        return f"{config.name}: every pixel of {len(ours):,} subjects as frozen"
    here = this_place()
    known = [name for name in here if frozen.made_with.get(name) != here[name]]
    because = f"; {' and '.join(known)} differ from those it was frozen with" if known else ""
    return (
        f"{config.name}: {len(other):,} of {len(ours):,} subjects differ from the frozen ones,"
        f" first {other[0]}{because}; say so where you publish"
    )
