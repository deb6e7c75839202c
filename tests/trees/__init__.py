"""Miniature trees in the layouts data sets have on disk, and their broken twins.

Every module named like a reader has ``TREES``, a :class:`tests.trees.tree.Tree` for each layout.
"""

import pkgutil
from importlib import import_module

from tests.trees.tree import Tree

TREES: dict[tuple[str, str], Tree] = {
    (module.name, layout): tree
    for module in pkgutil.iter_modules(__path__)
    for layout, tree in getattr(import_module(f"{__name__}.{module.name}"), "TREES", {}).items()
}
