"""CASIA-SURF CeFA: names, lists against rules, protocols, demographics, and nothing personal."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from flexpad.audit import audit
from flexpad.data import manifest, protocols
from flexpad.data.findings import Severity
from flexpad.data.protocols import cefa
from flexpad.data.reading import ReadOptions, usable
from flexpad.data.sampling import FrameSampling
from flexpad.readers import READERS
from flexpad.readers.casia_cefa import videos
from flexpad.types import BadInput, Modality
from tests.trees import casia_cefa as trees

LISTS = Path(__file__).resolve().parents[2] / "shared" / "lists" / "cefa"
CEFA = READERS["casia_cefa"]
PERSONAL = "198006250024"


def read(root, **options):
    return CEFA.read(root, ReadOptions(**options))


def found(reading):
    return {problem.kind: problem for problem in reading.findings}


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.fixture(scope="module")
def author(tmp_path_factory):
    return trees.author(tmp_path_factory.mktemp("cefa") / "data")


@pytest.fixture(scope="module")
def rows(author):
    return usable(CEFA.read(author))


# names


@pytest.mark.parametrize(
    ("name", "subject", "split", "species", "groups"),
    [
        ("1_000_1_1_1", "AF-000", "train", "", {"ethnicity": "african", "session": "indoor"}),
        ("2_199_3_1_2", "CA-199", "train", "cloth_print", {"session": "indoor"}),
        ("2_200_3_2_2", "CA-200", "dev", "cloth_print", {"session": "outdoor"}),
        ("3_299_3_1_4", "EA-299", "dev", "replay", {"ethnicity": "east_asian"}),
        ("3_300_3_1_4", "EA-300", "test", "replay", {"session": "indoor"}),
        ("1_499_1_1_1", "AF-499", "test", "", {}),
        ("1_500_1_1_1", "AF-500", "", "", {}),
        (
            "1_073_1_0_2_1_2",
            "3D-Mask-073",
            "test",
            "mask_3d",
            {"light": "back", "dress": "yes", "glasses": "no", "session": "indoor"},
        ),
        (
            "1_001_1_0_1_1_1",
            "3D-Mask-001",
            "test",
            "mask_3d",
            {"light": "none"},
        ),  # ends as bona fide
        ("2_006_1_1_2_2_4", "Silicone-Mask-006", "test", "mask_silicone", {"light": "side"}),
    ],
)
def test_a_name_says_who_what_and_where(name, subject, split, species, groups):
    video = videos.parse(name)
    assert (video.subject, video.split, video.species) == (subject, split, species)
    assert video.label == ("attack" if species else "bonafide")
    assert video.groups.items() >= groups.items()


@pytest.mark.parametrize(
    "name", ["4_000_1_1_1", "1_00_1_1_1", "1_000_1_1_5", "1_000_1_1", "3_073_1_0_2_1_2", "x", ""]
)
def test_another_name_is_no_video(name):
    assert videos.parse(name) is None


def test_a_folder_that_contradicts_its_name_is_no_video():
    assert videos.at("CASIA_CeFA/Ethnicity/AF/AF-001/1_000_1_1_1") is None
    assert videos.at("CASIA_CeFA/Ethnicity/CA/AF-000/1_000_1_1_1") is None
    assert videos.at("CASIA_CeFA/Mask/Silicone-Mask/073/1_073_1_0_2_1_2") is None
    assert videos.at("xAF/AF-000/1_000_1_1_1") is None


# author release


def test_a_row_says_what_the_path_says(rows):
    first = rows.rows[0]
    folder = "CASIA_CeFA/Ethnicity/AF/AF-000/1_000_1_1_1"
    assert first == manifest.Row(
        sample_id="train/AF-000/1_000_1_1_1/0002",
        dataset="casia_cefa",
        split="train",
        subject_id="AF-000",
        video_id="AF-000/1_000_1_1_1",
        frame=2,
        label="bonafide",
        rgb=f"{folder}/color/0002.jpg",
        depth=f"{folder}/depth/0002.jpg",
        ir=f"{folder}/ir/0002.jpg",
        depth_encoding="8bit:casia_cefa",
        ir_encoding="8bit:casia_cefa",
        groups={
            "birth_decade": "1990s",
            "dress": "",
            "ethnicity": "african",
            "glasses": "",
            "light": "",
            "session": "indoor",
            "sex": "female",
        },
    )


def test_all_lists_together_name_each_item_once(rows):
    """p1.1 names all of AF; of CA and EA the four lists name all but cloth in train and dev."""
    counted = Counter((row.split, row.pai_species) for row in rows if row.frame == 2)
    assert counted == {
        ("train", ""): 6,
        ("train", "cloth_print"): 4,
        ("train", "replay"): 6,
        ("dev", ""): 3,
        ("dev", "cloth_print"): 2,
        ("dev", "replay"): 3,
        ("test", ""): 6,
        ("test", "cloth_print"): 12,
        ("test", "replay"): 4,
        ("test", "mask_3d"): 2,
        ("test", "mask_silicone"): 1,
    }
    assert len({row.sample_id for row in rows}) == len(rows) == 2 * counted.total()


def test_what_the_demographic_lists_do_not_say_stays_empty(rows):
    told = {row.subject_id: (row.groups["sex"], row.groups["birth_decade"]) for row in rows}
    assert told["AF-000"] == ("female", "1990s")
    assert told["AF-001"] == ("male", "")  # born in "11"
    assert told["AF-200"] == ("", "")  # an empty line
    assert told["AF-300"] == ("male", "")  # no year
    assert told["EA-000"] == ("female", "1940s")
    assert told["EA-499"] == ("male", "2000s")
    assert told["CA-000"] == ("", "")
    header = rows.header["demographics"]
    assert header == "sex of 5 and decade of birth of 3 of 6 subjects"
    digest = manifest.sha256(rows.root / "CASIA_CeFA/AF_Age_Gender.txt")
    assert rows.header["demographics_AF"] == f"CASIA_CeFA/AF_Age_Gender.txt sha256 {digest}"


def test_no_year_of_birth_is_written(rows, tmp_path):
    manifest.write(rows, tmp_path / "cefa.csv")
    text = (tmp_path / "cefa.csv").read_text()
    assert "1999" not in text
    assert "1990s" in text


def test_lists_of_whole_videos_take_every_frame(tmp_path):
    root = trees.author(tmp_path / "data", image_lists=("train",), frames=(2, 10, 11))
    edit(
        root / "CASIA_CeFA/protocol/CASIA_CeFA@p4.3_image_train.txt",
        "CASIA_CeFA/Ethnicity/CA/CA-000/2_000_1_1_1/color/0011.jpg 0\n",
        "",
    )
    reading = read(root)
    frames = Counter(row.video_id for row in reading.manifest)
    assert frames.pop("CA-000/2_000_1_1_1") == 2  # no list names the third
    assert set(frames.values()) == {3}
    assert not reading.findings.of(Severity.ERROR)
    assert "image_train" in reading.manifest.header["list_p4.3_train"]
    assert "video_test" in reading.manifest.header["list_p4.3_test"]


def test_without_lists_every_video_on_disk_is_taken(tmp_path):
    root = trees.author(tmp_path / "data", lists=False)
    (root / "CASIA_CeFA/Ethnicity/AF/notes").mkdir()
    (root / "CASIA_CeFA/Ethnicity/AF/AF-000/other").mkdir()
    (root / "CASIA_CeFA/Ethnicity/EA/EA-500/3_500_1_1_1").mkdir(parents=True)
    reading = read(root)
    assert len({row.video_id for row in reading.manifest}) == 3 * 5 * 4 + 3
    assert found(reading)["unknown_folder"].examples == ("CASIA_CeFA/Ethnicity/AF/AF-000/other",)
    assert found(reading)["no_split"].count == 1
    assert reading.findings.dropped == {"unknown_folder": 1, "no_split": 1}
    with pytest.raises(BadInput, match="has no lists"):
        read(root, lists_only=True)


def test_the_root_may_be_the_folder_itself(author, rows):
    assert usable(CEFA.read(author / "CASIA_CeFA")) == replace(
        rows, name=str(author / "CASIA_CeFA")
    )


@pytest.mark.parametrize(
    ("old", "new", "kind", "words"),
    [
        ("AF-000/1_000", "AF-001/1_000", "malformed_line", "should be CASIA_CeFA/Ethnicity/<race>"),
        ("/color/0002.jpg", "/color/last.jpg", "malformed_line", "a frame as 0015.jpg"),
        ("/color/", "/profile/", "malformed_line", "should be"),
        ("CASIA_CeFA/Ethnicity", "CeFA/Ethnicity", "malformed_line", "should be"),
        ("AF-000/1_000", "AF-300/1_300", "split_against_path", "AF-300 is of test"),
        ("AF-000/1_000", "AF-500/1_500", "no_split", "subject AF-500"),
        ("0002.jpg 0", "0002.jpg 1", "label_against_path", "the path"),
        ("0002.jpg 0", "0002.jpg live", "malformed_line", "label 'live'"),
        ("0010.jpg 0", "2.jpg 0", "repeated_line", "2.jpg is frame 2, and so is 0002.jpg"),
    ],
)
def test_a_line_that_cannot_be_used_is_noted(tmp_path, old, new, kind, words):
    root = trees.author(tmp_path / "data")
    path = root / "CASIA_CeFA/protocol/CASIA_CeFA@p4.1_image_train.txt"
    edit(path, old, new)
    problem = found(read(root))[kind]
    assert words in problem.examples[0]
    assert str(path) in problem.examples[0]
    assert problem.count == 1


def test_a_list_that_differs_from_its_rule_is_noted_both_ways(tmp_path):
    root = trees.author(tmp_path / "data")
    path = root / "CASIA_CeFA/protocol/CASIA_CeFA@p4.1_image_train.txt"
    lines = path.read_text().splitlines()
    extra = "CASIA_CeFA/Ethnicity/AF/AF-000/1_000_3_1_2/color/0002.jpg 1"  # a cloth print
    path.write_text("\n".join([*lines[3:], extra]) + "\n")
    problem = found(read(root))["list_against_rule"]
    assert problem.examples == (
        f"{path}: names 1 frames that cefa@4.1 train has not, and lacks 3 that it has",
    )
    assert problem.severity is Severity.WARNING


def test_a_list_of_whole_videos_is_held_against_its_rule_by_videos(tmp_path):
    root = trees.author(tmp_path / "data", image_lists=())
    path = root / "CASIA_CeFA/protocol/CASIA_CeFA@p4.1_video_test.txt"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[2:]))
    problem = found(read(root))["list_against_rule"]
    assert problem.examples == (
        f"{path}: names 0 videos that cefa@4.1 test has not, and lacks 2 that it has",
    )


def test_a_protocol_without_one_of_its_lists_is_noted(tmp_path):
    root = trees.author(tmp_path / "data")
    for kind in ("image", "video"):
        (root / f"CASIA_CeFA/protocol/CASIA_CeFA@p4.5_{kind}_dev.txt").unlink()
    problem = found(read(root))["missing_list"]
    assert problem.examples == ("CASIA_CeFA@p4.5_*_dev.txt, beside others of p4.5",)


def test_the_one_list_of_protocol_3_names_images_of_every_modality(tmp_path):
    root = trees.author(tmp_path / "data")
    folder = root / "CASIA_CeFA/protocol"
    for split, modalities in (
        ("train", ("color",)),
        ("dev", ("color",)),
        ("test", ("depth", "ir")),
    ):
        paths = [
            (f"CASIA_CeFA/Ethnicity/{race}/{subject}/{video}", int(not video.endswith("1_1_1")))
            for race in ("AF", "CA", "EA")
            for subject, video in trees.faces(split, race)
        ]
        lines = [
            f"{path}/{modality}/{frame:04d}.jpg {label}"
            for path, label in paths
            for modality in modalities
            for frame in (2, 10)
        ]
        (folder / f"CASIA_CeFA@p3_image_{split}.txt").write_text("\n".join(lines) + "\n")
    reading = read(root)
    assert set(found(reading)) == set()
    assert len({row.video_id for row in reading.manifest}) == 3 * 5 * 4 + 3


def test_rendered_subjects_bring_their_attributes_and_keep_the_protocols(tmp_path):
    reading = usable(read(trees.author(tmp_path / "data", rendered=True)))
    assert reading.datasets == ("synth_cefa",)
    assert reading.header["licence"] == "rendered faces: none needed"
    first = reading.rows[0]
    assert first.subject_id == "SYNT_AF-000"
    assert (first.groups["sex"], first.groups["ethnicity"]) == ("female", "african")
    assert first.depth_encoding == "8bit:synth"
    assert {
        row.subject_id for row in protocols.apply("synth-cefa@4.1", reading)
    } >= trees.RENDERED_MASKS


def test_an_interrupted_rendering_is_not_taken_for_people(tmp_path):
    root = trees.author(tmp_path / "data", rendered=True)
    (root / "CASIA_CeFA/RENDERED.json").unlink()
    with pytest.raises(BadInput, match="the rendering was interrupted"):
        read(root)


# research release


def test_what_follows_a_subject_is_kept_in_paths_alone(tmp_path):
    reading = read(trees.research(tmp_path / "data"))
    for row in reading.manifest:
        assert PERSONAL not in row.sample_id + row.subject_id + row.video_id
        if row.groups["ethnicity"]:
            assert PERSONAL in row.rgb
        assert (reading.manifest.root / row.rgb).is_file()
    assert reading.manifest.rows[0].subject_id == "AF-000"


@pytest.mark.parametrize("layout", ["lists", "disk"])
def test_no_message_shows_it(tmp_path, layout):
    root = trees.research(
        tmp_path / "data",
        lists=layout == "lists",
        flipped_labels=True,
        missing_frame=True,
        truncated_image=False,
        duplicate_across_splits=True,
    )
    folder = root / f"CeFA/CeFA-Race/CA/CA-000-{PERSONAL}"
    (folder / "other").mkdir()
    (folder / "2_000_1_1_1/profile/notes.txt").write_text("x")
    (folder / "2_000_1_1_1/depth/0002.jpg").unlink()
    whole = audit("casia_cefa", root, deep=True)
    problems = list(whole.reading.findings)
    assert len(problems) >= 2
    assert not any(PERSONAL in str(problem) for problem in problems)
    assert any("CA-000/2_000_1_1_1" in str(problem) for problem in problems)


def test_a_line_of_another_split_is_an_error(tmp_path):
    """Line 3301 of the published list of Flex-Modal's validation is a test frame."""
    reading = read(trees.research(tmp_path / "data", duplicate_across_splits=True))
    problem = found(reading)["split_against_path"]
    assert problem.count == 2
    assert "stands in the dev list, but subject AF-300 is of test" in problem.examples[0]
    assert all(row.split == "test" for row in reading.manifest if row.subject_id == "AF-300")


