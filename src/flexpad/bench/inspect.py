"""Whether a bench could be done: what is said before hours are spent."""

from __future__ import annotations

from dataclasses import dataclass

from flexpad import encoders, methods
from flexpad.bench import data
from flexpad.bench.plan import Job, Plan, columns_protocols, dataset_of, recipe_of, runs, trials
from flexpad.data import encoding, protocols
from flexpad.data.manifest import Manifest
from flexpad.recipe import EncoderRecipe
from flexpad.types import SPLITS

NANO = "builtin:clip-nano"


@dataclass(frozen=True, slots=True)
class Checked:
    """What a bench would do.

    Attributes:
        rows: How many rows each protocol has in train, dev and test; of a data set that is to be
            rendered nothing is known.
        trials: How many runs the tuning takes.
        runs: How many the table takes.
        left_out: How many the protocols with an unseen species take.
    """

    rows: dict[str, tuple[int, ...]]
    trials: int
    runs: int
    left_out: int


def inspect(plan: Plan) -> Checked:
    """Read every data set, apply every protocol, and make every method once.

    Methods are made around a built-in encoder: which options fit depends on the method, and no
    weights are needed to find out.

    Raises:
        BadInput: Something cannot be read or does not fit.
    """
    nano = encoders.build(EncoderRecipe(NANO, random=True))
    for system in plan.all_systems:
        recipe = recipe_of(plan, Job(system, plan.protocols[0], plan.seeds[0]), {})
        methods.build(recipe.method, nano)
    for job in trials(plan):
        assert plan.tuning is not None
        assert job.trial is not None
        recipe_of(plan, job, plan.tuning.trials[job.system][job.trial])
    manifests = {
        name: data.fewer_frames(data.read(source), plan.frames)
        for name, source in plan.data.items()
        if source.reader
    }
    rows = {
        protocol: _rows(plan, protocol, manifests[dataset_of(protocol)])
        for protocol in plan.protocols
        if dataset_of(protocol) in manifests
    }
    systems = tuple(plan.all_systems)
    last = plan.left_out
    return Checked(
        rows=rows,
        trials=len(trials(plan)),
        runs=len(runs(plan, columns_protocols(plan), systems)),
        left_out=len(runs(plan, last.protocols, systems[: last.systems])) if last else 0,
    )


def _rows(plan: Plan, protocol: str, manifest: Manifest) -> tuple[int, ...]:
    chosen = protocols.apply(protocol, manifest)
    recipe = recipe_of(plan, Job(next(iter(plan.all_systems)), protocol, plan.seeds[0]), {})
    encoding.check_mixture(chosen.split("train"), allowed=recipe.train.mix_encodings)
    return tuple(len(chosen.split(split)) for split in SPLITS)
