"""The demo: one command from nothing to a system, its rival, and what is between them."""

import json
import shutil
from functools import partial

import pytest

from flexpad import demo as demos
from flexpad import metrics, recipes
from flexpad.synth.config import SynthConfig
from tests import noise

PART = SynthConfig(seed=3, part=(3, 2, 2), pixels=48)  # as the fixture has rendered it
RECIPE = """
protocol: synth-surf@1
method: {{name: {method}, options: {options}}}
train: {{epochs: 1, pairs: 3, sampling: videos}}
"""


@pytest.fixture(scope="module")
def folder(rendered, tmp_path_factory):
    root = tmp_path_factory.mktemp("demo")
    shutil.copytree(rendered / "set", root / "out" / "rendered")
    given = []
    for method, options in (("fmm_rpl", "{rank: 4, depth: 2}"), ("fm_clip", "{prompts: 2}")):
        given.append(root / f"{method}.yaml")
        given[-1].write_text(RECIPE.format(method=method, options=options))
    with pytest.MonkeyPatch.context() as patch:
        noise.use_tiny_encoder(patch)
        # Intervals and curves are tested elsewhere, and take longer than the rest.
        quick = partial(metrics.clustered_intervals, draws=20)
        patch.setattr(metrics, "clustered_intervals", quick)
        patch.setattr("flexpad.train.draw_curves", lambda _: None)
        demos.demo(root / "out", *map(str, given), config=PART)
    return root / "out"


def test_both_systems_are_scored_on_the_same_items(folder):
    compared = json.loads((folder / "against-fm_clip" / "compare.json").read_text())
    assert [system["name"] for system in compared["systems"]] == ["fmm_rpl", "fm_clip"]
    assert len(compared["comparisons"]) == 7
    assert json.loads((folder / "report.json").read_text())["conditions"]


def test_the_rival_has_a_run_of_its_own(folder):
    for run in (folder, folder / "fm_clip"):
        assert (run / "model.safetensors").is_file()
        assert (run / "scores-test.csv").is_file()


def test_both_recipes_ask_the_same_of_the_data_and_train_as_much():
    system, rival = recipes.find("demo"), recipes.find("demo_fm_clip")
    assert rival.method.name == "fm_clip"
    assert (rival.seed, rival.protocol, rival.encoder) == (
        system.seed, system.protocol, system.encoder
    )  # fmt: skip
    assert (rival.train, rival.augment) == (system.train, system.augment)
