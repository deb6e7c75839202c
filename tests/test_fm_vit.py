"""What holds of FM-ViT beyond what holds of every method with branches."""

import pytest
import torch
import torch.nn.functional as F

from flexpad.components.presence import visible
from flexpad.methods.fm_vit.crossing import MutualAttention, most_relevant, relevance
from flexpad.methods.fm_vit.model import FmVit, build
from flexpad.types import MODALITIES, BadInput, modalities_of
from tests import tiny
from tests.test_branches import PRESENT, attended, crossed, in_heads, stir, towers


def make(**options) -> FmVit:
    return stir(build(tiny.encoder(), options)).eval()


def relevant_by_hand(layer: MutualAttention, tokens: torch.Tensor) -> torch.Tensor:
    """How much the class token of an image (1 + N, D) attends to its patches, (N,)."""
    q, k, _ = layer.qkv(layer.norm(tokens)).chunk(3, dim=-1)
    of_heads = []
    for query, keys in zip(in_heads(q[:1], layer.heads), in_heads(k[1:], layer.heads), strict=True):
        of_heads.append((query @ keys.T / query.shape[-1] ** 0.5).softmax(dim=-1)[0])
    return sum(of_heads) / len(of_heads)


def mutual_by_hand(layer: MutualAttention, own: torch.Tensor, seen: list) -> torch.Tensor:
    """What is added to the tokens of an image (1 + N, D) that sees these images, itself too."""
    mutual = sum(relevant_by_hand(layer, tokens) for tokens in seen) / len(seen)
    kept = sorted(range(len(mutual)), key=lambda place: -mutual[place].item())[: layer.kept]
    q, k, v = layer.qkv(layer.norm(own)).chunk(3, dim=-1)
    places = [1 + place for place in kept]
    return layer.out(attended(q, k[places], v[places], layer.heads))


def encoded_by_hand(method: FmVit, images: torch.Tensor, condition: str) -> list[torch.Tensor]:
    """Features of one item's images (M, 3, H, W) in a condition, each (1 + N, P)."""
    places = [MODALITIES.index(modality) for modality in modalities_of(condition)]
    own = [towers(method)[place] for place in places]
    streams = [t.embed(images[None, place])[0] for t, place in zip(own, places, strict=True)]
    crossings = iter(method.crossings)
    for layer in range(len(method.clip.vision.blocks)):
        streams = [
            tower.blocks[layer](stream[None], layer, None)[0]
            for tower, stream in zip(own, streams, strict=True)
        ]
        if (layer + 1) % method.options.every == 0:
            block = next(crossings)
            streams = [s + mutual_by_hand(block.mutual, s, streams) for s in streams]
            patches = torch.cat([stream[1:] for stream in streams])
            streams = [
                torch.cat([(s[0] + crossed(block.fusion, s[0], patches))[None], s[1:]])
                for s in streams
            ]
    assert next(crossings, None) is None
    finished = [t.finish(stream[None]) for t, stream in zip(own, streams, strict=True)]
    return [torch.cat([of.image, of.patches[0]]) for of in finished]


