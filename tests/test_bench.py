"""Benches: what jobs there are, that none is done twice, and what their tables say."""

import csv
import importlib
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml

from flexpad import calibrate, config, score_table, table_file
from flexpad.bench import data, difference, job, results, schedule, subjects, table
from flexpad.bench import plan as plans
from flexpad.bench.inspect import inspect
from flexpad.bench.plan import Job, Plan, merged
from flexpad.bench.run import Bench, Part, bench
from flexpad.bench.schedule import Clock, Task, work
from flexpad.engine import diary, state
from flexpad.recipe import Recipe
from flexpad.score_table import COLUMNS
from flexpad.types import CONDITIONS, FUSED, BadInput
from tests import trees

ROOT = Path(__file__).parents[1]
CONFIGS = ROOT / "configs/bench"
TINY = yaml.safe_load("""
name: tiny
data:
  synth-surf: {render: {family: surf, pixels: 32, part: [3, 2, 2]}, train: {epochs: 1}}
columns: {SURF: [synth-surf@1]}
seeds: [0, 1]
systems:
  plain: {method: shared_vit}
  experts: {method: {name: fmm_rpl, options: {rank: 4, depth: 1}}}
compare: experts
frames: 1
recipe:
  encoder: {name: "builtin:small", trainable: none, image_size: 32}
  augment: {enlarge: 1.0, rotation: 0}
  train: {pairs: 3, dev_conditions: [R, D, I]}
tuning:
  protocol: synth-surf@1
  seed: 7
  trials:
    plain: [{}, {train: {learning_rate: 0.1}}]
    experts: [{}, {train: {learning_rate: 0.1}}]
""")


def plan_of(**changes) -> Plan:
    return config.build(Plan, merged(TINY, changes), "test")


def refusal(**changes) -> str:
    with pytest.raises(BadInput) as caught:
        plan_of(**changes)
    return str(caught.value)


class TestPlan:
    def test_later_layers_win_key_by_key(self):
        plan = plan_of()
        recipe = plans.recipe_of(plan, Job("experts", "synth-surf@1", 3), {"train": {"ema": 0.5}})
        assert (recipe.seed, recipe.protocol) == (3, "synth-surf@1")
        assert (recipe.train.pairs, recipe.train.epochs, recipe.train.ema) == (3, 1, 0.5)
        assert recipe.method.options == {"rank": 4, "depth": 1}

    def test_another_method_keeps_no_options(self):
        found = merged({"method": {"name": "a", "options": {"x": 1}}}, {"method": "b"})
        assert found == {"method": {"name": "b"}}

    def test_arms_are_systems_that_differ_in_options(self):
        plan = plan_of(arms_of="experts", arms={"Rank": {"narrow": {"rank": 2}}})
        assert plan.all_systems["narrow"]["method"] == {
            "name": "fmm_rpl",
            "options": {"rank": 2, "depth": 1},
        }
        assert [plan.part_of(name) for name in plan.all_systems] == ["", "", "Rank"]

    def test_jobs_of_a_protocol_come_before_the_next_seed_by_seed(self):
        found = [one.name for one in plans.runs(plan_of(), ("a@1", "b@1"), ("x", "y"))]
        assert found == [
            f"{protocol}/{system}/seed-{seed}"
            for protocol in ("a@1", "b@1")
            for seed in (0, 1)
            for system in ("x", "y")
        ]

    def test_every_system_has_a_trial_before_any_has_two(self):
        found = [(one.system, one.trial) for one in plans.trials(plan_of())]
        assert found == [("plain", 0), ("experts", 0), ("plain", 1), ("experts", 1)]

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"seeds": []}, "seeds"),
            ({"seeds": [1, 1]}, "different seeds"),
            ({"unit": "clip"}, "frame or video"),
            ({"columns": {"X": ["synth-surf@9"]}}, "synth-surf@9"),
            ({"columns": {"X": ["synth-cefa@4.1"]}}, "key 'data' has no 'synth-cefa'"),
            ({"compare": "nobody"}, "key 'compare'"),
            ({"arms": {"a": {"b": {}}}}, "key 'arms_of'"),
            ({"arms_of": "plain", "arms": {"a": {"experts": {}}}}, "'experts' is there twice"),
            ({"arms_of": "plain", "arms": {"a": {"x": {}}, "b": {"x": {}}}}, "'x' is there twice"),
            ({"arms_of": "plain", "arms": {"narrow": {"rank": 2}}}, "arms.narrow.rank"),
            ({"tuning": {"trials": {"nobody": []}}}, "'nobody' is no system"),
            ({"tuning": {"trials": {"plain": [{}]}}}, "as many; there are plain 1, experts 2"),
            ({"tuning": {"seed": 0}}, "take another"),
            ({"data": {"synth-surf": {"reader": "casia_surf"}}}, "one of the two"),
        ],
    )
    def test_what_does_not_fit_is_said_in_one_line(self, changes, said):
        if "arms_of" in changes:
            with pytest.raises(BadInput, match=said):
                _ = plan_of(**changes).all_systems
            return
        found = refusal(**changes)
        assert said in found
        assert "\n" not in found

    def test_a_system_that_makes_no_recipe_is_refused_when_the_file_is_read(self, tmp_path):
        wrong = merged(TINY, {"systems": {"plain": {"train": {"epoch": 3}}}})
        (tmp_path / "plan.yaml").write_text(yaml.safe_dump(wrong))
        with pytest.raises(BadInput, match=r"system 'plain'.*'epoch' is unknown"):
            plans.read(tmp_path / "plan.yaml")


