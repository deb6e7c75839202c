"""CASIA-SURF: unseen subjects and, on real faces, cuts that training has not seen.

Species and counts: Zhang et al., "CASIA-SURF: A Large-Scale Multi-Modal Benchmark for Face
Anti-Spoofing", TBIOM 2020, and the author lists ``CASIA_SURF@p1_*`` with their readme at
https://github.com/liuajian/CASIA-FAS-Dataset.
"""

from __future__ import annotations

import polars as pl

from flexpad.data.manifest import Manifest
from flexpad.data.protocols.protocol import Protocol
from flexpad.data.reading import Published
from flexpad.types import ATTACK, BONAFIDE, BadInput

_UNSEEN = ("01_e_s", "02_e_b", "03_en_s")
SURF_SPECIES = {
    "train": ("04_en_b", "05_enm_s", "06_enm_b"),
    "dev": _UNSEEN,
    "test": _UNSEEN,
}
PUBLISHED = (
    Published("train", BONAFIDE, videos=300, frames=8942, subjects=300),
    Published("train", ATTACK, videos=900, frames=20324, subjects=300),
    Published("train", "04_en_b", frames=6518),
    Published("train", "05_enm_s", frames=6942),
    Published("train", "06_enm_b", frames=6864),
    Published("dev", BONAFIDE, videos=100, frames=2994, subjects=100),
    Published("dev", ATTACK, videos=300, frames=6614, subjects=100),
    Published("dev", "01_e_s", frames=2243),
    Published("dev", "02_e_b", frames=2118),
    Published("dev", "03_en_s", frames=2253),
    Published("test", BONAFIDE, videos=600, frames=17458, subjects=600),
    Published("test", ATTACK, videos=1791, frames=40252),
    Published("test", "01_e_s", videos=599),
    Published("test", "02_e_b", videos=594),
    Published("test", "03_en_s", videos=598),
)


def _surf_1(manifest: Manifest) -> Manifest:
    """Take the splits as listed; real attacks have to be of the species their split is for."""
    for split, species in SURF_SPECIES.items():
        wrong = manifest.where(
            (pl.col("dataset") == "casia_surf")
            & (pl.col("split") == split)
            & (pl.col("label") == ATTACK)
            & ~pl.col("pai_species").is_in(species)
        )
        if wrong.rows:
            row = wrong.rows[0]
            raise BadInput(
                f"{manifest.name}: row {row.sample_id!r}: species {row.pai_species!r} is none of"
                f" {', '.join(species)}, which surf@1 has in {split}"
                f" ({len(wrong)} such row{'s' if len(wrong) > 1 else ''})"
            )
    return manifest


PROTOCOLS = {
    "surf@1": Protocol(
        "unseen subjects and, on real faces, unseen cuts: train 04-06, dev and test 01-03",
        ("casia_surf", "synth_surf"),
        _surf_1,
        PUBLISHED,
    )
}
