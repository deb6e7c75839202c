"""Three ethnicities, prints on cloth, replays and masks, as in CASIA-SURF CeFA.

A video is named as there::

    1_120_3_2_2        race 1 African 2 Central Asian 3 East Asian, subject, acquisition, session
                       1 indoor 2 outdoor, PAI 1 bona fide 2 cloth 4 screen
    1_073_0_0_2_1_1    1 3D-printed or 2 silicone mask, subject, dressed, glasses, acquisition,
                       session, light 1 none

Every subject has two bona fide takes and two prints on cloth, indoors and outdoors, and a replay.
The real set has no bona fide presentation outdoors, so that sunlight tells an attack there; here it
does not. Masks have subjects of their own, all of them in test; the lamps of CeFA's mask videos are
not rendered, so that their light is called none. The subject's number tells the split: 0 to 199 are
train, 200 to 299 dev, 300 to 499 test.

Names: the authors' readme at https://github.com/liuajian/CASIA-FAS-Dataset.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from flexpad.data.protocols.cefa import CLOTH_PRINT, ETHNICITIES, MASKS, REPLAY
from flexpad.data.rendered import SUBJECT_PREFIX
from flexpad.synth.plan import Counts, Family, Subject, Take
from flexpad.synth.recording import frame_numbers
from flexpad.types import SPLITS

RACES = ("AF", "CA", "EA")
MASK_FOLDERS = ("3D-Mask", "Silicone-Mask")
MASK_SPECIES = ("rigid_mask", "silicone_mask")
FIRST = {"train": 0, "dev": 200, "test": 300}
# Mixtures of African, Asian and Caucasian. Peoples of Central Asia stem from both of the latter, in
# shares that differ from place to place (Martinez-Cruz et al., Eur. J. Hum. Genet. 19, 2011).
# The concentrations are rough.  # inferred
DESCENT = {
    "african": (20.0, 0.5, 0.5),
    "central_asian": (0.2, 6.0, 6.0),
    "east_asian": (0.5, 20.0, 0.5),
}
# Acquisition, session and PAI of a subject's takes, and what is shown in them.
TAKES = (
    ("1_1_1", "", ""),
    ("1_2_1", "", ""),
    ("3_1_2", "cloth_print_indoor", CLOTH_PRINT),
    ("3_2_2", "cloth_print_outdoor", CLOTH_PRINT),
    ("3_1_4", "replay_tablet", REPLAY),
)
SESSIONS = {"1": "indoor", "2": "outdoor"}
SIZES = {
    "small": Counts((60, 20, 30), bonafide_frames=3, attack_frames=3, masks=(24, 12)),
    "standard": Counts((80, 26, 40), bonafide_frames=3, attack_frames=3, masks=(30, 15)),
}


def subjects(counts: Counts) -> list[Subject]:
    """Everybody in a set, train first; of each ethnicity as many."""
    people = [
        _person(race, FIRST[split] + number, split, counts)
        for split, count in zip(SPLITS, counts.subjects, strict=True)
        for race in range(len(RACES))
        for number in range(count)
    ]
    masks = [
        _mask(kind, number, counts)
        for kind, count in enumerate(counts.masks)
        for number in range(count)
    ]
    return people + masks


def _person(race: int, number: int, split: str, counts: Counts) -> Subject:
    name = f"{SUBJECT_PREFIX}{RACES[race]}-{number:03d}"
    ethnicity = ETHNICITIES[race]
    takes = tuple(_takes(name, f"{race + 1}_{number:03d}", counts))
    return Subject(name, split, takes, DESCENT[ethnicity], ethnicity)


def _takes(subject: str, beginning: str, counts: Counts) -> Iterator[Take]:
    for ending, species, pai_species in TAKES:
        name, session = f"{beginning}_{ending}", ending[2]
        count = counts.attack_frames if species else counts.bonafide_frames
        yield Take(
            name=name,
            species=species,
            pai_species=pai_species,
            video_id=f"{subject}/{name}",
            frames=frame_numbers(count),
            outdoors=SESSIONS[session] == "outdoor",
            groups={"session": SESSIONS[session]},
        )


def _mask(kind: int, number: int, counts: Counts) -> Subject:
    subject = f"{SUBJECT_PREFIX}{MASK_FOLDERS[kind]}-{number:03d}"
    takes = []
    for acquisition, session in product("12", SESSIONS):
        name = f"{kind + 1}_{number:03d}_0_0_{acquisition}_{session}_1"
        take = Take(
            name=name,
            species=MASK_SPECIES[kind],
            pai_species=MASKS[kind],
            video_id=f"{subject}/{name}",
            frames=frame_numbers(counts.attack_frames),
            outdoors=SESSIONS[session] == "outdoor",
            groups={"session": SESSIONS[session], "light": "none", "dress": "no", "glasses": "no"},
        )
        takes.append(take)
    return Subject(subject, "test", tuple(takes), ethnicity="")


FAMILY = Family("cefa", "synth_cefa", SIZES, subjects)
