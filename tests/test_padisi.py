"""PADISI-Face: channels, codes, ids without times, folds, and what is never opened."""

import pickle
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from flexpad.audit import audit
from flexpad.data import images, packing, protocols
from flexpad.data.reading import ReadOptions
from flexpad.readers import READERS
from flexpad.types import MODALITIES, BadInput, Modality
from tests.trees import padisi as tree

READER = READERS["padisi"]


@pytest.fixture
def root(tmp_path):
    return tree.arrays(tmp_path / "padisi")


def edit(root, kind, old, new):
    path = root / "face_partitions" / f"padisi_USC_FACE_{kind}.csv"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def noted(reading):
    return {problem.kind: problem for problem in reading.findings}


def test_the_channels_are_where_the_readme_has_them(root):
    manifest = READER.read(root).manifest
    row = manifest.rows[0]
    with np.load(root / row.rgb.split("::")[0]) as archive:
        data = archive["data"][0]
    colour, depth, infrared = (
        np.asarray(images.open_image(root, row.path(m), m, row.encoding(m))) for m in MODALITIES
    )
    assert np.array_equal(colour, np.rint(data[2::-1] * 255).transpose(1, 2, 0))
    assert np.allclose(infrared, data[3] * 255, atol=0.01)
    raw = np.rint(data[4] * 65535)
    middle = np.median(raw)
    spread = 6 * np.median(np.abs(raw - middle))
    assert np.allclose(depth, ((raw - middle + spread) / (2 * spread)).clip(0, 1) * 255, atol=0.1)
    thermal = images.read_array(root, row.thermal)
    assert np.array_equal(thermal, np.rint(data[5] * 65535))


def test_labels_species_and_groups(root):
    bonafide, makeup, third = READER.read(root).manifest.rows[:3]
    assert (bonafide.label, bonafide.pai_species) == ("bonafide", "")
    assert (makeup.label, makeup.pai_species, makeup.groups["instrument"]) == (
        "attack",
        "m506",
        "m50602",
    )
    assert third.pai_species == "m501"
    assert (bonafide.groups["glasses"], makeup.groups["glasses"]) == ("yes", "no")
    assert (bonafide.groups["expression"], makeup.groups["expression"]) == ("", "smile")
    assert {row.groups["age"] for row in READER.read(root).manifest} == {"20-29"}
    assert bonafide.groups["gender"] == "Female"


def test_no_id_has_the_time_of_its_capture(root):
    found = tree.captures()
    for (_, transaction, trial, _, _), row in zip(found, READER.read(root).manifest, strict=True):
        assert transaction[-8:] not in row.sample_id + row.video_id + row.subject_id
        assert trial in row.video_id
    assert len({row.video_id for row in READER.read(root).manifest}) == len(found)


@pytest.mark.parametrize("code", ["m51001", "m40501", "", "M00000", "m00001", "m506021"])
def test_a_code_that_is_not_known_is_never_a_bona_fide(root, code):
    edit(root, "ground_truth", ",FACE,m00000,", f",FACE,{code},")
    reading = READER.read(root)
    assert len(reading.manifest) == len(tree.captures()) - 1
    assert "line 2: ground truth" in noted(reading)["malformed_line"].examples[0]


@pytest.mark.parametrize("fold", ["part0", "part1", "part2"])
def test_folds_take_their_own_splits(root, fold):
    manifest = READER.read(root).manifest
    chosen = protocols.apply(f"padisi@3folds_{fold}", manifest)
    assert len(chosen) == len(manifest)
    for row in chosen:
        person = int(row.subject_id[1:], 16)
        assert row.split == ("train", "dev", "test")[(person // 2 + int(fold[-1])) % 3]
    again = protocols.apply(f"padisi@3folds_{fold}", chosen)
    assert again.rows == chosen.rows


def test_a_fold_without_its_partition_file(root):
    (root / "face_partitions" / "padisi_USC_FACE_dataset_partition_3folds_part2.csv").unlink()
    reading = READER.read(root)
    assert "part2" in noted(reading)["missing_list"].examples[0]
    with pytest.raises(BadInput, match="partition file of part2"):
        protocols.apply("padisi@3folds_part2", reading.manifest)


def test_the_published_counts_stand_beside(root):
    audited = audit("padisi", root, ReadOptions(), "padisi@3folds_part1")
    said = {(c.split, c.what): c.published for c in audited.counts}
    assert said["test", "all"].videos == 676
    assert said["train", "all"] is None


@pytest.mark.parametrize("where", [".", "data/face_partitions"])
def test_lists_may_lie_as_in_the_repository_or_at_the_top(root, where):
    expected = READER.read(root).manifest.rows
    (root / where).mkdir(parents=True, exist_ok=True)
    for path in (root / "face_partitions").iterdir():
        path.rename(root / where / path.name)
    assert READER.read(root).manifest.rows == expected


class TestNothingIsUnpickled:
    def test_the_colour_release(self, root):
        for path in (root / "npz").iterdir():
            path.unlink()
        (root / "padisi_USC_FACE_preprocessed.bz2").write_bytes(b"BZh9")
        with pytest.raises(BadInput, match="is a pickle, which can run any program"):
            READER.read(root)

    def test_an_archive_of_objects(self, root):
        path = next((root / "npz").iterdir())
        np.savez(path, data=np.array([{"a": 1}], dtype=object))
        reading = READER.read(root)
        assert "holds object" in noted(reading)["unreadable_image"].examples[0]

    def test_a_pickle_called_an_archive(self, root):
        next((root / "npz").iterdir()).write_bytes(pickle.dumps({"data": [1]}))
        assert "unreadable_image" in noted(READER.read(root))


def test_archives_of_colour_alone_lack_the_rest(root):
    for path in (root / "npz").iterdir():
        tree.write_archive(path, 3)
    reading = READER.read(root)
    assert {row.modalities for row in reading.manifest} == {(Modality.RGB,)}
    assert {row.depth_encoding for row in reading.manifest} == {""}
    assert noted(reading)["missing_modality"].count == len(tree.captures())


def test_a_capture_unpacked_twice(root):
    path = next((root / "npz").iterdir())
    (root / "copy").mkdir()
    (root / "copy" / path.name).write_bytes(path.read_bytes())
    assert "is the same capture" in noted(READER.read(root))["repeated_frame"].examples[0]


def test_lists_that_do_not_fit_together(root):
    edit(root, "dataset_partition_3folds_part0", ",train\n", ",training\n")
    reading = READER.read(root)
    assert "'training' is no split" in noted(reading)["malformed_line"].examples[0]
    assert reading.findings.dropped == {"no_split": 1}
    edit(root, "ground_truth", "participant_id", "participant")
    with pytest.raises(BadInput, match="column 'participant_id' is missing"):
        READER.read(root)


def test_a_pack_of_it_shows_the_same(root, tmp_path):
    manifest = READER.read(root).manifest
    packed, _ = packing.pack(manifest, tmp_path / "pack")
    before = {row.sample_id: row for row in manifest}
    for row in packed:
        old = before[row.sample_id]
        for modality in MODALITIES:
            inside, outside = (
                np.asarray(images.open_image(where, one.path(modality), modality, code))
                for where, one in ((packed.root, row), (root, old))
                for code in [one.encoding(modality)]
            )
            assert np.array_equal(inside, outside)
        assert Image.open(_file(packed, row.thermal)).mode == "I;16"


def _file(packed, locator):
    return BytesIO(images.file_content(packed.root, locator))
