"""The author release of CASIA-SURF, and rendered sets in its layout."""

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import ClassVar

import pytest

from flexpad.data import manifest
from flexpad.readers import casia_surf
from flexpad.types import BadInput
from tests import trees

LISTS = Path(__file__).resolve().parents[2] / "shared" / "lists" / "surf"
TRAIN_LIST = "CASIA_SURF/protocol/CASIA_SURF@p1_image_train.txt"
FIRST_VIDEO = "CASIA_SURF/Data/Training/real_part/CLKJ_AS0001/real.rssdk"


def refusal_of(root):
    with pytest.raises(BadInput) as caught:
        casia_surf.read(root)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def edit_first_line(root, old, new):
    path = root / TRAIN_LIST
    first, rest = path.read_text().split("\n", 1)
    assert old in first
    path.write_text(first.replace(old, new) + "\n" + rest)


def test_a_row_says_what_the_path_says(tmp_path):
    read = casia_surf.read(trees.casia_surf(tmp_path))
    first, attack = read.rows[0], read.rows[2]
    assert first == manifest.Row(
        sample_id="train/CLKJ_AS0001/bonafide/0002",
        dataset="casia_surf",
        split="train",
        subject_id="CLKJ_AS0001",
        video_id="CLKJ_AS0001/bonafide",
        frame=2,
        label="bonafide",
        rgb=f"{FIRST_VIDEO}/color/0002.jpg",
        depth=f"{FIRST_VIDEO}/depth/0002.jpg",
        ir=f"{FIRST_VIDEO}/ir/0002.jpg",
    )
    assert attack.sample_id == "train/CLKJ_AS0001/04_en_b/0002"
    assert (attack.label, attack.pai_species) == ("attack", "04_en_b")
    assert Counter(row.split for row in read) == {"train": 12, "dev": 12, "test": 12}


def test_the_header_says_where_rows_come_from(tmp_path):
    read = casia_surf.read(trees.casia_surf(tmp_path))
    assert read.root == tmp_path.resolve()
    digest = manifest.sha256(tmp_path / TRAIN_LIST)
    assert read.header["list_train"] == f"{TRAIN_LIST} sha256 {digest}"
    assert read.header["reader"] == "casia_surf 1"
    assert "academic agreement" in read.header["licence"]
    assert "faces" not in read.header
    assert [read.header[f"absent_{name}"] for name in ("rgb", "depth", "ir")] == ["0", "0", "0"]


def test_the_root_may_be_the_folder_itself(tmp_path):
    root = trees.casia_surf(tmp_path)
    assert casia_surf.read(root / "CASIA_SURF") == casia_surf.read(root)


def test_video_lists_take_every_frame_in_the_order_of_its_number(tmp_path):
    tree = trees.casia_surf(tmp_path, image_lists=False, frames=(9999, 10000))
    read = casia_surf.read(tree)
    assert [row.frame for row in read.rows[:4]] == [9999, 10000, 9999, 10000]
    assert "p1_video_train" in read.header["list_train"]
    assert len(read) == 36


def test_an_image_list_takes_only_the_frames_it_names(tmp_path):
    root = trees.casia_surf(tmp_path)
    path = root / TRAIN_LIST
    path.write_text("".join(path.read_text().splitlines(keepends=True)[::2]))
    assert {row.frame for row in casia_surf.read(root) if row.split == "train"} == {2}


@pytest.mark.parametrize("switches", [{}, {"image_lists": False}], ids=["image", "video"])
@pytest.mark.parametrize(("folder", "cell"), [("color", "rgb"), ("depth", "depth"), ("ir", "ir")])
def test_a_missing_file_is_an_absent_modality_and_counted(tmp_path, switches, folder, cell):
    root = trees.casia_surf(tmp_path, **switches)
    (root / FIRST_VIDEO / folder / "0010.jpg").unlink()
    read = casia_surf.read(root)
    assert [getattr(row, cell) == "" for row in read] == [False, True] + [False] * 34
    assert read.header[f"absent_{cell}"] == "1"
    assert sum(int(value) for key, value in read.header.items() if key.startswith("absent")) == 1


def test_a_missing_folder_is_an_absent_modality_in_all_its_rows(tmp_path):
    root = trees.casia_surf(tmp_path)
    shutil.rmtree(root / FIRST_VIDEO / "depth")
    assert casia_surf.read(root).header["absent_depth"] == "2"