class TestMutualAttention:
    @torch.no_grad()
    def test_against_loops_by_hand(self):
        layer = stir(MutualAttention(width=12, heads=3, kept=4), seed=1)
        with torch.no_grad():
            layer.qkv.weight.mul_(4)  # so that relevance differs from place to place
        tokens = torch.randn(4, 3, 1 + 9, 12)
        shown = PRESENT.clone()
        shown[0, 1] = False  # depth of the first item is there, but others do not see it
        found = layer(tokens[PRESENT], PRESENT, visible(shown))
        for index, (item, modality) in enumerate(PRESENT.nonzero().tolist()):
            seen = [tokens[item, m] for m in range(3) if shown[item, m] or m == modality]
            by_hand = mutual_by_hand(layer, tokens[item, modality], seen)
            assert torch.allclose(found[index], by_hand, atol=1e-5)

    def test_relevance_is_a_share(self):
        shares = relevance(torch.randn(2, 3, 10, 4), torch.randn(2, 3, 10, 4))
        assert shares.shape == (2, 9)
        assert torch.allclose(shares.sum(dim=1), torch.ones(2))

    def test_places_are_chosen_by_what_is_relevant_to_those_seen(self):
        present = torch.tensor([[True, True, False]])
        relevant = torch.tensor([[0.1, 0.5, 0.4, 0.0], [0.6, 0.0, 0.1, 0.3]])
        together = most_relevant(relevant, present, visible(present), 2)  # .35 .25 .25 .15
        assert together[:, 0].tolist() == [0, 0]
        assert torch.equal(together[0], together[1])
        alone = most_relevant(relevant, present, visible(torch.zeros_like(present)), 2)
        assert alone.tolist() == [[1, 2], [0, 3]]

    def test_adds_nothing_at_the_start(self):
        layer = MutualAttention(width=12, heads=3, kept=4)
        assert not layer(torch.randn(7, 10, 12), PRESENT, visible(PRESENT)).any()


@pytest.mark.parametrize("every", [1, 2, 3])
@torch.no_grad()
def test_a_pass_is_that_of_the_definition(every):
    """Every image of every item, in whatever company; alone it is the single-branch test."""
    method = make(every=every)
    assert len(method.crossings) == 3 // every
    batch = tiny.batch(4, present=PRESENT)
    evidence = method(batch)
    for item, condition in enumerate(("RDI", "R", "DI", "I")):
        features = encoded_by_hand(method, batch.images[item], condition)
        odds = method.head(torch.stack([of[0] for of in features]))
        places = PRESENT[item]
        assert torch.allclose(evidence.logits[item, places], odds, atol=1e-4)
        assert torch.allclose(evidence.fused[item], odds.mean(), atol=1e-4)
        patches = method.head(torch.stack([of[1:] for of in features]))
        assert torch.allclose(evidence.patches[item, places].flatten(1), patches, atol=1e-4)
        mean = sum(of[0] for of in features) / len(features)
        assert torch.allclose(evidence.parts["of_mean"][item], method.head(mean), atol=1e-4)


@torch.no_grad()
def test_starts_as_the_towers_are():
    method, batch = build(tiny.encoder(), {}).eval(), tiny.batch(2)
    plain = method.clip.vision(batch.images.flatten(0, 1)).image
    expected = F.normalize(plain, dim=-1)
    assert torch.allclose(method(batch).embeddings.flatten(0, 1), expected, atol=1e-6)


def test_other_modalities_change_what_a_branch_says():
    method = make()
    alone = method(tiny.batch(2, present=torch.tensor([[True, False, False]]).expand(2, -1)))
    assert not torch.allclose(alone.logits[:, 0], method(tiny.batch(2)).logits[:, 0], atol=1e-4)


@pytest.mark.parametrize(("share", "kept"), [(0.5, 8), (1.0, 16), (0.01, 1)])
def test_share_of_places_that_is_read(share, kept):
    assert make(kept_share=share).crossings[0].mutual.kept == kept


def test_loss_is_that_of_branches_and_of_their_mean():
    method = make().train()
    batch = tiny.batch(4)
    evidence = method(batch)
    target = batch.target.float()
    expected = {
        str(modality): F.binary_cross_entropy_with_logits(evidence.logits[:, place], target)
        for place, modality in enumerate(MODALITIES)
    }
    expected["fused"] = F.binary_cross_entropy_with_logits(evidence.parts["of_mean"], target)
    found = method.loss(batch, evidence)
    assert found.keys() == expected.keys()
    assert all(torch.allclose(found[name], value) for name, value in expected.items())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"every": 0}, "key 'every' should be at least 1, not 0"),
        ({"every": 4}, "key 'every' should be at most 3, the blocks of the encoder's image tower"),
        ({"kept_share": 0.0}, "key 'kept_share' should be more than 0 and at most 1"),
    ],
)
def test_options_that_do_not_fit(options, message):
    with pytest.raises(BadInput, match=f"options of fm_vit: {message}"):
        build(tiny.encoder(), options)
