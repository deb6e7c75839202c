"""Contact sheets of the rendered benchmark for the docs: first subjects, never chosen ones.

``python -m tools.synth_sheets [NAMES]`` draws all, or some of surf, cefa, wmca, all_species, into
``docs/synth``. A row shows one kind of presentation by the first subjects of the set (of CeFA's
ethnicities in turn) that no row above it shows, of test where the kind stands there, else of train;
each in the first frame of its first such take.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import chain, zip_longest
from pathlib import Path
from typing import cast, get_args

from PIL import Image

from flexpad.synth.config import FamilyName, SynthConfig
from flexpad.synth.contact_sheet import Item, Layout, Line, draw_overview, draw_sheet
from flexpad.synth.families import subjects_of
from flexpad.synth.generate import person_of, shoot
from flexpad.synth.instruments import SPECIES
from flexpad.synth.plan import Subject, Take

FOLDER = Path(__file__).parents[1] / "docs" / "synth"
SHEET = Layout(tile=96, columns=3, label=104, gap=10, caption=14)
OVERVIEW = Layout(tile=144, columns=10, label=62, gap=6, header=28)
OVERVIEW_PIXELS = 192
ALL = "all_species"

Kind = list[tuple[Subject, Take]]


def kinds_of(family: FamilyName) -> dict[str, Kind]:
    """Who shows which kind of presentation ("" is bona fide), in the order they are taken in."""
    subjects = subjects_of(SynthConfig(family))
    found = {name: _showing(subjects, name) for name in ("", *SPECIES)}
    return {name: kind for name, kind in found.items() if kind}


def draw_family(family: FamilyName) -> Path:
    """Draw two rows of bona fide presentations and one of each species."""
    config = SynthConfig(family, layout="native")
    kinds = kinds_of(family)
    shown: set[str] = set()
    lines = []
    for name in ("", *kinds):  # bona fide twice
        chosen = _first(kinds[name], SHEET.columns, shown)
        items = [_photograph(config, *pair) for pair in chosen]
        lines.append(Line(name or "bona fide", items, called(chosen[0][1])))
    path = FOLDER / f"{family}.png"
    draw_sheet(lines, path, SHEET)
    return path


def draw_all_species() -> Path:
    """Draw somebody bona fide without and with what is behind, and every species once."""
    families = {name: kinds_of(name) for name in get_args(FamilyName)}
    wanted: list[tuple[FamilyName, str]] = [("surf", ""), ("wmca", "")]
    for species in SPECIES:
        first = next(family for family, kinds in families.items() if species in kinds)
        wanted.append((first, species))
    shown: set[str] = set()
    lines = []
    for family, species in wanted:
        config = SynthConfig(family, layout="native", pixels=OVERVIEW_PIXELS)
        ((subject, take),) = _first(families[family][species], 1, shown)
        lines.append(Line(species or "bona fide", [_photograph(config, subject, take)]))
    path = FOLDER / f"{ALL}.png"
    draw_overview(lines, path, OVERVIEW)
    return path


def called(take: Take) -> str:
    """What the real set calls a species, where that is another name."""
    return "" if take.pai_species == take.species else take.pai_species


def _showing(subjects: list[Subject], species: str) -> Kind:
    for split in ("test", "train"):
        by_ethnicity: dict[str | None, Kind] = {}
        for subject in subjects:
            take = next((take for take in subject.takes if take.species == species), None)
            if take and subject.split == split:
                by_ethnicity.setdefault(subject.ethnicity, []).append((subject, take))
        if by_ethnicity:
            return [pair for pair in chain(*zip_longest(*by_ethnicity.values())) if pair]
    return []


def _first(kind: Kind, count: int, shown: set[str]) -> Kind:
    """Those of the first subjects that have not been shown; from now on they have."""
    fresh = [pair for pair in kind if pair[0].name not in shown]
    chosen = (fresh + kind)[:count]
    shown.update(subject.name for subject, _ in chosen)
    return chosen


def _photograph(config: SynthConfig, subject: Subject, take: Take) -> Item:
    first = replace(take, frames=take.frames[:1])
    shot = shoot(config, subject, first, person_of(config, subject))[0]
    pictures = (shot.colour, shot.depth, shot.infrared)
    name = take.name if take.name.startswith(subject.name) else f"{subject.name}, {take.name}"
    return Item(tuple(map(Image.fromarray, pictures)), name)


def main() -> None:
    """Draw what is asked for."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[1:] or (*get_args(FamilyName), ALL):
        path = draw_all_species() if name == ALL else draw_family(cast(FamilyName, name))
        print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
