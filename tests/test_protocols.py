"""Which rows are used for what, and that no split knows another."""

from dataclasses import replace
from pathlib import Path

import pytest

from flexpad import readers
from flexpad.data import protocols
from flexpad.data.findings import EXAMPLES, Findings
from flexpad.data.manifest import Manifest, Row
from flexpad.data.reading import ReadOptions
from flexpad.types import BadInput
from tests.trees.casia_surf import casia_surf, challenge, crop

LISTS = Path(__file__).resolve().parents[2] / "shared" / "lists" / "surf"


def pair(split, species, dataset="casia_surf"):
    """A bona fide and an attack of one subject of a split."""
    rows = []
    for what in ("", species):
        name = f"{split}/{what or 'bonafide'}"
        rows.append(
            Row(
                sample_id=name,
                dataset=dataset,
                split=split,
                subject_id=f"s-{split}",
                video_id=name,
                frame=0,
                label="attack" if what else "bonafide",
                pai_species=what,
                rgb=f"{name}/color/0.jpg",
                depth=f"{name}/depth/0.jpg",
            )
        )
    return rows


def rows(**changes_by_sample):
    """Six rows that obey surf@1, with changes to some of them."""
    made = [*pair("train", "04_en_b"), *pair("dev", "01_e_s"), *pair("test", "02_e_b")]
    changes = {name.replace("__", "/"): values for name, values in changes_by_sample.items()}
    assert changes.keys() <= {row.sample_id for row in made}
    return tuple(replace(row, **changes.get(row.sample_id, {})) for row in made)


def surf(chosen):
    return Manifest(Path("data"), tuple(chosen), {"reader": "x"}, "made up")


def refusal_of(chosen, name="surf@1"):
    with pytest.raises(BadInput) as caught:
        protocols.apply(name, surf(chosen))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def overlaps_of(chosen):
    findings = Findings()
    protocols.note_overlaps(surf(chosen), findings)
    return list(findings)


def test_surf_1_takes_the_rows_as_listed_and_says_so():
    used = protocols.apply("surf@1", surf(rows()))
    assert used.rows == rows()
    assert used.header == {"reader": "x", "protocol": "surf@1"}
    assert protocols.apply("surf@1", used) == used


@pytest.mark.parametrize("species", ["04_en_b", "05_enm_s", "06_enm_b"])
def test_surf_1_trains_on_the_last_three_cuts_only(species):
    protocols.apply("surf@1", surf(rows(train__04_en_b={"pai_species": species})))
    refusal = refusal_of(rows(dev__01_e_s={"pai_species": species}))
    assert refusal == (
        f"made up: row 'dev/01_e_s': species '{species}' is none of 01_e_s, 02_e_b, 03_en_s,"
        " which dev is for (1 such row)"
    )


@pytest.mark.parametrize("species", ["01_e_s", "02_e_b", "03_en_s"])
def test_surf_1_tests_on_the_first_three_cuts_only(species):
    protocols.apply("surf@1", surf(rows(test__02_e_b={"pai_species": species})))
    refusal = refusal_of(rows(train__04_en_b={"pai_species": species}))
    assert f"row 'train/04_en_b': species '{species}' is none of 04_en_b, 05_enm_s" in refusal


def test_surf_1_refuses_a_species_the_set_does_not_have():
    assert "species 'flat_print' is none of" in refusal_of(
        rows(test__02_e_b={"pai_species": "flat_print"})
    )


def test_a_rendered_set_has_the_same_rule_under_a_name_of_its_own():
    rendered = [replace(row, dataset="synth_surf") for row in rows()]
    assert protocols.apply("synth-surf@1", surf(rendered)).rows == tuple(rendered)
    assert refusal_of(rendered).endswith("not for 'synth_surf'; take synth-surf@1")
    assert refusal_of(rows(), "synth-surf@1").endswith("is for synth_surf, not for 'casia_surf'")
    seen = [replace(row, pai_species="06_enm_b" if row.pai_species else "") for row in rendered]
    assert "which dev is for" in refusal_of(seen, "synth-surf@1")