def test_lists_that_mix_data_sets_are_read_for_their_own_lines(tmp_path):
    reading = read(trees.research(tmp_path / "data", flex_modal=True))
    assert found(reading)["foreign_line"].count == 3
    assert len(reading.manifest) == 2 * (3 * 5 * 4 + 3)


def test_without_lists_the_research_release_is_read_from_disk(tmp_path):
    listed = read(trees.research(tmp_path / "data")).manifest
    enumerated = read(trees.research(tmp_path / "disk", lists=False)).manifest
    assert enumerated.rows == listed.rows
    assert enumerated.header["lists"] == "none; every video on disk"
    assert "lists" not in listed.header


def test_the_research_release_may_be_named_by_either_folder(tmp_path):
    root = trees.research(tmp_path / "data")
    whole = read(root).manifest
    assert read(root / "CeFA").manifest.rows == whole.rows
    (root / "CeFA").rename(root / "release")
    for path in root.glob("C-*.txt"):
        path.rename(root / "release" / path.name)
    renamed = read(root / "release").manifest
    assert renamed.rows[0].rgb == whole.rows[0].rgb.removeprefix("CeFA/")
    assert len(renamed) == len(whole)


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("/profile/0002.jpg", "/front/0002.jpg", "modality_against_folder"),
        ("1_000_1_1_1/profile/0010", "1_001_1_1_1/profile/0010", "frame_mismatch"),
        ("0002.jpg 1", "0002.jpg 0", "label_against_path"),
    ],
)
def test_a_line_of_the_benchmarks_that_cannot_be_used_is_noted(tmp_path, old, new, kind):
    root = trees.research(tmp_path / "data")
    edit(root / "C-train.txt", old, new)
    assert found(read(root))[kind].count == 1


