"""The command line from end to end, its exit codes, and its one line for bad input."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from flexpad import calibrate, cli, score_table
from flexpad.data import manifest as manifests
from flexpad.types import CONDITIONS
from tests import trees
from tests.test_calibrate_fusion import table as fusion_table


@pytest.fixture
def flexpad(monkeypatch, capsys):
    """Run a command in this process: exit code, stdout, stderr."""

    def run(*arguments) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["flexpad", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        captured = capsys.readouterr()
        code = stop.value.code
        return (0 if code is None else int(code)), captured.out, captured.err

    return run


RECIPE = """
protocol: synth-surf@1
method: {name: fmm_rpl, options: {rank: 4, depth: 2}}
train: {epochs: 1, pairs: 3}
"""


def test_the_straight_line(flexpad, tmp_path):
    """Every command writes what the next one reads."""
    size = ["--part", 2, 1, 1, "--pixels", 48]
    assert flexpad("synth", tmp_path / "set", *size, "--workers", 1)[0] == 0
    code, out, _ = flexpad("synth", tmp_path / "set", *size)
    assert (code, "already" in out) == (0, True)
    manifest, run = tmp_path / "manifest.csv", tmp_path / "run"
    index = ["data", "casia_surf", tmp_path / "set", "-o", manifest, "--protocol", "synth-surf@1"]
    assert flexpad(*index)[0] == 0
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    recipe = ["--recipe", tmp_path / "recipe.yaml"]
    assert flexpad("train", manifest, "-o", run, *recipe)[0] == 0
    for split in ("dev", "test"):
        scored = ["score", run, manifest, "--split", split, "-o", run / f"{split}.csv"]
        assert flexpad(*scored)[0] == 0
    code, out, _ = flexpad("report", run / "dev.csv", run / "test.csv", "-o", run)
    assert code == 0
    assert "rendered" in out
    figures = json.loads((run / "report.json").read_text())
    assert tuple(figures["conditions"]) == CONDITIONS
    some = next((tmp_path / "set").rglob("Testing/real_part/*/real.rssdk/color/*.jpg"))
    code, out, _ = flexpad("check", run, "--rgb", some)
    assert code in (0, 1)
    assert ("bona fide" if code == 0 else "attack") in out


def test_a_template_is_written_once_and_is_no_data_yet(flexpad, tmp_path):
    code, out, _ = flexpad("template", tmp_path / "mine", "--kind", "csv")
    assert (code, "README.txt" in out) == (0, True)
    assert (tmp_path / "mine" / "items.csv").is_file()
    code, _, err = flexpad("template", tmp_path / "mine")
    assert (code, "is not an empty folder" in err) == (2, True)
    code, _, err = flexpad("data", "folder", tmp_path / "mine", "-o", tmp_path / "manifest.csv")
    assert (code, "items.csv, row 1: has no image" in err) == (2, True)
    assert not (tmp_path / "manifest.csv").exists()


class TestData:
    """An audit on the command line: what it prints, writes and ends with."""

    def tree(self, tmp_path, **switches):
        return trees.casia_surf.casia_surf(tmp_path / "data", **switches)

    def test_errors_end_with_2_and_nothing_is_written(self, flexpad, tmp_path):
        root = self.tree(tmp_path, missing_frame=True)
        code, out, err = flexpad("data", "casia_surf", root, "-o", tmp_path / "m.csv")
        assert code == 2
        assert "[missing_item]" in out
        assert err.strip().splitlines()[-1].endswith("m.csv was not written")
        assert not (tmp_path / "m.csv").exists()

    def test_warnings_end_with_0_unless_strict(self, flexpad, tmp_path):
        given = ["data", "casia_surf", self.tree(tmp_path, crlf=True), "-o", tmp_path / "m.csv"]
        assert flexpad(*given, "--strict")[0] == 2
        assert not (tmp_path / "m.csv").exists()
        assert flexpad(*given)[0] == 0
        assert (tmp_path / "m.csv").exists()

    def test_json_is_all_of_stdout(self, flexpad, tmp_path):
        root = self.tree(tmp_path)
        code, out, _ = flexpad("data", "casia_surf", root, "--json", "-o", tmp_path / "m.parquet")
        assert code == 0
        assert json.loads(out)["schema"] == "flexpad.audit/1"
        assert len(manifests.read(tmp_path / "m.parquet")) == json.loads(out)["rows"]

    def test_lists_only_writes_no_manifest(self, flexpad, tmp_path):
        given = ["data", "casia_surf", self.tree(tmp_path, images=False), "--lists-only"]
        assert flexpad(*given)[0] == 0
        code, _, err = flexpad(*given, "-o", tmp_path / "m.csv")
        assert (code, "--lists-only" in err) == (2, True)


class TestCheck:
    @pytest.fixture
    def run(self, trained, tmp_path):
        shutil.copytree(trained.folder, tmp_path / "run")
        return tmp_path / "run"

    @pytest.fixture
    def images(self, trained):
        row = next(row for row in trained.manifest if row.split == "test")
        root = trained.manifest.root
        return {"rgb": root / row.rgb, "depth": root / row.depth, "ir": root / row.ir}

    def set_threshold(self, run, rule):
        from flexpad import score_table

        dev = score_table.read(run / "scores-dev.csv")
        calibrate.write(calibrate.choose(dev, rule, "frame"), run / "calibration.json")

    def test_exit_code_says_the_outcome(self, run, images, flexpad):
        given = [part for name, path in images.items() for part in (f"--{name}", path)]
        self.set_threshold(run, "fixed:0.0")
        code, out, _ = flexpad("check", run, *given)
        assert (code, out.startswith("bona fide")) == (0, True)
        self.set_threshold(run, "fixed:1.1")
        code, out, _ = flexpad("check", run, *given)
        assert (code, out.startswith("attack")) == (1, True)

    @pytest.mark.parametrize("names", [["rgb"], ["depth"], ["ir"], ["rgb", "ir"]])
    def test_any_subset(self, run, images, flexpad, names):
        given = [part for name in names for part in (f"--{name}", images[name])]
        code, _, err = flexpad("check", run, *given)
        assert code in (0, 1)
        assert err == ""

    def test_raw_depth_with_its_encoding_scores_like_its_8_bits(
        self, run, images, flexpad, tmp_path
    ):
        from flexpad import checkpoint
        from flexpad.check import check
        from flexpad.types import Modality

        with Image.open(images["depth"]) as image:
            raw = np.asarray(image.convert("L")).astype(np.uint16) * 16
        Image.fromarray(raw).save(tmp_path / "raw.png")
        model, encoding = checkpoint.load(run), f"limits:0-{255 * 16}"
        plain = check(model, {Modality.DEPTH: images["depth"]})
        told = check(model, {Modality.DEPTH: tmp_path / "raw.png"}, {Modality.DEPTH: encoding})
        assert told.score == pytest.approx(plain.score, abs=0.01)  # 8 bits are rounded on the way
        given = ["--depth", tmp_path / "raw.png"]
        code, _, err = flexpad("check", run, *given, "--depth-encoding", encoding)
        assert (code in (0, 1), err) == (True, "")
        assert "it has no encoding" in self.refused(flexpad, run, *given)

    def test_score_is_that_of_the_table(self, run, images, trained):
        from flexpad import checkpoint, score_table
        from flexpad.check import check
        from flexpad.types import Modality

        row = next(row for row in trained.manifest if row.split == "test")
        table = score_table.read(run / "scores-test.csv").condition("RI").rows
        expected = table.filter(table["sample_id"] == row.sample_id)["score"][0]
        paths = {Modality.RGB: images["rgb"], Modality.IR: images["ir"]}
        decision = check(checkpoint.load(run), paths)
        assert decision.score == pytest.approx(expected, abs=1e-6)
        assert decision.condition == "RI"

    def test_condition_without_threshold_is_no_response(self, run, images, flexpad):
        content = json.loads((run / "calibration.json").read_text())
        del content["thresholds"]["R"]
        (run / "calibration.json").write_text(json.dumps(content))
        code, out, _ = flexpad("check", run, "--rgb", images["rgb"])
        assert (code, out.startswith("no response")) == (2, True)

    def refused(self, flexpad, *arguments):
        code, out, err = flexpad("check", *arguments)
        assert code == 2
        assert out == ""
        assert len(err.strip().splitlines()) == 1
        assert "Traceback" not in err
        return err

    def test_no_modality(self, run, flexpad):
        assert "no modality was given" in self.refused(flexpad, run)

    def test_unreadable(self, run, flexpad, tmp_path):
        (tmp_path / "a.jpg").write_bytes(b"no image")
        assert "a.jpg" in self.refused(flexpad, run, "--rgb", tmp_path / "a.jpg")

    def test_truncated(self, run, images, flexpad, tmp_path):
        (tmp_path / "a.jpg").write_bytes(images["rgb"].read_bytes()[:-300])
        assert "a.jpg" in self.refused(flexpad, run, "--rgb", tmp_path / "a.jpg")

    def test_not_the_same_view(self, run, images, flexpad, tmp_path):
        Image.new("L", (64, 32)).save(tmp_path / "wide.png")
        err = self.refused(flexpad, run, "--rgb", images["rgb"], "--ir", tmp_path / "wide.png")
        assert "cannot be the same view" in err

    def test_no_calibration(self, run, images, flexpad):
        (run / "calibration.json").unlink()
        assert "calibration.json" in self.refused(flexpad, run, "--rgb", images["rgb"])

    def test_no_model(self, flexpad, images, tmp_path):
        assert "model.safetensors" in self.refused(flexpad, tmp_path, "--rgb", images["rgb"])


class TestBadInput:
    def refused(self, flexpad, *arguments):
        code, _, err = flexpad(*arguments)
        assert code == 2
        assert len(err.strip().splitlines()) == 1
        return err

    def test_empty_manifest(self, flexpad, tmp_path):
        (tmp_path / "m.csv").write_text("")
        err = self.refused(flexpad, "train", tmp_path / "m.csv", "-o", tmp_path / "run")
        assert "m.csv" in err
        assert not (tmp_path / "run").exists()

    def test_unknown_recipe_key(self, flexpad, rendered, tmp_path):
        (tmp_path / "r.yaml").write_text("train: {epoch: 3}")
        given = ["train", rendered / "manifest.csv", "-o", tmp_path / "run"]
        err = self.refused(flexpad, *given, "--recipe", tmp_path / "r.yaml")
        assert "r.yaml" in err
        assert "did you mean 'epochs'" in err
        assert not (tmp_path / "run").exists()

    def test_unknown_recipe(self, flexpad, rendered, tmp_path):
        given = ["train", rendered / "manifest.csv", "-o", tmp_path / "run"]
        assert "did you mean 'demo'" in self.refused(flexpad, *given, "--recipe", "deno")

    def test_unknown_reader(self, flexpad, tmp_path):
        err = self.refused(flexpad, "data", "casia_surv", tmp_path, "-o", tmp_path / "m.csv")
        assert "did you mean 'casia_surf'" in err
        assert not (tmp_path / "m.csv").exists()

    def test_missing_score_table(self, flexpad, tmp_path):
        given = ["report", tmp_path / "a.csv", tmp_path / "b.csv", "-o", tmp_path / "out"]
        assert "a.csv" in self.refused(flexpad, *given)
        assert not (tmp_path / "out").exists()


class TestFuse:
    """Scores of a loud RGB and a quiet depth."""

    def tables(self, tmp_path):
        rng = np.random.default_rng(0)
        right = np.resize([1.0, -1.0], 60)
        for split in ("dev", "test"):
            depth, colour = (right + rng.normal(0, spread, 60) for spread in (0.8, 2))
            made = fusion_table({"R": [*colour], "D": [*depth]}, split)
            score_table.write(made, tmp_path / f"{split}.csv")
        return tmp_path / "dev.csv", tmp_path / "test.csv"

    def test_what_is_written_can_be_reported(self, flexpad, tmp_path):
        dev, test = self.tables(tmp_path)
        code, out, _ = flexpad("fuse", dev, test, "-o", tmp_path / "fused")
        assert (code, out.splitlines()[0].startswith("RD, from")) == (0, True)
        fused = [tmp_path / f"fused/fused-{split}.csv" for split in ("dev", "test")]
        code, _, err = flexpad("report", *fused, "-o", tmp_path / "fused")
        assert (code, err) == (0, "")
        figures = json.loads((tmp_path / "fused/report.json").read_text())
        assert list(figures["conditions"]) == ["RD"]
        assert figures["method"] == "mine, sum of calibrated singles"

    def test_one_modality_has_nothing_to_add_up(self, flexpad, tmp_path):
        dev, test = self.tables(tmp_path)
        for path in (dev, test):
            kept = [line for line in path.read_text().splitlines() if ",D," not in line]
            path.write_text("\n".join(kept) + "\n")
        code, _, err = flexpad("fuse", dev, test, "-o", tmp_path / "fused")
        assert (code, "dev.csv: has nothing to add up" in err.replace("\n", " ")) == (2, True)
        assert not (tmp_path / "fused").exists()


LOADED_AFTERWARDS = """
import sys
from flexpad import cli
try:
    cli.main()
finally:
    print(sorted({"torch", "accelerate", "tokenizers"}.intersection(sys.modules)))
"""


def test_measuring_needs_no_torch(trained):
    """A report is made without loading torch."""
    folder = trained.folder
    tables = [folder / "scores-dev.csv", folder / "scores-test.csv"]
    command = [
        sys.executable,
        "-c",
        LOADED_AFTERWARDS,
        "report",
        *tables,
        "-o",
        folder / "torchless",
    ]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
    assert (folder / "torchless" / "report.json").is_file()
