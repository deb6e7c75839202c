"""WMCA: names, lists in all their forms, pairs of files, and the protocols against the lists."""

import shutil
from collections import Counter, defaultdict
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from flexpad.audit import audit
from flexpad.data import images, protocols
from flexpad.data.loader import open_row
from flexpad.data.reading import ReadOptions
from flexpad.data.sampling import FrameSampling
from flexpad.readers import READERS
from flexpad.readers.wmca.videos import SPECIES, video_of
from flexpad.types import SPLITS, BadInput, Modality
from tests.trees.wmca import (
    CDIT_STATION,
    DAY,
    FIRST,
    RGB_STATION,
    SIZE,
    VIDEOS,
    jpeg,
    pairs,
    recordings,
)

LISTS = Path(__file__).resolve().parents[2] / "shared" / "lists" / "wmca"
LEFT_OUT = ("fakehead", "flexiblemask", "glasses", "papermask", "prints", "replay", "rigidmask")
WMCA = READERS["wmca"]


def kinds_of(reading):
    return {problem.kind: problem.count for problem in reading.findings}


class TestNames:
    def test_says_who_when_and_what(self):
        video = video_of("100_03_015_2_10")
        assert (video.client, video.session, video.presenter) == ("100", "03", "015")
        assert (video.instrument, video.species, video.label) == ("2_10", "papermask", "attack")

    @pytest.mark.parametrize(
        ("instrument", "species"),
        [
            ("0_00", ""),
            ("0_02", ""),
            ("1_01", "glasses"),
            ("1_02", "rigidmask"),
            ("1_14", "rigidmask"),
            ("1_15", "glasses"),
            ("2_07", "fakehead"),
            ("2_08", "papermask"),
            ("2_12", "rigidmask"),
            ("2_18", "flexiblemask"),
            ("2_75", "flexiblemask"),
            ("3_04", "prints"),
            ("3_05", "replay"),
            ("3_15", "replay"),
            ("4_18", "replay"),
        ],
    )
    def test_the_type_alone_is_not_the_species(self, instrument, species):
        assert video_of(f"100_03_015_{instrument}").species == species

    @pytest.mark.parametrize(
        "name", ["100_03_015_1_08", "100_03_015_5_01", "100_03_015_2_19", "100_03_015_9_01"]
    )
    def test_an_instrument_wmca_does_not_have_is_no_bona_fide(self, name):
        assert video_of(name) is None

    @pytest.mark.parametrize("name", ["", "100_03_015_2", "a_03_015_2_10", "100_03_015_2_10_1"])
    def test_other_names_are_none(self, name):
        assert video_of(name) is None