def test_a_line_that_names_no_video_is_an_error(tmp_path):
    root = trees.research(tmp_path / "data")
    path = root / "C-train.txt"
    first, rest = path.read_text().split("\n", 1)
    path.write_text(first.replace("1_000_1_1_1", "1_000_1_1_9") + "\n" + rest)
    problem = found(read(root))["malformed_line"]
    assert (problem.count, problem.severity) == (1, Severity.ERROR)
    assert "should be CeFA/CeFA-Race/<race>" in problem.examples[0]


# challenge


def test_the_challenge_has_training_subjects_and_anonymous_dev_videos(tmp_path):
    reading = read(trees.challenge(tmp_path / "data"))
    by_split = {
        split: [row for row in reading.manifest if row.split == split] for split in ("train", "dev")
    }
    assert len(by_split["train"]) + len(by_split["dev"]) == len(reading.manifest)
    assert by_split["train"][0].subject_id == "AF-000"
    assert by_split["train"][0].groups["challenge"] == "4@1"
    first, second = by_split["dev"][0], by_split["dev"][2]
    assert (first.sample_id, first.label, first.pai_species) == ("dev/000000/0002", "bonafide", "")
    assert (second.sample_id, second.label) == ("dev/000001/0002", "attack")
    assert (second.pai_species, second.subject_id) == ("unknown", "dev/000001")
    assert first.rgb == "phase1/dev/000000/profile/0002.jpg"
    assert found(reading)["unknown_subject"].count == 9
    assert found(reading)["unknown_species"].count == 6


