"""Fill what docs/data_card_synth.md takes from code and measurements, between its marked lines.

``python -m tools.synth_docs`` fills the tables, ``python -m tools.synth_sheets`` draws pictures.
What was measured is read from ``benchmarks/results``; where a file is not there yet, what stands in
the card is left, and said so.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import get_args

from benchmarks.page import fill
from tools import synth_optics, synth_results
from tools.markdown import percent, table

from flexpad.data import protocols
from flexpad.data.manifest import Manifest, Row, Rows, sha256
from flexpad.data.protocols import Protocol
from flexpad.synth import freeze
from flexpad.synth.config import FamilyName, SizeName, SynthConfig
from flexpad.synth.families import FAMILIES, subjects_of
from flexpad.synth.head import head_model
from flexpad.synth.instruments import SPECIES
from flexpad.synth.layouts import LAYOUTS
from flexpad.synth.plan import Subject, Take
from flexpad.types import BONAFIDE, SPLITS

CARD = Path(__file__).parents[1] / "docs" / "data_card_synth.md"
PROVENANCE = Path(freeze.__file__).parent / "assets" / "head.provenance.json"
MODELLED_ON = {"surf": "CASIA-SURF", "cefa": "CASIA-SURF CeFA", "wmca": "WMCA"}


def counts() -> str:
    """How much each size of each family holds, by split."""
    rows = []
    for size in get_args(SizeName):
        every = 0
        for family in get_args(FamilyName):
            subjects = subjects_of(SynthConfig(family, size))
            rows.append([size, f"`{family}`", *_amounts(subjects)])
            every += sum(subject.items for subject in subjects)
        rows.append([size, "all", "", "", "", "", f"**{every:,}**"])
    head = ("size", "family", "subjects", "recordings", "bona fide items", "attack items", "items")
    return table(head, rows, "ll" + "r" * 5)


def species() -> str:
    """What each species is called in each family, in which splits, and how often it is shown."""
    families = get_args(FamilyName)
    whole = {family: subjects_of(SynthConfig(family, "standard")) for family in families}
    rows = []
    for name in SPECIES:
        cells, items = [], 0
        for subjects in whole.values():
            shown = [(s, take) for s in subjects for take in s.takes if take.species == name]
            called = " ".join(dict.fromkeys(f"`{take.pai_species}`" for _, take in shown))
            splits = ", ".join(dict.fromkeys(subject.split for subject, _ in shown))
            cells.append(f"{called} {splits}".strip())
            items += sum(len(take.frames) for _, take in shown)
        rows.append([f"`{name}`", *cells, f"{items:,}"])
    return table(("species", *MODELLED_ON, "items, standard"), rows, "llllr")


def protocol_list() -> str:
    """The protocols, with bona fide and attack items of the small size in each split."""
    planned = {FAMILIES[name].dataset: plan(SynthConfig(name)) for name in get_args(FamilyName)}
    rows = []
    for name, protocol in rendered_protocols().items():
        chosen = protocols.choose(name, planned[protocol.datasets[0]]).rows.table
        of_split = [chosen.filter(chosen["split"] == split)["label"] for split in SPLITS]
        cells = [f"{(x == BONAFIDE).sum():,} + {(x != BONAFIDE).sum():,}" for x in of_split]
        rows.append([f"`{name}`", protocol.summary.removeprefix("rendered: "), *cells])
    return table(("protocol", "what it asks", *SPLITS), rows, "llrrr")


def rendered_protocols() -> dict[str, Protocol]:
    """The protocols of the rendered families."""
    ours = {family.dataset for family in FAMILIES.values()}
    return {
        name: protocols.PROTOCOLS[name]
        for name in sorted(protocols.PROTOCOLS)
        if ours.issuperset(protocols.PROTOCOLS[name].datasets)
    }


def plan(config: SynthConfig) -> Manifest:
    """The manifest a set will have, without rendering it."""
    dataset = FAMILIES[config.family].dataset
    rows = [
        _row(dataset, subject, take, frame)
        for subject in subjects_of(config)
        for take in subject.takes
        for frame in take.frames
    ]
    return Manifest(Path(), Rows.of(rows), name=config.name)


def head() -> str:
    """Where the parametric head comes from."""
    said = json.loads(PROVENANCE.read_text(encoding="utf-8"))
    model = head_model()
    asset, left = f"`{said['package']}` {said['version']}", f"{said['rms_left_mm']:.1f} mm"
    return (
        f"{said['components']} components of {said['samples']:,} heads drawn with {asset} keep"
        f" {percent(said['variance_kept'], 1)} of their variance; {left} are left."
        f" {len(model.action_names)} facial actions, {len(model.mean):,} vertices,"
        f" {len(model.triangles):,} triangles. Licence of the data: {said['licence_of_the_data']}."
        f" Source: <{said['source'].split(', ')[0]}>."
    )


def layouts() -> str:
    """Which reader reads which layout, from which folder."""
    rows = [
        [f"`{name}`", f"`{layout.reader}`", f"`{layout.base or '.'}`", str(layout.pixels or "any")]
        for name, layout in LAYOUTS.items()
    ]
    return table(("layout", "reader", "`RENDERED.json` in", "pixels"), rows, "llll")


def frozen() -> str | None:
    """The checksum files of the frozen version and what they were made with."""
    rows, made_with = [], dict[str, str]()
    for family in get_args(FamilyName):
        for size in get_args(SizeName):
            found = freeze.load(family, size)
            if found is None:
                return None
            made_with |= found.made_with
            name = freeze.file_name(family, size)
            digest = sha256(Path(freeze.__file__).parent / "frozen" / name)
            rows.append([f"`{name}`", f"{len(found.checksums):,}", f"`{digest[:16]}…`"])
    said = ", ".join(f"{what} {value}" for what, value in made_with.items())
    return f"{table(('file', 'subjects', 'sha256'), rows, 'lrl')}\n\nMade with {said}."


def _amounts(subjects: Iterable[Subject]) -> list[str]:
    """Subjects, recordings, bona fide and attack items in train / dev / test, and all items."""
    found: list[list[int]] = [[], [], [], []]
    for split in SPLITS:
        here = [subject for subject in subjects if subject.split == split]
        takes = [take for subject in here for take in subject.takes]
        bonafide = sum(len(take.frames) for take in takes if take.label == BONAFIDE)
        items = sum(subject.items for subject in here)
        amounts = (len(here), len(takes), bonafide, items - bonafide)
        for column, amount in zip(found, amounts, strict=True):
            column.append(amount)
    cells = [" / ".join(f"{amount:,}" for amount in column) for column in found]
    return [*cells, f"{sum(found[2]) + sum(found[3]):,}"]


def _row(dataset: str, subject: Subject, take: Take, frame: int) -> Row:
    sample = f"{subject.split}/{take.video_id}/{frame:04d}"
    return Row(
        sample_id=sample,
        dataset=dataset,
        split=subject.split,
        subject_id=subject.name,
        video_id=take.video_id,
        frame=frame,
        label=take.label,
        pai_species=take.pai_species,
        rgb=f"{sample}.rgb",
        depth=f"{sample}.depth",
        ir=f"{sample}.ir",
        groups={"ethnicity": subject.ethnicity or ""},
    )


FROM_CODE: Mapping[str, Callable[[], str]] = {
    "counts": counts,
    "species": species,
    "protocols": protocol_list,
    "head": head,
    "layouts": layouts,
    "optics": synth_optics.optics,
    "skin": synth_optics.skin,
    "screens": synth_optics.screens,
    "lights": synth_optics.lights,
    "sensors": synth_optics.sensors,
    "people": synth_optics.people,
}
MEASURED: Mapping[str, Callable[[], str | None]] = {
    "frozen": frozen,
    "difficulty": synth_results.difficulty,
    "difficulty by species": synth_results.difficulty_by_species,
    "shortcuts": synth_results.shortcuts,
    "speed": synth_results.speed,
}


def main() -> None:
    """Fill every part."""
    for mark, make in (FROM_CODE | MEASURED).items():  # type: ignore[operator]
        content = make()
        if content is None:
            print(f"{mark}: not made yet, what stands in {CARD.name} is left", file=sys.stderr)
        else:
            fill(CARD, mark, content)


if __name__ == "__main__":
    main()