@pytest.fixture
def taken_in(monkeypatch):
    """Put the tables of a bench into a folder; a script for who fills benchmarks/results."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("take_in").take_in


class Here:
    """Does a job in this process, which saves the time that loading torch takes."""

    def __init__(self, task: Task, _: int) -> None:
        self.returncode = job.main(job.write_order(task.folder, task.order))

    def poll(self) -> int:
        return self.returncode

    terminate = wait = poll


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A whole tiny bench."""
    out = tmp_path_factory.mktemp("bench")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schedule, "start", Here)
        patch.setattr(schedule, "WAIT", 0)
        patch.setattr(difference, "DRAWS", 200)
        patch.setattr("flexpad.train.draw_curves", lambda _: None)  # takes longer than the rest
        return plan_of(), out, bench(plan_of(), out, out / "rendered", workers=2)


class TestBench:
    def test_all_that_was_planned_is_there(self, done):
        plan, out, ended = done
        assert (ended.failures, ended.missing) == ((), 0)
        rows = results.read_table(out / "results.csv")
        cells = {(r["method"], r["seed"], r["condition"]) for r in rows if r["condition"]}
        assert cells == {(m, s, c) for m in plan.systems for s in "01" for c in CONDITIONS}
        assert {row["protocol"] for row in rows} == {"synth-surf@1"}
        acer = [float(row["value"]) for row in rows if row["rate"] == "acer_pooled"]
        assert all(0 <= value <= 1 for value in acer)

    def test_error_on_dev_is_that_of_the_epoch_that_is_kept(self, done):
        _, out, _ = done
        rows = results.read_table(out / "results.csv")
        found = [row for row in rows if row["rate"] == "dev_error"]
        assert len(found) == 4
        for row in found:
            folder = out / f"jobs/synth-surf@1/{row['method']}/seed-{row['seed']}"
            lines = [line for line in diary.read(folder) if "dev" in line]
            assert float(row["value"]) == pytest.approx(lines[-1]["dev"]["error"], rel=1e-5)

    def test_rates_are_those_of_the_score_tables(self, done):
        """One cell again, from the written scores: videos, at the threshold of its own dev."""
        _, out, _ = done
        folder = out / "jobs/synth-surf@1/experts/seed-1"
        row = next(
            row
            for row in results.read_table(out / "results.csv")
            if (row["method"], row["seed"], row["condition"], row["rate"])
            == ("experts", "1", "D", "bpcer")
        )
        dev, test = (score_table.read(folder / f"scores-{split}.csv") for split in ("dev", "test"))
        threshold = calibrate.choose(dev, "eer@dev", "video", ["D"]).thresholds["D"].value
        shown = test.rows.filter((pl.col("condition") == "D") & (pl.col("label") == "bonafide"))
        scores = shown.group_by("video_id").agg(pl.col("score").mean())["score"].to_numpy()
        assert int(row["n"]) == len(scores) == 2
        assert float(row["value"]) == np.mean(scores < threshold)

    def test_singles_that_are_added_up_are_measured_in_every_fused_condition(self, done):
        """Here they are measured if a map fits at all, which so small a bench does not promise."""
        _, out, _ = done
        for folder in sorted((out / "jobs/synth-surf@1").glob("*/seed-*")):
            dev, test = (score_table.read(folder / f"scores-{s}.csv") for s in ("dev", "test"))
            found = results.rates(dev, test, "video")
            shown = {rate["condition"] for rate in found if rate["rate"] == "acer_pooled_added"}
            try:
                _, added = calibrate.fuse(dev, test)
            except BadInput:
                assert shown == set()
            else:
                assert shown == set(FUSED) == set(added.conditions)

    def test_a_finished_job_is_never_done_again(self, done):
        plan, out, _ = done
        before = {path: path.stat().st_mtime_ns for path in (out / "jobs").rglob("*")}
        assert bench(plan, out, out / "rendered", workers=2).missing == 0
        assert {path: path.stat().st_mtime_ns for path in (out / "jobs").rglob("*")} == before

    def test_best_trial_is_the_lowest_on_dev_and_is_trained_with(self, done):
        _, out, _ = done
        rows = results.read_table(out / "tuning.csv")
        for method in ("plain", "experts"):
            tried = [row for row in rows if row["method"] == method]
            errors = [float(row["dev_error"]) for row in tried]
            taken = [row["chosen"] for row in tried].index("yes")
            assert errors[taken] == min(errors)
            recipe = config.load(Recipe, out / f"jobs/synth-surf@1/{method}/seed-0/recipe.yaml")
            assert (recipe.train.learning_rate == 0.1) == (taken == 1)

    def test_dev_and_test_have_fewer_frames_and_train_all(self, done):
        _, out, _ = done
        rows = table_file.read(out / "data/synth-surf.csv").rows
        per_video = rows.group_by("split", "video_id").len()
        assert set(per_video.filter(pl.col("split") != "train")["len"]) == {1}
        assert min(per_video.filter(pl.col("split") == "train")["len"]) > 1

    def test_a_part_leaves_the_rest_as_it_was(self, done):
        plan, out, _ = done
        part = Part(systems=("plain",))
        assert bench(plan, out, out / "rendered", 2, part).missing == 0
        rows = results.read_table(out / "results.csv")
        assert {row["method"] for row in rows} == set(plan.systems)
        with pytest.raises(BadInput, match="system 'plane' is not of this bench; did you mean"):
            bench(plan, out, out / "rendered", 2, Part(systems=("plane",)))

    def test_only_data_that_a_part_needs_is_got_ready(self, tmp_path):
        """A folder that is not there could be neither rendered nor read."""
        more = {
            "data": {"synth-wmca": {"reader": "wmca", "root": str(tmp_path / "nowhere")}},
            "columns": {"WMCA": ["synth-wmca@grandtest"]},
        }
        plan = plan_of(**more)
        wmca = Part(protocols=("synth-wmca@grandtest",))
        assert wmca.datasets(plan) == {"synth-wmca"}
        assert Part(protocols=("synth-surf@1",)).datasets(plan) == {"synth-surf"}
        assert Part().datasets(plan) == {"synth-surf", "synth-wmca"}
        with pytest.raises(BadInput, match="nowhere"):
            bench(plan, tmp_path, tmp_path / "rendered", 2, wmca)
        assert not (tmp_path / "rendered").exists()

    def test_what_is_half_done_is_not_chosen_for_what_is_left_out(self, done, tmp_path):
        """Its mean would be of other protocols and seeds than that of the rest."""
        plan, out, _ = done
        half = Bench(plan, tmp_path, out / "rendered", 2, Part())
        for system, seed, error in (("plain", 0, 0.3), ("plain", 1, 0.5), ("experts", 0, 0.1)):
            folder = half.folder(Job(system, "synth-surf@1", seed))
            folder.mkdir(parents=True)
            found = {"system": system, "protocol": "synth-surf@1", "dev_error": error}
            results.write(folder / results.RESULT, found)
        assert half.best_systems(2) == ["plain"]

    def test_page_says_that_faces_are_rendered(self, done):
        _, out, _ = done
        assert (out / "table.md").read_text().startswith("# Rendered faces: tiny\n")

    def test_a_piece_is_taken_in_beside_what_is_kept(self, done, tmp_path, taken_in):
        """What is kept has another method, an older row, and no errors by subject yet."""
        _, out, _ = done
        rows = results.read_table(out / "results.csv")
        other = [{**row, "method": "plain", "seed": "0", "value": "0.123"} for row in rows[:1]]
        kept = [row for row in rows if row["method"] == "plain"]
        results.write_table(tmp_path / "tiny.csv", results.COLUMNS, [*other, *kept[-1:]])
        for _ in range(2):
            taken_in(out, tmp_path)
            assert sorted(map(str, results.read_table(tmp_path / "tiny.csv"))) == sorted(
                map(str, rows)
            )
            for name in ("tuning.csv", "differences.csv"):
                assert (tmp_path / f"tiny_{name}").read_text() == (out / name).read_text()
        again = subjects.read(tmp_path / "tiny_subjects.parquet")
        assert again.equals(subjects.read(out / "subjects.parquet"))
        assert set(again["method"]) == {"plain", "experts"}

    def test_changed_settings_are_another_job(self, done, tmp_path):
        plan, out, _ = done
        task = _task(plan, out, tmp_path / "job")
        job.write_order(task.folder, task.order)
        results.write(
            task.folder / results.RESULT,
            {"order": json.loads(json.dumps(job.as_plain(task.order)))},
        )
        subjects.write(task.folder / subjects.SUBJECTS, subjects.SCHEMA.to_frame())
        assert job.is_done(task.folder, task.order)
        for changed in (
            replace(task.order, unit="frame"),
            replace(task.order, recipe=replace(task.order.recipe, seed=9)),
            replace(task.order, manifest_sha256="0"),
        ):
            assert not job.is_done(task.folder, changed)

    def test_a_job_without_errors_by_subject_counts_them_untrained(self, done, monkeypatch):
        """It would be missing from the differences without a word."""
        plan, out, _ = done
        monkeypatch.setattr(schedule, "start", Here)
        folder = out / "jobs/synth-surf@1/plain/seed-0"
        counted, trained = folder / subjects.SUBJECTS, (folder / job.TRAINED).stat().st_mtime_ns
        before = subjects.read(counted)
        counted.unlink()
        assert bench(plan, out, out / "rendered", workers=2).failures == ()
        assert subjects.read(counted).equals(before)
        assert (folder / job.TRAINED).stat().st_mtime_ns == trained