def test_a_test_without_labels_gives_no_rows_and_says_what_is_missing(tmp_path):
    reading = read(trees.challenge(tmp_path / "data"))
    problem = found(reading)["unlabelled_line"]
    assert problem.count == reading.findings.dropped["unlabelled_line"] == 9
    assert "test needs phase2/4@1_test_ref.txt ('test/000001 1')" in problem.examples[0]
    with pytest.raises(BadInput, match=r"nothing can be measured on it; write them to phase2/4@2_"):
        protocols.apply("cefa@challenge_4.2", usable(reading))


def test_labels_of_the_test_are_read_where_somebody_has_them(tmp_path):
    root = trees.challenge(tmp_path / "data", labelled=("dev", "test"))
    chosen = protocols.apply("cefa@challenge_4.2", usable(read(root)))
    assert {row.groups["challenge"] for row in chosen} == {"4@2"}
    assert {row.subject_id[:2] for row in chosen.split("train")} == {"CA"}
    assert {row.video_id for row in chosen.split("test")} == {f"test/00001{n}" for n in range(3)}


def test_the_other_protocols_do_not_fit_the_challenge_nor_the_other_way_round(tmp_path, rows):
    reading = usable(read(trees.challenge(tmp_path / "data")))
    with pytest.raises(BadInput, match=r"use cefa@challenge_4\.1"):
        protocols.apply("cefa@4.1", reading)
    with pytest.raises(BadInput, match=r"is not the challenge's layout; use cefa@4\.1"):
        protocols.apply("cefa@challenge_4.1", rows)