class TestPairs:
    @pytest.fixture
    def root(self, tmp_path):
        return pairs(tmp_path / "wmca")

    def test_a_row(self, root):
        row = WMCA.read(root).manifest.rows[0]
        assert (row.sample_id, row.frame) == (f"train/{FIRST}/0002", 2)
        assert (row.subject_id, row.video_id, row.split) == ("001", FIRST, "train")
        assert row.rgb == f"{RGB_STATION}/{FIRST}.hdf5::Frame_2"
        cdit = f"{CDIT_STATION}/{FIRST}.hdf5::Frame_2"
        assert (row.depth, row.ir, row.thermal) == (f"{cdit}[1]", f"{cdit}[2]", f"{cdit}[3]")
        assert row.depth_encoding == row.ir_encoding == "8bit:wmca_mad"
        assert row.groups == {
            "session": "01",
            "presenter": "000",
            "instrument": "0_00",
            "glasses": "none",
        }

    def test_the_images_are_the_channels_of_the_files(self, root):
        reading = WMCA.read(root).manifest
        opened = open_row(reading.root, reading.rows[0])
        with h5py.File(root / CDIT_STATION / f"{FIRST}.hdf5") as file:
            stored = file["Frame_2/array"][()]
        with h5py.File(root / RGB_STATION / f"{FIRST}.hdf5") as file:
            colour = file["Frame_2/array"][()]
        assert np.array_equal(np.asarray(opened[Modality.RGB]), colour.transpose(1, 2, 0))
        assert np.array_equal(np.asarray(opened[Modality.DEPTH]), stored[1])
        assert np.array_equal(np.asarray(opened[Modality.IR]), stored[2])
        assert np.array_equal(images.read_array(root, reading.rows[0].thermal), stored[3])

    def test_a_frame_counts_where_both_files_have_it(self, root):
        with h5py.File(root / CDIT_STATION / f"{FIRST}.hdf5", "a") as file:
            del file["Frame_10"]
            file["Frame_11/array"] = np.zeros((4, SIZE, SIZE), np.uint8)
        reading = WMCA.read(root)
        assert [row.frame for row in reading.manifest if row.video_id == FIRST] == [2]
        assert kinds_of(reading)["unpaired_frame"] == 2
        assert reading.findings.dropped == {"unpaired_frame": 2}

    def test_one_part_alone_can_be_read(self, root):
        shutil.rmtree(root / "preprocessed-face-station_CDIT")
        reading = WMCA.read(root)
        assert len(reading.manifest) == 24
        assert {row.modalities for row in reading.manifest} == {(Modality.RGB,)}
        assert {row.depth_encoding for row in reading.manifest} == {""}
        assert kinds_of(reading) == {"missing_modality": 24}

    @pytest.mark.parametrize(
        "station",
        [
            "preprocessed-face-station_{}",
            "WMCA_preprocessed_{}/WMCA/face-station",
            "WMCA/preprocessed-face-station_{}/face-station",
        ],
    )
    def test_however_the_parts_were_unpacked(self, root, tmp_path, station):
        rgb, cdit = (f"{station.format(kind)}/{DAY}" for kind in ("RGB", "CDIT"))
        other = tmp_path / "other"
        shutil.copytree(root / RGB_STATION, other / rgb)
        shutil.copytree(root / CDIT_STATION, other / cdit)
        shutil.copy(root / "WMCA_Grandtest.txt", other)
        reading = WMCA.read(other)
        assert reading.layout.name == "hdf5"
        assert len(reading.manifest) == 24
        assert reading.manifest.rows[0].rgb == f"{rgb}/{FIRST}.hdf5::Frame_2"

    def test_a_recording_in_two_folders_is_an_error(self, root):
        station = root / RGB_STATION
        other = station.with_name("13.02.18")
        other.mkdir()
        shutil.copy(station / f"{FIRST}.hdf5", other)
        assert kinds_of(WMCA.read(root)) == {"repeated_frame": 1}

    def test_a_file_without_frames_is_missing(self, root):
        with h5py.File(root / RGB_STATION / f"{FIRST}.hdf5", "w") as file:
            file["other"] = np.zeros(3)
        assert kinds_of(WMCA.read(root))["missing_item"] == 1