def _task(plan: Plan, out: Path, folder: Path, **train) -> Task:
    recipe = plans.recipe_of(plan, Job("experts", "synth-surf@1", 0), {"train": train})
    manifest = out / "data/synth-surf.csv"
    return Task("one", folder, job.Order("experts", recipe, manifest, "", "video", tested=True))


class TestSchedule:
    def test_a_failing_job_keeps_no_other_from_being_done(self, done, tmp_path):
        """In processes of their own."""
        plan, out, _ = done
        bad = _task(plan, out, tmp_path / "bad", learning_rate=1e30)
        good = _task(plan, out, tmp_path / "good")
        failures = work([replace(bad, name="bad"), good], 1, "test")
        assert [failure.name for failure in failures] == ["bad"]
        assert "try a lower learning_rate" in failures[0].log.read_text()
        assert job.is_done(good.folder, good.order)

    def test_a_killed_bench_goes_on_to_the_same_scores(self, done, tmp_path):
        """Stopped while a job trains; the job is asked to write its state and is taken up again."""
        plan, out, _ = done
        task = _task(plan, out, tmp_path / "job", epochs=4, checkpoint_steps=1)
        whole = _task(plan, out, tmp_path / "whole", epochs=4)
        with schedule.start(task, 2) as running:
            while not (task.folder / state.FOLDER).is_dir() and running.poll() is None:
                time.sleep(0.02)
            running.terminate()
        assert running.returncode == 130
        assert not (task.folder / results.RESULT).exists()
        assert work([task, whole], 2, "test") == []
        tables = [score_table.read(one.folder / "scores-test.csv").rows for one in (task, whole)]
        assert tables[0].equals(tables[1])

    def test_clock_expects_of_a_system_what_it_took(self, done, tmp_path):
        plan, out, _ = done
        finished, waiting = (_task(plan, out, tmp_path / name) for name in ("a", "b"))
        assert Clock([waiting]).left([waiting], 0, 1) is None
        finished.folder.mkdir()
        results.write(finished.folder / results.RESULT, {"seconds": 60.0})
        clock = Clock([finished, waiting])
        assert clock.left([waiting, waiting], 1, 2) == (60 + 60 + 30) / 2