def test_a_video_of_two_sub_protocols_is_one_with_one_label(tmp_path):
    root = trees.challenge(tmp_path / "data")
    path = root / "phase1/4@2_dev_ref.txt"
    path.write_text(path.read_text() + "dev/000000 1\ndev/000001 1\n")
    reading = read(root)
    groups = {row.video_id: row.groups["challenge"] for row in reading.manifest}
    assert groups["dev/000000"] == "4@1 4@2"
    assert found(reading)["line_against_line"].count == 1


@pytest.mark.parametrize(
    ("path", "old", "new", "kind"),
    [
        ("4@1_train.txt", "train/1_000_1_1_1", "train/1_000_1_1_9", "malformed_line"),
        ("4@1_train.txt", "train/1_000_1_1_1", "train/1_300_1_1_1", "split_against_path"),
        ("4@1_train.txt", "0002.jpg 1", "0002.jpg 0", "label_against_path"),
        ("4@1_dev_ref.txt", "dev/000000", "test/000000", "malformed_line"),
    ],
)
def test_a_line_of_the_challenge_that_cannot_be_used_is_noted(tmp_path, path, old, new, kind):
    root = trees.challenge(tmp_path / "data")
    edit(root / "phase1" / path, old, new)
    assert found(read(root))[kind].count == 1