class TestLists:
    def rows(self, root):
        return [(row.video_id, row.split) for row in WMCA.read(root).manifest]

    @pytest.mark.parametrize(
        "form",
        [
            ("", "face-station/{day}/{name},{label},{type},{word}"),
            ("path,split\n", "face-station/{day}/{name},{word}"),
            ("path,label,split\n", "face-station/{day}/{name},{label},{word}"),
            ("", "face-station/{day}/{name},{word}"),
            (",client_id,filepath,group,label\n", "0,9,face-station/{day}/{name},{word},{text}"),
        ],
    )
    def test_every_form_gives_the_same_splits(self, tmp_path, form):
        root = pairs(tmp_path / "wmca")
        expected = self.rows(root)
        (root / "WMCA_Grandtest.txt").unlink()
        header, line = form
        words = {"train": "train", "dev": "dev", "test": "eval"}
        (root / "PROTOCOL-grandtest.csv").write_text(
            header
            + "".join(
                line.format(
                    day=DAY,
                    name=name,
                    word=words[split],
                    type=name[11],
                    label=int(name[11] != "0"),
                    text="bonafide" if name[11] == "0" else "attack",
                )
                + "\n"
                for split, names in VIDEOS.items()
                for name in names
            )
        )
        reading = WMCA.read(root)
        assert kinds_of(reading) == {}
        assert self.rows(root) == expected
        assert reading.manifest.header["list"].startswith("PROTOCOL-grandtest.csv sha256 ")

    @pytest.mark.parametrize("folder", [".", "protocol", "a/b"])
    def test_leaked_lists_are_refused_with_the_reason(self, tmp_path, folder):
        root = jpeg(tmp_path / "wmca")
        path = root / folder / "p2@3_video_val.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("/data/x 0\n")
        found = audit("wmca", root)
        with pytest.raises(BadInput) as caught:
            found.manifest()
        message = str(caught.value)
        assert "p2@3_video_val.txt: its train, dev and test have the same bona fide" in message
        assert "move them away" in message
        assert "\n" not in message

    def test_lists_that_disagree_are_told(self, tmp_path):
        root = pairs(tmp_path / "wmca")
        lines = (root / "WMCA_Grandtest.txt").read_text()
        (root / "PROTOCOL-grandtest.csv").write_text(lines.replace(",dev,", ",train,", 1))
        reading = WMCA.read(root)
        assert kinds_of(reading) == {"list_against_rule": 1}
        assert VIDEOS["dev"][0] in {row.video_id for row in reading.manifest.split("train")}

    def test_a_list_that_leaves_a_species_out_is_held_against_the_rule(self, tmp_path):
        root = pairs(tmp_path / "wmca")
        whole = (root / "WMCA_Grandtest.txt").read_text().splitlines()
        seen = [line for line in whole if "_2_12,train" not in line and "_2_08,eval" not in line]
        by_rule = [line for line in seen if "_1_02,dev" not in line]
        path = root / "PROTOCOL-LOO_rigidmask.csv"
        path.write_text("\n".join(by_rule) + "\n")
        assert kinds_of(WMCA.read(root)) == {}
        path.write_text("\n".join(seen) + "\n")
        assert kinds_of(WMCA.read(root)) == {"list_against_rule": 1}

    def test_without_a_list_there_is_no_split(self, tmp_path):
        root = pairs(tmp_path / "wmca")
        (root / "WMCA_Grandtest.txt").unlink()
        with pytest.raises(BadInput, match=r"has none of PROTOCOL-grandtest\.csv"):
            WMCA.read(root)

    def test_one_of_the_video_lists_is_not_enough(self, tmp_path):
        root = jpeg(tmp_path / "wmca")
        (root / "IDIAP_WMCA/protocol/p1_video_val.txt").unlink()
        with pytest.raises(BadInput, match=r"p1_video_val\.txt: cannot be read"):
            WMCA.read(root)

    @pytest.mark.parametrize(
        ("old", "new", "words"),
        [
            ("_0_00,train", "_0_00,training", "split 'training' should be train or dev or eval"),
            ("_0_00,train", "_5_01,train", "of an instrument WMCA has"),
            (",train,bonafide", ",train,genuine", "label 'genuine' should be"),
            ("1,1,face", "1,1,1,face", "has 6 columns, not 5"),
        ],
    )
    def test_a_line_that_cannot_be_understood(self, tmp_path, old, new, words):
        root = pairs(tmp_path / "wmca")
        path = root / "WMCA_Grandtest.txt"
        path.write_text(path.read_text().replace(old, new, 1))
        reading = WMCA.read(root)
        assert kinds_of(reading) == {"malformed_line": 1}
        assert words in str(next(iter(reading.findings)))
        assert FIRST not in {row.video_id for row in reading.manifest}

    def test_a_list_of_something_else(self, tmp_path):
        root = pairs(tmp_path / "wmca")
        (root / "WMCA_Grandtest.txt").write_text("a,b\nc,d\n")
        with pytest.raises(BadInput, match="no line of it names train, dev, eval"):
            WMCA.read(root)


