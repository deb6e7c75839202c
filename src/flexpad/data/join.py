"""Several manifests as one, to train on some data sets and test on others."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from flexpad.data.manifest import Manifest, Rows
from flexpad.data.row import GROUP_PREFIX, PATHS
from flexpad.types import BadInput, is_rendered

JOINED = "joined"  # the key of the header that names the data sets
_IDS = ("sample_id", "subject_id", "video_id")


def join(manifests: Sequence[Manifest]) -> Manifest:
    """Put manifests of different data sets together.

    Paths start from the folder the roots have in common. Ids begin with the data set's name, as
    ``wmca/123``, because readers keep them unique within one data set only; so do the keys of the
    header, as ``wmca.reader``. What was joined already can be joined with more.

    Args:
        manifests: Two or more, of different data sets.

    Returns:
        All rows, in the order of the manifests; a group that a data set does not have is empty.

    Raises:
        BadInput: There are fewer than two, two have a data set in common, some are rendered and
            some are not, or their roots have no folder in common.
    """
    if len(manifests) < 2:
        raise BadInput(f"{manifests[0].name if manifests else 'join'}: give two manifests or more")
    _refuse_mixtures(manifests)
    root = _common_root(manifests)
    tables = [_table(manifest, root) for manifest in manifests]
    table = pl.concat(tables, how="diagonal")
    groups = [name for name in table.columns if name.startswith(GROUP_PREFIX)]
    rows = Rows(table.with_columns(pl.col(groups).fill_null("")))
    header = {key: value for manifest in manifests for key, value in _header(manifest).items()}
    name = " + ".join(manifest.name for manifest in manifests)
    whole = Manifest(root, rows, header, name)
    return replace(whole, header={**header, JOINED: ", ".join(whole.datasets)})


def _refuse_mixtures(manifests: Sequence[Manifest]) -> None:
    first_of: dict[str, Manifest] = {}
    for manifest in manifests:
        for dataset in manifest.datasets:
            first = first_of.setdefault(dataset, manifest)
            if first is not manifest:
                raise BadInput(
                    f"{manifest.name}: {dataset} stands in {first.name} already; give every data"
                    " set once"
                )
    rendered = [dataset for dataset in first_of if is_rendered(dataset)]
    real = [dataset for dataset in first_of if not is_rendered(dataset)]
    if rendered and real:
        raise BadInput(
            f"{first_of[rendered[0]].name}: {rendered[0]} is rendered and {real[0]} is not; keep"
            " them apart"
        )


def _common_root(manifests: Sequence[Manifest]) -> Path:
    roots = [manifest.root.resolve() for manifest in manifests]
    try:
        return Path(os.path.commonpath(roots))
    except ValueError as error:  # two drives
        names = " and ".join(map(str, roots))
        raise BadInput(f"{manifests[0].name}: {names} have no folder in common") from error


def _table(manifest: Manifest, root: Path) -> pl.DataFrame:
    """The rows, with paths from another root and with ids that say the data set."""
    changed = []
    if JOINED not in manifest.header:
        changed += [(pl.col("dataset") + "/" + pl.col(name)).alias(name) for name in _IDS]
    between = manifest.root.resolve().relative_to(root).as_posix()
    if between != ".":
        changed += [
            pl.when(pl.col(name) != "")
            .then(f"{between}/" + pl.col(name))
            .otherwise(pl.lit(""))
            .alias(name)
            for name in PATHS
        ]
    return manifest.rows.table.with_columns(changed)


def _header(manifest: Manifest) -> Mapping[str, str]:
    """The header, with the data set before each key."""
    if JOINED in manifest.header:
        return manifest.header
    prefix = "+".join(manifest.datasets)
    return {f"{prefix}.{key}": value for key, value in manifest.header.items()}
