"""Rendered sets on disk: what is planned, what is written, determinism, resuming, refusals."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from flexpad import readers
from flexpad.synth import generate as module
from flexpad.synth import journal
from flexpad.synth.config import SynthConfig
from flexpad.synth.contact_sheet import Layout, contact_sheet
from flexpad.synth.families import FAMILIES, cefa, subjects_of, surf, wmca
from flexpad.synth.generate import digest_of, generate, person_of
from flexpad.synth.instruments import SPECIES
from flexpad.synth.layouts.pictures import write_video
from flexpad.synth.plan import Subject, generator
from flexpad.synth.workers import share_out
from flexpad.types import BadInput

TINY = SynthConfig(seed=5, pixels=32, part=(1, 1, 1))
ALL = [SynthConfig(family, size) for family, size in product(FAMILIES, ("small", "standard"))]
BASE = "CASIA_SURF"
ITEMS = 3 * (5 + 3 * 3)


def files_of(root: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path."""
    found = sorted(path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("set") / "tiny"
    assert generate(root, TINY, workers=1) is True
    return root


class TestPlan:
    @pytest.mark.parametrize("config", ALL, ids=lambda config: config.name)
    def test_nobody_and_nothing_stands_twice(self, config: SynthConfig) -> None:
        subjects = subjects_of(config)
        assert len({subject.name for subject in subjects}) == len(subjects)
        videos = [take.video_id for subject in subjects for take in subject.takes]
        assert len(set(videos)) == len(videos)
        assert {take.species for s in subjects for take in s.takes} <= {"", *SPECIES}

    @pytest.mark.parametrize("config", ALL, ids=lambda config: config.name)
    def test_a_test_is_large_enough_for_an_interval(self, config: SynthConfig) -> None:
        test = [subject for subject in subjects_of(config) if subject.split == "test"]
        assert len(test) >= 60
        assert sum(subject.items for subject in test) >= 1000

    def test_all_families_together_have_about_20_000_items(self) -> None:
        standard = [subjects_of(config) for config in ALL if config.size == "standard"]
        assert 19_500 < sum(s.items for subjects in standard for s in subjects) < 20_500
        small = [subjects_of(config) for config in ALL if config.size == "small"]
        assert all(sum(s.items for s in subjects) < 6_000 for subjects in small)

    def test_no_two_families_share_a_subject(self) -> None:
        names = [s.name for config in ALL if config.size == "standard" for s in subjects_of(config)]
        assert len(set(names)) == len(names)

    @pytest.mark.parametrize("family", FAMILIES)
    def test_a_small_set_is_a_part_of_the_standard_one(self, family: str) -> None:
        small, standard = (
            {s.name: s for s in subjects_of(SynthConfig(family, size))}
            for size in ("small", "standard")
        )
        assert small.items() <= standard.items()

    @pytest.mark.parametrize("family", FAMILIES)
    def test_a_part_is_a_part(self, family: str) -> None:
        whole = subjects_of(SynthConfig(family))
        part = subjects_of(SynthConfig(family, part=(2, 1, 3)))
        assert all(subject in whole for subject in part)
        groups = {"surf": 1, "cefa": 3, "wmca": 1}[family]
        counts = Counter(subject.split for subject in part)
        assert (counts["train"], counts["dev"]) == (2 * groups, groups)
        assert len(subjects_of(SynthConfig(family, part=(9999, 9999, 9999)))) == len(whole)

    def test_every_family_shows_its_species(self) -> None:
        shown = {
            name: {take.species for s in subjects_of(SynthConfig(name)) for take in s.takes}
            for name in FAMILIES
        }
        assert shown["surf"] == {"", *surf.CUTS.values()}
        cloth = {"cloth_print_indoor", "cloth_print_outdoor"}
        assert shown["cefa"] == {"", "replay_tablet", "rigid_mask", "silicone_mask", *cloth}
        assert shown["wmca"] == {"", *(s for kind in wmca.INSTRUMENTS.values() for s, _ in kind)}
        assert set.union(*shown.values()) == {"", *SPECIES}

    def test_cuts_that_were_trained_on_are_never_tested(self) -> None:
        by_split: dict[str, set[str]] = {}
        for subject in subjects_of(SynthConfig("surf")):
            by_split.setdefault(subject.split, set()).update(t.pai_species for t in subject.takes)
        assert by_split["train"] & by_split["test"] == {""}
        assert by_split["dev"] == by_split["test"] == {"", "01_e_s", "02_e_b", "03_en_s"}

    def test_paper_masks_are_in_test_alone(self) -> None:
        splits = {
            subject.split
            for subject in subjects_of(SynthConfig("wmca"))
            for take in subject.takes
            if take.pai_species == "papermask"
        }
        assert splits == {"test"}

    def test_cefa_has_as_many_of_each_ethnicity_in_sunlight_as_in_rooms(self) -> None:
        subjects = subjects_of(SynthConfig("cefa"))
        assert set(Counter(s.ethnicity for s in subjects if s.ethnicity).values()) == {110}
        bonafide = [t for s in subjects for t in s.takes if t.label == "bonafide"]
        assert sum(take.outdoors for take in bonafide) * 2 == len(bonafide)
        masks = [t for s in subjects for t in s.takes if s.ethnicity == ""]
        assert sum(take.outdoors for take in masks) * 2 == len(masks)

    def test_descent_is_what_the_ethnicity_says(self) -> None:
        config = SynthConfig("cefa", part=(4, 1, 1))
        people = [s for s in subjects_of(config) if s.split == "train"]
        mixtures = {s.name: person_of(config, s).phenotype.mixture for s in people}
        for name, (african, asian, caucasian) in mixtures.items():
            if "AF" in name:
                assert african > 0.7
            elif "EA" in name:
                assert asian > 0.7
            else:
                assert asian + caucasian > 0.85
                assert min(asian, caucasian) > 0.05

    def test_random_numbers_go_by_name(self) -> None:
        draws = {
            name: generator(*name).random()
            for name in ((0, "surf", "a"), (1, "surf", "a"), (0, "cefa", "a"), (0, "surf", "b"))
        }
        assert len(set(draws.values())) == 4
        assert generator(0, "surf", "a").random() == draws[0, "surf", "a"]


class TestWorkers:
    def test_linear_algebra_keeps_to_one_thread_in_each(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OMP_NUM_THREADS", "3")
        monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
        names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
        assert dict(share_out(os.getenv, names, workers=2)) == dict.fromkeys(names, "1")
        assert [os.getenv(name) for name in names] == ["3", None]

    def test_an_error_in_a_job_comes_out(self) -> None:
        with pytest.raises(ValueError, match="invalid literal"):
            list(share_out(int, ["1", "one"], workers=2))


class TestBytes:
    def test_two_workers_write_the_same(self, rendered: Path, tmp_path: Path) -> None:
        assert generate(tmp_path / "two", TINY, workers=2) is True
        assert files_of(tmp_path / "two") == files_of(rendered)

    def test_a_part_has_the_bytes_of_the_whole(self, rendered: Path, tmp_path: Path) -> None:
        more = tmp_path / "more"
        generate(more, replace(TINY, part=(2, 1, 1)), workers=2)
        ours, theirs = files_of(rendered), files_of(more)
        images = {path for path in ours if path.endswith(".jpg")}
        assert len(images) == 3 * ITEMS
        assert all(ours[path] == theirs[path] for path in images)

    def test_an_interrupted_run_goes_on_to_the_same(
        self, rendered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        root = tmp_path / "interrupted"
        done: list[str] = []

        def stop_at_the_seventh(folder: Path, *rest: object) -> None:
            if len(done) == 6:
                (folder.with_name(folder.name + ".partial") / "color").mkdir(parents=True)
                raise KeyboardInterrupt
            done.append(folder.name)
            write_video(folder, *rest)  # type: ignore[arg-type]

        monkeypatch.setattr("flexpad.synth.layouts.surf.write_video", stop_at_the_seventh)
        with pytest.raises(KeyboardInterrupt):
            generate(root, TINY, workers=1)
        assert not (root / BASE / "RENDERED.json").exists()
        kept = {path: path.stat().st_mtime_ns for path in root.rglob("*.jpg")}
        monkeypatch.undo()
        assert generate(root, TINY, workers=1) is True
        assert files_of(root) == files_of(rendered)
        assert {path: path.stat().st_mtime_ns for path in kept} == kept  # nothing rendered twice

    @staticmethod
    def has_whole_take(root: Path) -> bool:
        """Look while folders are being renamed, which os.walk passes over and rglob does not."""
        return any(name.endswith(".rssdk") for _, names, _ in os.walk(root) for name in names)

    def test_a_killed_run_leaves_nothing_that_is_readable_and_goes_on(
        self, rendered: Path, tmp_path: Path
    ) -> None:
        root = tmp_path / "killed"
        code = (
            "from pathlib import Path; from flexpad.synth.config import SynthConfig;"
            " from flexpad.synth.generate import generate;"
            f" generate(Path({str(root)!r}), SynthConfig(seed=5, pixels=32, part=(1, 1, 1)), 1)"
        )
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL) as run:
            while not self.has_whole_take(root) and run.poll() is None:
                time.sleep(0.01)
            os.kill(run.pid, signal.SIGKILL)
        assert not (root / BASE / "RENDERED.json").exists()
        whole = files_of(rendered)
        found = {p: c for p, c in files_of(root).items() if p.endswith(".jpg")}
        assert found
        for path, content in found.items():
            assert ".partial/" in path or content == whole[path]
        assert generate(root, TINY, workers=1) is True
        assert files_of(root) == whole

    def test_a_take_that_is_missing_is_rendered_again(self, rendered: Path, tmp_path: Path) -> None:
        """What stands in the journal alone was never written whole."""
        root = tmp_path / "set"
        shutil.copytree(rendered, root)
        record = json.loads((root / BASE / "RENDERED.json").read_text())
        del record["subjects"], record["checksums"]
        (root / BASE / "RENDERED.json").unlink()
        (root / BASE / "RENDERING.json").write_text(json.dumps(record))
        subject = subjects_of(TINY)[0]
        entry = journal.Entry({}, {take.name: "" for take in subject.takes})
        journal.write(root / BASE, subject.name, entry)
        shutil.rmtree(root / BASE / "Data/Training/fake_part")
        assert generate(root, TINY, workers=1) is True
        images = {p: c for p, c in files_of(root).items() if p.endswith(".jpg")}
        assert images == {p: c for p, c in files_of(rendered).items() if p.endswith(".jpg")}

    def test_checksums_are_those_of_the_pixels(self, rendered: Path) -> None:
        record = json.loads((rendered / BASE / "RENDERED.json").read_text())
        subject = subjects_of(TINY)[2]
        takes = {
            take.name: module.checksum(module.shoot(TINY, subject, take, person_of(TINY, subject)))
            for take in subject.takes
        }
        assert record["checksums"][subject.name] == digest_of(subject, takes)
        changed = {**takes, "real": "0" * 64}
        assert record["checksums"][subject.name] != digest_of(subject, changed)


class TestFolder:
    def test_a_complete_set_is_left_alone(self, rendered: Path) -> None:
        before = {path: path.stat().st_mtime_ns for path in rendered.rglob("*")}
        assert generate(rendered, TINY, workers=1) is False
        assert {path: path.stat().st_mtime_ns for path in rendered.rglob("*")} == before

    @pytest.mark.parametrize(
        "change", [{"seed": 6}, {"part": (2, 1, 1)}, {"part": None}, {"pixels": 48}]
    )
    def test_other_settings_are_refused(self, rendered: Path, change: dict[str, object]) -> None:
        key = next(iter(change))
        with pytest.raises(BadInput, match=rf"RENDERED\.json.*{key}") as refusal:
            generate(rendered, replace(TINY, **change), workers=1)
        assert "\n" not in str(refusal.value)

    @pytest.mark.parametrize("change", [{"family": "cefa"}, {"layout": "native"}])
    def test_another_family_or_layout_is_refused(
        self, rendered: Path, change: dict[str, object]
    ) -> None:
        with pytest.raises(BadInput, match="choose another folder"):
            generate(rendered, replace(TINY, **change), workers=1)

    def test_another_version_is_refused(
        self, rendered: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "VERSION", "synth-1.1")
        with pytest.raises(BadInput, match=r"version = synth-1\.0, not synth-1\.1"):
            generate(rendered, TINY, workers=1)

    def test_somebody_elses_folder_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "thesis.tex").write_text("mine")
        with pytest.raises(BadInput, match="not empty"):
            generate(tmp_path, TINY, workers=1)
        assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]

    def test_a_file_in_the_place_of_the_folder_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "set").write_text("mine")
        with pytest.raises(BadInput, match="is a file"):
            generate(tmp_path / "set", TINY, workers=1)

    @pytest.mark.parametrize("workers", [1, 2])
    def test_a_full_disk_is_one_line_and_leaves_no_complete_set(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
    ) -> None:
        def full(_root: Path, _config: SynthConfig, subject: Subject) -> None:
            raise OSError(errno.ENOSPC, "No space left on device", subject.name)

        if workers == 2:  # a process of its own has not this module's patch
            monkeypatch.setattr(module, "render_subject", _full_in_a_process)
        else:
            monkeypatch.setattr(module, "render_subject", full)
        with pytest.raises(BadInput, match=r"cannot be written \(No space left") as refusal:
            generate(tmp_path / "set", TINY, workers=workers)
        assert "\n" not in str(refusal.value)
        assert not (tmp_path / "set" / BASE / "RENDERED.json").exists()

    def test_a_video_that_does_not_fit_leaves_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write, written = Path.write_bytes, []

        def write_some(path: Path, content: bytes) -> int:
            written.append(path)
            if len(written) == 8:
                write(path, content[:10])
                raise OSError(errno.ENOSPC, "No space left on device", str(path))
            return write(path, content)

        monkeypatch.setattr(Path, "write_bytes", write_some)
        with pytest.raises(BadInput, match=r"0021\.jpg: cannot be written \(No space left"):
            generate(tmp_path / "set", TINY, workers=1)
        assert not list((tmp_path / "set").rglob("*.jpg"))
        assert not list((tmp_path / "set").rglob("*.partial"))

    def test_a_damaged_record_is_refused(self, rendered: Path, tmp_path: Path) -> None:
        root = tmp_path / "damaged"
        shutil.copytree(rendered, root)
        (root / BASE / "RENDERED.json").write_text("{")
        with pytest.raises(BadInput, match="cannot be read"):
            generate(root, TINY, workers=1)


