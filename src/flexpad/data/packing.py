"""Packs the images of a manifest into shards, which :mod:`flexpad.data.shards` describes."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import fields
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from PIL import Image

from flexpad.data import images
from flexpad.data import manifest as manifests
from flexpad.data.containers import MARK
from flexpad.data.manifest import Manifest, Row, Rows
from flexpad.data.row import PATHS
from flexpad.data.shards import (
    HEADER_KEY,
    INDEX,
    SCHEMA,
    Shard,
    is_whole,
    read_index,
    seal,
    write_index,
)
from flexpad.files import whole_file
from flexpad.log import progress
from flexpad.types import BONAFIDE, SPLITS, BadInput, Modality

MEGABYTE = 10**6


def pack(manifest: Manifest, out: Path, shard_mb: int = 256) -> tuple[Manifest, list[Shard]]:
    """Pack the images of a manifest; an interrupted call goes on with the shard it was at.

    Shards that are there already are told by their checksums; a damaged one is written anew. The
    same manifest and images give the same bytes.

    Args:
        manifest: The rows to pack.
        out: Folder of the pack.
        shard_mb: A shard is closed once it has as many megabytes (10^6 bytes).

    Returns:
        The manifest of the pack, which is written last, and its shards.

    Raises:
        BadInput: ``out`` holds something else, an image cannot be read, or the disk is full.
    """
    if shard_mb < 1:
        raise BadInput(f"shard_mb should be at least 1, not {shard_mb}")
    manifests.validate(manifest)
    rows = in_shard_order(manifest.rows)
    source = _fingerprint(rows, shard_mb)
    known = {shard.file: shard for shard in _begun(out, source)}
    shards: list[Shard] = []
    with progress("packing", len(rows)) as tick:
        while (done := sum(shard.items for shard in shards)) < len(rows):
            file = f"shard-{len(shards):06d}.tar"
            shard = known.get(file)
            if shard is None or shard.first != done or not is_whole(out, shard):
                shard = _write(rows, manifest.root, done, out / file, shard_mb * MEGABYTE)
                known[file] = shard
                write_index(out, source, [known[name] for name in sorted(known)])
            shards.append(shard)
            tick(shard.items, note=file)
    write_index(out, source, shards)
    path = out / f"manifest{'.parquet' if manifest.name.endswith('.parquet') else '.csv'}"
    header = {**manifest.header, HEADER_KEY: seal(out)}
    result = Manifest(out, _packed(rows, shards), header, str(path))
    manifests.write(result, path)
    return result, shards


def in_shard_order(rows: Rows) -> Rows:
    """Order rows by split and class, and within those as good as at random.

    The order depends on the ids alone, so it is the same on every machine.
    """
    scrambled = [hashlib.sha256(name.encode()).hexdigest() for name in rows.table["sample_id"]]
    order = pl.DataFrame(
        {
            "split": rows.table["split"].replace_strict(SPLITS, range(len(SPLITS))),
            "is_attack": rows.table["label"] != BONAFIDE,
            "scrambled": scrambled,
        }
    )
    return Rows(
        rows.table[order.select(pl.arg_sort_by("split", "is_attack", "scrambled")).to_series()]
    )


def _write(rows: Rows, root: Path, first: int, path: Path, enough: int) -> Shard:
    """Write one shard, from a row on until it is large enough or split or class change."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as partial:
            items = _fill(partial, rows, root, first, enough)
            size, sha256 = partial.stat().st_size, manifests.sha256(partial)
    except OSError as error:
        raise BadInput(f"{path}: cannot be written ({error.strerror})") from error
    row = rows[first]
    return Shard(path.name, row.split, row.label, first, items, size, sha256)


