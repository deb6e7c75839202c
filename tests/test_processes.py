"""Two processes train and score what one does."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from flexpad import checkpoint, config, score_table
from flexpad.data import manifest as manifests
from flexpad.engine import diary, state
from flexpad.score import score
from flexpad.train import train
from tests import noise, tiny

LAUNCHED = Path(__file__).with_name("launched.py")
LAUNCH = "--multi_gpu --num_processes 2 --num_machines 1 --mixed_precision no --dynamo_backend no"
RECIPE = replace(noise.RECIPE, train=replace(noise.RECIPE.train, epochs=1, accumulate=2))


@pytest.fixture(scope="module")
def two(noise_set, tmp_path_factory):
    """A run and a score table made by ``accelerate launch --num_processes 2`` on the CPU."""
    folder = tmp_path_factory.mktemp("two")
    (folder / "recipe.yaml").write_text(config.dump(RECIPE))
    launch = [sys.executable, "-m", "accelerate.commands.launch", *LAUNCH.split()]
    job = [LAUNCHED, "scored", noise_set, folder / "recipe.yaml", folder / "run"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    run = subprocess.run(
        [*launch, "--main_process_port", "0", *job],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert run.returncode == 0, run.stderr
    return folder / "run"


@pytest.fixture(scope="module")
def one(noise_set, tmp_path_factory):
    """The same by this process."""
    folder = tmp_path_factory.mktemp("one") / "run"
    rows = manifests.read(noise_set)
    with pytest.MonkeyPatch.context() as patch:
        noise.use_tiny_encoder(patch)
        train(rows, RECIPE, folder)
    score(checkpoint.load(folder), rows, "test", folder / "test.csv")
    return folder


def without_keys(name, value):
    """Drop what has no gradient but rounding, which Adam then makes a step of: biases of keys."""
    for width in (tiny.CONFIG.vision.width, tiny.CONFIG.text.width, tiny.OPTIONS["prompt_width"]):
        if name.endswith(("qkv.bias", "in_proj_bias")) and len(value) == 3 * width:
            return torch.cat([value[:width], value[2 * width :]])
    return value


def test_weights_are_equal(one, two):
    expected, found = (load_file(run / checkpoint.WEIGHTS) for run in (one, two))
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        pair = (without_keys(name, value), without_keys(name, found[name]))
        assert torch.allclose(*pair, atol=1e-5), (name, (pair[0] - pair[1]).abs().max())


def test_every_item_is_scored_once_and_alike(one, two):
    expected, found = (score_table.read(run / "test.csv") for run in (one, two))
    keys = ["sample_id", "condition", "label", "split"]
    assert found.rows.select(keys).equals(expected.rows.select(keys))  # in the same order too
    assert found.rows.select(keys).is_unique().all()
    assert np.array_equal(np.isnan(expected.scores), np.isnan(found.scores))
    assert np.allclose(expected.scores, found.scores, atol=1e-5, equal_nan=True)


def test_the_diary_is_written_once(one, two):
    expected, found = (list(diary.read(run)) for run in (one, two))
    assert [line["step"] for line in found] == [line["step"] for line in expected]
    for mine, theirs in zip(expected, found, strict=True):
        flat = dict(diary.flat(theirs))
        for name, value in diary.flat(mine):
            assert flat[name] == pytest.approx(value, rel=1e-3, abs=1e-5), name


def test_only_what_a_finished_run_needs_is_left(one, two):
    assert {path.name for path in two.iterdir()} == {path.name for path in one.iterdir()}
    assert not (two / state.FOLDER).exists()