class TestDifference:
    """Eight subjects a class and two seeds, written by hand."""

    PLAN = plan_of(tuning=None, unit="frame")

    def counted(self, root: Path, system: str, seed: int, wrong: set[str], people=range(8)):
        """Errors by subject of a job that judged these subjects wrongly."""
        folder = root / system / str(seed)
        folder.mkdir(parents=True)
        kinds = {f"{kind}{number}": kind for kind in "ba" for number in people}
        for split in ("dev", "test"):
            lines = []
            for name, kind in kinds.items():
                right = 0.9 if kind == "b" else 0.1
                score = 1 - right if split == "test" and name in wrong else right
                for condition in ("R", "D", "I"):
                    label, species = ("bonafide", "") if kind == "b" else ("attack", "print")
                    item, protocol = f"{split}{name}", ["synth_surf", "synth-surf@1"]
                    facts = [split, condition, label, species, repr(score)]
                    lines.append([item, item, item, *protocol, *facts])
            with (folder / f"scores-{split}.csv").open("w", newline="") as file:
                file.write("# method: same\n")
                csv.writer(file).writerows([list(COLUMNS), *lines])
        dev, test = (score_table.read(folder / f"scores-{split}.csv") for split in ("dev", "test"))
        return subjects.count(dev, test, "synth-surf@1", system, seed, "frame")

    def rows(self, *counted: pl.DataFrame) -> list[dict[str, str]]:
        return difference.rows(self.PLAN, subjects.Subjects(pl.concat(counted)), draws=500)

    def test_values_are_means_over_seeds(self, tmp_path):
        rows = self.rows(
            self.counted(tmp_path, "experts", 0, {"b0", "b1"}),
            self.counted(tmp_path, "experts", 1, {"b0", "b1", "a0", "a1"}),
            self.counted(tmp_path, "plain", 0, {"b0"}),
            self.counted(tmp_path, "plain", 1, {"b0"}),
        )
        assert [(row["column"], row["condition"]) for row in rows] == [
            *(("SURF", condition) for condition in "RDI"),
            ("mean", ""),
        ]
        for row in rows:  # (2 / 16 + 4 / 16) / 2 less 1 / 16
            assert (row["method"], row["other"]) == ("experts", "plain")
            assert float(row["difference"]) == pytest.approx(2 / 16)
            assert float(row["low"]) <= 2 / 16 <= float(row["high"])
        assert [row["ratio"] for row in rows] == ["", "", "", "3"]

    def test_what_is_left_out_is_a_family_of_its_own(self, tmp_path):
        """Its rows come after those of the columns, which do not change by it."""
        jobs = [("experts", {"b0", "b1"}), ("plain", {"b0"})]
        counted = pl.concat(
            [self.counted(tmp_path, name, seed, wrong) for name, wrong in jobs for seed in (0, 1)]
        )
        plan = replace(self.PLAN, left_out=plans.LeftOut(("synth-surf@1",)))
        alone = self.rows(counted)
        both = difference.rows(plan, subjects.Subjects(counted), draws=500)
        assert both[: len(alone)] == alone
        unseen = both[len(alone) :]
        assert [(row["column"], row["condition"]) for row in unseen] == [
            (column, condition)
            for column in ("synth-surf@1", "mean of unseen")
            for condition in "RDI"
        ]
        assert {float(row["difference"]) for row in unseen} == {1 / 16}
        _, _, *lines = table.left_out_differences(plan, both).splitlines()
        for line, column in zip(lines, ("synth-surf@1", "mean of unseen"), strict=True):
            assert line.startswith(f"| plain | {column} | +6.2 (")
            assert line.endswith(" — | — | — | — |")  # RD, RI, DI and RDI were not judged
        assert table.differences(plan, both) == table.differences(plan, alone)
        assert table.left_out_differences(plan, alone).startswith("No two systems")

    def test_equal_systems_do_not_differ(self, tmp_path):
        jobs = [(system, seed) for system in ("experts", "plain") for seed in (0, 1)]
        row = self.rows(*(self.counted(tmp_path, *job, {"b0", "a1"}) for job in jobs))[0]
        assert (float(row["difference"]), float(row["p"])) == (0, 1)

    def test_a_difference_of_one_seed_alone_is_not_shown(self, tmp_path):
        """It errs a lot in one run and never in the other, which may be luck of the seed."""
        wrong = {f"{kind}{number}" for kind in "ba" for number in range(6)}
        row = self.rows(
            self.counted(tmp_path, "experts", 0, wrong),
            *(self.counted(tmp_path, *job, set()) for job in (("experts", 1), ("plain", 0))),
            self.counted(tmp_path, "plain", 1, set()),
        )[0]
        assert float(row["difference"]) == pytest.approx(6 / 16)
        assert float(row["p"]) > 0.05

    def test_what_lacks_a_seed_is_not_compared(self, tmp_path):
        jobs = [("experts", 0), ("experts", 1), ("plain", 0)]
        assert self.rows(*(self.counted(tmp_path, *job, set()) for job in jobs)) == []

    def test_other_subjects_are_refused(self, tmp_path):
        jobs = [(system, seed) for system in ("experts", "plain") for seed in (0, 1)]
        counted = [
            self.counted(tmp_path, *job, set(), range(8 if job[0] == "plain" else 7))
            for job in jobs
        ]
        with pytest.raises(BadInput, match="experts and plain were tested on different subjects"):
            self.rows(*counted)

    def test_counts_come_back_from_a_file_and_new_ones_take_the_place_of_old_ones(self, tmp_path):
        jobs = [("experts", 0, {"b0"}), ("plain", 0, set())]
        old = pl.concat([self.counted(tmp_path / "old", *job) for job in jobs])
        subjects.write(tmp_path / "kept.parquet", old)
        again = subjects.read(tmp_path / "kept.parquet")
        assert again.equals(old)
        new = self.counted(tmp_path / "new", "experts", 0, {"a3", "a4"})
        merged = subjects.Subjects(subjects.put(again, new))
        counts = merged.of("experts", "synth-surf@1", 0)["R"]
        assert (counts.bonafide_errors.sum(), counts.attack_errors.sum()) == (0, 2)
        assert merged.of("plain", "synth-surf@1", 0)["R"].bonafide.sum() == 8

    def test_a_file_of_something_else_is_refused(self, tmp_path):
        pl.DataFrame({"a": ["x"]}).write_parquet(tmp_path / "x.parquet")
        with pytest.raises(BadInput, match=r"x\.parquet: should have the columns protocol, method"):
            subjects.read(tmp_path / "x.parquet")
        assert subjects.read(tmp_path / "none.parquet").is_empty()


