"""Seven kinds of attack, one of them in test alone, as in WMCA.

A recording is named as there, ``SYNT_W0001_01_000_0_00``: client, session, presenter ("000" where
the client does), type and instrument. Every client has two bona fide recordings and one of each
kind of attack; paper masks are in test alone, as in the real set's grandtest. Which print and which
device a client's attacks use goes around by the client's number, and so does who wears glasses, in
photos too. Pictures show what is around the face, as there.

Names: bob.pad.face 2.2.3; which of the numbers of a kind stands for which instrument is a choice
made here.  # inferred
"""

from __future__ import annotations

from collections.abc import Iterator

from flexpad.data.rendered import SUBJECT_PREFIX
from flexpad.synth.plan import Counts, Family, Subject, Take
from flexpad.types import SPLITS

# By what the real set calls them: species, type and instrument.
INSTRUMENTS: dict[str, tuple[tuple[str, str], ...]] = {
    "prints": (("flat_print", "3_01"), ("bent_print", "3_02")),
    "replay": (("replay_phone", "4_01"), ("replay_tablet", "4_02"), ("replay_laptop", "4_03")),
    "fakehead": (("mannequin_head", "2_01"),),
    "rigidmask": (("rigid_mask", "2_12"),),
    "flexiblemask": (("silicone_mask", "2_18"),),
    "glasses": (("funny_eye_glasses", "1_01"),),
    "papermask": (("paper_mask", "2_08"),),
}
TEST_ALONE = ("papermask",)
SELF, OTHER = "000", "001"  # who presents
NO_GLASSES, OWN_GLASSES = "0_00", "0_01"
WITH_GLASSES = 3  # one client in so many
BONAFIDE_SESSIONS = ("01", "02")
ATTACK_SESSION = "03"
FIRST = {"train": 1, "dev": 4001, "test": 5001}  # a client's number tells its split, in any size
SIZES = {
    "small": Counts((80, 30, 64), bonafide_frames=5, attack_frames=3),
    "standard": Counts((112, 42, 75), bonafide_frames=5, attack_frames=3),
}


def subjects(counts: Counts) -> list[Subject]:
    """Everybody in a set, train first."""
    return [
        _client(FIRST[split] + number, split, counts)
        for split, count in zip(SPLITS, counts.subjects, strict=True)
        for number in range(count)
    ]


def _client(number: int, split: str, counts: Counts) -> Subject:
    name = f"{SUBJECT_PREFIX}W{number:04d}"
    glasses = number % WITH_GLASSES == 0
    takes = (*_bonafide(name, glasses, counts), *_attacks(name, number, split, counts))
    return Subject(name, split, takes, glasses=glasses)


def _bonafide(client: str, glasses: bool, counts: Counts) -> Iterator[Take]:
    code = OWN_GLASSES if glasses else NO_GLASSES
    for session in BONAFIDE_SESSIONS:
        name = f"{client}_{session}_{SELF}_{code}"
        groups = _groups(session, SELF, code, "own" if glasses else "none")
        yield Take(name, "", "", name, tuple(range(counts.bonafide_frames)), groups=groups)


def _attacks(client: str, number: int, split: str, counts: Counts) -> Iterator[Take]:
    for kind, instruments in INSTRUMENTS.items():
        if kind in TEST_ALONE and split != "test":
            continue
        species, code = instruments[number % len(instruments)]
        name = f"{client}_{ATTACK_SESSION}_{OTHER}_{code}"
        frames = tuple(range(counts.attack_frames))
        groups = _groups(ATTACK_SESSION, OTHER, code, "")
        yield Take(name, species, kind, name, frames, groups=groups)


def _groups(session: str, presenter: str, instrument: str, glasses: str) -> dict[str, str]:
    return {
        "session": session,
        "presenter": presenter,
        "instrument": instrument,
        "glasses": glasses,
    }


FAMILY = Family("wmca", "synth_wmca", SIZES, subjects, background=True)
