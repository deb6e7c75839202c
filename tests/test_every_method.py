"""One body over every method: each condition, absence, training, saving."""

from dataclasses import fields

import pytest
import torch
from torch import Tensor

from flexpad import checkpoint, methods
from flexpad.analyse.features import features_alone
from flexpad.encoders.clip import set_trainable
from flexpad.engine.draws import Draws
from flexpad.infer import answer
from flexpad.recipe import EncoderRecipe, MethodRecipe, Recipe
from flexpad.types import CONDITIONS, MODALITIES, BadInput, Batch, Evidence, modalities_of
from tests import tiny

every_method = pytest.mark.parametrize("name", methods.names())
SHORT = {"prompts": 2}  # the tiny encoder reads short sentences
OPTIONS = {"fmm_rpl": tiny.OPTIONS, "fm_clip": SHORT, "cms_enhancer": SHORT}
FROZEN = ("fm_clip", "cms_enhancer")  # what leaves CLIP as it is
RATES = {  # of Adam; what is learned beside a frozen tower is slow at the rate of whole towers
    "linear_probe": 3e-2,
    **dict.fromkeys(FROZEN, 1e-2),
}
STEPS = 20


def make(name: str, seed: int = 0, trainable: str = "all") -> methods.Method:
    encoder = tiny.encoder(seed)
    set_trainable(encoder.clip, trainable)
    method = methods.build(MethodRecipe(name, OPTIONS.get(name, {})), encoder)
    with torch.no_grad():  # so that nothing is hidden behind parts that start at zero
        torch.manual_seed(seed)
        for parameter in method.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    return method.eval()


def learning(name: str, trainable: str = "all") -> methods.Method:
    """Make a method that is about to be trained, or skip what has nothing to train."""
    if not any(p.requires_grad for p in make(name, trainable="none").parameters()):
        pytest.skip(f"{name} has no weights of its own to train")
    return make(name, trainable=trainable).train()


def summed(terms: dict[str, Tensor]) -> Tensor:
    """Sum the terms of a loss, each of which has to be one finite number."""
    for name, term in terms.items():
        assert term.shape == (), name
        assert torch.isfinite(term), name
    return torch.stack(list(terms.values())).sum()


def said(evidence: Evidence) -> dict[str, Tensor]:
    """Put everything a method says side by side by name."""
    plain = {f.name: getattr(evidence, f.name) for f in fields(evidence)}
    return {**plain.pop("gates"), **plain.pop("parts"), **plain}


def presence(condition: str, items: int) -> torch.Tensor:
    row = [modality in modalities_of(condition) for modality in MODALITIES]
    return torch.tensor(row).expand(items, -1)


def test_there_are_methods():
    assert "fmm_rpl" in methods.names()


@every_method
@pytest.mark.parametrize("condition", CONDITIONS)
def test_shapes_in_every_condition(name, condition):
    present = presence(condition, 3)
    evidence = make(name)(tiny.batch(3, present=present))
    assert evidence.fused.shape == (3,)
    assert torch.isfinite(evidence.fused).all()
    assert evidence.logits.shape == (3, 3)
    assert torch.equal(evidence.logits.isfinite(), present)
    assert evidence.patches.shape == (3, 3, 4, 4)
    assert evidence.embeddings.shape == (3, 3, 16)


@every_method
@pytest.mark.parametrize("condition", CONDITIONS)
def test_what_is_absent_changes_nothing(name, condition):
    method = make(name)
    shown = tiny.batch(3, present=presence(condition, 3))
    answer_of_shown = method(shown).fused
    for junk in (0.0, 1e6, torch.nan):
        images = shown.images.clone()
        images[~shown.present] = junk
        spoilt = Batch(images, shown.present, shown.target, shown.ids)
        assert torch.equal(method(spoilt).fused, answer_of_shown), junk


@every_method
def test_one_pass_answers_as_seven_would(name):
    method = make(name)
    batch = tiny.batch(4)
    answers = answer(method, batch, CONDITIONS)
    for condition in CONDITIONS:
        alone = method(tiny.batch(4, present=presence(condition, 4))).fused
        assert torch.allclose(answers[condition].float(), alone, atol=1e-4)


@every_method
def test_an_item_without_what_a_condition_allows_is_a_non_response(name):
    present = torch.tensor([[True, False, False], [True, True, True]])
    answers = answer(make(name), tiny.batch(2, present=present), ("R", "D", "DI"))
    assert answers["R"].isfinite().all()
    assert answers["D"].isnan().tolist() == [True, False]
    assert answers["DI"].isnan().tolist() == [True, False]


@every_method
def test_other_items_of_the_batch_change_nothing(name):
    method = make(name)
    batch = tiny.batch(4)
    alone = Batch(batch.images[:1], batch.present[:1], batch.target[:1], batch.ids[:1])
    assert torch.allclose(method(batch).fused[:1], method(alone).fused, atol=1e-5)


