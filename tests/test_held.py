"""Matrices held in bf16: the same answers, and the same weights afterwards."""

import torch

from flexpad.encoders.held import held_in_bf16
from flexpad.methods.fmm_rpl.model import build
from tests import tiny


@torch.no_grad()
def test_answers_are_those_of_autocast_and_weights_come_back():
    method = build(tiny.encoder(), tiny.OPTIONS).eval()
    before = {name: value.clone() for name, value in method.state_dict().items()}
    batch = tiny.batch(3)
    with torch.autocast("cpu", torch.bfloat16):
        expected = method(batch).fused
        with held_in_bf16(method.clip):
            assert method.clip.vision.blocks[0].mlp.widen.weight.dtype is torch.bfloat16
            assert method.experts.mixtures[0].widen.weight.dtype is torch.float32
            assert torch.equal(method.eval()(batch).fused, expected)
    for name, value in method.state_dict().items():
        assert value.dtype is before[name].dtype
        assert torch.equal(value, before[name])
