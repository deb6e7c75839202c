"""The rendered data set on disk: layout, lists, determinism, resuming, refusals."""

from __future__ import annotations

import errno
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from flexpad import readers
from flexpad.synth import generate as module
from flexpad.synth.config import SynthConfig
from flexpad.synth.contact_sheet import Layout, contact_sheet
from flexpad.synth.generate import (
    Subject,
    generate,
    items_per_subject,
    list_subjects,
    video_folder,
)
from flexpad.synth.instruments import SPECIES
from flexpad.types import MODALITIES, BadInput

TINY = SynthConfig(seed=5, subjects=(1, 1, 1), bonafide_frames=2, attack_frames=1, size=32)
SPLIT_FOLDERS = {"train": "Training", "dev": "Val", "test": "Testing"}


def files_of(root: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path."""
    found = sorted(path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("set") / "tiny"
    assert generate(root, TINY, workers=1) is True
    return root


def test_two_workers_write_the_same_bytes(rendered: Path, tmp_path: Path) -> None:
    assert generate(tmp_path / "two", TINY, workers=2) is True
    assert files_of(tmp_path / "two") == files_of(rendered)


def test_an_interrupted_run_goes_on_to_the_same_bytes(
    rendered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "interrupted"
    whole = module.render_video
    done: list[str] = []

    def stop_at_the_eighth(folder: Path, *rest: object) -> None:
        if len(done) == 7:
            (folder.with_name(folder.name + ".partial") / "color").mkdir(parents=True)
            raise KeyboardInterrupt
        done.append(folder.name)
        whole(folder, *rest)

    monkeypatch.setattr(module, "render_video", stop_at_the_eighth)
    with pytest.raises(KeyboardInterrupt):
        generate(root, TINY, workers=1)
    assert not (root / "CASIA_SURF" / "RENDERED.json").exists()
    kept = {path: path.stat().st_mtime_ns for path in root.rglob("*.jpg")}
    monkeypatch.setattr(module, "render_video", whole)
    assert generate(root, TINY, workers=1) is True
    assert files_of(root) == files_of(rendered)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept  # nothing rendered twice


def test_a_complete_set_is_left_alone(rendered: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in rendered.rglob("*")}
    assert generate(rendered, TINY, workers=1) is False
    assert {path: path.stat().st_mtime_ns for path in rendered.rglob("*")} == before


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 6},
        {"subjects": (2, 1, 1)},
        {"bonafide_frames": 3},
        {"attack_frames": 2},
        {"size": 48},
    ],
)
def test_other_settings_are_refused(rendered: Path, change: dict[str, object]) -> None:
    key = next(iter(change))
    with pytest.raises(BadInput, match=rf"RENDERED\.json.*{key}") as refusal:
        generate(rendered, replace(TINY, **change), workers=1)
    assert "\n" not in str(refusal.value)


def test_another_renderer_is_refused(rendered: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RENDERER", module.RENDERER + 1)
    with pytest.raises(BadInput, match="renderer"):
        generate(rendered, TINY, workers=1)


def test_somebody_elses_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(BadInput, match="not empty"):
        generate(tmp_path, TINY, workers=1)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "set").write_text("mine")
    with pytest.raises(BadInput, match="is a file"):
        generate(tmp_path / "set", TINY, workers=1)


def test_a_full_disk_is_one_line_and_leaves_no_complete_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(folder: Path, *_rest: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(folder))

    monkeypatch.setattr(module, "render_video", full)
    with pytest.raises(
        BadInput, match=r"real\.rssdk: cannot be written \(No space left"
    ) as refusal:
        generate(tmp_path / "set", TINY, workers=1)
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "set" / "CASIA_SURF" / "RENDERED.json").exists()


def test_a_damaged_record_is_refused(rendered: Path, tmp_path: Path) -> None:
    root = tmp_path / "damaged"
    shutil.copytree(rendered, root)
    (root / "CASIA_SURF" / "RENDERED.json").write_text("{")
    with pytest.raises(BadInput, match="cannot be read"):
        generate(root, TINY, workers=1)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"seed": -1}, "seed"),
        ({"subjects": (1, 1)}, "subjects"),
        ({"subjects": (1, 0, 1)}, "subjects"),
        ({"subjects": (9000, 900, 900)}, "9999"),
        ({"bonafide_frames": 0}, "bonafide_frames"),
        ({"attack_frames": 1000}, "attack_frames"),
        ({"size": 8}, "size"),
    ],
)
def test_bad_configuration_is_refused(change: dict[str, object], word: str) -> None:
    with pytest.raises(BadInput, match=word):
        replace(TINY, **change)


def test_no_workers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="workers"):
        generate(tmp_path / "set", TINY, workers=0)
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize("split", SPLIT_FOLDERS)
def test_lists_name_exactly_the_files_there_are(rendered: Path, split: str) -> None:
    protocol = rendered / "CASIA_SURF" / "protocol"
    lines = (protocol / f"CASIA_SURF@p1_image_{split}.txt").read_text().splitlines()
    listed = dict(line.rsplit(" ", 1) for line in lines)
    folder = rendered / "CASIA_SURF" / "Data" / SPLIT_FOLDERS[split]
    there = {path.relative_to(rendered).as_posix() for path in folder.rglob("color/*.jpg")}
    assert set(listed) == there
    assert len(lines) == len(listed) == items_per_subject(TINY)
    for path, label in listed.items():
        assert label == ("0" if "/real_part/" in path else "1")
        for stream in ("depth", "ir"):
            assert (rendered / path.replace("/color/", f"/{stream}/")).exists()
    videos = (protocol / f"CASIA_SURF@p1_video_{split}.txt").read_text().splitlines()
    assert {line.rsplit(" ", 1)[0] for line in videos} == {path.rsplit("/", 1)[0] for path in there}
    assert len(videos) == 1 + len(SPECIES)


def test_subjects_are_in_one_split_only() -> None:
    subjects = list_subjects(SynthConfig(subjects=(5, 3, 4)))
    assert len({subject.name for subject in subjects}) == len(subjects) == 12
    assert [s.split for s in subjects] == ["train"] * 5 + ["dev"] * 3 + ["test"] * 4


def test_names_are_those_of_the_release() -> None:
    subject = Subject(7, "dev")
    base = "CASIA_SURF/Data/Val"
    assert video_folder(subject, "").as_posix() == f"{base}/real_part/SYNT_RS0007/real.rssdk"
    path = video_folder(subject, "replay_tablet").as_posix()
    assert path == f"{base}/fake_part/SYNT_RS0007/replay_tablet.rssdk"


def test_images_are_what_the_release_has(rendered: Path) -> None:
    modes = {"color": "RGB", "depth": "L", "ir": "L"}
    for path in rendered.rglob("*.jpg"):
        with Image.open(path) as image:
            assert (image.mode, image.size) == (modes[path.parent.name], (32, 32))
            pixels = np.asarray(image)
        assert pixels.max() > 60  # a face is there
        corners = pixels[[0, 0, -1, -1], [0, -1, 0, -1]]
        assert corners.min() < 12  # and black beside it


def test_record_has_every_subject_with_its_attributes(rendered: Path) -> None:
    record = json.loads((rendered / "CASIA_SURF" / "RENDERED.json").read_text())
    assert record["renderer"] == module.RENDERER
    assert record["settings"]["seed"] == 5
    assert list(record["subjects"]) == ["SYNT_RS0001", "SYNT_RS0002", "SYNT_RS0003"]
    for attributes in record["subjects"].values():
        assert attributes["ethnicity"] in ("african", "asian", "caucasian")
        assert attributes["sex"] in ("male", "female")
        assert attributes["skin_tone"] in ("light", "medium", "brown", "dark")
        assert 18 <= attributes["age"] <= 80


def test_reader_reads_what_was_rendered(rendered: Path) -> None:
    manifest = readers.read("casia_surf", rendered)
    assert len(manifest) == 3 * items_per_subject(TINY)
    assert {row.pai_species for row in manifest} == {"", *SPECIES}
    assert all(len(row.modalities) == len(MODALITIES) for row in manifest)


def test_contact_sheet_has_a_row_for_each_presentation(rendered: Path, tmp_path: Path) -> None:
    layout = Layout(tile=32, columns=2, bonafide_rows=2)
    contact_sheet(readers.read("casia_surf", rendered), tmp_path / "sheet.png", layout)
    with Image.open(tmp_path / "sheet.png") as sheet:
        # Three subjects fill two rows of two with bona fides.
        assert sheet.size == (layout.width, layout.height(2 + len(SPECIES)))
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