def test_lists_of_the_challenge_that_are_missing_are_noted(tmp_path):
    root = trees.challenge(tmp_path / "data")
    (root / "phase1/4@3_train.txt").unlink()
    for path in (root / "phase2").glob("4@*"):
        path.unlink()
    assert found(read(root))["missing_list"].count == 4


# protocols


def videos_of(chosen, split):
    return {row.video_id.split("/")[1] for row in chosen.split(split)}


def test_protocol_4_trains_on_replays_of_one_ethnicity(rows):
    chosen = protocols.apply("cefa@4.3", rows)
    assert videos_of(chosen, "train") == {
        f"3_{n}_{p}" for n in ("000", "001") for p in ("1_1_1", "3_1_4")
    }
    assert videos_of(chosen, "dev") == {"3_200_1_1_1", "3_200_3_1_4"}
    test = {
        f"{race}_{number}_{pai}"
        for race in "12"
        for number in ("300", "499")
        for pai in ("1_1_1", "3_1_2", "3_2_2")
    }
    assert videos_of(chosen, "test") == test | {mask.split("/")[2] for mask in trees.MASKS}


def test_protocols_1_and_2_test_what_was_not_seen(tmp_path):
    whole = usable(read(trees.author(tmp_path / "data", lists=False)))
    first = protocols.apply("cefa@1.2", whole)
    assert {row.groups["ethnicity"] for row in first.split("train")} == {"central_asian"}
    assert {row.groups["ethnicity"] for row in first.split("test")} == {"african", "east_asian", ""}
    kinds = {"", "cloth_print", "replay", "mask_3d", "mask_silicone"}
    assert {row.pai_species for row in first.split("test")} == kinds
    for name, seen, unseen in (("2.1", "cloth_print", "replay"), ("2.2", "replay", "cloth_print")):
        chosen = protocols.apply(f"cefa@{name}", whole)
        for split in ("train", "dev"):
            assert {row.pai_species for row in chosen.split(split)} == {"", seen}
        test = {row.pai_species for row in chosen.split("test")}
        assert test == {"", unseen, "mask_3d", "mask_silicone"}
        assert len({row.groups["ethnicity"] for row in chosen.split("train")}) == 3


@pytest.mark.parametrize(
    ("place", "seen"), [(1, Modality.RGB), (2, Modality.DEPTH), (3, Modality.IR)]
)
def test_protocol_3_trains_on_one_modality_and_tests_the_others(tmp_path, place, seen):
    root = trees.author(tmp_path / "data", lists=False)
    (root / "CASIA_CeFA/Ethnicity/AF/AF-000/1_000_1_1_1/depth/0002.jpg").unlink()
    chosen = protocols.apply(f"cefa@3.{place}", usable(read(root)))
    others = tuple(modality for modality in Modality if modality is not seen)
    for split in ("train", "dev"):
        assert {row.modalities for row in chosen.split(split)} == {(seen,)}
    assert {row.modalities for row in chosen.split("test")} == {others}
    assert not any(row.pai_species in cefa.MASKS for row in chosen)
    lost = int(seen is Modality.DEPTH)
    assert chosen.header["protocol_dropped"] == f"{lost} rows without the modality of their split"
    for row in chosen:
        assert bool(row.depth_encoding) == bool(row.depth)
        assert bool(row.ir_encoding) == bool(row.ir)
    train = sum(row.split != "test" for row in chosen)
    assert chosen.header[f"absent_{others[0].value}"] == str(train)
    manifest.validate(chosen)


def test_every_protocol_has_both_classes_in_every_split_and_shares_nothing(tmp_path):
    whole = usable(read(trees.author(tmp_path / "data", lists=False)))
    for name in protocols.PROTOCOLS:
        if name.startswith("cefa@") and "challenge" not in name:
            chosen = protocols.apply(name, whole)
            masks = {row.video_id for row in chosen if row.pai_species in cefa.MASKS}
            assert len(masks) == (0 if name.startswith("cefa@3") else 3)  # the same in every one


def test_a_manifest_without_ethnicities_is_refused(rows):
    bare = replace(rows, rows=[replace(row, groups={}) for row in rows])
    with pytest.raises(BadInput, match=r"lacks the column group_ethnicity, which cefa@4\.1 needs"):
        protocols.apply("cefa@4.1", bare)


