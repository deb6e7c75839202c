"""What an analysis measures, what it draws, and what it says of what cannot be known."""

import csv
import json
import math
import shutil
import sys
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from flexpad import checkpoint, cli, metrics, table_file
from flexpad.analyse import compare_runs, discriminant, probe
from flexpad.analyse.examples import median_place
from flexpad.analyse.experts import expert_usage
from flexpad.analyse.features import Answers, Features
from flexpad.analyse.projection import project, read_points
from flexpad.analyse.separability import modality_probe, part, separability
from flexpad.analyse.write import analyse
from flexpad.data import manifest as manifests
from flexpad.data.manifest import Manifest, Row
from flexpad.types import BadInput
from tests import tiny

SPLITS = ("train", "dev", "test")
RGB, DEPTH, IR = range(3)


def features(values, is_bonafide, modality=None, species="print"):
    is_bonafide = np.asarray(is_bonafide, dtype=bool)
    values = np.asarray(values, dtype=np.float32)
    return Features(
        values=values,
        modality=np.zeros(len(values), int) if modality is None else np.asarray(modality),
        is_bonafide=is_bonafide,
        species=np.where(is_bonafide, "", species),
    )


def clouds(seed, gap, n=60, width=4, modality=None):
    """Two clouds of features whose means lie ``gap`` apart along the first axis."""
    rng = np.random.default_rng(seed)
    is_bonafide = np.arange(n) % 2 == 0
    values = rng.standard_normal((n, width))
    values[:, 0] += gap * is_bonafide
    return features(values, is_bonafide, modality)


class TestFisherRatio:
    def test_by_hand(self):
        # Covariances [[1, 0], [0, 4]] and [[3, 0], [0, 2]] about means (0, 0) and (4, 6).
        attack = [[1, 2], [1, -2], [-1, 2], [-1, -2]]
        root = math.sqrt(3), math.sqrt(2)
        bonafide = [[4 + i * root[0], 6 + j * root[1]] for i in (1, -1) for j in (1, -1)]
        labels = [False] * 4 + [True] * 4
        # S_w = [[2, 0], [0, 3]]; S_b = gap gap' / 4 = [[4, 6], [6, 9]]; trace 4/2 + 9/3
        assert discriminant.fisher_ratio(attack + bonafide, labels, None) == pytest.approx(5)

    def test_no_class_weighs_more(self):
        attack, bonafide = [[-1.0, 0.5], [1.0, -0.5]], [[3.0, 1.0], [5.0, 2.0]]
        few = discriminant.fisher_ratio(attack + bonafide, [0, 0, 1, 1], 0.5)
        many = discriminant.fisher_ratio(attack * 9 + bonafide, [0] * 18 + [1, 1], 0.5)
        assert many == pytest.approx(few)

    def test_few_images_in_many_dimensions_part_by_chance_and_that_is_shown(self):
        same = clouds(0, gap=0, n=40, width=30)
        far = clouds(0, gap=6, n=40, width=30)
        by_chance = discriminant.ratio_by_chance(same.values, same.is_bonafide)
        assert by_chance > 0
        assert discriminant.fisher_ratio(same.values, same.is_bonafide) < 2 * by_chance
        assert discriminant.fisher_ratio(far.values, far.is_bonafide) > 5 * by_chance

    def test_the_axis_is_in_deviations_around_the_middle(self):
        values = clouds(1, gap=5, n=4000, width=2)
        found = discriminant.axis(values.values, values.is_bonafide)
        placed = found.place(values.values)
        bonafide, attack = placed[values.is_bonafide], placed[~values.is_bonafide]
        assert bonafide.mean() == pytest.approx(-attack.mean())
        assert bonafide.mean() - attack.mean() == pytest.approx(found.gap)
        assert bonafide.std() == pytest.approx(1, abs=0.05)
        assert found.gap == pytest.approx(5, abs=0.2)

    def test_equal_features_have_no_axis(self):
        assert discriminant.axis(np.ones((6, 3)), [0, 0, 0, 1, 1, 1]) is None


