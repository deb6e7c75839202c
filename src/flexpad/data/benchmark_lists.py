"""Lists that benchmarks over several data sets pass around, beside the data they name.

::

    CASIA-SURF_CeFA_{train,val,test}.txt   Flex-Modal: CASIA-SURF and CeFA in one list
    S-{train,val,test}.txt C-... W-... P-...   MMDG: one data set in each

They lie beside the folder of the data set or in a folder there. Lists:
https://github.com/ZitongYu/Flex-Modal-FAS and https://github.com/lxbuaa/mmdg_plus_plus.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from flexpad.types import BadInput

SPLIT_NAMES = {"train": "train", "dev": "val", "test": "test"}
FLEX_MODAL = "CASIA-SURF_CeFA_{}.txt"
_FOLDERS = (".", "FlexModal_Protocols", "MMDG-Benchmark")


def find(root: Path, names: Iterable[str]) -> dict[str, Path] | None:
    """Find the lists of a benchmark.

    Args:
        root: The folder that their paths start from.
        names: How the lists of each benchmark are called, with ``{}`` for the split.

    Returns:
        The list of each split, whether it is there or not; None if there is none at all.

    Raises:
        BadInput: Several benchmarks have lists there.
    """
    names = tuple(names)
    forms = [
        root / folder / name
        for folder in _FOLDERS
        for name in names
        if any((root / folder / name.format(split)).is_file() for split in SPLIT_NAMES.values())
    ]
    if len(forms) > 1:
        several = " and ".join(str(form).format("*") for form in forms)
        raise BadInput(f"{root}: has the lists {several}; keep those of one benchmark")
    if not forms:
        return None
    form = forms[0]
    return {split: form.with_name(form.name.format(n)) for split, n in SPLIT_NAMES.items()}
