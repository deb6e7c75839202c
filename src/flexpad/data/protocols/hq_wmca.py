"""HQ-WMCA: seen attacks, and each species left out of training in turn.

Rule of the protocols that leave a species out: that of WMCA by the same authors. # inferred
``curated`` drops wigs, make-up of level 0 and unisex glasses; which recordings those are, only the
list tells that comes with the data. No counts are published in a form that could be checked.
"""

from __future__ import annotations

from functools import partial

import polars as pl

from flexpad.data.manifest import Manifest
from flexpad.data.protocols.protocol import Protocol
from flexpad.types import BadInput

SPECIES = {  # by the type in a recording's name
    "01": "glasses",
    "02": "mannequin",
    "03": "print",
    "04": "replay",
    "05": "rigidmask",
    "06": "flexiblemask",
    "07": "papermask",
    "08": "wig",
    "09": "tattoo",
    "10": "makeup",
}


def _grandtest(manifest: Manifest) -> Manifest:
    """Take the splits as listed."""
    return manifest


def _curated(manifest: Manifest) -> Manifest:
    """Take what the curated list has."""
    column = "group_curated"
    table = manifest.rows.table
    if column not in table.columns or not (table[column] == "yes").any():
        raise BadInput(
            f"{manifest.name}: PROTOCOL-grand_test-curated.csv was not there when it was made"
        )
    return manifest.where(pl.col(column) == "yes")


def _leave_out(species: str, manifest: Manifest) -> Manifest:
    """Take a species out of train and dev, and every other one out of test."""
    if species not in manifest.rows.table["pai_species"]:
        raise BadInput(f"{manifest.name}: has no attack of species {species!r} to leave out")
    of_row, is_test = pl.col("pai_species"), pl.col("split") == "test"
    return manifest.where(
        (is_test & of_row.is_in(["", species])) | (~is_test & (of_row != species))
    )


PROTOCOLS = {
    "hq_wmca@grandtest": Protocol("seen attacks of unseen subjects", ("hq_wmca",), _grandtest),
    "hq_wmca@grandtest_curated": Protocol(
        "the same without wigs, make-up of level 0 and unisex glasses", ("hq_wmca",), _curated
    ),
} | {
    f"hq_wmca@loo_{_species}": Protocol(
        f"an unseen attack: no {_species} in train and dev, no other attack in test",
        ("hq_wmca",),
        partial(_leave_out, _species),
    )
    for _species in SPECIES.values()
}