def test_a_file_that_is_no_frame_is_counted_and_no_row(tmp_path):
    root = trees.casia_surf(tmp_path, image_lists=False)
    (root / FIRST_VIDEO / "depth" / "0002_resized.jpg").write_bytes(b"")
    (root / FIRST_VIDEO / "ir" / "Thumbs.db").write_bytes(b"")
    read = casia_surf.read(root)
    assert read.header["ignored_files"] == "2"
    assert len(read) == 36


def test_two_files_of_one_frame_are_refused(tmp_path):
    root = trees.casia_surf(tmp_path)
    shutil.copy(root / FIRST_VIDEO / "depth/0002.jpg", root / FIRST_VIDEO / "depth/2.jpg")
    message = refusal_of(root)
    assert "depth/2.jpg: is frame 2, and so is" in message
    assert "depth/0002.jpg" in message


@pytest.mark.parametrize("image_lists", [True, False])
def test_an_item_without_any_image_is_refused(tmp_path, image_lists):
    root = trees.casia_surf(tmp_path, images=False, image_lists=image_lists)
    what = "no frame 2" if image_lists else "no frame"
    message = refusal_of(root)
    assert "_train.txt, line 1: " in message
    assert f"{FIRST_VIDEO} has {what} in color, depth or ir; unpack" in message


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("CASIA_SURF/Data", "CASIA/Data", "should be CASIA_SURF/Data/<split>"),
        ("/color", "", "should be CASIA_SURF/Data/<split>"),
        ("/color", "/depth", "<species>/color, and a frame as 0015.jpg"),
        ("0002.jpg", "last.jpg", "and a frame as 0015.jpg"),
        ("0002.jpg", "0002.txt", "and a frame as 0015.jpg"),
        ("real_part", "other_part", "<real_part or fake_part>"),
        ("CLKJ_AS0001", "", "/<subject>/<species>"),
        ("Training", "Testing", "stands in the train list, but its folder is Testing"),
        ("Training", "Elsewhere", "stands in the train list, but its folder is Elsewhere"),
        ("real_part", "fake_part", "is in fake_part, but its species is 'real'"),
        ("real.rssdk", "04_en_b.rssdk", "is in real_part, but its species is '04_en_b'"),
        ("CLKJ_AS0001", "SYNT_RS0001", "subject 'SYNT_RS0001' is rendered, but"),
        (".jpg 0", ".jpg 1", "the label says attack, but the path"),
        (".jpg 0", ".jpg live", "label 'live' should be 0 or 1"),
        ("CASIA_SURF/Data", "/CASIA_SURF/Data", "should be a path inside the data set"),
    ],
)
def test_a_line_that_contradicts_itself_is_refused(tmp_path, old, new, message):
    root = trees.casia_surf(tmp_path)
    edit_first_line(root, old, new)
    refusal = refusal_of(root)
    assert refusal.startswith(f"{root / TRAIN_LIST}, line 1: ")
    assert message in refusal


def test_a_frame_that_stands_twice_under_two_names_is_refused(tmp_path):
    root = trees.casia_surf(tmp_path)
    path = root / TRAIN_LIST
    path.write_text(path.read_text() + f"{FIRST_VIDEO}/color/2.jpg 0\n")
    assert "sample_id 'train/CLKJ_AS0001/bonafide/0002' stands 2 times" in refusal_of(root)


def test_a_list_that_names_both_videos_and_frames_is_refused(tmp_path):
    root = trees.casia_surf(tmp_path)
    path = root / TRAIN_LIST
    path.write_text(path.read_text() + f"{FIRST_VIDEO}/color 0\n")
    assert "_train.txt, line 13: a list should name videos or frames, not both" in refusal_of(root)


@pytest.mark.parametrize("kind", ["image", "video"])
def test_a_list_that_is_missing_beside_others_of_its_kind_is_refused(tmp_path, kind):
    root = trees.casia_surf(tmp_path, image_lists=kind == "image")
    (root / f"CASIA_SURF/protocol/CASIA_SURF@p1_{kind}_dev.txt").unlink()
    assert f"CASIA_SURF@p1_{kind}_dev.txt: cannot be read" in refusal_of(root)


def test_an_empty_list_is_refused(tmp_path):
    root = trees.casia_surf(tmp_path)
    (root / TRAIN_LIST).write_text("\n")
    assert refusal_of(root) == f"{root / TRAIN_LIST}: is empty"


def test_another_folder_is_refused(tmp_path):
    assert f"{tmp_path}: has no CASIA_SURF/protocol" in refusal_of(tmp_path)
    assert "has no CASIA_SURF/protocol" in refusal_of(tmp_path / "gone")
    root = trees.casia_surf(tmp_path)
    assert "has no CASIA_SURF/protocol" in refusal_of(root / "CASIA_SURF" / "Data")


