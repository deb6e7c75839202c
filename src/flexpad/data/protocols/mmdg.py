"""Across data sets: the leave-one-set-out and limited-source protocols of the MMDG benchmark.

Sets: C CASIA-SURF CeFA, P PADISI-Face, S CASIA-SURF, W WMCA. A model is trained on the train rows
of the sources, its epoch and threshold are chosen on their dev rows, and it is tested on the test
rows of the targets. The papers choose both on the target's test instead (equal-error threshold,
best epoch), and sample a few frames of each video; their numbers are therefore not these.

Protocols: Lin et al., "Suppress and Rebalance: Towards Generalized Multi-Modal Face Anti-Spoofing",
CVPR 2024; lists: https://github.com/lxbuaa/mmdg_plus_plus.
"""

from __future__ import annotations

from functools import partial

import polars as pl

from flexpad.data.manifest import Manifest
from flexpad.data.protocols.protocol import Protocol
from flexpad.types import BadInput

# CASIA-SURF may be the release or the crops the benchmark used: the same people, so never both.
SETS = {
    "c": ("casia_cefa",),
    "p": ("padisi",),
    "s": ("casia_surf", "casia_surf_crop"),
    "w": ("wmca",),
}
_TITLES = {"c": "CeFA", "p": "PADISI", "s": "SURF", "w": "WMCA"}
_NAMES = ("cps-w", "cpw-s", "csw-p", "psw-c", "cw-ps", "ps-cw")


def _choose(name: str, manifest: Manifest) -> Manifest:
    """Take train and dev of the sources, and test of the targets."""
    _refuse_parts(name, manifest)
    sources, targets = (
        [_of_letter(name, letter, manifest) for letter in letters] for letters in name.split("-")
    )
    is_test = pl.col("split") == "test"
    dataset = pl.col("dataset")
    chosen = manifest.where(
        (~is_test & dataset.is_in(sources)) | (is_test & dataset.is_in(targets))
    )
    _require(name, chosen, {"train": sources, "dev": sources, "test": targets})
    return chosen


def _refuse_parts(name: str, manifest: Manifest) -> None:
    """Refuse data sets of which a protocol of their own took a part."""
    for key, protocol in manifest.header.items():
        if key.rpartition(".")[2] == "protocol":
            raise BadInput(
                f"{manifest.name}: {key} is {protocol}, but mmdg@{name} needs whole data sets;"
                " make that manifest again without --protocol"
            )


def _of_letter(name: str, letter: str, manifest: Manifest) -> str:
    """The one data set of the manifest that a letter stands for."""
    found = [dataset for dataset in SETS[letter] if dataset in manifest.datasets]
    if len(found) > 1:
        raise BadInput(
            f"{manifest.name}: has {' and '.join(found)}, which show the same people; keep one"
        )
    if not found:
        known = " or ".join(SETS[letter])
        raise BadInput(f"{manifest.name}: mmdg@{name} needs {known}; put it in with 'flexpad join'")
    return found[0]


def _require(name: str, chosen: Manifest, wanted: dict[str, list[str]]) -> None:
    """Refuse a set that has nothing in a split it is needed for."""
    present = set(chosen.rows.table.select("split", "dataset").unique().iter_rows())
    for split, datasets in wanted.items():
        for dataset in datasets:
            if (split, dataset) not in present:
                raise BadInput(
                    f"{chosen.name}: {dataset} has no {split} rows, which mmdg@{name} needs"
                )


def _summary(name: str) -> str:
    sources, targets = (", ".join(_TITLES[x] for x in letters) for letters in name.split("-"))
    return f"unseen data sets: train and dev {sources}; test {targets}"


PROTOCOLS = {
    f"mmdg@{name}": Protocol(
        _summary(name),
        tuple(dataset for datasets in SETS.values() for dataset in datasets),
        partial(_choose, name),
    )
    for name in _NAMES
}
