"""A small rendered set and a model trained on it, made once for each test process."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

from flexpad.data.manifest import Manifest

# The same examples every time, and a busy machine fails no test.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    """Tests run side by side, and their tensors are small."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="session")
def _one_commit():
    """Whoever commits while tests run changes no header of what they write."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("flexpad.score.source_commit", lambda: "0123456789abcdef")
        yield


@pytest.fixture(scope="session")
def rendered(tmp_path_factory) -> Path:
    """A folder with a rendered set and its ``manifest.csv``."""
    from flexpad import readers
    from flexpad.data import manifest as manifests
    from flexpad.synth.config import SynthConfig
    from flexpad.synth.generate import generate

    root = tmp_path_factory.mktemp("rendered")
    config = SynthConfig(seed=3, part=(3, 2, 2), pixels=48)
    generate(root / "set", config, workers=1)
    manifests.write(readers.read("casia_surf", root / "set"), root / "manifest.csv")
    return root


@pytest.fixture(scope="session")
def noise_set(tmp_path_factory) -> Path:
    """The manifest of a set of noise images."""
    from tests import noise

    return noise.write(tmp_path_factory.mktemp("noise"))


@pytest.fixture(scope="session")
def noise_run(noise_set, tmp_path_factory) -> Path:
    """A finished run on it, see ``tests.noise.RECIPE``."""
    from flexpad.data import manifest as manifests
    from flexpad.train import train
    from tests import noise

    folder = tmp_path_factory.mktemp("noise") / "run"
    with pytest.MonkeyPatch.context() as patch:
        noise.use_tiny_encoder(patch)
        train(manifests.read(noise_set), noise.RECIPE, folder)
    return folder


@pytest.fixture
def tiny_encoder(monkeypatch):
    """Runs build on the tiny CLIP, and draw no pictures, which takes longer than the rest."""
    from tests import noise

    noise.use_tiny_encoder(monkeypatch)
    monkeypatch.setattr("flexpad.train.draw_curves", lambda _: None)


@dataclass(frozen=True)
class Trained:
    """A finished run and the rows it was trained on."""

    folder: Path
    manifest: Manifest


@pytest.fixture(scope="session")
def trained(rendered, tmp_path_factory) -> Trained:
    """A run with a model, both score tables and a report."""
    from flexpad import checkpoint
    from flexpad.data import manifest as manifests
    from flexpad.recipe import MethodRecipe, Recipe, TrainRecipe
    from flexpad.report import report
    from flexpad.score import score
    from flexpad.train import train

    folder = tmp_path_factory.mktemp("trained") / "run"
    manifest = manifests.read(rendered / "manifest.csv")
    recipe = Recipe(
        protocol="synth-surf@1",
        method=MethodRecipe(options={"rank": 4, "depth": 2}),
        train=TrainRecipe(epochs=2, pairs=3, ema=0.9),
    )
    train(manifest, recipe, folder)
    model = checkpoint.load(folder)
    dev, test = (
        score(model, manifest, split, folder / f"scores-{split}.csv") for split in ("dev", "test")
    )
    report(dev, test, folder)
    return Trained(folder, manifest)
