"""The data card of the rendered benchmark says what the code does and what was measured."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest
from PIL import Image
from tools import synth_docs, synth_results, synth_sheets
from tools.markdown import table

from flexpad.synth.config import VERSION, SynthConfig
from flexpad.synth.families import FAMILIES, subjects_of
from flexpad.synth.instruments import SPECIES

ROOT = Path(__file__).resolve().parents[1]
CARD = synth_docs.CARD.read_text(encoding="utf-8")
SLOW = {"people", "optics"}  # everybody is drawn
LARGEST = 1_200_000  # bytes of a picture
DIFFICULTY = """\
family,protocol,method,seed,condition,rate,species,value,n,commit,hardware
surf,synth-surf@1,shared_vit,0,R,acer_pooled,,0.20,1400,abc,2 x CPU
surf,synth-surf@1,shared_vit,1,R,acer_pooled,,0.30,1400,abc,2 x CPU
surf,synth-surf@1,shared_vit,0,D,acer_pooled,,0.10,1400,abc,2 x CPU
surf,synth-surf@1,shared_vit,0,R,apcer,01_e_s,0.5,300,abc,2 x CPU
surf,synth-surf@1,shared_vit,0,D,apcer,01_e_s,,300,abc,2 x CPU
"""
SHORTCUTS = """\
protocol,modality,what,bpcer,apcer_pooled,apcer_max,acer_pooled,auc,leading,commit
synth-surf@1,rgb,whole image,0.4,0.4,0.5,0.40,0.6,noise level 0.610; entropy 0.450,abc
synth-surf@1,depth,whole image,0.3,0.3,0.5,0.30,0.7,entropy 0.200,abc
"""
SPEED = """\
what,workers,items_per_s,items_per_cpu_s,peak_mib,n,commit,hardware
flat_print,1,30.1,31.0,,12,abc,2 x CPU
family surf,2,50.0,26.0,410,60,abc,2 x CPU
"""


def marked(name: str) -> str:
    found = re.search(rf"<!-- {name} -->\n(.*?)\n?<!-- /{name} -->", CARD, re.DOTALL)
    assert found is not None, name
    return found[1]


def rows(markdown: str) -> list[list[str]]:
    lines = [line for line in markdown.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@pytest.mark.parametrize("name", sorted(synth_docs.FROM_CODE.keys() - SLOW))
def test_what_comes_from_code_is_as_the_code_says(name: str) -> None:
    assert marked(name) == synth_docs.FROM_CODE[name](), "run python -m tools.synth_docs"


@pytest.mark.parametrize("name", synth_docs.MEASURED)
def test_what_was_measured_is_as_the_results_say(name: str) -> None:
    content = synth_docs.MEASURED[name]()
    if content is None:
        pytest.skip(f"{name} has not been measured yet")
    assert marked(name) == content, "run python -m tools.synth_docs"


def test_counts_add_up() -> None:
    found = {(row[0], row[1]): row for row in rows(marked("counts"))}
    for size in ("small", "standard"):
        total = 0
        for family in FAMILIES:
            subjects = subjects_of(SynthConfig(family, size))  # type: ignore[arg-type]
            told = found[size, f"`{family}`"]
            assert told[2].split(" / ")[2] == str(sum(s.split == "test" for s in subjects))
            total += sum(subject.items for subject in subjects)
        assert found[size, "all"][-1] == f"**{total:,}**"


def test_those_who_are_shown_are_all_subjects() -> None:
    for family, count, *_ in rows(marked("people")):
        subjects = subjects_of(SynthConfig(family.strip("`"), "standard"))  # type: ignore[arg-type]
        assert int(count) == len(subjects)


def test_every_species_has_a_row_of_its_own_and_its_optics_told() -> None:
    assert [row[0].strip("`") for row in rows(marked("species"))] == list(SPECIES)
    told = CARD.partition("### Instruments")[2].partition("<!--")[0]
    patterns = re.findall(r"`([a-z_*]+)`", told)
    for species in SPECIES:
        assert any(fnmatch(species, pattern) for pattern in patterns), species


def test_card_and_readme_name_the_version_and_count_the_species() -> None:
    assert CARD.startswith(f"# {VERSION}: data card")
    assert len(SPECIES) == 18
    assert "eighteen species" in CARD
    assert "eighteen species" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_pages_and_pictures_of_the_card_are_there() -> None:
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", CARD):
        if not target.startswith("http"):
            assert (synth_docs.CARD.parent / target).exists(), target


@pytest.mark.parametrize("family", FAMILIES)
def test_a_sheet_has_a_row_for_each_species(family: str) -> None:
    kinds = synth_sheets.kinds_of(family)  # type: ignore[arg-type]
    shown = {t.species for s in subjects_of(SynthConfig(family)) for t in s.takes}  # type: ignore[arg-type]
    assert set(kinds) == shown
    path = synth_sheets.FOLDER / f"{family}.png"
    with Image.open(path) as sheet:
        layout = synth_sheets.SHEET
        assert sheet.size == (layout.width, layout.height(len(kinds) + 1))  # bona fide has two
    assert path.stat().st_size < LARGEST


def test_the_overview_is_small_enough() -> None:
    assert (synth_sheets.FOLDER / f"{synth_sheets.ALL}.png").stat().st_size < LARGEST


@pytest.mark.parametrize("family", FAMILIES)
def test_sheets_show_first_subjects_of_test_where_they_can(family: str) -> None:
    subjects = subjects_of(SynthConfig(family))  # type: ignore[arg-type]
    for species, kind in synth_sheets.kinds_of(family).items():  # type: ignore[arg-type]
        splits = {s.split for s in subjects if any(t.species == species for t in s.takes)}
        assert {s.split for s, _ in kind} == ({"test"} if "test" in splits else {"train"})
        first = next(s for s in subjects if s.name == kind[0][0].name)
        before = subjects[: subjects.index(first)]
        assert not any(
            s.split == first.split and any(t.species == species for t in s.takes) for s in before
        )


def test_no_row_shows_who_was_shown_above_until_all_were() -> None:
    kind = synth_sheets.kinds_of("wmca")[""]
    shown: set[str] = set()
    first = synth_sheets._first(kind, 3, shown)
    second = synth_sheets._first(kind, 3, shown)
    assert [*first, *second] == kind[:6]
    shown.update(subject.name for subject, _ in kind)
    assert synth_sheets._first(kind, 3, shown) == kind[:3]


def test_ethnicities_take_turns_in_cefa() -> None:
    ethnicities = [subject.ethnicity for subject, _ in synth_sheets.kinds_of("cefa")[""][:6]]
    assert len(set(ethnicities[:3])) == 3
    assert ethnicities[:3] == ethnicities[3:]


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(synth_results, "RESULTS", tmp_path)
    return tmp_path


def test_what_was_not_measured_is_left(results: Path) -> None:
    assert not any(results.iterdir())
    measured = synth_docs.MEASURED.items()
    assert [make() for name, make in measured if name != "frozen"] == [None] * 4


def test_difficulty_is_mean_and_deviation_over_seeds(results: Path) -> None:
    (results / "difficulty.csv").write_text(DIFFICULTY)
    told = synth_results.difficulty()
    assert told is not None
    assert rows(told) == [
        ["`synth-surf@1`", "shared_vit", "ACER pooled", "25.0 ± 7.1", "10.0"],
    ]
    assert told.endswith("From seeds 0, 1; commit abc; hardware 2 x CPU.")
    by_species = synth_results.difficulty_by_species()
    assert by_species is not None
    assert rows(by_species) == [
        ["`synth-surf@1`", "shared_vit", "`01_e_s`", "50.0", "-", "-", "300"]
    ]


def test_shortcuts_are_held_against_the_baseline(results: Path) -> None:
    (results / "shortcuts.csv").write_text(SHORTCUTS)
    told = synth_results.shortcuts()
    assert told is not None
    alone = ["`synth-surf@1`", "whole image", "40.0", "30.0", "-", "", "", ""]
    assert rows(told) == [[*alone, "depth: entropy 0.200"]]
    (results / "difficulty.csv").write_text(DIFFICULTY)
    told = synth_results.shortcuts()
    assert told is not None
    # (50 - 40) / (50 - 25) and (50 - 30) / (50 - 10)
    assert rows(told)[0][5:8] == ["0.40", "0.50", ""]


def test_speed_has_a_row_for_each_reading(results: Path) -> None:
    (results / "synth.csv").write_text(SPEED)
    told = synth_results.speed()
    assert told is not None
    assert rows(told) == [
        ["flat print", "1", "30.1", "31.0", ""],
        ["family surf", "2", "50.0", "26.0", "410"],
    ]


def test_a_table_in_markdown() -> None:
    assert table(("a", "b"), [["1", ""]], "lr") == "| a | b |\n| --- | --: |\n| 1 |  |"
