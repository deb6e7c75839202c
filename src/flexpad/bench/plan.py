"""What is compared on what: the configuration of a bench, and the jobs it makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flexpad import config
from flexpad.data.protocols import PROTOCOLS
from flexpad.recipe import Recipe
from flexpad.score_table import UNITS
from flexpad.synth.config import SynthConfig
from flexpad.types import BadInput

Settings = Mapping[str, Any]
UNSEEN = "mean of unseen"  # over all protocols that are left out
BARE = ("method", "encoder")  # keys of a recipe whose name may stand alone


@dataclass(frozen=True, slots=True)
class Source:
    """Where the rows of a data set come from: it is rendered, or read from a folder.

    Attributes:
        render: What to render; None for a data set that is read.
        reader: What reads it, e.g. ``casia_surf``.
        root: Its folder, for a data set that is read.
        train: Settings of training that follow from its size, e.g. ``epochs``.
    """

    render: SynthConfig | None = None
    reader: str | None = None
    root: Path | None = None
    train: Settings = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.render is None) == (self.reader is None):
            raise BadInput("data: give 'render' or 'reader' with 'root', one of the two")
        if self.reader is not None and self.root is None:
            raise BadInput(f"data: reader {self.reader} needs 'root', the folder it reads")


@dataclass(frozen=True, slots=True)
class Tuning:
    """What each system may try, judged on dev alone; all have as many trials.

    Attributes:
        protocol: On what.
        seed: Of every trial; none of those the table is made with.
        trials: By system, settings of a recipe that differ from its own.
        recipe: What all trials differ in from runs of the table, e.g. fewer epochs.
    """

    protocol: str
    seed: int
    trials: Mapping[str, tuple[Settings, ...]]
    recipe: Settings = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Protocols with an unseen species, for the systems that are best on average."""

    protocols: tuple[str, ...]
    systems: int = 2

    @property
    def columns(self) -> dict[str, tuple[str, ...]]:
        """Each protocol by its name, and their mean."""
        return {**{name: (name,) for name in self.protocols}, UNSEEN: self.protocols}


@dataclass(frozen=True, slots=True)
class Plan:
    """A bench. ``configs/bench`` has some, each key explained.

    Attributes:
        name: Of the table.
        data: Data sets by the name their protocols begin with.
        columns: Of the table, by name: the protocols whose mean it shows, one or more.
        seeds: Every system is trained with each of them.
        systems: By name, what differs from ``recipe``.
        recipe: What all systems have in common.
        arms: Further systems, by part of the method and by name: options of the method of system
            ``arms_of`` that differ.
        arms_of: Which system arms are of.
        compare: The system others are held against; None for that of ``arms_of``.
        frames: How many frames of a dev or test video are judged, evenly spread; None = all.
        unit: ``frame`` or ``video``: what is counted.
        tuning: What is tuned first.
        left_out: What is tested last.
    """

    name: str
    data: Mapping[str, Source]
    columns: Mapping[str, tuple[str, ...]]
    seeds: tuple[int, ...]
    systems: Mapping[str, Settings]
    recipe: Settings = field(default_factory=dict)
    arms: Mapping[str, Mapping[str, Settings]] = field(default_factory=dict)
    arms_of: str | None = None
    compare: str | None = None
    frames: int | None = None
    unit: str = "video"
    tuning: Tuning | None = None
    left_out: LeftOut | None = None

    def __post_init__(self) -> None:
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise BadInput(f"key 'seeds' should list one or more different seeds, not {self.seeds}")
        if self.unit not in UNITS:
            raise BadInput(f"key 'unit' should be {' or '.join(UNITS)}, not {self.unit!r}")
        if self.arms and self.arms_of not in self.systems:
            raise BadInput(f"key 'arms_of' should name a system, not {self.arms_of!r}")
        if self.compare is not None and self.compare not in self.systems:
            raise BadInput(f"key 'compare' should name a system, not {self.compare!r}")
        for protocol in self.protocols:
            _ = PROTOCOLS[protocol]
            if dataset_of(protocol) not in self.data:
                raise BadInput(f"protocol {protocol!r}: key 'data' has no {dataset_of(protocol)!r}")
        if self.tuning:
            _check_tuning(self.tuning, self)

    @property
    def protocols(self) -> tuple[str, ...]:
        """All protocols, each once."""
        named = [protocol for column in self.columns.values() for protocol in column]
        if self.tuning:
            named.append(self.tuning.protocol)
        if self.left_out:
            named.extend(self.left_out.protocols)
        return tuple(dict.fromkeys(named))

    @property
    def all_systems(self) -> dict[str, Settings]:
        """Systems and arms, by name, each with what differs from ``recipe``."""
        found = dict(self.systems)
        if self.arms_of is not None:
            base = found[self.arms_of]
            for name, options in (arm for part in self.arms.values() for arm in part.items()):
                if name in found:
                    raise BadInput(f"key 'arms': {name!r} is there twice; give it another name")
                found[name] = merged(base, {"method": {"options": options}})
        return found

    def part_of(self, system: str) -> str:
        """Name the part of the method that an arm changes; empty for what is no arm."""
        return next((part for part, arms in self.arms.items() if system in arms), "")


