"""Data sets on disk to manifests. One file per data set, one line here per file.

A reader is a function from the folder of a data set to its manifest. Readers know nothing of each
other; what they share about list files is :mod:`flexpad.data.lists`.
"""

from collections.abc import Callable
from pathlib import Path

from flexpad.data.manifest import Manifest
from flexpad.readers import casia_surf
from flexpad.registry import Registry

Reader = Callable[[Path], Manifest]

READERS: Registry[Reader] = Registry("reader")
READERS.add("casia_surf")(casia_surf.read)