@pytest.mark.parametrize("name", ["cefa@1.1", "cefa@2.2", "cefa@4.3", "wmca@loo_prints"])
def test_every_rule_of_a_family_has_its_rendered_twin(name):
    real, twin = protocols.PROTOCOLS[name], protocols.PROTOCOLS[f"synth-{name}"]
    assert twin.choose is real.choose
    assert twin.datasets == tuple(d.replace("casia_", "synth_") for d in real.datasets) or (
        twin.datasets == ("synth_wmca",)
    )
    assert real.published
    assert not twin.published
    assert twin.summary == f"rendered: {real.summary}"


def test_the_challenge_has_no_species_to_evaluate_on():
    unknown = {"pai_species": "unknown"}
    untold = rows(dev__01_e_s=unknown, test__02_e_b=unknown)
    used = protocols.apply("surf@challenge", surf(untold))
    assert used.rows == untold
    refusal = refusal_of(untold)
    assert "row 'dev/01_e_s': species 'unknown' is none of 01_e_s, 02_e_b, 03_en_s" in refusal
    assert refusal.endswith("; surf@challenge takes them")
    assert "species '01_e_s' is none of unknown" in refusal_of(rows(), "surf@challenge")


def test_the_crops_have_every_cut_in_every_split_and_never_compare():
    cropped = [replace(row, dataset="casia_surf_crop") for row in rows()]
    seen = [replace(row, pai_species="06_enm_b" if row.pai_species else "") for row in cropped]
    for chosen in (cropped, seen):
        used = protocols.apply("surf@crop", surf(chosen))
        assert list(used.rows) == chosen
        assert used.header["comparable"].startswith("never with surf@1")
    assert "never with surf@1" in protocols.PROTOCOLS["surf@crop"].summary


@pytest.mark.parametrize(
    ("name", "dataset"),
    [
        ("surf@1", "casia_surf_crop"),
        ("surf@crop", "casia_surf"),
        ("surf@crop", "synth_surf"),
        ("synth-surf@1", "casia_surf_crop"),
    ],
)
def test_crops_and_the_release_are_kept_apart(name, dataset):
    refusal = refusal_of([replace(row, dataset=dataset) for row in rows()], name)
    assert refusal.endswith(f", not for {dataset!r}")


def test_an_unknown_protocol_gets_the_one_that_was_meant():
    assert refusal_of(rows(), "srf@1") == "protocol 'srf@1' is unknown; did you mean 'surf@1'?"


def test_another_data_set_is_refused():
    assert refusal_of(rows(test__bonafide={"dataset": "wmca"})) == (
        "made up: protocol 'surf@1' is for casia_surf, not for 'wmca'"
    )


def test_rendered_and_real_faces_do_not_mix():
    assert "mixes rendered faces with real ones" in refusal_of(
        rows(test__bonafide={"dataset": "synth_surf"})
    )


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_every_split_is_needed(split):
    without = [row for row in rows() if row.split != split]
    assert refusal_of(without) == f"made up: has no rows with split '{split}'"


@pytest.mark.parametrize("split", ["train", "dev", "test"])
@pytest.mark.parametrize("label", ["bonafide", "attack"])
def test_both_classes_are_needed_in_every_split(split, label):
    without = [row for row in rows() if (row.split, row.label) != (split, label)]
    assert refusal_of(without) == f"made up: split '{split}' has no {label} rows"


def test_a_subject_in_two_splits_is_refused():
    refusal = refusal_of(rows(test__bonafide={"subject_id": "s-train"}))
    assert "made up: subject 's-train' stands in train and test (1 subjects that" in refusal


def test_overlaps_are_counted():
    shared = rows(
        dev__01_e_s={"subject_id": "s-train"},
        test__02_e_b={"subject_id": "s-train"},
        test__bonafide={"subject_id": "s-dev"},
    )
    refusal = refusal_of(shared)
    assert "subject 's-train' stands in train and dev and test (2 subjects that" in refusal


