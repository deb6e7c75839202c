"""Protocols: which rows of a manifest are used for what, and that no split knows another.

A protocol is named ``<data set>@<protocol>``. It chooses rows and their splits; whatever it chose
is then checked for subjects, videos and files that stand in more than one split.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from flexpad.data.manifest import Manifest, Row
from flexpad.registry import Registry
from flexpad.types import SPLITS, BadInput, is_rendered

# Unseen cut types: Zhang et al., "CASIA-SURF: A Large-Scale Multi-Modal Benchmark for Face
# Anti-Spoofing", TBIOM 2020, and the author lists CASIA_SURF@p1_*.
_UNSEEN = ("01_e_s", "02_e_b", "03_en_s")
SURF_SPECIES = {
    "train": ("04_en_b", "05_enm_s", "06_enm_b"),
    "dev": _UNSEEN,
    "test": _UNSEEN,
}


@dataclass(frozen=True)
class Protocol:
    """One way to use one or more data sets.

    Attributes:
        summary: What it measures, in one sentence.
        datasets: The data sets it may be applied to.
        choose: Takes a manifest of those, returns the rows with the splits they are used for.
    """

    summary: str
    datasets: tuple[str, ...]
    choose: Callable[[Manifest], Manifest]


def apply(name: str, manifest: Manifest) -> Manifest:
    """Choose the rows of a protocol and check that they can be used.

    Args:
        name: E.g. ``surf@1``.
        manifest: All rows that were read.

    Returns:
        The rows in use, with the protocol's name in the header.

    Raises:
        BadInput: The protocol is unknown or for other data sets, a row breaks its rule, a split is
            missing or lacks a class, or two splits share a subject, a video or a file.
    """
    protocol = PROTOCOLS[name]
    datasets = {row.dataset for row in manifest}
    foreign = sorted(datasets.difference(protocol.datasets))
    if foreign:
        raise BadInput(
            f"{manifest.name}: protocol {name!r} is for {' or '.join(protocol.datasets)},"
            f" not for {foreign[0]!r}"
        )
    if manifest.is_rendered and not all(map(is_rendered, datasets)):
        raise BadInput(f"{manifest.name}: mixes rendered faces with real ones; keep them apart")
    chosen = protocol.choose(manifest)
    for split in SPLITS:
        chosen.split(split).require_both_classes()
    check_overlap(chosen)
    return replace(chosen, header={**chosen.header, "protocol": name})


def check_overlap(manifest: Manifest) -> None:
    """Refuse splits that share a subject, a video or a file.

    A subject or video is told by its id within its data set, a file by its path; frames of one
    HDF5 file are one file.

    Raises:
        BadInput: Two splits share something; names the first of them and says how many there are.
    """
    keys: Mapping[str, Callable[[Row], Iterable[tuple[str, str]]]] = {
        "subject": lambda row: [(row.dataset, row.subject_id)],
        "video": lambda row: [(row.dataset, row.video_id)],
        "file": lambda row: [("", _file_of(row.path(m))) for m in row.modalities],
    }
    for what, keys_of in keys.items():
        splits_of: dict[tuple[str, str], set[str]] = {}
        for row in manifest:
            for key in keys_of(row):
                splits_of.setdefault(key, set()).add(row.split)
        shared = [(key, splits) for key, splits in splits_of.items() if len(splits) > 1]
        if shared:
            (_, name), splits = shared[0]
            where = " and ".join(split for split in SPLITS if split in splits)
            raise BadInput(
                f"{manifest.name}: {what} {name!r} stands in {where}"
                f" ({len(shared)} {what}{'s' if len(shared) > 1 else ''} overlap);"
                " a score on such a split means nothing"
            )


def _file_of(path: str) -> str:
    return posixpath.normpath(path.partition("::")[0])


def _surf_1(manifest: Manifest) -> Manifest:
    """Take the splits as listed; real attacks have to be of the species their split is for."""
    wrong = [
        row
        for row in manifest
        if row.dataset == "casia_surf"
        and not row.is_bonafide
        and row.pai_species not in SURF_SPECIES[row.split]
    ]
    if wrong:
        row = wrong[0]
        raise BadInput(
            f"{manifest.name}: row {row.sample_id!r}: species {row.pai_species!r} is none of"
            f" {', '.join(SURF_SPECIES[row.split])}, which surf@1 has in {row.split}"
            f" ({len(wrong)} such row{'s' if len(wrong) > 1 else ''})"
        )
    return manifest


PROTOCOLS: Registry[Protocol] = Registry("protocol")
PROTOCOLS.add("surf@1")(
    Protocol(
        "unseen subjects and, on real faces, unseen cuts: train 04-06, dev and test 01-03",
        ("casia_surf", "synth_surf"),
        _surf_1,
    )
)