class TestProbe:
    def test_finds_what_can_be_told_apart_and_nothing_else(self):
        apart = part({s: clouds(i, gap=8) for i, s in enumerate(SPLITS)})
        alike = part({s: clouds(i, gap=0, n=400) for i, s in enumerate(SPLITS)})
        assert (apart["balanced_accuracy"], apart["acer_pooled"], apart["dev_eer"]) == (1, 0, 0)
        assert alike["balanced_accuracy"] == pytest.approx(0.5, abs=0.1)
        assert alike["acer_pooled"] == pytest.approx(0.5, abs=0.1)
        assert apart["fisher_ratio"] > 10 * alike["fisher_ratio"]

    def test_strength_is_chosen_on_dev_and_nowhere_else(self):
        """On dev and test different strengths are best; the choice follows dev alone."""
        rng = np.random.default_rng(5)
        train = clouds(0, gap=1, n=30, width=25)
        # What a weak penalty learned of train's noise, seen again on one split.
        noisy = replace(train, values=train.values + 0.05 * rng.standard_normal((30, 25)))
        fresh = clouds(1, gap=1, n=600, width=25)
        weak = part({"train": train, "dev": noisy, "test": fresh})
        strong = part({"train": train, "dev": fresh, "test": noisy})
        assert weak["strength"] > strong["strength"]
        assert weak["dev_eer"] == 0
        for strength in probe.STRENGTHS:
            alone = probe.choose(
                train.values,
                train.is_bonafide,
                lambda one: metrics.eer(probe.judged(one, fresh)).rate,
                strengths=(strength,),
            )
            assert strong["dev_eer"] <= alone.error_on_dev

    def test_of_equal_errors_the_most_regularised_is_taken(self):
        chosen = probe.choose(np.eye(4), [0, 0, 1, 1], lambda _: 0.25)
        assert chosen.strength == min(probe.STRENGTHS)

    def test_the_threshold_comes_from_dev(self):
        """Test lies elsewhere: what parts its classes is not the threshold of dev."""
        parts = {s: clouds(i, gap=8) for i, s in enumerate(SPLITS)}
        moved = replace(parts["test"], values=parts["test"].values + np.float32([20, 0, 0, 0]))
        entry = part({**parts, "test": moved})
        assert entry["acer_pooled"] == 0.5
        assert entry["threshold"] == part(parts)["threshold"]


