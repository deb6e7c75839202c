"""Data sets on disk to manifests: one file, one data set.

Every module here has a ``DATA_SET``, see :class:`flexpad.data.reading.DataSet`. Readers know
nothing of each other; what they share is in :mod:`flexpad.data`.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from pathlib import Path

from flexpad.data.manifest import Manifest
from flexpad.data.reading import DataSet, ReadOptions, usable
from flexpad.registry import Registry

READERS: Registry[DataSet] = Registry("data set")
for _module in pkgutil.iter_modules(__path__):
    _data_set: DataSet = import_module(f"{__name__}.{_module.name}").DATA_SET
    READERS.add(_data_set.name)(_data_set)


def read(name: str, root: Path, options: ReadOptions | None = None) -> Manifest:
    """Read a data set that has to be without errors.

    Args:
        name: E.g. ``casia_surf``.
        root: Its folder.
        options: How to read.

    Raises:
        BadInput: The data set is unknown, the folder is none of its layouts, or anything in it is
            an error; ``flexpad data`` tells all of them.
    """
    return usable(READERS[name].read(root, options))
