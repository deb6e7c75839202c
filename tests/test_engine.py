"""The parts of the engine, each alone."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from flexpad.data.balance import BalancedBatches, Parts
from flexpad.data.manifest import Manifest, Row
from flexpad.engine.average import Average
from flexpad.engine.diary import Diary, Means, expert_usage, read, rounded
from flexpad.engine.draws import Draws, seed_step
from flexpad.engine.optimizer import learning_rate_factor, parameter_groups, set_rates
from flexpad.engine.state import Best, Run
from flexpad.recipe import TrainRecipe
from flexpad.types import BadInput, Batch, Evidence


class TestDraws:
    @given(st.integers(0, 20), st.integers(1, 20), st.sampled_from(["uniform", "normal"]))
    def test_parts_of_a_batch_draw_what_the_whole_does(self, first, items, kind):
        whole = getattr(Draws(3, 7), kind)("noise", 40, 2, 5)
        part = getattr(Draws(3, 7, first), kind)("noise", items, 2, 5)
        assert torch.equal(part, whole[first : first + items])

    def test_seed_step_and_purpose_matter(self):
        drawn = [
            Draws(seed, step).uniform(purpose, 4)
            for seed, step, purpose in [(0, 0, "a"), (1, 0, "a"), (0, 1, "a"), (0, 0, "b")]
        ]
        assert all(
            not torch.equal(one, two) for i, one in enumerate(drawn) for two in drawn[i + 1 :]
        )

    def test_distributions(self):
        uniform, normal = Draws().uniform("u", 20000), Draws().normal("n", 20000)
        assert ((uniform >= 0) & (uniform < 1)).all()
        assert uniform.mean() == pytest.approx(0.5, abs=0.01)
        assert normal.mean() == pytest.approx(0, abs=0.03)
        assert normal.std() == pytest.approx(1, abs=0.03)

    def test_global_generators_follow_the_step(self):
        def draw(*of):
            seed_step(*of)
            return torch.rand(1).item(), float(np.random.rand())

        first = draw(0, 5, 0)
        torch.rand(100)
        assert draw(0, 5, 0) == first
        assert len({draw(0, 5, 0), draw(0, 6, 0), draw(1, 5, 0), draw(0, 5, 1)}) == 4


class TestSchedule:
    def test_rises_then_falls(self):
        factors = [learning_rate_factor(step, 100, 0.1) for step in range(100)]
        assert factors[0] == pytest.approx(0.1)
        assert factors[9] == factors[10] == pytest.approx(1.0)
        assert factors[55] == pytest.approx(0.5, abs=1e-2)
        assert factors == sorted(factors[:10]) + sorted(factors[10:], reverse=True)
        assert 0 < factors[-1] < 0.01

    def test_groups_follow_it_from_their_own_peaks(self):
        module = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))
        module[1].bias.requires_grad_(False)
        groups = parameter_groups(module, lambda name: name[0], {"0": 1.0, "1": 0.1}, 0.3)
        optimizer = torch.optim.AdamW(groups)
        set_rates(optimizer, 0.5)
        found = {(g["name"], g["weight_decay"]): g["lr"] for g in optimizer.param_groups}
        assert found == {("0", 0.3): 0.5, ("0", 0.0): 0.5, ("1", 0.3): 0.05}  # the bias is frozen


class TestAverage:
    def module(self):
        module = torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.BatchNorm1d(1))
        module[1].weight.requires_grad_(False)
        return module

    def test_by_hand(self):
        module = self.module()
        average = Average(module, 0.75)
        for value in (4.0, 8.0, 0.0):
            module[0].bias.data.fill_(value)
            module[1].num_batches_tracked.fill_(int(value))
            average.update()
        # 4, then 0.75 * 4 + 0.25 * 8 = 5, then 0.75 * 5 = 3.75
        assert average.values["0.bias"].item() == pytest.approx(3.75)
        assert average.values["1.num_batches_tracked"].item() == 0  # a counter is no mean
        assert "1.weight" not in average.values  # it is not trained

    def test_is_in_place_for_a_while(self):
        module = self.module()
        average = Average(module, 0.5)
        average.update()
        module[0].bias.data.fill_(9.0)
        kept = average.values["0.bias"].item()
        with average.in_place():
            assert module[0].bias.item() == kept
        assert module[0].bias.item() == 9.0
        assert average.values["0.bias"].item() == kept

    def test_none_is_made_without_a_decay(self):
        module = self.module()
        average = Average(module, 0.0)
        average.update()
        module[0].bias.data.fill_(9.0)
        with average.in_place():
            assert module[0].bias.item() == 9.0
        assert average.state() == {}


class TestMeans:
    def sums(self, total, count=1.0):
        return {"loss/a": (torch.tensor(total), torch.tensor(count))}

    def test_weigh_by_their_counts_and_begin_anew(self):
        means = Means()
        means.add(self.sums(6.0, 2.0))
        means.add(self.sums(3.0, 1.0))
        means.add({"b": (torch.tensor([1.0, 2.0]), torch.tensor(0.0))})
        assert means.take() == {"loss": {"a": 3.0}}
        assert means.take() == {}

    def test_what_is_given_is_not_changed(self):
        given = self.sums(1.0)
        means = Means()
        means.add(given)
        means.add(self.sums(2.0))
        assert given["loss/a"][0].item() == 1.0

    def test_rounding(self):
        assert rounded({"a": [1.23456789, float("nan")], "b": float("inf")}) == {
            "a": [1.23457, None],
            "b": None,
        }

    def test_usage_by_hand(self):
        present = torch.tensor([[True, False, True], [True, False, False]])
        gates = torch.tensor([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]])  # item 0: R, I; item 1: R
        batch = Batch(torch.empty(0), present, torch.tensor([0, 1]), ())
        nothing = torch.empty(0)
        evidence = Evidence(nothing, nothing, nothing, nothing, gates={"layer_0": gates})
        means = Means()
        means.add(expert_usage(batch, evidence))
        assert means.take() == {"expert_usage": {"rgb": [[0.5, 0.5]], "ir": [[0.5, 0.5]]}}


class TestDiary:
    def test_forgets_what_no_state_knows_of(self, tmp_path):
        with Diary(tmp_path, 0, 0, writes=True, tensorboard=False) as diary:
            for step in (1, 2, 3):
                diary.write(step, 1, loss={"a": 1.0})
        with (tmp_path / "metrics.jsonl").open("a") as file:
            file.write('{"step": 4, "ep')  # half a line, as a kill leaves
        with Diary(tmp_path, 2, 2, writes=True, tensorboard=False) as diary:
            diary.write(3, 1, loss={"a": 2.0})
            assert diary.lines == 3
        assert [line["loss"]["a"] for line in read(tmp_path)] == [1.0, 1.0, 2.0]
        assert (tmp_path / "metrics.csv").read_text().splitlines()[-1] == "3,1,2.0"

    def test_others_write_nothing(self, tmp_path):
        with Diary(tmp_path, 0, 0, writes=False, tensorboard=False) as diary:
            diary.write(1, 1, loss={"a": 1.0})
            assert diary.lines == 1
        assert list(tmp_path.iterdir()) == []


class TestState:
    def run(self, folder, seed):
        torch.manual_seed(seed)
        module = torch.nn.Linear(2, 2)
        run = Run(folder, module, torch.optim.AdamW(module.parameters()), Average(module, 0.5), "r")
        module(torch.ones(1, 2)).sum().backward()
        run.optimizer.step()
        run.average.update()
        return run

    def test_comes_back(self, tmp_path):
        run = self.run(tmp_path, 0)
        means = Means()
        means.add({"a": (torch.tensor(2.0), torch.tensor(1.0))})
        run.take_in(means)
        assert run.judge(0.5, 1.0)
        run.save(lines=7)
        other = self.run(tmp_path, 1)
        other.restore()
        assert torch.equal(run.module.weight, other.module.weight)
        assert torch.equal(run.average.values["weight"], other.average.values["weight"])
        assert (other.step, other.epochs, other.lines, other.best) == (1, 1, 7, Best(1, 0.5, 1.0))
        assert other.means.take() == {"a": 2.0}
        moments = [r.optimizer.state_dict()["state"][0]["exp_avg"] for r in (run, other)]
        assert torch.equal(*moments)

    def test_only_the_best_weights_are_kept(self, tmp_path):
        run = self.run(tmp_path, 0)
        for error in (0.5, 0.2, 0.3):
            if run.judge(error, 1.0):
                run.best_weights.parent.mkdir(exist_ok=True)
                run.best_weights.write_text(str(error))
            run.save(0)
        assert [path.name for path in (tmp_path / "state").glob("best-*")] == ["best-2.safetensors"]
        run.finish(tmp_path / "model.safetensors")
        assert (tmp_path / "model.safetensors").read_text() == "0.2"
        assert not (tmp_path / "state").exists()

    def test_finishing_twice(self, tmp_path):
        """A kill between the two moves of the first time."""
        run = self.run(tmp_path, 0)
        run.judge(0.1, 1.0)
        run.save(0)
        (tmp_path / "model.safetensors").write_text("best")
        run.finish(tmp_path / "model.safetensors")
        assert (tmp_path / "model.safetensors").read_text() == "best"

    def test_due_by_steps_and_by_the_clock(self, tmp_path):
        run = self.run(tmp_path, 0)
        run.step = 6
        assert run.due(1e9, 3)
        assert not run.due(1e9, 4)
        assert not run.due(1e9, 0)
        assert run.due(0, 0)

    def test_best_is_lowest_error_then_lowest_loss(self):
        best = Best(1, 0.2, 1.0)
        assert best.beaten_by(0.1, 9.0)
        assert best.beaten_by(0.2, 0.5)
        assert not best.beaten_by(0.2, 1.0)
        assert not best.beaten_by(0.3, 0.1)
        assert Best().beaten_by(float("inf"), float("inf"))  # some epoch is kept in any case


class TestParts:
    def batches(self, pairs=4):
        rows = [
            Row(f"{i}", "d", "train", "s", f"v{i}", 0, ("attack", "bonafide")[i % 2], rgb="a.png")
            for i in range(36)
        ]
        return BalancedBatches(Manifest(None, rows), TrainRecipe(pairs=pairs), 0)

    def parts(self, accumulate, processes, first=0):
        found = [Parts(self.batches(), accumulate, k, processes) for k in range(processes)]
        for part in found:
            part.first = first
        return found

    @pytest.mark.parametrize(("accumulate", "processes"), [(1, 1), (2, 1), (1, 4), (2, 2)])
    def test_add_up_to_the_batch_and_are_balanced(self, accumulate, processes):
        batches = list(self.batches())
        parts = self.parts(accumulate, processes)
        streams = [list(part) for part in parts]
        for step, batch in enumerate(batches):
            found = [None] * len(batch)
            for part, stream in zip(parts, streams, strict=True):
                for place, rows in zip(part.places, stream[step * accumulate :], strict=False):
                    assert sum(row % 2 for row in rows) * 2 == len(rows) == part.items
                    found[place : place + part.items] = rows
            assert found == batch

    def test_begin_in_the_middle(self):
        whole, late = self.parts(2, 2)[1], self.parts(2, 2, first=3)[1]
        assert list(late) == list(whole)[6:]
        assert len(late) == len(list(late))

    def test_that_cannot_be_equal(self):
        with pytest.raises(BadInput, match=r"4 pairs cannot be .* 3 processes .* multiple of 3"):
            Parts(self.batches(), 1, 0, 3)