def test_many_overlaps_are_counted_and_a_few_told():
    many = [
        replace(row, sample_id=f"{row.sample_id}/{n}", subject_id=f"s-{n}")
        for row in rows()
        for n in range(EXAMPLES + 4)
    ]
    (subjects,) = overlaps_of(many)
    assert (subjects.kind, subjects.count) == ("subject_overlap", EXAMPLES + 4)
    assert len(subjects.examples) == EXAMPLES


def test_a_video_in_two_splits_is_refused():
    refusal = refusal_of(rows(dev__01_e_s={"video_id": "train/04_en_b"}))
    assert "video 'train/04_en_b' stands in train and dev (1 videos that" in refusal


@pytest.mark.parametrize(
    ("path", "shared"),
    [
        ("train/bonafide/depth/0.jpg", "train/bonafide/depth/0.jpg"),
        ("train/./bonafide//depth/0.jpg", "train/bonafide/depth/0.jpg"),
    ],
)
def test_a_file_in_two_splits_is_refused_however_it_is_spelled(path, shared):
    refusal = refusal_of(rows(dev__bonafide={"depth": path}))
    assert f"file '{shared}' stands in train and dev (1 files that" in refusal


def test_frames_of_one_hdf5_file_are_one_file():
    refusal = refusal_of(
        rows(
            dev__bonafide={"ir": "a.hdf5::Frame_1[2]"}, test__bonafide={"ir": "a.hdf5::Frame_7[1]"}
        )
    )
    assert "file 'a.hdf5' stands in dev and test" in refusal


def test_members_of_one_tar_are_files_of_their_own():
    shards = rows(dev__bonafide={"ir": "s.tar::1.ir.png"}, test__bonafide={"ir": "s.tar::2.ir.png"})
    assert overlaps_of(shards) == []


def test_the_same_id_in_two_data_sets_is_not_the_same_subject():
    other = {"dataset": "casia_cefa", "subject_id": "s-train"}
    assert overlaps_of(rows(dev__bonafide=other, dev__01_e_s=other)) == []


def test_sharing_within_a_split_is_no_overlap():
    assert overlaps_of(rows()) == []


@pytest.mark.parametrize("switches", [{}, {"rendered": True}, {"image_lists": False}], ids=str)
def test_a_tree_that_was_read_passes(tmp_path, switches):
    read = readers.read("casia_surf", casia_surf(tmp_path, **switches))
    name = "synth-surf@1" if switches.get("rendered") else "surf@1"
    assert protocols.apply(name, read).rows == read.rows


@pytest.mark.parametrize(
    ("write", "name", "refusal"),
    [
        (challenge, "surf@challenge", "surf@challenge takes them"),
        (crop, "surf@crop", "'surf@1' is for casia_surf, not for 'casia_surf_crop'"),
    ],
)
def test_every_layout_has_its_protocol(tmp_path, write, name, refusal):
    read = readers.read("casia_surf", write(tmp_path))
    assert protocols.apply(name, read).rows == read.rows
    with pytest.raises(BadInput, match=refusal):
        protocols.apply("surf@1", read)


def test_a_subject_copied_into_another_split_of_a_tree_is_caught(tmp_path):
    read = readers.read("casia_surf", casia_surf(tmp_path, duplicate_across_splits=True))
    with pytest.raises(BadInput, match="subject 'CLKJ_AS0001' stands in train and test"):
        protocols.apply("surf@1", read)


@pytest.mark.skipif(not LISTS.is_dir(), reason="the real list files are not beside this checkout")
def test_the_real_lists_obey_surf_1(tmp_path):
    (tmp_path / "CASIA_SURF").mkdir()
    (tmp_path / "CASIA_SURF" / "protocol").symlink_to(LISTS)
    read = readers.READERS["casia_surf"].read(tmp_path, ReadOptions(lists_only=True))
    used = protocols.apply("surf@1", read.manifest)
    assert used.rows == read.manifest.rows