@dataclass(frozen=True, slots=True)
class Job:
    """A system trained once and, but for a trial, tested.

    Attributes:
        system: Its name.
        protocol: On what.
        seed: Of the run.
        trial: Which of the tuning's trials, from 0; None for a run of the table.
    """

    system: str
    protocol: str
    seed: int
    trial: int | None = None

    @property
    def name(self) -> str:
        """Also the way to its folder."""
        last = f"seed-{self.seed}" if self.trial is None else f"trial-{self.trial}"
        return f"{self.protocol}/{self.system}/{last}"


def read(path: Path) -> Plan:
    """Read the configuration of a bench.

    Raises:
        BadInput: The file cannot be read, or a key or value does not fit.
    """
    plan = config.load(Plan, path)
    for system in plan.all_systems:  # what does not fit is said before anything is begun
        recipe_of(plan, Job(system, plan.protocols[0], plan.seeds[0]), {})
    return plan


def trials(plan: Plan) -> list[Job]:
    """List the jobs of the tuning; the first trial of every system comes before any second."""
    tuning = plan.tuning
    if tuning is None:
        return []
    most = max(map(len, tuning.trials.values()), default=0)
    return [
        Job(system, tuning.protocol, tuning.seed, trial)
        for trial in range(most)
        for system, tried in tuning.trials.items()
        if trial < len(tried)
    ]


def runs(plan: Plan, protocols: tuple[str, ...], systems: tuple[str, ...]) -> list[Job]:
    """List the jobs of a table; a protocol is finished before the next, seed by seed."""
    return [
        Job(system, protocol, seed)
        for protocol in protocols
        for seed in plan.seeds
        for system in systems
    ]


def columns_protocols(plan: Plan) -> tuple[str, ...]:
    """List the protocols of the table itself, each once."""
    return tuple(dict.fromkeys(name for column in plan.columns.values() for name in column))


def recipe_of(plan: Plan, job: Job, tuned: Settings) -> Recipe:
    """Put together what a job trains.

    What is later wins: what all have in common, what follows from the data set, what the system
    is, what was tuned.

    Args:
        plan: Of the bench.
        job: Of it.
        tuned: What its system's best trial, or the trial that the job is, differs in.

    Raises:
        BadInput: A key or value does not fit.
    """
    named = {"seed": job.seed, "protocol": job.protocol}
    of_data = {"train": plan.data[dataset_of(job.protocol)].train}
    settings = merged(plan.recipe, of_data, plan.all_systems[job.system], tuned, named)
    return config.build(Recipe, settings, f"system {job.system!r}")


def dataset_of(protocol: str) -> str:
    """Give the data set a protocol begins with, e.g. ``synth-cefa`` of ``synth-cefa@4.1``."""
    return protocol.partition("@")[0]


def merged(*layers: Settings) -> dict[str, Any]:
    """Merge settings, mapping by mapping; what is later wins.

    A method or encoder may be given by its name alone. One of another name keeps nothing of what
    was there, since it has options of its own.

    >>> merged({"train": {"epochs": 4, "pairs": 8}}, {"train": {"epochs": 6}})
    {'train': {'epochs': 6, 'pairs': 8}}
    >>> merged({"method": "fm_vit"}, {"method": {"options": {"every": 2}}})
    {'method': {'name': 'fm_vit', 'options': {'every': 2}}}
    """
    found: dict[str, Any] = {}
    for layer in layers:
        for key, given in layer.items():
            named = key in BARE and isinstance(given, str)
            value = {"name": given} if named else given
            there = found.get(key)
            if isinstance(there, Mapping) and isinstance(value, Mapping):
                renamed = value.get("name", there.get("name")) != there.get("name")
                value = value if renamed else merged(there, value)
            found[key] = value
    return found


def _check_tuning(tuning: Tuning, plan: Plan) -> None:
    for name in tuning.trials:
        if name not in plan.all_systems:
            raise BadInput(f"key 'tuning.trials': {name!r} is no system")
    counts = {name: len(tried) for name, tried in tuning.trials.items()}
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise BadInput(f"key 'tuning.trials': every system should have as many; there are {told}")
    if tuning.seed in plan.seeds:
        raise BadInput(f"key 'tuning.seed': {tuning.seed} is one of 'seeds'; take another")
