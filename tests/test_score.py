"""Scoring: every condition from one pass, resumable, and never half a table."""

import math
import shutil
from dataclasses import replace

import pytest

from flexpad import checkpoint, score_table
from flexpad import score as scoring
from flexpad.data.manifest import Manifest
from flexpad.score import score
from flexpad.types import CONDITIONS, BadInput


@pytest.fixture(scope="module")
def model(trained):
    return checkpoint.load(trained.folder)


def test_a_row_for_every_item_and_condition(trained, model):
    table = score_table.read(trained.folder / "scores-test.csv")
    items = [row.sample_id for row in trained.manifest if row.split == "test"]
    assert table.conditions == CONDITIONS
    assert table.rows.height == len(items) * len(CONDITIONS)
    assert set(table.rows["sample_id"]) == set(items)
    assert ((table.scores >= 0) & (table.scores <= 1)).all()
    assert table.header["weights_sha256"] == model.sha256
    assert {"method", "manifest_sha256", "commit", "precision", "provider"} <= set(table.header)
    assert "sha256 " in table.header["manifest_list_test"]  # for the data statement of a report
    assert "group_ethnicity" in table.groups


def test_again_gives_the_same_file(trained, model, tmp_path):
    score(model, trained.manifest, "test", tmp_path / "again.csv")
    expected = (trained.folder / "scores-test.csv").read_text()
    assert (tmp_path / "again.csv").read_text() == expected


def test_interrupted_scoring_goes_on(trained, model, tmp_path, monkeypatch):
    monkeypatch.setattr(scoring, "BATCH", 2)
    out = tmp_path / "scores.csv"
    score(model, trained.manifest, "test", out)
    expected = out.read_text()
    out.unlink()
    # What a kill leaves: a whole batch of two items, a third item, a fourth half written.
    lines = expected.splitlines(keepends=True)
    start = next(i for i, line in enumerate(lines) if line.startswith("sample_id")) + 1
    kept = [*lines[: start + 3 * len(CONDITIONS) + 3], "test/half"]
    (tmp_path / "scores.csv.part0").write_text("".join(kept))
    opened = []
    batches = scoring.batches
    monkeypatch.setattr(
        scoring,
        "batches",
        lambda loader: (opened.append(batch.ids) or batch for batch in batches(loader)),
    )
    score(model, trained.manifest, "test", out)
    assert out.read_text() == expected
    assert sum(map(len, opened)) == len(set(score_table.read(out).rows["sample_id"])) - 2
    assert not (tmp_path / "scores.csv.part0").exists()


def test_partial_table_of_another_model_is_begun_anew(trained, model, tmp_path):
    out = tmp_path / "scores.csv"
    expected = (trained.folder / "scores-test.csv").read_text()
    other = expected.replace(model.sha256, "0" * 64)
    (tmp_path / "scores.csv.part0").write_text(other)
    score(model, trained.manifest, "test", out)
    assert out.read_text() == expected


def test_absent_modality_is_a_non_response_where_nothing_else_is_shown(trained, model, tmp_path):
    first = next(row for row in trained.manifest if row.split == "test")
    rows = tuple(replace(row, depth="") if row == first else row for row in trained.manifest)
    manifest = Manifest(trained.manifest.root, rows, name=trained.manifest.name)
    table = score(model, manifest, "test", tmp_path / "scores.csv")
    scores = {
        row["condition"]: row["score"]
        for row in table.rows.iter_rows(named=True)
        if row["sample_id"] == first.sample_id
    }
    assert scores["D"] is None
    assert scores["RD"] == pytest.approx(scores["R"], abs=1e-6)
    assert all(not math.isnan(scores[c]) for c in CONDITIONS if c != "D")


def test_unreadable_image_leaves_no_table(trained, model, tmp_path):
    first = next(row for row in trained.manifest if row.split == "test")
    rows = tuple(replace(row, ir="none.jpg") if row == first else row for row in trained.manifest)
    manifest = Manifest(trained.manifest.root, rows, name=trained.manifest.name)
    with pytest.raises(BadInput, match=r"none\.jpg: cannot be read"):
        score(model, manifest, "test", tmp_path / "scores.csv")
    assert not (tmp_path / "scores.csv").exists()


class TestCheckpoint:
    @pytest.fixture
    def run(self, trained, tmp_path):
        shutil.copytree(trained.folder, tmp_path / "run")
        return tmp_path / "run"

    def test_of_another_method(self, run):
        from safetensors.torch import load_file, save_file

        weights = run / "model.safetensors"
        save_file(load_file(weights), weights, {"method": "fm_vit"})
        with pytest.raises(BadInput, match=r"method 'fm_vit', but .*recipe\.yaml says 'fmm_rpl'"):
            checkpoint.load(run)

    def test_of_another_size(self, run):
        recipe = run / "recipe.yaml"
        recipe.write_text(recipe.read_text().replace("rank: 4", "rank: 8"))
        with pytest.raises(BadInput, match=r"model\.safetensors: cannot be loaded") as error:
            checkpoint.load(run)
        assert "\n" not in str(error.value)

    def test_truncated(self, run):
        weights = run / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:-100])
        with pytest.raises(BadInput, match=r"model\.safetensors: cannot be loaded"):
            checkpoint.load(run)

    def test_unknown_key(self, run):
        with (run / "recipe.yaml").open("a") as recipe:
            recipe.write("seeed: 1\n")
        with pytest.raises(BadInput, match=r"recipe\.yaml: .*'seeed'.*did you mean 'seed'"):
            checkpoint.load(run)

    def test_no_run(self, tmp_path):
        with pytest.raises(BadInput, match="give the folder of a finished training run"):
            checkpoint.load(tmp_path)