class TestTable:
    PLAN = replace(
        plan_of(data={"synth-cefa": {"render": {"family": "cefa"}}}, tuning=None),
        columns={"CeFA": ("synth-cefa@4.1", "synth-cefa@4.2")},
    )

    def values_rows(self) -> list[dict[str, str]]:
        shown = {("synth-cefa@4.1", 0): 0.1, ("synth-cefa@4.1", 1): 0.3}
        shown |= {("synth-cefa@4.2", 0): 0.4, ("synth-cefa@4.2", 1): 0.6}
        return [
            {"method": "plain", "protocol": protocol, "condition": condition, "rate": "acer_pooled"}
            | {"seed": str(seed), "value": repr(value)}
            for (protocol, seed), value in shown.items()
            for condition in "RDI"
        ]

    def values(self) -> table.Values:
        return table.Values(self.PLAN, self.values_rows())

    def test_mean_is_over_protocols_and_seeds_and_spread_over_protocols(self):
        values, protocols = self.values(), self.PLAN.columns["CeFA"]
        assert values.mean("plain", protocols, "R", "acer_pooled") == pytest.approx(0.35)
        over_protocols = np.std([0.2, 0.5], ddof=1)
        assert values.spread("plain", protocols, "R", "acer_pooled") == pytest.approx(
            over_protocols
        )
        over_seeds = values.spread("plain", protocols[:1], "R", "acer_pooled")
        assert over_seeds == pytest.approx(np.std([0.1, 0.3], ddof=1))

    def test_summary_is_of_any_rate_and_marks_the_lowest(self):
        rows = [{**row, "rate": "apcer_max"} for row in self.values_rows()]
        higher = [{**row, "method": "experts", "value": "0.7"} for row in rows]
        lines = table.summary(
            table.Values(self.PLAN, [*rows, *higher, *self.values_rows()]), "apcer_max"
        )
        assert lines.splitlines()[2:] == [
            "| plain | **35.0** | **35.0** | **35.0** | **35.0** |",
            "| experts | 70.0 | 70.0 | 70.0 | 70.0 |",
        ]

    def test_lowest_on_dev_comes_first_and_what_is_not_done_last(self):
        errors = {"plain": (0.4, 0.2, 0.5, 0.1), "experts": (0.2, 0.2, 0.3, 0.1)}
        jobs = [(protocol, seed) for protocol in self.PLAN.columns["CeFA"] for seed in "01"]
        rows = [
            {"method": method, "protocol": protocol, "condition": "", "rate": "dev_error"}
            | {"seed": seed, "value": str(error)}
            for method, of_jobs in errors.items()
            for (protocol, seed), error in zip(jobs, of_jobs, strict=True)
        ]
        rows += self.values_rows()
        lines = table.on_dev(table.Values(self.PLAN, rows)).splitlines()
        assert lines[2:] == ["| experts | 20.0 | 20.0 |", "| plain | 30.0 | 30.0 |"]
        lines = table.on_dev(table.Values(self.PLAN, rows[1:])).splitlines()
        assert lines[2:] == ["| experts | 20.0 | 20.0 |", "| plain | — | — |"]

    def test_unseen_species_have_a_mean_only_of_all_of_them(self):
        protocols = ("synth-cefa@4.1", "synth-cefa@4.2")
        plan = replace(self.PLAN, left_out=plans.LeftOut(protocols))
        rows = self.values_rows()
        lines = table.left_out(table.Values(plan, rows)).splitlines()[2:]
        assert [line.split("|")[2:4] for line in lines] == [
            [" synth-cefa@4.1 ", " 20.0 ± 14.1 "],  # over seeds
            [" synth-cefa@4.2 ", " 50.0 ± 14.1 "],
            [" mean of unseen ", " 35.0 ± 21.2 "],  # over protocols
        ]
        part = [row for row in rows if row["protocol"] == protocols[0]]
        assert len(table.left_out(table.Values(plan, part)).splitlines()) == 3

    def test_arms_stand_by_part_and_are_shown_to_differ_only_after_holm_over_all(self):
        arms = {
            "Experts": {"none": {"experts": []}},
            "Rank": {"two": {"rank": 2}, "8": {"rank": 8}},
        }
        plan = replace(self.PLAN, arms_of="experts", arms=arms)
        rows = self.values_rows()
        for row in [row for row in rows if row["condition"] == "R"]:
            on_dev = {"condition": "", "rate": "dev_error"}
            rows.append({**row, **on_dev, "value": repr(float(row["value"]) / 2)})
        every = [
            {**row, "method": name} for name in ("experts", "none", "two", "8") for row in rows
        ]
        apart = [
            {"method": "experts", "other": name, "column": "mean", "p": p, "p_holm": p}
            | {"difference": "-0.02", "low": "-0.03", "high": "-0.01"}
            for name, p in (("none", "0.03"), ("two", "0.03"), ("8", "0.01"))
        ]
        lines = table.arms(table.Values(plan, every), apart).splitlines()
        told = [[cell.strip() for cell in line.split("|")] for line in lines[2:]]
        assert {tuple(one[3:-2]) for one in told} == {("35.0",) * 3 + ("—", "35.0", "17.5")}
        assert [(one[1], one[2], one[-2]) for one in told] == [
            ("", "experts", "—"),
            ("Experts", "none", "+2.0 (+1.0 to +3.0)"),  # of three the second, so 0.03 times 2
            ("Rank", "two", "+2.0 (+1.0 to +3.0)"),
            ("", "8", "**+2.0 (+1.0 to +3.0)**"),
        ]

    def test_what_is_not_done_is_a_dash_and_never_a_mean_of_the_rest(self):
        values = self.values()
        assert np.isnan(
            values.mean("plain", ["synth-cefa@4.1", "synth-surf@1"], "R", "acer_pooled")
        )
        assert "| plain | **35.0** | **35.0** | **35.0** | **35.0** |" in table.summary(values)
        assert table.fused(values).splitlines()[-1] == "| plain | 35.0 | — | — | — | — |"


