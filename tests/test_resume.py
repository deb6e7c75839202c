"""A run that is killed or stopped ends as if nothing had happened; one that changed is refused."""

import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from flexpad import checkpoint, cli, config
from flexpad.data import manifest as manifests
from flexpad.data.manifest import Manifest
from flexpad.engine import diary, state
from flexpad.engine.average import Average
from flexpad.engine.stopping import Stopped, stop_requests
from flexpad.train import train
from flexpad.types import BadInput
from tests.noise import RECIPE

LAUNCHED = Path(__file__).with_name("launched.py")


def assert_same_run(one, other):
    expected, found = (load_file(run / checkpoint.WEIGHTS) for run in (one, other))
    assert expected.keys() == found.keys()
    assert all(torch.equal(value, found[name]) for name, value in expected.items())
    for name in (diary.LINES, diary.TABLE):
        assert (one / name).read_text() == (other / name).read_text()
    assert [path for path in other.iterdir() if path.is_dir()] == []


def test_killed_at_three_random_steps_and_in_a_write(noise_run, noise_set, tmp_path):
    """The state is written every second step of five, so a kill loses steps and splits epochs."""
    (tmp_path / "recipe.yaml").write_text(config.dump(RECIPE))
    first, second, third = np.random.default_rng(6).integers(3, 6, size=3)
    kills = [str(steps) for steps in (first, -1, second, third)]
    command = [sys.executable, LAUNCHED, "killed", noise_set, tmp_path / "recipe.yaml"]
    run = subprocess.run(
        [*command, tmp_path / "run", *kills], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert_same_run(noise_run, tmp_path / "run")


@pytest.fixture(autouse=True)
def _ctrl_c_counts():
    """Also where the tests run in the background, where it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@contextmanager
def ctrl_c_in_step(step):
    """Have Ctrl-C pressed in the midst of a step."""
    taken = []
    update = Average.update

    def press(average):
        taken.append(1)
        if len(taken) == step:
            signal.raise_signal(signal.SIGINT)
        update(average)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Average, "update", press)
        yield


@pytest.mark.usefixtures("tiny_encoder")
class TestStopping:
    def test_ctrl_c_finishes_the_step_saves_and_says_how_to_go_on(
        self, noise_run, noise_set, tmp_path, monkeypatch, capsys
    ):
        (tmp_path / "recipe.yaml").write_text(config.dump(RECIPE))
        words = ["train", str(noise_set), "-o", str(tmp_path / "run")]
        words += ["--recipe", str(tmp_path / "recipe.yaml")]
        monkeypatch.setattr(sys, "argv", ["flexpad", *words, "--overwrite"])
        with ctrl_c_in_step(3), pytest.raises(SystemExit) as stop:
            cli.main()
        said = capsys.readouterr().err
        assert stop.value.code == 130
        assert "stopped after step 3 of 10 and saved" in said
        again = f"flexpad {' '.join(words)} --resume"
        assert again in said
        assert not (tmp_path / "run" / checkpoint.WEIGHTS).exists()
        monkeypatch.setattr(sys, "argv", again.split())
        with pytest.raises(SystemExit) as stop:
            cli.main()
        assert stop.value.code == 0
        assert_same_run(noise_run, tmp_path / "run")

    def test_at_the_last_step_of_an_epoch_that_is_then_judged(self, noise_run, noise_set, tmp_path):
        rows = manifests.read(noise_set)
        with ctrl_c_in_step(5), pytest.raises(Stopped):
            train(rows, RECIPE, tmp_path / "run")
        assert state.load(tmp_path / "run")["epochs"] == 0
        train(rows, RECIPE, tmp_path / "run", resume=True)
        assert_same_run(noise_run, tmp_path / "run")

    @pytest.fixture
    def stopped(self, noise_set, tmp_path):
        with ctrl_c_in_step(2), pytest.raises(Stopped):
            train(manifests.read(noise_set), RECIPE, tmp_path / "run")
        return tmp_path / "run"

    def test_what_differs_is_listed_and_nothing_is_touched(self, stopped, noise_set):
        rows = manifests.read(noise_set)
        other = replace(RECIPE, seed=5, train=replace(RECIPE.train, pairs=2, ema=0.0))
        before = {path: path.read_bytes() for path in stopped.rglob("*") if path.is_file()}
        with pytest.raises(
            BadInput,
            match=r"run: the run there was begun otherwise: seed is 0 there and 5 here;"
            r" train\.pairs is 4 there and 2 here; train\.ema is 0\.8 there and 0\.0 here; give",
        ):
            train(rows, other, stopped, resume=True)
        fewer = Manifest(rows.root, rows.rows[:-1], name=rows.name)
        with pytest.raises(BadInput, match="otherwise: the rows of the manifest have changed"):
            train(fewer, RECIPE, stopped, resume=True)
        with pytest.raises(BadInput, match=r"unfinished run; pass --resume .* or --overwrite"):
            train(rows, RECIPE, stopped)
        assert before == {path: path.read_bytes() for path in stopped.rglob("*") if path.is_file()}

    def test_a_damaged_state_is_refused(self, stopped, noise_set):
        path = stopped / state.FOLDER / state.LAST
        path.write_bytes(path.read_bytes()[:100])
        with pytest.raises(BadInput, match=r"last\.pt: cannot be read; begin anew"):
            train(manifests.read(noise_set), RECIPE, stopped, resume=True)

    def test_overwriting_begins_anew(self, stopped, noise_run, noise_set):
        train(manifests.read(noise_set), RECIPE, stopped, overwrite=True)
        assert_same_run(noise_run, stopped)

    def test_both_go_on_where_that_is_possible(self, stopped, noise_set, monkeypatch):
        steps = []
        update = Average.update
        monkeypatch.setattr(Average, "update", lambda self: (steps.append(1), update(self)))
        rows = manifests.read(noise_set)
        train(rows, RECIPE, stopped, resume=True, overwrite=True)
        assert len(steps) == 8
        train(rows, replace(RECIPE, seed=1), stopped, resume=True, overwrite=True)
        assert len(steps) == 18


def test_a_second_request_acts_at_once():
    with stop_requests() as request:
        assert not request.made
        signal.raise_signal(signal.SIGTERM)
        assert request.made
        signal.raise_signal(signal.SIGINT)  # another signal is noted like the first
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_is_ignored_stays_ignored():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with stop_requests() as request:
        signal.raise_signal(signal.SIGINT)
        assert not request.made
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
