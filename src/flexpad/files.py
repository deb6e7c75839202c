"""Files and folders that appear whole or not at all, and JSON files that are read or refused."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from flexpad.types import BadInput


def read_json(path: Path, cure: str) -> Any:  # noqa: ANN401 - JSON holds anything
    """Read a JSON file, whatever it holds.

    Args:
        path: Of the file.
        cure: What to do if it is something else, e.g. ``choose the thresholds again``.

    Raises:
        BadInput: It is missing or is no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:  # of the decoder of text or of JSON
        raise BadInput(f"{path}: is not JSON ({error}); {cure}") from error


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary name beside ``path``, which becomes ``path`` when the body ends well.

    When it does not, what stood at ``path`` is as it was and nothing is left beside it. The content
    reaches the disk before the name does, so that not even a power cut leaves half a file.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        yield partial
        _flush(partial)
        partial.replace(path)
        _flush(path.parent)
    finally:
        with suppress(OSError):
            partial.unlink()


def _flush(path: Path) -> None:
    """Have the system write a file, or the names in a folder, to the disk."""
    with suppress(OSError):  # not every system opens folders
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give a new folder beside ``path``, which takes its place when the body ends well.

    When it does not, nothing is left of it; what a killed process left there is removed first.
    """
    partial = path.with_name(path.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        shutil.rmtree(path, ignore_errors=True)
        partial.rename(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
