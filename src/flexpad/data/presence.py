"""Which of many files are there, without asking the file system for each of them."""

from __future__ import annotations

import os
from pathlib import Path

from flexpad.types import BadInput


class Presence:
    """Says whether files are there; a folder is listed once."""

    def __init__(self, root: Path) -> None:
        """Look below a folder."""
        self._root = str(root)
        self._names: dict[str, frozenset[str]] = {}

    def has(self, path: str) -> bool:
        """Whether a file is there; of a locator such as ``a.hdf5::x``, the container.

        Args:
            path: Relative to the root, with ``/``.

        Raises:
            BadInput: Its folder cannot be read.
        """
        folder, _, name = path.partition("::")[0].rpartition("/")
        if folder not in self._names:
            self._names[folder] = self._list(f"{self._root}/{folder}")
        return name in self._names[folder]

    @staticmethod
    def _list(folder: str) -> frozenset[str]:
        try:
            return frozenset(os.listdir(folder))  # noqa: PTH208 - a Path per file is slow
        except (FileNotFoundError, NotADirectoryError):
            return frozenset()
        except OSError as error:
            raise BadInput(f"{folder}: cannot be read ({error.strerror})") from error