def _fill(path: Path, rows: Rows, root: Path, first: int, enough: int) -> int:
    """Write members of rows to a tar file; say how many rows it got."""
    kinds = rows.table.select("split", "label")
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
        for number in range(first, len(rows)):
            if archive.offset >= enough or kinds.row(number) != kinds.row(first):
                return number - first
            for name, content in _members(rows[number], number, root):
                entry = tarfile.TarInfo(name)  # with no owner and no time, whoever packs
                entry.size = len(content)
                archive.addfile(entry, BytesIO(content))
    return len(rows) - first


def _members(row: Row, number: int, root: Path) -> Iterator[tuple[str, bytes]]:
    """Give the members of a row, by name."""
    yield f"{number:09d}.json", json.dumps(_record(row), ensure_ascii=False).encode()
    for column in PATHS:
        if locator := getattr(row, column):
            try:
                yield _name(number, column, locator), _content(root, row, column)
            except BadInput as error:
                raise BadInput(f"row {row.sample_id!r}: {error}") from error


def _content(root: Path, row: Row, column: str) -> bytes:
    """Read an image file's own bytes; an array in a container becomes a PNG of the same values."""
    locator = getattr(row, column)
    content = images.file_content(root, locator)
    if content is not None:
        return content
    encoding = getattr(row, f"{column}_encoding", "")
    if encoding.startswith("8bit:"):
        opened = images.open_image(root, locator, Modality(column), encoding)
        return _as_png(np.rint(np.asarray(opened)).astype(np.uint8), root / locator)
    return _as_png(images.read_array(root, locator), root / locator)


def _as_png(image: NDArray[Any], path: Path) -> bytes:
    """Write (H, W) or (H, W, 3) without loss."""
    if image.dtype != np.uint8 and not (image.dtype == np.uint16 and image.ndim == 2):
        raise BadInput(f"{path}: holds {image.dtype} values; a PNG has 8 bits, or 16 in grey")
    png = BytesIO()
    Image.fromarray(image).save(png, "PNG")
    return png.getvalue()


def _name(number: int, column: str, locator: str) -> str:
    """Name a member: its row, its modality and what the bytes are."""
    file, inside, member = locator.partition(MARK)
    suffix = PurePosixPath(member if file.endswith(images.TAR) else file).suffix.lower()
    is_array = inside and not file.endswith(images.TAR)
    return f"{number:09d}.{column}{'.png' if is_array else suffix}"


def _packed(rows: Rows, shards: Iterable[Shard]) -> Rows:
    """Give the rows as they stand in the manifest of the pack."""
    files = [shard.file for shard in shards for _ in range(shard.items)]
    return Rows(
        rows.table.with_columns(
            pl.Series(
                column,
                [
                    f"{file}{MARK}{_name(number, column, locator)}" if locator else ""
                    for number, (file, locator) in enumerate(
                        zip(files, rows.table[column], strict=True)
                    )
                ],
                pl.String,
            )
            for column in PATHS
        )
    )


def _record(row: Row) -> dict[str, Any]:
    """Give what is known of a row but where its images were."""
    names = [field.name for field in fields(Row) if field.name not in (*PATHS, "groups")]
    return {**{name: getattr(row, name) for name in names}, "groups": dict(row.groups)}


def _fingerprint(rows: Rows, shard_mb: int) -> str:
    """Tell one packing from another: by its rows, their order and the size of its shards."""
    content = json.dumps([SCHEMA, shard_mb, rows.table.columns, rows.table.rows()])
    return hashlib.sha256(content.encode()).hexdigest()


def _begun(out: Path, source: str) -> list[Shard]:
    """List the shards an earlier call finished.

    Raises:
        BadInput: The folder holds another pack, or something else.
    """
    if not out.exists():
        return []
    if (out / INDEX).exists():
        packed, shards = read_index(out / INDEX)
        if packed != source:
            raise BadInput(
                f"{out}: holds a pack of other rows or another --shard-mb; choose another folder"
            )
        return shards
    if not out.is_dir() or any(not path.name.startswith("shard") for path in out.iterdir()):
        raise BadInput(f"{out}: is no empty folder and holds no pack; choose another folder")
    return []