def _full_in_a_process(_root: Path, _config: SynthConfig, subject: Subject) -> None:
    raise OSError(errno.ENOSPC, "No space left on device", subject.name)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"seed": -1}, "seed"),
        ({"part": (1, 1)}, "part"),
        ({"part": (1, 0, 1)}, "part"),
        ({"pixels": 8}, "pixels"),
        ({"layout": "cefa"}, "take native or surf"),
    ],
)
def test_bad_configuration_is_refused(change: dict[str, object], word: str) -> None:
    with pytest.raises(BadInput, match=word):
        replace(TINY, **change)


def test_no_workers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="workers"):
        generate(tmp_path / "set", TINY, workers=0)
    assert not (tmp_path / "set").exists()


def test_the_name_says_what_is_not_frozen() -> None:
    assert SynthConfig("cefa", "standard").name == "synth-1.0-cefa-standard"
    assert TINY.name == "synth-1.0-surf-small (seed 5, 32 pixels, part 1+1+1)"
    assert SynthConfig(part=(1, 1, 1)).is_frozen
    assert not TINY.is_frozen


def test_record_has_every_subject_with_its_attributes(rendered: Path) -> None:
    record = json.loads((rendered / BASE / "RENDERED.json").read_text())
    assert (record["version"], record["name"]) == ("synth-1.0", TINY.name)
    assert record["settings"]["seed"] == 5
    assert list(record["subjects"]) == ["SYNT_RS0001", "SYNT_RS4001", "SYNT_RS5001"]
    assert list(record["checksums"]) == list(record["subjects"])
    for attributes in record["subjects"].values():
        assert attributes["ethnicity"] in ("african", "asian", "caucasian")
        assert attributes["sex"] in ("male", "female")
        assert attributes["skin_tone"] in ("light", "medium", "brown", "dark")
        assert 18 <= attributes["age"] <= 80


