"""Manifests of several data sets as one, and the protocols across data sets."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexpad.cli import app
from flexpad.data import manifest, protocols
from flexpad.data.join import join
from flexpad.data.manifest import Manifest, Row
from flexpad.data.protocols.mmdg import SETS
from flexpad.types import BadInput

NAMES = ["mmdg@cps-w", "mmdg@cpw-s", "mmdg@csw-p", "mmdg@psw-c", "mmdg@cw-ps", "mmdg@ps-cw"]


def rows_of(dataset, **groups):
    """A bona fide and an attack in each split, with ids that every data set has."""
    return [
        Row(
            sample_id=f"{split}/{species or 'bonafide'}",
            dataset=dataset,
            split=split,
            subject_id=split,
            video_id=f"{split}/{species or 'bonafide'}",
            frame=3,
            label="attack" if species else "bonafide",
            pai_species=species,
            rgb=f"{split}{species}/rgb.jpg",
            depth="" if species else f"{split}.hdf5::Frame_3[1]",
            groups=groups,
        )
        for split in ("train", "dev", "test")
        for species in ("", "print")
    ]


def one(dataset, root, **groups):
    header = {"reader": f"{dataset} 1", "licence": "none"}
    return Manifest(root / dataset, rows_of(dataset, **groups), header, f"{dataset}.csv")


@pytest.fixture
def four(tmp_path):
    return [
        one("casia_surf", tmp_path),
        one("casia_cefa", tmp_path, ethnicity="african"),
        one("wmca", tmp_path, session="1"),
        one("padisi", tmp_path, sex="female"),
    ]


def refusal_of(manifests):
    with pytest.raises(BadInput) as caught:
        join(manifests)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_paths_start_from_the_common_root_and_ids_say_the_data_set(four, tmp_path):
    whole = join(four[:2])
    assert whole.root == tmp_path.resolve()
    assert whole.name == "casia_surf.csv + casia_cefa.csv"
    first, attack = whole.rows[0], whole.rows[7]
    assert first == Row(
        sample_id="casia_surf/train/bonafide",
        dataset="casia_surf",
        split="train",
        subject_id="casia_surf/train",
        video_id="casia_surf/train/bonafide",
        frame=3,
        label="bonafide",
        rgb="casia_surf/train/rgb.jpg",
        depth="casia_surf/train.hdf5::Frame_3[1]",
        groups={"ethnicity": ""},
    )
    assert (attack.dataset, attack.rgb) == ("casia_cefa", "casia_cefa/trainprint/rgb.jpg")
    assert attack.depth == ""
    assert attack.groups == {"ethnicity": "african"}


def test_headers_are_merged_under_the_data_sets_names(four):
    assert join(four[:2]).header == {
        "casia_surf.reader": "casia_surf 1",
        "casia_surf.licence": "none",
        "casia_cefa.reader": "casia_cefa 1",
        "casia_cefa.licence": "none",
        "joined": "casia_cefa, casia_surf",
    }


def test_a_root_inside_another_keeps_its_paths_apart(tmp_path):
    outer, inner = one("wmca", tmp_path), one("padisi", tmp_path / "wmca")
    whole = join([outer, inner])
    assert whole.root == (tmp_path / "wmca").resolve()
    assert (whole.rows[0].rgb, whole.rows[6].rgb) == ("train/rgb.jpg", "padisi/train/rgb.jpg")


def test_every_file_is_found_where_it_was(four):
    for manifests in (four, four[::-1]):
        whole = join(manifests)
        before = [m.root.resolve() / row.rgb for m in manifests for row in m]
        assert [whole.root / row.rgb for row in whole] == before


def test_joining_step_by_step_is_joining_at_once(four):
    at_once = join(four)
    step_by_step = join([join(four[:2]), join(four[2:])])
    assert step_by_step.rows == at_once.rows
    assert step_by_step.header == at_once.header
    assert step_by_step.root == at_once.root


def test_a_joined_manifest_survives_its_file(four, tmp_path):
    whole = join(four)
    manifest.write(whole, tmp_path / "all.csv")
    back = manifest.read(tmp_path / "all.csv")
    assert (back.rows, back.header, back.root) == (whole.rows, whole.header, whole.root)


@given(st.permutations(range(4)), st.integers(2, 4))
def test_no_row_and_no_id_is_lost_whatever_the_order(tmp_path_factory, order, count):
    root = tmp_path_factory.getbasetemp()
    manifests = [one(name, root) for name in ("casia_surf", "casia_cefa", "wmca", "padisi")]
    chosen = [manifests[place] for place in order[:count]]
    whole = join(chosen)
    assert [row.dataset for row in whole] == [row.dataset for m in chosen for row in m]
    assert len({row.sample_id for row in whole}) == 6 * count
    assert len({row.subject_id for row in whole}) == 3 * count
    manifest.validate(whole)


def test_what_cannot_be_joined_is_refused(four, tmp_path):
    assert "give two manifests or more" in refusal_of([])
    assert "wmca.csv: give two manifests or more" in refusal_of([four[2]])
    twice = replace(four[0], name="again.csv")
    assert "again.csv: casia_surf stands in casia_surf.csv already" in refusal_of([four[0], twice])
    rendered = one("synth_surf", tmp_path)
    message = refusal_of([four[0], rendered])
    assert message == (
        "synth_surf.csv: synth_surf is rendered and casia_surf is not; keep them apart"
    )


def test_rendered_sets_may_be_joined(tmp_path):
    whole = join([one("synth_surf", tmp_path), one("synth_cefa", tmp_path)])
    assert whole.is_rendered


# protocols


def test_there_are_the_six_of_the_benchmark():
    assert [name for name in protocols.PROTOCOLS if name.startswith("mmdg@")] == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_sources_are_trained_on_and_targets_tested(four, name):
    sources, targets = name.partition("@")[2].split("-")
    chosen = protocols.apply(name, join(four))
    assert chosen.header["protocol"] == name
    counted = Counter((row.split, row.dataset) for row in chosen)
    wanted = {
        **{(split, SETS[x][0]): 2 for x in sources for split in ("train", "dev")},
        **{("test", SETS[x][0]): 2 for x in targets},
    }
    assert counted == wanted


def test_the_crops_of_casia_surf_stand_for_it_but_not_beside_it(four, tmp_path):
    crop = one("casia_surf_crop", tmp_path)
    chosen = protocols.apply("mmdg@cpw-s", join([crop, *four[1:]]))
    assert chosen.split("test").datasets == ("casia_surf_crop",)
    with pytest.raises(BadInput, match="which show the same people; keep one"):
        protocols.apply("mmdg@cpw-s", join([crop, *four]))


def test_a_missing_set_is_named(four):
    with pytest.raises(BadInput, match="needs padisi; put it in with 'flexpad join'"):
        protocols.apply("mmdg@cps-w", join(four[:3]))
    with pytest.raises(BadInput, match="needs casia_surf or casia_surf_crop"):
        protocols.apply("mmdg@cps-w", join(four[1:]))


@pytest.mark.parametrize(("split", "place"), [("dev", 0), ("train", 1), ("test", 2)])
def test_a_set_without_a_split_it_is_needed_for_is_named(four, split, place):
    part = four[place]
    four[place] = replace(part, rows=[row for row in part if row.split != split])
    with pytest.raises(BadInput, match=f"{part.datasets[0]} has no {split} rows"):
        protocols.apply("mmdg@cps-w", join(four))


def test_parts_that_another_protocol_took_are_refused(four):
    four[1] = replace(four[1], header={**four[1].header, "protocol": "cefa@4.1"})
    with pytest.raises(BadInput, match=r"casia_cefa\.protocol is cefa@4\.1, but mmdg@cps-w needs"):
        protocols.apply("mmdg@cps-w", join(four))
    with pytest.raises(BadInput, match="protocol is mmdg@cw-ps"):
        protocols.apply(
            "mmdg@ps-cw",
            protocols.apply(
                "mmdg@cw-ps", join([four[0], *four[2:], one("casia_cefa", four[0].root.parent)])
            ),
        )


# the command


def run(*arguments):
    return app.cli(args=[str(argument) for argument in arguments])


def test_the_command_joins_files(four, tmp_path, capsys):
    paths = []
    for part in four:
        paths.append(tmp_path / f"{part.datasets[0]}.csv")
        manifest.write(part, paths[-1])
    out = tmp_path / "new" / "cps-w.csv"
    run("join", *paths, "-o", out, "--protocol", "mmdg@cps-w")
    back = manifest.read(out)
    assert back.header["protocol"] == "mmdg@cps-w"
    assert back.split("test").datasets == ("wmca",)
    assert (back.root / back.rows[0].rgb) == four[0].root.resolve() / "train/rgb.jpg"
    shown = " ".join(capsys.readouterr().out.split())
    assert "14 rows of casia_cefa, casia_surf, padisi, wmca in" in shown
