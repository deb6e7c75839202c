"""Options that are left alone change no number: parameters, what is drawn, answers, terms.

Made before the options for ablations came, by ``record`` below.
"""

import json
from pathlib import Path

import pytest
import torch

from flexpad.engine.draws import Draws
from flexpad.methods.fmm_rpl.model import build
from tests import tiny

GOLDEN = Path(__file__).with_name("golden") / "fmm_rpl.json"
PARTLY = torch.tensor([[1, 1, 1], [1, 0, 1], [0, 1, 0], [1, 1, 1]], dtype=torch.bool)
CHANGED = {
    "rpl_mode": "R2",
    "prompt_mode": "replace",
    "balance": "information",
    "local": "attention",
    "tune_class_words": True,
}


def record() -> dict[str, object]:
    """What is kept of the default model and of one with other choices."""
    return {"default": told({}), "changed": told(CHANGED)}


def told(options: dict[str, object]) -> dict[str, object]:
    method = build(tiny.encoder(3), {**tiny.OPTIONS, **options})
    own = {n: p for n, p in method.state_dict().items() if not n.startswith("clip.")}
    started = {
        name: [list(value.shape), value.double().abs().sum().item()] for name, value in own.items()
    }
    torch.manual_seed(5)
    with torch.no_grad():
        for parameter in method.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    batch = tiny.batch(4, present=PARTLY)
    evidence = method.eval()(batch)
    method.train().before_step(0.5, Draws(7, 11))
    terms = method.loss(batch, method(batch))
    torch.stack(list(terms.values())).sum().backward()
    return {
        "parameters": started,
        "fused": evidence.fused.tolist(),
        "logits": evidence.logits[PARTLY].tolist(),
        "gates": evidence.gates["layer_1"].tolist(),
        "terms": {name: value.item() for name, value in terms.items()},
        "gradients": {
            name: parameter.grad.double().abs().sum().item()
            for name, parameter in method.named_parameters()
            if parameter.grad is not None and not name.startswith("clip.")
        },
    }


@pytest.mark.parametrize("options", ["default", "changed"])
def test_what_is_left_alone_changes_no_number(options):
    expected = json.loads(GOLDEN.read_text(encoding="utf-8"))[options]
    found = told({} if options == "default" else CHANGED)
    assert list(found["parameters"]) == list(expected["parameters"])
    for kind in ("parameters", "terms", "gradients"):
        for name, value in expected[kind].items():
            assert_close(found[kind].pop(name), value, f"{kind}: {name}")
        assert not found[kind]
    for kind in ("fused", "logits", "gates"):
        assert_close(found[kind], expected[kind], kind)


def assert_close(found, expected, what):
    flat = torch.tensor(flatten(found), dtype=torch.float64)
    assert torch.allclose(
        flat, torch.tensor(flatten(expected), dtype=torch.float64), rtol=1e-4, atol=1e-5
    ), what


def flatten(value):
    if not isinstance(value, list):
        return [value]
    return [number for part in value for number in flatten(part)]
