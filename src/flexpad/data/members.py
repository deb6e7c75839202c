"""Members of tar files by name, for many processes and threads at once.

The names and places of a tar file's members are collected once per process, by stepping from header
to header; after that a member costs one read. Reading at a place, not at a shared position, is what
makes one open file safe for threads and for processes that were forked.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import BinaryIO

from flexpad.types import BadInput

OPEN_FILES = 32  # a process may open about a thousand; workers share that with much else
_BLOCK = tarfile.BLOCKSIZE


def read_member(path: Path, name: str) -> bytes:
    """Read one member of an uncompressed tar file.

    Args:
        path: The tar file.
        name: The member, as it stands in the file.

    Raises:
        BadInput: The file cannot be read, is no tar file, has no such member or ends before it.
    """
    try:
        status = os.stat(path)  # noqa: PTH116 - a Path costs as much as the call
        version = (str(path), status.st_mtime_ns, status.st_size)
        place = _members(*version).get(name)
        if place is None:
            raise BadInput(f"{path}: has no member {name!r}")
        offset, size = place
        content = _read_at(_opened(*version), offset, size)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from error
    if len(content) != size:
        raise BadInput(f"{path}: ends within member {name!r}; copy it again")
    return content


@lru_cache(maxsize=OPEN_FILES)
def _opened(path: str, _changed: int, _size: int) -> BinaryIO:
    return open(path, "rb", buffering=0)  # noqa: PTH123 - closed when it leaves the cache


@cache
def _members(path: str, _changed: int, _size: int) -> dict[str, tuple[int, int]]:
    """Where each member begins and how long it is."""
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123
        try:
            return dict(_plain_headers(file))
        except tarfile.TarError:  # names too long for a plain header, or no tar file at all
            file.seek(0)
        try:
            with tarfile.open(fileobj=file, mode="r:") as archive:
                return {m.name: (m.offset_data, m.size) for m in archive if m.isreg()}
        except tarfile.TarError as error:
            raise BadInput(f"{path}: is no tar file that can be read ({error})") from error


def _plain_headers(file: BinaryIO) -> Iterator[tuple[str, tuple[int, int]]]:
    """Step through the headers ten times as fast as :mod:`tarfile`, which knows every dialect.

    Raises:
        tarfile.TarError: There is anything but plain headers.
    """
    offset = 0
    while header := _read_at(file, offset, _BLOCK):
        if header == bytes(_BLOCK):
            return
        plain = len(header) == _BLOCK and header[257:262] == b"ustar" and not header[345]
        if not plain or header[156:157] not in (tarfile.REGTYPE, tarfile.DIRTYPE):
            raise tarfile.ReadError("has more than files and folders with short names")
        try:
            size = int(header[124:136].rstrip(b" \0"), 8)
            name = header[:100].rstrip(b"\0").decode()
        except ValueError as error:
            raise tarfile.ReadError("has a damaged header") from error
        if header[156:157] == tarfile.REGTYPE:
            yield name, (offset + _BLOCK, size)
        offset += _BLOCK + -(-size // _BLOCK) * _BLOCK


def _read_at(file: BinaryIO, offset: int, size: int) -> bytes:
    """Read at a place; short at the end of the file."""
    return os.pread(file.fileno(), size, offset)
