"""One body over every method: each condition, absence, training, saving."""

import pytest
import torch

from flexpad import methods
from flexpad.engine.draws import Draws
from flexpad.infer import answer
from flexpad.recipe import MethodRecipe
from flexpad.types import CONDITIONS, MODALITIES, BadInput, Batch, modalities_of
from tests import tiny

every_method = pytest.mark.parametrize("name", methods.names())
OPTIONS = {"fmm_rpl": tiny.OPTIONS}


def make(name: str, seed: int = 0) -> methods.Method:
    method = methods.build(MethodRecipe(name, OPTIONS.get(name, {})), tiny.encoder(seed))
    with torch.no_grad():  # so that nothing is hidden behind parts that start at zero
        torch.manual_seed(seed)
        for parameter in method.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    return method.eval()


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
@pytest.mark.parametrize("junk", [0.0, 1e6, torch.nan])
def test_what_is_absent_changes_nothing(name, condition, junk):
    method = make(name)
    shown = tiny.batch(3, present=presence(condition, 3))
    images = shown.images.clone()
    images[~shown.present] = junk
    spoilt = Batch(images, shown.present, shown.target, shown.ids)
    assert torch.equal(method(shown).fused, method(spoilt).fused)


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
def test_label_is_not_seen_in_evaluation(name):
    method = make(name)
    batch = tiny.batch(4)
    flipped = Batch(batch.images, batch.present, 1 - batch.target, batch.ids)
    assert torch.equal(method(batch).fused, method(flipped).fused)
    assert torch.equal(method(batch).patches.nan_to_num(), method(flipped).patches.nan_to_num())


@every_method
def test_loss_falls(name):
    method = make(name).train()
    batch = tiny.batch(8)
    optimizer = torch.optim.Adam([p for p in method.parameters() if p.requires_grad], 3e-3)
    seen = []
    for step in range(25):
        method.before_step(step / 25, Draws(0, step))
        terms = method.loss(batch, method(batch))
        loss = torch.stack(list(terms.values())).sum()
        assert torch.isfinite(loss), terms
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen.append(loss.item())
    assert sum(seen[-3:]) < 0.6 * sum(seen[:3])


@every_method
def test_loss_of_items_with_different_modalities_is_finite(name):
    method = make(name).train()
    present = torch.tensor([[1, 1, 1], [1, 0, 0], [0, 1, 1], [0, 0, 1]]).bool()
    batch = tiny.batch(4, present=present)
    loss = torch.stack(list(method.loss(batch, method(batch)).values())).sum()
    loss.backward()
    assert torch.isfinite(loss)
    gradients = [p.grad for p in method.parameters() if p.grad is not None]
    assert gradients
    assert all(torch.isfinite(gradient).all() for gradient in gradients)


@every_method
def test_weights_come_back(name):
    method, other = make(name), make(name, seed=1)
    batch = tiny.batch(2)
    assert not torch.equal(method(batch).fused, other(batch).fused)
    other.load_state_dict(method.state_dict())
    assert torch.equal(method(batch).fused, other(batch).fused)


@every_method
def test_unknown_option_names_the_nearest(name):
    with pytest.raises(BadInput, match=r"options of .*: key '\w+' is unknown"):
        methods.build(MethodRecipe(name, {"no_such_option": 1}), tiny.encoder())


def test_unknown_method_names_the_nearest():
    with pytest.raises(BadInput, match="method 'fmm_rlp' is unknown; did you mean 'fmm_rpl'"):
        methods.build(MethodRecipe("fmm_rlp"), tiny.encoder())
