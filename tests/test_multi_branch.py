"""What holds of the multi-branch design beyond what holds of every method with branches."""

import pytest
import torch
import torch.nn.functional as F

from flexpad.infer import answer
from flexpad.methods.multi_branch.model import MultiBranch, build
from flexpad.types import MODALITIES, BadInput, modalities_of
from tests import tiny
from tests.test_branches import crossed, stir, towers


def make(**options) -> MultiBranch:
    return stir(build(tiny.encoder(), options)).eval()


def enriched_by_hand(method: MultiBranch, batch, condition: str) -> list[torch.Tensor]:
    """Class tokens of the modalities of a condition, each (B, P), by the definition."""
    places = [MODALITIES.index(modality) for modality in modalities_of(condition)]
    features = [towers(method)[place](batch.images[:, place]) for place in places]
    gathered = [
        torch.cat([of.image[:, None], of.patches], dim=1)
        if method.options.gathers == "all_tokens"
        else of.image[:, None]
        for of in features
    ]
    seen = torch.cat(gathered, dim=1)
    return [
        torch.stack(
            [
                asking + crossed(method.crossing, asking, tokens)
                for asking, tokens in zip(of.image, seen, strict=True)
            ]
        )
        for of in features
    ]


@pytest.mark.parametrize("gathers", ["all_tokens", "class_tokens"])
@torch.no_grad()
def test_answers_of_one_pass_are_those_of_the_definition(gathers):
    method, batch = make(gathers=gathers), tiny.batch(2)
    answers = answer(method, batch, ("D", "RI", "RDI"))
    for condition, found in answers.items():
        enriched = enriched_by_hand(method, batch, condition)
        by_hand = method.head(sum(enriched) / len(enriched))
        assert torch.allclose(found.float(), by_hand, atol=1e-5), condition


@torch.no_grad()
def test_a_single_modality_is_its_branch_alone_attending_to_itself():
    method, batch = make(), tiny.batch(2)
    answers = answer(method, batch, ("R", "D", "I"))
    for place, condition in enumerate("RDI"):
        features = towers(method)[place](batch.images[:, place])
        own = torch.cat([features.image[:, None], features.patches], dim=1)
        expected = method.head(
            torch.stack(
                [token[0] + crossed(method.crossing, token[0], token) for token in own.unbind()]
            )
        )
        assert torch.allclose(answers[condition].float(), expected, atol=1e-5)


@torch.no_grad()
def test_evidence_is_of_the_pass():
    method, batch = make(), tiny.batch(2)
    evidence = method(batch)
    enriched = torch.stack(enriched_by_hand(method, batch, "RDI"), dim=1)
    assert torch.allclose(evidence.logits, method.head(enriched), atol=1e-5)
    assert torch.allclose(evidence.embeddings, F.normalize(enriched, dim=-1), atol=1e-5)
    depth = method.head(method.copies[0](batch.images[:, 1]).patches)
    assert torch.allclose(evidence.patches[:, 1].flatten(1), depth, atol=1e-5)


@torch.no_grad()
def test_starts_as_the_towers_are():
    method, batch = build(tiny.encoder(), {}).eval(), tiny.batch(2)
    plain = method.clip.vision(batch.images.flatten(0, 1)).image
    expected = F.normalize(plain, dim=-1)
    assert torch.allclose(method(batch).embeddings.flatten(0, 1), expected, atol=1e-6)


def test_tokens_are_kept_for_evaluation_only():
    method = make()
    assert method(tiny.batch(2)).parts["tokens"].shape == (2, 3, 17, 16)
    assert method.train()(tiny.batch(2)).parts == {}


def test_loss_is_that_of_branches_and_of_all():
    method = make().train()
    batch = tiny.batch(4)
    evidence = method(batch)
    target = batch.target.float()
    expected = {
        str(modality): F.binary_cross_entropy_with_logits(evidence.logits[:, place], target)
        for place, modality in enumerate(MODALITIES)
    }
    expected["fused"] = F.binary_cross_entropy_with_logits(evidence.fused, target)
    found = method.loss(batch, evidence)
    assert found.keys() == expected.keys()
    assert all(torch.allclose(found[name], value) for name, value in expected.items())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"heads": 3}, "key 'heads': 3 does not divide the joint width 16"),
        ({"heads": 0}, "key 'heads' should be at least 1, not 0"),
        ({"gathers": "nothing"}, "key 'gathers' should be all_tokens or class_tokens"),
    ],
)
def test_options_that_do_not_fit(options, message):
    with pytest.raises(BadInput, match=f"options of multi_branch: {message}"):
        build(tiny.encoder(), options)
