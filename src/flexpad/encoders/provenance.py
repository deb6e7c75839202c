"""Where weights came from. Their licence is theirs, whatever flexpad's is."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from huggingface_hub import metadata_load

from flexpad.data.manifest import sha256
from flexpad.types import BadInput

CARD = "README.md"
LICENCES = ("LICENSE", "LICENSE.txt", "LICENSE.md")
UNKNOWN = "unknown"
RANDOM = "none, the weights are random"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the weights of an encoder came from; a run keeps it in ``weights.yaml``.

    Attributes:
        name: As the recipe has it.
        layout: The layout they were read from.
        revision: Commit of the hub's repository.
        sha256: Of the file of weights, or of all of them; empty for random weights.
        files: The hash of each file.
        licence: What the card or the licence beside them says, or ``unknown``.
    """

    name: str = ""
    layout: str = ""
    revision: str | None = None
    sha256: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    licence: str = UNKNOWN


def hash_files(files: Sequence[Path]) -> dict[str, str]:
    """Hash files, by name in the order of names.

    Raises:
        BadInput: A file cannot be read.
    """
    try:
        return {path.name: sha256(path) for path in sorted(files)}
    except OSError as error:
        raise BadInput(f"{error.filename}: cannot be read ({error.strerror})") from error


def hash_of_all(hashes: Mapping[str, str]) -> str:
    """Give the hash of one file, or of what ``sha256sum`` prints for several.

    >>> hash_of_all({"model.safetensors": "ab12"})
    'ab12'
    """
    if len(hashes) == 1:
        return next(iter(hashes.values()))
    printed = "".join(f"{value}  {name}\n" for name, value in hashes.items())
    return hashlib.sha256(printed.encode()).hexdigest()


def licence_of(folder: Path) -> str:
    """Find the licence of the weights in a folder: on its model card, or in a licence file."""
    try:
        card = metadata_load(folder / CARD) or {}
    except (OSError, ValueError):  # no card, or one nobody can read
        card = {}
    if card.get("license"):
        named = card.get("license_name")
        return f"{card['license']} ({named})" if named else str(card["license"])
    for name in LICENCES:
        if (folder / name).is_file():
            lines = (folder / name).read_text(encoding="utf-8", errors="replace").splitlines()
            first = next((line.strip() for line in lines if line.strip()), "empty")
            return f"{name}: {first}"
    return UNKNOWN
