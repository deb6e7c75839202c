"""CASIA-SURF: unseen subjects, and cuts that training has not seen.

Species and counts: Zhang et al., "CASIA-SURF: A Large-Scale Multi-Modal Benchmark for Face
Anti-Spoofing", TBIOM 2020, and the author lists ``CASIA_SURF@p1_*`` with their readme at
https://github.com/liuajian/CASIA-FAS-Dataset. Crops: the lists of the MMDG benchmark,
https://github.com/lxbuaa/mmdg_plus_plus.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import polars as pl

from flexpad.data.manifest import Manifest
from flexpad.data.protocols.protocol import UNKNOWN, Protocol, with_rendered
from flexpad.data.reading import Published
from flexpad.types import ATTACK, BONAFIDE, SPLITS, BadInput

_UNSEEN = ("01_e_s", "02_e_b", "03_en_s")
_SEEN = ("04_en_b", "05_enm_s", "06_enm_b")
SURF_SPECIES = {"train": _SEEN, "dev": _UNSEEN, "test": _UNSEEN}
CHALLENGE_SPECIES = {"train": _SEEN, "dev": (UNKNOWN,), "test": (UNKNOWN,)}
CROP_SPECIES = dict.fromkeys(SPLITS, (*_UNSEEN, *_SEEN))
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
CHALLENGE_PUBLISHED = (
    *(known for known in PUBLISHED if known.split == "train"),
    *(
        replace(known, videos=None, subjects=None)
        for known in PUBLISHED
        if known.split != "train" and known.what in (BONAFIDE, ATTACK)
    ),
)
CROP_PUBLISHED = (  # items counted in the MMDG lists; that subjects are those of surf@1 is inferred
    Published("train", "all", frames=6297, subjects=300),
    Published("dev", "all", frames=2100, subjects=100),
    Published("test", "all", frames=12564, subjects=600),
)
NEVER_COMPARE = "never with surf@1: all six cuts stand in every split, training has seen them"


def _of_species(
    species: Mapping[str, Sequence[str]], header: Mapping[str, str]
) -> Callable[[Manifest], Manifest]:
    """Take the splits as listed; attacks have to be of the species their split is for."""

    def choose(manifest: Manifest) -> Manifest:
        for split, allowed in species.items():
            wrong = manifest.where(
                (pl.col("split") == split)
                & (pl.col("label") == ATTACK)
                & ~pl.col("pai_species").is_in(allowed)
            )
            if wrong.rows:
                row = wrong.rows[0]
                raise BadInput(
                    f"{manifest.name}: row {row.sample_id!r}: species {row.pai_species!r} is none"
                    f" of {', '.join(allowed)}, which {split} is for"
                    f" ({len(wrong)} such row{'s' if len(wrong) > 1 else ''})"
                    f"{'; surf@challenge takes them' if row.pai_species == UNKNOWN else ''}"
                )
        return replace(manifest, header={**manifest.header, **header})

    return choose


_RELEASE = {
    "surf@1": Protocol(
        "unseen subjects and unseen cuts: train 04-06, dev and test 01-03",
        ("casia_surf",),
        _of_species(SURF_SPECIES, {}),
        PUBLISHED,
    ),
}
PROTOCOLS = with_rendered(_RELEASE, "synth_surf") | {
    "surf@challenge": Protocol(
        "the images of surf@1 as the 2019 challenge names them, without subjects and species in"
        " dev and test",
        ("casia_surf",),
        _of_species(CHALLENGE_SPECIES, {}),
        CHALLENGE_PUBLISHED,
    ),
    "surf@crop": Protocol(
        "unseen subjects, seen cuts, three frames a video; its numbers compare with those of"
        " Flex-Modal and MMDG lists, never with surf@1",
        ("casia_surf_crop",),
        _of_species(CROP_SPECIES, {"comparable": NEVER_COMPARE}),
        CROP_PUBLISHED,
    ),
}