def test_rendered_subjects_bring_their_attributes(tmp_path):
    read = casia_surf.read(trees.casia_surf(tmp_path, rendered=True))
    assert {row.dataset for row in read} == {"synth_surf"}
    assert read.is_rendered
    assert read.rows[0].groups == {"ethnicity": "african", "age": "20"}
    assert {row.pai_species for row in read} == {"", "flat_print", "rigid_mask"}
    assert read.header["faces"].startswith("rendered")
    assert read.header["licence"] == "rendered faces: none needed"
    digest = manifest.sha256(tmp_path / "CASIA_SURF/RENDERED.json")
    assert read.header["rendered"] == f"CASIA_SURF/RENDERED.json sha256 {digest}"


def test_an_interrupted_rendering_is_not_taken_for_people(tmp_path):
    message = refusal_of(trees.casia_surf(tmp_path, rendering_interrupted=True))
    assert "subject 'SYNT_RS0001' is rendered, but" in message
    assert "RENDERED.json is missing; the rendering was interrupted, run it again" in message


def test_a_subject_that_was_not_rendered_is_refused_among_rendered_ones(tmp_path):
    root = trees.casia_surf(tmp_path, rendered=True)
    path = root / "CASIA_SURF/RENDERED.json"
    subjects = json.loads(path.read_text())["subjects"]
    del subjects["SYNT_RS0001"]
    path.write_text(json.dumps({"subjects": subjects}))
    assert "subject 'SYNT_RS0001' is not in" in refusal_of(root)


def test_attributes_that_are_no_word_or_number_are_left_out(tmp_path):
    root = trees.casia_surf(tmp_path, rendered=True)
    path = root / "CASIA_SURF/RENDERED.json"
    subjects = json.loads(path.read_text())["subjects"]
    odd = {"sex": "female", "tone": 0.25, "bearded": True, "list": [1], "none": None, "map": {}}
    path.write_text(json.dumps({"subjects": dict.fromkeys(subjects, odd)}))
    groups = casia_surf.read(root).rows[0].groups
    assert groups == {"sex": "female", "tone": "0.25", "bearded": "True"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "should hold the attributes of each of its 'subjects'; render again"),
        ("[]", "should hold the attributes"),
        ('{"people": {}}', "should hold the attributes"),
        ('{"subjects": []}', "should hold the attributes"),
        ('{"subjects": {"SYNT_RS0001": "x"}}', "should hold the attributes"),
        ('{"subjects": {}}', "names no subjects; render again"),
    ],
)
def test_a_broken_rendered_json_is_refused(tmp_path, text, message):
    root = trees.casia_surf(tmp_path, rendered=True)
    path = root / "CASIA_SURF/RENDERED.json"
    path.write_text(text)
    refusal = refusal_of(root)
    assert refusal.startswith(str(path))
    assert message in refusal


@pytest.mark.skipif(not LISTS.is_dir(), reason="the real list files are not beside this checkout")
class TestTheRealLists:
    """Counts of the author lists, https://github.com/liuajian/CASIA-FAS-Dataset."""

    SPECIES: ClassVar = {
        "train": {"": 300, "04_en_b": 300, "05_enm_s": 300, "06_enm_b": 300},
        "dev": {"": 100, "01_e_s": 100, "02_e_b": 100, "03_en_s": 100},
        "test": {"": 600, "01_e_s": 599, "02_e_b": 594, "03_en_s": 598},
    }
    SUBJECTS: ClassVar = {"train": 300, "dev": 100, "test": 600}

    @staticmethod
    def videos(split):
        return casia_surf.read_list(LISTS / f"CASIA_SURF@p1_video_{split}.txt", split)

    @pytest.mark.parametrize("split", SPECIES)
    def test_every_split_has_the_published_videos(self, split):
        videos = self.videos(split)
        assert Counter(video.species for video in videos) == self.SPECIES[split]
        assert len({video.subject for video in videos}) == self.SUBJECTS[split]
        assert len({video.video_id for video in videos}) == len(videos)

    def test_no_subject_is_in_two_splits(self):
        subjects = [{video.subject for video in self.videos(split)} for split in self.SPECIES]
        assert len(set.union(*subjects)) == 1000

    def test_a_list_given_for_another_split_is_refused(self):
        with pytest.raises(BadInput, match="stands in the dev list, but its folder is Testing"):
            casia_surf.read_list(LISTS / "CASIA_SURF@p1_video_test.txt", "dev")