class TestConfigs:
    @pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
    def test_every_committed_bench_can_be_read(self, path):
        plan = plans.read(path)
        assert len(plan.seeds) >= 3

    def test_real_bench_fits_miniature_trees(self, tmp_path, monkeypatch):
        species = ("1_01", "2_01", "2_08", "2_12", "2_18", "3_01", "4_01")  # one instrument of each
        videos = {
            split: (*names, *(f"{names[0][:3]}_04_030_{instrument}" for instrument in species))
            for split, names in trees.wmca.VIDEOS.items()
        }
        monkeypatch.setattr(trees.wmca, "VIDEOS", videos)
        plan = plans.read(CONFIGS / "table1_real.yaml")
        layouts = {"surf": "author", "cefa": "author", "wmca": "hdf5"}
        readers = {"surf": "casia_surf", "cefa": "casia_cefa", "wmca": "wmca"}
        roots = {
            name: trees.TREES[readers[name], layout].write(tmp_path / name)
            for name, layout in layouts.items()
        }
        checked = inspect(data.with_roots(plan, roots))
        assert set(checked.rows) == set(plan.protocols)
        assert all(min(counts) > 0 for counts in checked.rows.values())
        with pytest.raises(BadInput, match=r"root 'surv'.*did you mean 'surf'"):
            data.with_roots(plan, {"surv": tmp_path})