def test_cefa_calls_ethnicities_as_the_real_set() -> None:
    subjects = subjects_of(SynthConfig("cefa", part=(1, 1, 1)))
    told = {module._attributes(s, person_of(TINY, s)).get("ethnicity") for s in subjects}
    assert told == {*cefa.DESCENT, None}


def test_contact_sheet_has_a_row_for_each_presentation(rendered: Path, tmp_path: Path) -> None:
    layout = Layout(tile=32, columns=2, bonafide_rows=2)
    contact_sheet(readers.read("casia_surf", rendered), tmp_path / "sheet.png", layout)
    with Image.open(tmp_path / "sheet.png") as sheet:
        # Three subjects fill two rows of two with bona fides.
        assert sheet.size == (layout.width, layout.height(2 + len(surf.CUTS)))
        left = layout.margin + layout.label
        top = layout.margin + layout.header
        tile = np.asarray(sheet.crop((left, top, left + 32, top + 32)))
    assert tile.std() > 10
    assert not list(tmp_path.glob("*.partial"))


def test_contact_sheet_leaves_an_absent_modality_empty(rendered: Path, tmp_path: Path) -> None:
    manifest = readers.read("casia_surf", rendered)
    without = replace(manifest, rows=tuple(replace(row, depth="") for row in manifest.rows))
    layout = Layout(tile=32, columns=1, bonafide_rows=1)
    contact_sheet(without, tmp_path / "sheet.png", layout)
    left = layout.margin + layout.label + 32 + 2
    top = layout.margin + layout.header
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert np.asarray(sheet.crop((left, top, left + 32, top + 32))).max() == 0


def test_contact_sheet_names_an_image_it_cannot_read(rendered: Path, tmp_path: Path) -> None:
    manifest = readers.read("casia_surf", rendered)
    moved = replace(manifest, root=tmp_path)
    with pytest.raises(BadInput, match=r"0001\.jpg"):
        contact_sheet(moved, tmp_path / "sheet.png")
    assert not (tmp_path / "sheet.png").exists()