# what was published


PUBLISHED = {  # all videos in train, dev and test: the author lists and their readme
    "1.1": (800, 400, 2723),
    "1.2": (800, 400, 2723),
    "1.3": (800, 400, 2723),
    "2.1": (1800, 900, 2323),
    "2.2": (1200, 600, 2923),
    "4.1": (400, 200, 2323),
    "4.2": (400, 200, 2323),
    "4.3": (400, 200, 2323),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_counts_are_those_of_the_readme(name):
    counts = {(p.split, p.what): p for p in protocols.PROTOCOLS[f"cefa@{name}"].published}
    whole = tuple(counts[split, "all"].videos for split in ("train", "dev", "test"))
    assert whole == PUBLISHED[name]
    for split in ("train", "dev", "test"):
        parts = counts[split, "bonafide"].videos + counts[split, "attack"].videos
        assert parts == counts[split, "all"].videos


def test_the_frames_of_protocol_3_follow_from_the_others():
    """The readme's sums: masks are in every test of 1, 2 and 4, and in none of 3."""
    test = {name: frames[2] for name, frames in cefa._FRAMES.items()}
    masks = sum(test[f"4.{n}"] for n in (1, 2, 3)) - 2 * test["2.2"]
    assert masks == 42_110
    others = (sum(test[f"1.{n}"] for n in (1, 2, 3)) - 3 * masks) // 2
    assert others == test["3.1"] == 438_764 // 2
    for split, place in (("train", 0), ("dev", 1)):
        whole = sum(cefa._FRAMES[f"1.{n}"][place] for n in (1, 2, 3))
        assert whole == cefa._FRAMES["3.1"][place], split


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    if not LISTS.is_dir():
        pytest.skip("the real list files are not beside this checkout")
    root = tmp_path_factory.mktemp("lists")
    folder = root / "CASIA_CeFA/protocol"
    folder.mkdir(parents=True)
    for path in LISTS.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return root


REAL = {
    "1.1": {
        "bonafide": 400,
        "cloth_print": 800,
        "replay": 400,
        "mask_3d": 1079,
        "mask_silicone": 44,
    },
    **{
        f"4.{number}": {"bonafide": 400, "cloth_print": 800, "mask_3d": 1079, "mask_silicone": 44}
        for number in (1, 2, 3)
    },
}


@pytest.mark.parametrize("name", REAL)
def test_the_real_lists_hold_what_was_published(real, name):
    """Counts of the author lists, https://github.com/liuajian/CASIA-FAS-Dataset."""
    whole = audit("casia_cefa", real, ReadOptions(lists_only=True), f"cefa@{name}")
    assert not list(whole.reading.findings)  # nothing differs, nothing overlaps
    counts = {(entry.split, entry.what): entry.videos for entry in whole.counts}
    train, dev, test = PUBLISHED[name]
    assert (counts["train", "all"], counts["dev", "all"], counts["test", "all"]) == (
        train,
        dev,
        test,
    )
    of_test = {what: n for (split, what), n in counts.items() if split == "test"}
    assert {what: n for what, n in of_test.items() if what not in ("all", "attack")} == REAL[name]
    subjects = {entry.what: entry.subjects for entry in whole.counts if entry.split == "test"}
    assert (subjects["bonafide"], subjects["mask_3d"], subjects["mask_silicone"]) == (400, 99, 8)


def test_the_real_lists_name_the_same_masks_in_every_test(real):
    whole = CEFA.read(real, ReadOptions(lists_only=True)).manifest
    masks = [
        {
            row.video_id
            for row in protocols.apply(f"cefa@{name}", whole)
            if row.pai_species in cefa.MASKS
        }
        for name in REAL
    ]
    assert all(of_one == masks[0] for of_one in masks)
    assert len(masks[0]) == 1123
    assert {row.groups["light"] for row in whole if row.pai_species in cefa.MASKS} == {
        "back",
        "front",
        "side",
    }


def test_frames_of_a_real_layout_can_be_sampled(author):
    sampled = CEFA.read(author, ReadOptions(frames=FrameSampling("even", 1))).manifest
    assert Counter(row.video_id for row in sampled).most_common(1)[0][1] == 1
