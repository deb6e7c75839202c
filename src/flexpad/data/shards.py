"""A manifest's images packed into tar files of some hundred megabytes: shards.

A disk or a network gives one large file faster than ten thousand small ones. A shard is an
uncompressed tar file in the naming of webdataset, which any tool for it reads::

    000000041.json       the row: sample_id, label, split, ...
    000000041.rgb.jpg    the image's own bytes, or a lossless PNG where it came out of a container
    000000041.depth.png
    000000041.ir.png     a missing member is an absent modality

Beside the shards lie ``shards.json`` with their checksums and a manifest whose paths are
``shard-000000.tar::000000041.rgb.jpg``, so that everything that takes a manifest takes a pack. A
shard holds rows of one split and one class, shuffled once and for all: what reads two of them from
front to back sees both classes in any proportion it likes.

https://github.com/webdataset/webdataset describes the naming.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from flexpad.data import manifest as manifests
from flexpad.files import whole_file
from flexpad.log import progress
from flexpad.types import BadInput

INDEX = "shards.json"
SCHEMA = "flexpad.shards/1"
HEADER_KEY = "pack"  # in the manifest of a pack: the index and its checksum


@dataclass(frozen=True, slots=True)
class Shard:
    """One finished tar file.

    Attributes:
        file: Its name in the folder of the pack.
        split: train, dev or test; all its rows are of it.
        label: ``bonafide`` or ``attack``; likewise.
        first: The number of its first row among all rows of the pack.
        items: How many rows it holds.
        bytes: Its size.
        sha256: Its checksum.
    """

    file: str
    split: str
    label: str
    first: int
    items: int
    bytes: int
    sha256: str


def verify(manifest: Path) -> list[Shard]:
    """Hold a pack against its checksums.

    Args:
        manifest: The manifest of the pack.

    Returns:
        Its shards, all of them whole.

    Raises:
        BadInput: It is no manifest of a pack, or names the first file that is missing or changed.
    """
    folder = manifest.parent
    header = manifests.read(manifest).header
    if HEADER_KEY not in header:
        raise BadInput(f"{manifest}: is not the manifest of a pack; 'flexpad pack' makes one")
    if header[HEADER_KEY] != seal(folder):
        raise BadInput(f"{folder / INDEX}: is not the one {manifest.name} was written with")
    shards = read_index(folder / INDEX)[1]
    with progress("verifying", len(shards), unit="shards") as tick:
        for shard in shards:
            if not is_whole(folder, shard):
                raise BadInput(
                    f"{folder / shard.file}: is missing or has changed since it was packed; the"
                    " same 'flexpad pack' command writes it anew"
                )
            tick()
    return shards


def is_whole(folder: Path, shard: Shard) -> bool:
    """Whether a shard is there and has the bytes it was written with."""
    path = folder / shard.file
    try:
        return path.stat().st_size == shard.bytes and manifests.sha256(path) == shard.sha256
    except OSError:
        return False


def seal(folder: Path) -> str:
    """Name the index and its checksum, as it stands in the header of the manifest.

    Raises:
        BadInput: The index cannot be read.
    """
    try:
        return f"{INDEX} sha256 {manifests.sha256(folder / INDEX)}"
    except OSError as error:
        raise BadInput(f"{folder / INDEX}: cannot be read ({error.strerror})") from error


def write_index(folder: Path, source: str, shards: list[Shard]) -> None:
    """Write down which shards are finished.

    Args:
        folder: Of the pack.
        source: Tells the packed rows from others.
        shards: In their order.

    Raises:
        BadInput: The file cannot be written.
    """
    content = {"schema": SCHEMA, "source": source, "shards": [asdict(shard) for shard in shards]}
    try:
        with whole_file(folder / INDEX) as partial:
            partial.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{folder / INDEX}: cannot be written ({error.strerror})") from error


def read_index(path: Path) -> tuple[str, list[Shard]]:
    """Read what :func:`write_index` wrote: which rows a pack is of, and its shards.

    Raises:
        BadInput: The file cannot be read or is something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["schema"] != SCHEMA:
            raise BadInput(f"{path}: has the schema {content['schema']!r}, not {SCHEMA!r}")
        return content["source"], [Shard(**shard) for shard in content["shards"]]
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path}: is no index of shards; pack again into another folder") from error