class TestModalityProbe:
    def of(self, shift, n=600):
        found = {}
        for number, split in enumerate(SPLITS):
            modality = np.repeat([RGB, DEPTH, IR], n // 3)
            seen = clouds(number, gap=4, n=n, modality=modality)
            seen.values[:, 1] += shift * modality
            found[split] = seen
        return found

    def test_is_at_chance_where_modalities_look_the_same(self):
        found = modality_probe(self.of(shift=0))
        assert found["chance"] == pytest.approx(1 / 3)
        assert found["balanced_accuracy"] == pytest.approx(1 / 3, abs=0.08)
        assert separability(self.of(shift=0))["pooled"]["balanced_accuracy"] > 0.95

    def test_names_what_differs_and_counts_bona_fides_only(self):
        found = modality_probe(self.of(shift=20))
        assert found["balanced_accuracy"] == 1
        assert found["confusion"] == [[100, 0, 0], [0, 100, 0], [0, 0, 100]]

    def test_one_modality_is_nothing_to_choose_from(self):
        found = modality_probe({s: clouds(i, gap=1) for i, s in enumerate(SPLITS)})
        assert found["balanced_accuracy"] is None
        assert "fewer than two" in found["balanced_accuracy_reason"]

    def test_two_modalities_are_told_apart_by_a_coin_at_worst(self):
        found = self.of(shift=0)
        without = {s: seen.where(seen.modality != DEPTH) for s, seen in found.items()}
        assert modality_probe(without)["modalities"] == ["rgb", "ir"]
        assert modality_probe(without)["chance"] == 0.5


class TestWhatCannotBeKnown:
    def test_an_absent_modality_is_null_with_a_reason(self):
        found = separability({s: clouds(i, gap=4) for i, s in enumerate(SPLITS)})
        assert found["rgb"]["balanced_accuracy"] > 0.9
        assert found["rgb"] == found["pooled"]
        for name in ("balanced_accuracy", "acer_max", "fisher_ratio", "strength"):
            assert found["ir"][name] is None
        assert found["ir"]["balanced_accuracy_reason"] == "train has no image"
        assert found["ir"]["fisher_ratio_reason"] == "test has no image"

    @pytest.mark.parametrize("split", SPLITS)
    def test_a_missing_class_is_null_with_a_reason(self, split):
        parts = {s: clouds(i, gap=4) for i, s in enumerate(SPLITS)}
        parts[split] = parts[split].where(parts[split].is_bonafide)
        entry = part(parts)
        assert entry["balanced_accuracy"] is None
        assert entry["acer_pooled_reason"] == f"{split} has no attack image"
        assert (entry["fisher_ratio"] is None) == (split == "test")

    def test_a_single_image_has_no_covariance(self):
        parts = {s: clouds(i, gap=4) for i, s in enumerate(SPLITS)}
        one = parts["test"].is_bonafide & (np.arange(60) > 0)
        parts["test"] = parts["test"].where(~one)
        entry = part(parts)
        assert entry["fisher_ratio_reason"] == "test has only 1 bona fide image"
        assert entry["balanced_accuracy"] is not None


def answered(kinds, scores=None, gates=None, modality=None):
    """Answers of items with one image each, of kind "" for bona fide."""
    rows = [
        Row(f"s{i}", "synth_x", "test", f"p{i}", f"v{i}", 0,
            "attack" if kind else "bonafide", kind, rgb="a.png")
        for i, kind in enumerate(kinds)
    ]  # fmt: skip
    species = np.array(kinds)
    n = len(kinds)
    return Answers(
        rows=Manifest(".", rows),
        features=Features(
            values=np.arange(2 * n, dtype=np.float32).reshape(n, 2),
            is_bonafide=species == "",
            species=species,
            modality=np.zeros(n, int) if modality is None else np.array(modality),
        ),
        item=np.arange(n),
        scores=np.zeros(n) if scores is None else np.array(scores),
        layers=() if gates is None else ("a", "b"),
        gates=None if gates is None else np.array(gates, dtype=np.float32),
        patches=np.zeros((n, 1, 1), np.float32),
    )


class TestExpertUsage:
    def test_by_hand(self):
        gates = [
            [[1, 0], [0.5, 0.5]],
            [[0, 1], [0.5, 0.5]],
            [[1, 0], [0, 1]],
            [[0, 1], [1, 0]],
        ]
        found = expert_usage(answered(["", "", "mask", ""], gates=gates, modality=[0, 0, 0, 2]))
        assert found["layers"] == ["a", "b"]
        assert set(found["usage"]) == {"rgb", "ir"}
        rgb = found["usage"]["rgb"]
        assert list(rgb) == ["all", "bona fide", "mask"]
        assert rgb["bona fide"] == {"n": 2, "share": [[0.5, 0.5], [0.5, 0.5]]}
        assert rgb["mask"] == {"n": 1, "share": [[1, 0], [0, 1]]}
        assert np.allclose(rgb["all"]["share"], [[2 / 3, 1 / 3], [1 / 3, 2 / 3]])
        assert found["usage"]["ir"]["all"] == {"n": 1, "share": [[0, 1], [1, 0]]}

    def test_a_method_without_experts_has_none(self):
        assert expert_usage(answered(["", "mask"])) is None


class TestChoiceOfItems:
    ALL = np.array([3, 3, 3, 3, 3])

    def test_is_the_median_whatever_the_order(self):
        scores, names = np.array([0.9, 0.1, 0.5, 0.3, 0.7]), list("abcde")
        assert median_place(scores, names, self.ALL) == (2, 5)
        back = median_place(scores[::-1], names[::-1], self.ALL)
        assert (names[::-1][back[0]], back[1]) == ("c", 5)

    def test_of_an_even_number_the_lower_and_of_equals_the_first_name(self):
        assert median_place(np.array([0.4, 0.1, 0.2, 0.3]), list("abcd"), self.ALL[:4]) == (2, 4)
        assert median_place(np.array([0.5, 0.5, 0.5]), list("cab"), self.ALL[:3]) == (2, 3)

    def test_prefers_items_that_have_everything(self):
        assert median_place(np.arange(5.0), list("abcde"), np.array([3, 1, 1, 1, 3])) == (0, 2)

    def test_what_was_not_answered_is_never_shown(self):
        assert median_place(np.array([np.nan, 0.2, np.nan]), list("abc"), self.ALL[:3]) == (1, 1)
        assert median_place(np.array([np.nan]), ["a"], self.ALL[:1]) is None


class TestProjection:
    def test_points_are_read_back(self, tmp_path):
        table, said = project(clouds(0, gap=3, width=2), answered(["", "mask", "mask"]))
        table_file.write(tmp_path / "points.csv", {}, table)
        assert read_points(tmp_path / "points.csv").equals(table)
        assert sum(said["pca_explained"]) == pytest.approx(1)
        assert table["label"].to_list() == ["bonafide", "attack", "attack"]

    def test_features_that_are_all_the_same_have_no_axes(self):
        same = features(np.ones((6, 2)), [0, 0, 0, 1, 1, 1])
        table, said = project(same, answered(["", "mask"]))
        assert said["lda_gap"] is None
        assert said["pca_explained"] is None
        assert "same" in said["pca_explained_reason"]
        assert table["lda"].is_nan().all()


@pytest.fixture
def flexpad(monkeypatch, capsys):
    """Run a command in this process: exit code, stdout, stderr."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["flexpad", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        told = capsys.readouterr()
        return stop.value.code, told.out, told.err

    return run


@pytest.fixture(scope="module")
def analysed(noise_run, noise_set, tmp_path_factory):
    """The folder of an analysis of the small run, with features."""
    out = tmp_path_factory.mktemp("analysed")
    model = checkpoint.load(noise_run)
    analyse(model, manifests.read(noise_set), out, features=True)
    return out


def refuse(constant):
    raise AssertionError(f"{constant} is no JSON")


class TestTheCommand:
    def test_writes_all_there_is(self, flexpad, noise_run, noise_set, tmp_path):
        run = shutil.copytree(noise_run, tmp_path / "run")
        code, out, _ = flexpad("analyse", run, "--manifest", noise_set)
        assert code == 0
        assert "balanced accuracy" in out
        folder = run / "analysis"
        assert {path.name for path in folder.iterdir()} == {
            "analysis.json", "analysis.md", "points.csv", "figures"}  # fmt: skip
        for name in ("lda", "pca", "experts", "patches"):
            for ending in ("png", "svg"):
                assert (folder / "figures" / f"{name}.{ending}").stat().st_size > 1000
            assert f"(figures/{name}.png)" in (folder / "analysis.md").read_text()
        content = json.loads((folder / "analysis.json").read_text(), parse_constant=refuse)
        assert content["schema"] == "flexpad.analysis/2"
        assert content["title"] == "Rendered faces · fmm_rpl · folder@1 test"

    def test_bad_input_is_one_line(self, flexpad, noise_run, noise_set, tmp_path):
        (tmp_path / "empty").mkdir()
        code, _, err = flexpad("analyse", tmp_path / "empty", "--manifest", noise_set)
        assert (code, "give the folder of a finished training run" in err) == (2, True)
        whole = manifests.read(noise_set)
        manifests.write(whole.where(pl.col("split") != "dev"), tmp_path / "no-dev.csv")
        out = tmp_path / "out"
        command = ("analyse", noise_run, "--manifest", tmp_path / "no-dev.csv", "-o", out)
        code, _, err = flexpad(*command)
        assert (code, "has no rows with split 'dev'" in err) == (2, True)
        assert not out.exists()

    def test_says_what_to_install(self, flexpad, noise_run, noise_set, monkeypatch):
        for name in [name for name in sys.modules if name.startswith("flexpad.analyse")]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.delattr("flexpad.analyse", raising=False)
        monkeypatch.setitem(sys.modules, "sklearn", None)
        code, _, err = flexpad("analyse", noise_run, "--manifest", noise_set)
        assert code == 2
        assert err.strip() == "flexpad: analysis needs scikit-learn; pip install flexpad[analyse]"


class TestAnAnalysis:
    def content(self, folder):
        return json.loads((folder / "analysis.json").read_text())

    def test_counts_every_present_image(self, analysed, noise_set):
        rows = list(manifests.read(noise_set).split("test"))
        entry = self.content(analysed)["separability"]
        depth = [row for row in rows if row.depth]
        assert len(depth) < len(rows)
        assert sum(entry["depth"]["n"]["test"].values()) == len(depth)
        assert sum(entry["pooled"]["n"]["test"].values()) == 2 * len(rows) + len(depth)

    def test_experts_are_those_of_the_model(self, analysed):
        found = self.content(analysed)["experts"]
        assert len(found["layers"]) == tiny.CONFIG.vision.layers
        for by_kind in found["usage"].values():
            assert list(by_kind) == ["all", "bona fide", "print"]
            for entry in by_kind.values():
                assert np.allclose(np.sum(entry["share"], axis=1), 1, atol=1e-4)

    def test_items_have_the_median_score(self, analysed):
        items = {one["kind"]: one for one in self.content(analysed)["patches"]["items"]}
        assert list(items) == ["bona fide", "print"]
        with (analysed / "points.csv").open() as file:
            rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
        scores = {r["sample_id"]: float(r["score"]) for r in rows if r["pai_species"] == "print"}
        whole = {r["sample_id"] for r in rows if r["modality"] == "depth"}
        among = sorted(score for name, score in scores.items() if name in whole)
        assert items["print"]["chosen_of"] == len(among)
        assert items["print"]["score"] == pytest.approx(among[(len(among) - 1) // 2])

    def test_features_are_those_of_the_points(self, analysed):
        kept = np.load(analysed / "features.npz")
        assert set(kept["split"]) == set(SPLITS)
        test = kept["split"] == "test"
        points = read_points(analysed / "points.csv")
        assert kept["sample_id"][test].tolist() == points["sample_id"].to_list()
        assert kept["modality"][test].tolist() == points["modality"].to_list()
        assert np.allclose(np.linalg.norm(kept["features"], axis=1), 1, atol=1e-5)

    def test_a_modality_that_is_nowhere_is_a_reason_and_no_crash(
        self, noise_run, noise_set, tmp_path, monkeypatch
    ):
        monkeypatch.setattr("flexpad.report.figures.style.save", lambda *_: None)  # it takes long
        whole = manifests.read(noise_set)
        bare = replace(whole, rows=[replace(row, ir="") for row in whole])
        content = analyse(checkpoint.load(noise_run), bare, tmp_path)
        assert content["separability"]["ir"]["balanced_accuracy_reason"] == "train has no image"
        assert content["modality_probe"]["modalities"] == ["rgb", "depth"]
        assert "infrared: train has no image." in (tmp_path / "analysis.md").read_text()

    def test_a_failure_leaves_an_older_analysis_as_it_was(
        self, analysed, noise_run, noise_set, tmp_path, monkeypatch
    ):
        older = shutil.copytree(analysed, tmp_path / "older")
        before = {p: p.read_bytes() for p in older.rglob("*") if p.is_file()}

        def fail(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr("flexpad.report.figures.style.save", fail)
        with pytest.raises(KeyboardInterrupt):
            analyse(checkpoint.load(noise_run), manifests.read(noise_set), older)
        assert {p: p.read_bytes() for p in older.rglob("*") if p.is_file()} == before


class TestSideBySide:
    def second(self, analysed, tmp_path, **changed):
        other = shutil.copytree(analysed, tmp_path / "other")
        content = json.loads((other / "analysis.json").read_text())
        content["separability"]["rgb"]["balanced_accuracy"] = 0.5
        content |= changed
        (other / "analysis.json").write_text(json.dumps(content))
        return other / "analysis.json"

    def test_a_line_a_method_and_one_figure(self, analysed, tmp_path):
        paths = [analysed / "analysis.json", self.second(analysed, tmp_path, method="other")]
        table = compare_runs(paths, tmp_path / "figures" / "methods")
        head, _, first, second = table.strip().splitlines()
        assert head.startswith("| rendered faces | RGB: balanced accuracy, % | Fisher ratio |")
        assert first.startswith("| fmm_rpl |")
        assert second.startswith("| other | 50.0 |")
        assert {line.count("|") for line in table.strip().splitlines()} == {11}
        assert (tmp_path / "figures" / "methods.png").stat().st_size > 1000

    def test_seeds_are_one_line(self, analysed, tmp_path):
        paths = [analysed / "analysis.json", self.second(analysed, tmp_path)]
        table = compare_runs(paths, tmp_path / "methods")
        lines = table.strip().splitlines()
        assert len(lines) == 3
        assert "±" in lines[2]
        named = compare_runs(paths, tmp_path / "methods", ["one", "two"])
        assert len(named.strip().splitlines()) == 4

    def test_other_rows_are_refused(self, analysed, tmp_path):
        paths = [analysed / "analysis.json", self.second(analysed, tmp_path, protocol="surf@1")]
        with pytest.raises(BadInput, match="only analyses of the same rows"):
            compare_runs(paths, tmp_path / "methods")
        with pytest.raises(BadInput, match="cannot be read"):
            compare_runs([tmp_path / "none.json"], tmp_path / "methods")