class TestRecordings:
    @pytest.fixture
    def root(self, tmp_path):
        return recordings(tmp_path / "wmca")

    @pytest.mark.parametrize("first", [True, False])
    def test_colour_is_turned_to_rgb_and_raw_values_are_scaled(self, root, first):
        path = root / "WMCA/face-station" / DAY / f"{FIRST}.hdf5"
        with h5py.File(path, "a") as file:
            bgr, depth = file["intelsr300_bgr"][1], file["intelsr300_depth"][1, 0]
            if not first:
                whole = file["intelsr300_bgr"][()].transpose(0, 2, 3, 1)
                del file["intelsr300_bgr"]
                file["intelsr300_bgr"] = whole
        reading = WMCA.read(root).manifest
        opened = open_row(reading.root, reading.rows[1])
        assert np.array_equal(np.asarray(opened[Modality.RGB]), bgr[::-1].transpose(1, 2, 0))
        assert opened[Modality.DEPTH].mode == "F"
        expected = ((depth.astype(float) - 2000) / 2000).clip(0, 1) * 255
        assert np.allclose(np.asarray(opened[Modality.DEPTH]), expected, atol=1e-3)
        assert reading.rows[1].ir_encoding == "limits:4900-37500"

    def test_the_thermal_stream_is_spread_over_the_others(self, root):
        rows = [row for row in WMCA.read(root).manifest if row.video_id == FIRST]
        assert [row.thermal[-10:] for row in rows] == [
            "seek_ir[0]",
            "seek_ir[0]",
            "seek_ir[1]",
            "seek_ir[1]",
        ]

    def test_a_stream_that_ends_early_ends_the_recording(self, root):
        with h5py.File(root / "WMCA/face-station" / DAY / f"{FIRST}.hdf5", "a") as file:
            short = file["intelsr300_ir"][:3]
            del file["intelsr300_ir"]
            file["intelsr300_ir"] = short
        reading = WMCA.read(root)
        assert [row.frame for row in reading.manifest if row.video_id == FIRST] == [0, 1, 2]
        assert kinds_of(reading) == {"unpaired_frame": 1}


def test_a_rendered_set_says_so(tmp_path):
    root = jpeg(tmp_path / "wmca")
    videos = root / "IDIAP_WMCA/R_CDIT"
    for path in sorted(videos.iterdir()):
        path.rename(videos / f"SYNT_W{path.name}")
    for path in (root / "IDIAP_WMCA/protocol").iterdir():
        path.write_text(path.read_text().replace("R_CDIT/", "R_CDIT/SYNT_W"))
    with pytest.raises(BadInput, match="the rendering was interrupted"):
        WMCA.read(root)
    subjects = ", ".join(f'"SYNT_W00{n}": {{"ethnicity": "african"}}' for n in range(1, 7))
    (root / "RENDERED.json").write_text(f'{{"subjects": {{{subjects}}}}}')
    read = WMCA.read(root).manifest
    assert read.datasets == ("synth_wmca",)
    assert read.header["licence"] == "rendered faces: none needed"
    assert read.rows[0].groups["ethnicity"] == "african"
    assert read.rows[0].depth_encoding == "8bit:synth"


def test_frames_evenly_spread_and_too_few_are_told(tmp_path):
    reading = WMCA.read(pairs(tmp_path / "a"), ReadOptions(frames=FrameSampling("even", 3)))
    assert kinds_of(reading) == {"short_video": 12}
    assert len(reading.manifest) == 24


