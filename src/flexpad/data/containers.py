"""Arrays inside files that hold many: HDF5 and NumPy's own formats, and how they are named.

A locator names a file and, after ``::``, what is looked at inside it::

    face-station/12.02.18/x.hdf5::Frame_7[1]    channel 1; a group stands for its ``array``
    x.hdf5::Color_Data[12]                      frame 12
    x.h5::intelsr300_bgr[12][::-1]              frame 12, its channels in reverse: BGR to RGB
    x.npz::data[0][2::-1]                       likewise, in an archive of NumPy's

In brackets stands an index for each axis, beginning with the first; there is no comma, so that a
locator is a plain cell of a CSV file. A container stays open in the process that opened it, because
the rows of one recording are seldom read side by side.
"""

from __future__ import annotations

import os
import re
import zlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from flexpad.types import BadInput

if TYPE_CHECKING:
    import h5py

Array = NDArray[Any]
Index = int | slice

MARK = "::"
OPEN_FILES = 64  # as many stay open; a shuffled data set has thousands
HDF5_SUFFIXES = (".hdf5", ".h5")
NUMPY_SUFFIXES = (".npz", ".npy")

_FRAME_GROUP = re.compile(r"Frame_(\d+)")
_INSIDE = re.compile(r"(.*?)((?:\[[^\[\]]*\])*)")
_INDEX = re.compile(r"\[(?:(-?\d+)|(-?\d*):(-?\d*)(?::(-?\d+))?)\]")


class Locator(NamedTuple):
    """A locator, taken apart.

    Attributes:
        file: Path of the file, relative to a root.
        member: What is looked at inside it; "" for all there is.
        indices: One for each of its first axes.
    """

    file: str
    member: str
    indices: tuple[Index, ...]


def parse(locator: str) -> Locator:
    """Take a locator apart.

    Raises:
        BadInput: An index cannot be understood.

    >>> parse("a/x.hdf5::Frame_7[1]")
    Locator(file='a/x.hdf5', member='Frame_7', indices=(1,))
    """
    file, _, inside = locator.partition(MARK)
    match = _INSIDE.fullmatch(inside)
    member, brackets = match.groups() if match else (inside, "")
    indices = [_index(bracket, locator) for bracket in re.findall(r"\[[^\[\]]*\]", brackets)]
    return Locator(file, member, tuple(indices))


def read(root: Path, locator: str) -> Array:
    """Read an array out of a container.

    Args:
        root: What the locator is relative to.
        locator: See above.

    Raises:
        BadInput: There is no such array, the file cannot be read or is of another kind, or h5py is
            needed and not installed.
    """
    name = parse(locator)
    path = root / name.file
    suffix = path.suffix.lower()
    if suffix in HDF5_SUFFIXES:
        return _read_hdf5(path, name)
    if suffix in NUMPY_SUFFIXES:
        return _read_numpy(path, name)
    known = ", ".join(HDF5_SUFFIXES + NUMPY_SUFFIXES)
    raise BadInput(f"{path}: is none of the containers that can be read ({known})")


@lru_cache(maxsize=OPEN_FILES)
def hdf5(path: Path) -> h5py.File:
    """Open an HDF5 file for reading, or take it from those this process has open.

    Returns:
        The file, which is not to be closed.

    Raises:
        BadInput: It cannot be read, or h5py is not installed.
    """
    try:
        import h5py
    except ImportError as error:
        raise BadInput(f"{path}: reading HDF5 needs h5py; pip install flexpad[hdf5]") from error
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({_in_one_line(error)})") from error


@lru_cache(maxsize=OPEN_FILES)
def _numpy(path: Path) -> NpzFile | Array:
    """Open an archive of NumPy's, or map the array of a single one, likewise."""
    try:
        opened: NpzFile | Array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise BadInput(f"{path}: cannot be read ({_in_one_line(error)})") from error
    return opened


if hasattr(os, "register_at_fork"):  # a position in an open file is shared with the parent
    os.register_at_fork(after_in_child=hdf5.cache_clear)
    os.register_at_fork(after_in_child=_numpy.cache_clear)


def frame_groups(path: Path) -> list[int]:
    """List the frames of an HDF5 file that keeps each in a group ``Frame_<number>``.

    Raises:
        BadInput: It cannot be read, or h5py is not installed.
    """
    matches = (_FRAME_GROUP.fullmatch(name) for name in hdf5(path))
    return sorted(int(match[1]) for match in matches if match)


def datasets(path: Path) -> dict[str, h5py.Dataset]:
    """List the arrays at the top of an HDF5 file, of which shape and type can be told unread.

    Raises:
        BadInput: It cannot be read, or h5py is not installed.
    """
    return {name: found for name, found in hdf5(path).items() if hasattr(found, "shape")}


def _index(bracket: str, locator: str) -> Index:
    match = _INDEX.fullmatch(bracket)
    if match is None:
        raise BadInput(f"{locator}: {bracket} should be an index such as [7] or [::-1]")
    if match[1]:
        return int(match[1])
    return slice(*(int(part) if part else None for part in match.groups()[1:]))


def _read_hdf5(path: Path, name: Locator) -> Array:
    file = hdf5(path)
    try:
        found = file[name.member]
        found = found["array"] if hasattr(found, "keys") else found
        if name.indices and isinstance(name.indices[0], int):  # the rest of it stays unread
            return np.asarray(found[name.indices[0]])[name.indices[1:]]
        return np.asarray(found[()])[name.indices]
    except (KeyError, IndexError, ValueError, TypeError, OSError) as error:
        raise _unreadable(path, name, error) from error


def _read_numpy(path: Path, name: Locator) -> Array:
    file = _numpy(path)
    try:
        found = file[name.member] if isinstance(file, NpzFile) else file
        return np.asarray(found[name.indices])
    except (KeyError, IndexError, ValueError, OSError, BadZipFile, zlib.error) as error:
        raise _unreadable(path, name, error) from error


def _unreadable(path: Path, name: Locator, error: Exception) -> BadInput:
    return BadInput(f"{path}: {name.member!r} in it cannot be read ({_in_one_line(error)})")


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).strip("'\"").split())
