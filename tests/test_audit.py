"""An audit: counts beside what was published, what images show, and when it fails."""

import json

import numpy as np
import pytest
from PIL import Image

from flexpad.audit import audit
from flexpad.audit.counts import count, note_differences
from flexpad.data import manifest as manifests
from flexpad.data.findings import Findings
from flexpad.data.manifest import Manifest, Row
from flexpad.data.reading import Published, ReadOptions
from flexpad.types import BadInput
from tests import trees


def row(split, subject, species, frame, **changes):
    video = f"{subject}/{species or 'bonafide'}"
    label = "attack" if species else "bonafide"
    name = f"{video}/{frame}"
    cells = {"rgb": f"{name}.jpg", **changes}
    return Row(name, "made_up", split, subject, video, frame, label, species, **cells)


def made_up(tmp_path):
    rows = [
        *(row("train", "a", "", frame) for frame in (1, 2)),
        *(row("train", "a", "print", frame) for frame in (1, 2, 3)),
        row("train", "b", "mask", 1),
        row("test", "c", "", 1),
    ]
    return Manifest(tmp_path, rows)


def test_counts_are_of_videos_frames_and_subjects(tmp_path):
    found = count(made_up(tmp_path))
    assert [(e.split, e.what, e.videos, e.frames, e.subjects) for e in found] == [
        ("train", "bonafide", 1, 2, 1),
        ("train", "mask", 1, 1, 1),
        ("train", "print", 1, 3, 1),
        ("train", "attack", 2, 4, 2),
        ("train", "all", 3, 6, 2),
        ("test", "bonafide", 1, 1, 1),
        ("test", "all", 1, 1, 1),
    ]


def test_published_counts_stand_beside_and_differences_are_noted(tmp_path):
    published = [
        Published("train", "bonafide", videos=1, frames=9),
        Published("dev", "attack", videos=4),
    ]
    found = count(made_up(tmp_path), published)
    missing = next(entry for entry in found if entry.split == "dev")
    assert (missing.videos, missing.published.videos) == (0, 4)
    findings = Findings()
    note_differences(found, findings, frames=True)
    assert next(iter(findings)).examples == (
        "train bonafide: 2 frames, published 9",
        "dev attack: 0 videos, published 4",
    )
    without_frames = Findings()
    note_differences(found, without_frames, frames=False)
    assert next(iter(without_frames)).count == 1


def surf(tmp_path, **switches):
    return trees.casia_surf.casia_surf(tmp_path / "data", **switches)


def kinds_of(found):
    return {problem.kind for problem in found.reading.findings}


def test_a_rendered_tree_is_not_held_against_published_counts(tmp_path):
    real = audit("casia_surf", surf(tmp_path / "real"), protocol="surf@1")
    rendered = audit(
        "casia_surf", surf(tmp_path / "rendered", rendered=True), protocol="synth-surf@1"
    )
    assert "count_differs" in kinds_of(real)
    assert "count_differs" not in kinds_of(rendered)


def saved(path, pixels):
    Image.fromarray(np.asarray(pixels, dtype=np.uint8)).save(path)


@pytest.mark.parametrize(
    ("modality", "pixels", "kind"),
    [
        ("color", np.full((16, 16, 3), 90), "constant_image"),
        ("color", np.arange(256).reshape(16, 16), "grey_rgb"),
        ("depth", np.zeros((16, 16)), "empty_depth"),
        ("ir", np.full((16, 16), 7), "constant_image"),
        ("ir", np.arange(128).reshape(16, 8), "view_differs"),
    ],
)
def test_images_tell_what_is_wrong_with_them(tmp_path, modality, pixels, kind):
    root = surf(tmp_path)
    path = sorted(root.glob(f"CASIA_SURF/Data/Training/real_part/*/real.rssdk/{modality}/*.jpg"))[0]
    before = kinds_of(audit("casia_surf", root, deep=True))
    saved(path, pixels)
    assert kinds_of(audit("casia_surf", root, deep=True)) - before == {kind}


def test_the_same_image_in_two_splits_is_found_by_looking_deep(tmp_path):
    root = surf(tmp_path)
    one, other = (
        sorted(root.glob(f"CASIA_SURF/Data/{split}/real_part/*/real.rssdk/color/*.jpg"))[0]
        for split in ("Training", "Testing")
    )
    other.write_bytes(one.read_bytes())
    assert "same_content" not in kinds_of(audit("casia_surf", root))
    assert "same_content" in kinds_of(audit("casia_surf", root, deep=True))


def test_strict_takes_warnings_for_errors(tmp_path):
    found = audit("casia_surf", surf(tmp_path, crlf=True))
    assert not found.fails()
    assert found.fails(strict=True)
    assert len(found.manifest()) == len(found.reading.manifest)
    with pytest.raises(BadInput, match="--strict takes warnings for errors"):
        found.manifest(strict=True)


def test_warnings_and_dropped_rows_stand_in_the_header(tmp_path):
    root = surf(tmp_path, missing_modality=True)
    kept = audit("casia_surf", root).manifest()
    assert "missing_modality 1" in kept.header["warnings"]
    assert kept.header["dropped"] == "none"
    dropped = audit("casia_surf", root, ReadOptions(incomplete="drop")).manifest()
    assert dropped.header["dropped"] == "incomplete_item 1"
    assert len(dropped) == len(kept) - 1


def test_json_holds_counts_problems_and_header(tmp_path):
    found = audit("casia_surf", surf(tmp_path, crlf=True), protocol="surf@1")
    content = json.loads(json.dumps(found.as_json()))
    assert content["schema"] == "flexpad.audit/1"
    assert content["protocol"] == "surf@1"
    crlf = next(problem for problem in content["problems"] if problem["kind"] == "crlf")
    assert (crlf["severity"], crlf["count"]) == ("warning", 3)
    assert content["counts"][0]["published"] == {"videos": 300, "frames": 8942, "subjects": 300}


def test_lists_only_counts_videos_and_gives_no_manifest(tmp_path):
    root = surf(tmp_path, images=False, image_lists=False)
    found = audit("casia_surf", root, ReadOptions(lists_only=True), "surf@1")
    assert found.counts[0].frames is None
    assert found.counts[0].videos == 2
    assert found.looked == {}
    with pytest.raises(BadInput, match="only its lists were read"):
        found.manifest()


def test_a_manifest_of_an_audit_reads_back(tmp_path):
    found = audit("casia_surf", surf(tmp_path)).manifest()
    manifests.write(found, tmp_path / "manifest.csv")
    assert manifests.read(tmp_path / "manifest.csv").rows == found.rows