class TestProtocols:
    def test_grandtest_takes_all(self, tmp_path):
        read = WMCA.read(pairs(tmp_path / "wmca")).manifest
        assert protocols.apply("wmca@grandtest", read).rows == read.rows

    def test_a_species_is_left_out(self, tmp_path):
        read = WMCA.read(pairs(tmp_path / "wmca")).manifest
        chosen = protocols.apply("wmca@loo_rigidmask", read)
        left = {split: {row.pai_species for row in chosen.split(split)} for split in SPLITS}
        assert left == {"train": {"", "prints"}, "dev": {"", "replay"}, "test": {"", "rigidmask"}}

    def test_a_species_that_is_not_there_cannot_be_left_out(self, tmp_path):
        read = WMCA.read(pairs(tmp_path / "wmca")).manifest
        with pytest.raises(BadInput, match="has no attack of species 'glasses'"):
            protocols.apply("wmca@loo_glasses", read)


@pytest.mark.skipif(not LISTS.is_dir(), reason="the author lists are not here")
class TestAuthorLists:
    OPTIONS = ReadOptions(lists_only=True)

    @pytest.fixture(params=["both", "WMCA_Grandtest.txt", "p1_video_*.txt"])
    def root(self, request, tmp_path):
        if request.param == "both":
            return LISTS
        for path in LISTS.glob(request.param):
            shutil.copy(path, tmp_path)
        return tmp_path

    def test_videos_by_split_and_species(self, root):
        found = audit("wmca", root, self.OPTIONS, "wmca@grandtest")
        assert kinds_of(found.reading) == {}
        rows = found.reading.manifest.rows
        assert Counter(row.split for row in rows) == {"train": 565, "dev": 557, "test": 557}
        bonafide = Counter(row.split for row in rows if row.is_bonafide)
        assert bonafide == {"train": 124, "dev": 108, "test": 115}
        by_species = Counter(row.pai_species for row in rows if not row.is_bonafide)
        assert by_species == {  # as the paper has them
            "prints": 200,
            "replay": 348,
            "fakehead": 122,
            "rigidmask": 137,
            "flexiblemask": 379,
            "glasses": 75,
            "papermask": 71,
        }
        assert not any(entry.differs("videos") for entry in found.counts)
        assert not any(entry.differs("subjects") for entry in found.counts)

    @pytest.mark.parametrize("species", LEFT_OUT)
    def test_each_species_left_out(self, root, species):
        found = audit("wmca", root, self.OPTIONS, f"wmca@loo_{species}")
        assert kinds_of(found.reading) == {}
        assert not any(entry.differs("videos") for entry in found.counts)
        test = [row for row in found.reading.manifest.rows if row.split == "test"]
        assert sum(row.is_bonafide for row in test) == 115
        assert {row.pai_species for row in test} == {"", species}

    def test_every_instrument_of_the_lists_has_a_species(self, root):
        rows = WMCA.read(root, self.OPTIONS).manifest.rows
        used = {row.groups["instrument"] for row in rows if not row.is_bonafide}
        assert used == set(SPECIES)

    def test_presenters_are_not_kept_apart(self, root):
        """What docs/datasets/wmca.md says: who wears a mask may be bona fide in another split."""
        rows = WMCA.read(root, self.OPTIONS).manifest.rows
        people, presented = defaultdict(set), defaultdict(list)
        for row in rows:
            if row.is_bonafide:
                people[row.split].add(row.subject_id)
            else:
                presented[row.split].append(row.groups["presenter"])
        counted = {
            (split, other): sum(name in people[other] for name in presented[split])
            for split in SPLITS
            for other in SPLITS
            if split != other
        }
        assert counted == {
            ("train", "dev"): 115,
            ("train", "test"): 54,
            ("dev", "train"): 92,
            ("dev", "test"): 70,
            ("test", "train"): 97,
            ("test", "dev"): 107,
        }


def test_jpeg_rows_are_opened_as_they_are(tmp_path):
    read = WMCA.read(jpeg(tmp_path / "wmca")).manifest
    row = read.rows[0]
    assert row.ir == f"IDIAP_WMCA/R_CDIT/{FIRST}/ir/0002.jpg"
    assert row.ir_encoding == "8bit:wmca_mad"
    opened = open_row(read.root, row)
    with Image.open(read.root / row.ir) as image:
        assert np.array_equal(np.asarray(opened[Modality.IR]), np.asarray(image))