@every_method
def test_a_feature_alone_holds_nothing_of_other_modalities(name):
    """An analysis says of RGB what RGB alone can do, whatever the method lets cross."""
    method, batch = make(name), tiny.batch(3)
    batch.present[1, 1] = False
    item, modality = batch.present.nonzero(as_tuple=True)
    found = features_alone(method, batch)
    assert found.shape == (8, tiny.CONFIG.joint_width)
    for place in range(len(MODALITIES)):
        others = batch.images.roll(1, dims=0)
        others[:, place] = batch.images[:, place]
        changed = features_alone(method, Batch(others, batch.present, batch.target, batch.ids))
        assert torch.equal(changed[modality == place], found[modality == place])
    if isinstance(method, methods.IndependentMethod):  # then an analysis saves the second pass
        together = method(batch).embeddings[item, modality]
        assert torch.allclose(together, found, atol=1e-5)


@every_method
def test_label_is_not_seen_in_evaluation(name):
    method = make(name)
    batch = tiny.batch(4)
    flipped = Batch(batch.images, batch.present, 1 - batch.target, batch.ids)
    seen, other = said(method(batch)), said(method(flipped))
    assert seen.keys() == other.keys()
    for key, value in seen.items():
        assert torch.equal(value.nan_to_num(), other[key].nan_to_num()), key


@every_method
def test_loss_falls(name):
    method = learning(name, trainable="none" if name in FROZEN else "all")
    batch = tiny.batch(8)
    weights = [p for p in method.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(weights, RATES.get(name, 3e-3))
    seen = []
    for step in range(STEPS):
        method.before_step(step / STEPS, Draws(0, step))
        loss = summed(method.loss(batch, method(batch)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen.append(loss.item())
    assert sum(seen[-3:]) < 0.6 * sum(seen[:3])


@every_method
@pytest.mark.parametrize("condition", CONDITIONS)
def test_loss_is_finite_and_teaches_in_every_condition(name, condition):
    method = learning(name)
    require_lesson(method, tiny.batch(4, present=presence(condition, 4)))


@every_method
def test_loss_of_items_with_different_modalities_is_finite_and_teaches(name):
    present = torch.tensor([[1, 1, 1], [1, 0, 0], [0, 1, 1], [0, 0, 1]]).bool()
    require_lesson(learning(name), tiny.batch(4, present=present))


def require_lesson(method: methods.Method, batch: Batch) -> None:
    """Require gradients of a loss, all finite and some of them not zero."""
    method.before_step(0.0, Draws())
    summed(method.loss(batch, method(batch))).backward()
    gradients = [p.grad for p in method.parameters() if p.grad is not None]
    assert all(torch.isfinite(gradient).all() for gradient in gradients)
    assert any(gradient.any() for gradient in gradients)


@every_method
def test_frozen_encoder_gets_no_gradient_and_stays(name):
    method = learning(name, trainable="none")
    frozen = {n: p for n, p in method.named_parameters() if not p.requires_grad}
    before = {n: p.clone() for n, p in frozen.items()}
    towers = {n for n, _ in method.named_parameters() if n.startswith(("clip.vision", "clip.text"))}
    assert towers <= frozen.keys()
    learned = [p for p in method.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learned, 1e-2)
    batch = tiny.batch(4)
    summed(method.loss(batch, method(batch))).backward()
    optimizer.step()
    assert any(p.grad is not None and p.grad.any() for p in learned)
    for parameter, weight in frozen.items():
        assert weight.grad is None, parameter
        assert torch.equal(weight, before[parameter]), parameter


@every_method
def test_weights_come_back(name):
    method, other = make(name), make(name, seed=1)
    batch = tiny.batch(2)
    assert not torch.equal(method(batch).fused, other(batch).fused)
    other.load_state_dict(method.state_dict())
    assert torch.equal(method(batch).fused, other(batch).fused)


@every_method
def test_saved_method_is_loaded_and_says_the_same(name, tmp_path):
    method, encoder = make(name), tiny.encoder()
    method.train()(tiny.batch(4, seed=1))  # so that there is something to remember beside weights
    recipe = Recipe(
        encoder=EncoderRecipe("builtin:small"), method=MethodRecipe(name, OPTIONS.get(name, {}))
    )
    checkpoint.save_recipe(tmp_path, recipe, encoder)
    checkpoint.save_weights(tmp_path / checkpoint.WEIGHTS, method, recipe)
    loaded = checkpoint.load(tmp_path).method
    batch = tiny.batch(2)
    seen, other = said(method.eval()(batch)), said(loaded(batch))
    assert seen.keys() == other.keys()
    for key, value in seen.items():
        assert torch.equal(value.nan_to_num(), other[key].nan_to_num()), key


@every_method
def test_unknown_option_names_the_nearest(name):
    with pytest.raises(BadInput, match=r"options of .*: key '\w+' is unknown"):
        methods.build(MethodRecipe(name, {"no_such_option": 1}), tiny.encoder())


def test_unknown_method_names_the_nearest():
    with pytest.raises(BadInput, match="method 'fmm_rlp' is unknown; did you mean 'fmm_rpl'"):
        methods.build(MethodRecipe("fmm_rlp"), tiny.encoder())
