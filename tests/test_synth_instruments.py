"""Every instrument has the geometry and the optics that give it away, and no life of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flexpad.synth import person as channels
from flexpad.synth.coat import PLASTIC, RESIN, SILICONE, Recipe, draw_coat
from flexpad.synth.cut import draw_holes, mesh_sheet
from flexpad.synth.head import head_model
from flexpad.synth.instruments import SPECIES, Presentation, draw_presentation
from flexpad.synth.lights import Illumination, draw_illumination
from flexpad.synth.mannequin import MannequinHead
from flexpad.synth.mask import RigidMask, SiliconeMask
from flexpad.synth.media import draw_cloth, draw_ink
from flexpad.synth.motion import Moment
from flexpad.synth.novelty_glasses import NoveltyGlasses
from flexpad.synth.paper_mask import PaperMask
from flexpad.synth.person import Person, draw_person
from flexpad.synth.photo import Shooting, find_shooting
from flexpad.synth.render import Seen, rotation
from flexpad.synth.replay import Replay
from flexpad.synth.screen import DEVICES, draw_screen
from flexpad.synth.sheet import PAPER_POINTS, SHADED, Print
from flexpad.synth.shell import face_shell, head_shell, shell_part
from flexpad.synth.stand import CUTS as STAND_CUTS
from flexpad.synth.stand import cut_off
from flexpad.synth.surface import Surface, drape_cloth, roll_paper, surface_normals
from flexpad.synth.view import EYE_ECHO, View, frame_face

SIZE = 56
CUTS = ("e", "en", "enm")
SCREENS = ("replay_phone", "replay_tablet", "replay_laptop")
FACING = Moment(0.0, rotation(0, 0, 0), np.array([0, 0, -0.5], np.float32), {})
TALKING = replace(FACING, actions={"jawOpen": 0.5, "mouthSmileLeft": 0.4, "mouthSmileRight": 0.4})
BLINKING = replace(FACING, actions={"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0})


@pytest.fixture(scope="module")
def person() -> Person:
    return draw_person(np.random.default_rng(21))


@pytest.fixture(scope="module")
def light() -> Illumination:
    return draw_illumination(np.random.default_rng(3))


@pytest.fixture(scope="module")
def drawn(person: Person) -> Callable[[str], Presentation]:
    """One instrument of every species, drawn when it is first asked for."""
    made: dict[str, Presentation] = {}

    def draw(species: str) -> Presentation:
        if species not in made:
            made[species] = draw_presentation(np.random.default_rng(8), species, person)
        return made[species]

    return draw


def see(shown: Presentation, light: Illumination, moment: Moment = FACING) -> View:
    """What reaches the cameras; the crop is that of the neutral face, so that views compare."""
    return shown.see(moment, light, rays_of(shown))


def rays_of(shown: Presentation) -> np.ndarray:
    return frame_face(shown.anchors(FACING), SIZE, 1.45, (0.0, 0.02)).rays()


def changed(one: View, other: View) -> np.ndarray:
    """Which samples look different, (H * H,)."""
    return np.abs(one.rgb - other.rgb).max(axis=1) > 1e-4


# Every species


@pytest.mark.parametrize("species", SPECIES)
def test_the_same_seed_gives_the_same_light(
    person: Person, light: Illumination, species: str
) -> None:
    one, two = (
        see(draw_presentation(np.random.default_rng(5), species, person), light) for _ in range(2)
    )
    for name in ("rgb", "nir", "depth", "face", "echo"):
        assert np.array_equal(getattr(one, name), getattr(two, name)), name


@pytest.mark.parametrize("species", SPECIES)
def test_light_is_finite_and_not_negative(
    drawn: Callable[[str], Presentation], light: Illumination, species: str
) -> None:
    view = see(drawn(species), light)
    for values in (view.rgb, view.nir, view.face, view.solid, view.echo):
        assert np.isfinite(values).all()
        assert values.min() >= 0
    covered = view.solid > 0
    assert 0.2 < np.isfinite(view.depth[covered]).mean() <= 1
    assert view.face.max() <= 1
    assert 0.15 < view.face.mean() < 0.95


@pytest.mark.parametrize("species", SPECIES)
def test_photo_and_hand_share_the_spread_of_poses(
    drawn: Callable[[str], Presentation], species: str
) -> None:
    shown = drawn(species)
    in_photo = shown.photo_share if isinstance(shown, Print) else 0.0
    if not isinstance(shown, Print | Replay):
        assert shown.pose_share == 1
    elif isinstance(shown, Print):
        assert shown.pose_share**2 + in_photo**2 == pytest.approx(1)


def test_only_outdoor_prints_are_bound_to_a_place(drawn: Callable[[str], Presentation]) -> None:
    assert {name for name in SPECIES if drawn(name).outdoors} == {"cloth_print_outdoor"}


def test_photos_do_not_depend_on_who_asked_before(person: Person) -> None:
    """Subjects are rendered in any order and in any process."""
    other = draw_person(np.random.default_rng(4))

    def ask(whose: Person, seed: int) -> np.ndarray:
        return find_shooting(np.random.default_rng(seed), whose).photo(0.0).pixels

    first = ask(person, 1)
    assert not np.array_equal(first, ask(other, 1))
    ask(person, 2)
    assert np.array_equal(first, ask(person, 1))


@pytest.mark.parametrize("species", ["flat_print", "bent_print", "cloth_print_indoor"])
def test_hands_hold_the_sheet_where_it_is(
    drawn: Callable[[str], Presentation], species: str
) -> None:
    """Every thumb ends in front of the sheet, within its own radius of it."""
    shown = drawn(species)
    assert isinstance(shown, Print)
    flat = mesh_sheet(shown.half, (60, 60), []).flat
    points = shown.surface.lift(flat, 0.0)
    for thumb in shown.hand.digits[:2]:
        nearest = int(np.linalg.norm(points - thumb.tip, axis=1).argmin())
        off = thumb.tip - points[nearest]
        assert np.linalg.norm(off) < thumb.radius + 0.004
        assert off @ surface_normals(shown.surface, flat[[nearest]], 0.0)[0] > 0.5 * thumb.radius


# Prints


@pytest.mark.parametrize("species", ["flat_print", "bent_print", "cloth_print_indoor"])
def test_a_print_neither_blinks_nor_talks(
    drawn: Callable[[str], Presentation], light: Illumination, species: str
) -> None:
    shown = drawn(species)
    for moment in (TALKING, BLINKING):
        assert not changed(see(shown, light), see(shown, light, moment)).any()


@pytest.mark.parametrize("parts", CUTS)
@pytest.mark.parametrize("bend", ["flat", "bent"])
def test_what_is_cut_out_is_alive(
    drawn: Callable[[str], Presentation], light: Illumination, parts: str, bend: str
) -> None:
    """Eyes blink in every cut; a mouth is seen to move where it is cut out."""
    shown = drawn(f"{bend}_cut_{parts}")
    still = see(shown, light)
    assert changed(still, see(shown, light, BLINKING)).any()
    talks = changed(still, see(shown, light, TALKING)).mean()
    low, high = {"e": (0.0, 0.008), "en": (0.0, 0.032), "enm": (0.020, 0.1)}[parts]
    assert low <= talks < high  # cheeks and nose move a little, too


def test_no_hole_shows_nothing_at_all(person: Person, light: Illumination) -> None:
    """Who looks past the head of whoever is behind a print sees clothes in the shade, far back."""
    aslant = replace(FACING, turn=rotation(0.55, 0.0, 0.0))
    past = 0
    for seed in range(4):
        shown = draw_presentation(np.random.default_rng(seed), "flat_cut_enm", person)
        assert isinstance(shown, Print)
        assert shown.peeper is not None
        rays = frame_face(shown.anchors(aslant), SIZE, 1.45, (0.0, 0.02)).rays()
        view = shown.see(aslant, light, rays)
        hole = view.face == 1
        assert (view.solid[hole] == 1).all()
        assert np.isfinite(view.depth[hole]).all()
        cloth = SHADED * shown.peeper.person.clothes.cloth[:3] * (light.sky + light.ground)
        past += int((np.abs(view.rgb[hole] - cloth).max(axis=1) < 1e-6).sum())
    assert past > 0


@pytest.mark.parametrize("parts", CUTS)
@pytest.mark.parametrize("bend", ["flat", "bent"])
def test_depth_sees_through_holes_and_a_nose_that_sticks_out(
    person: Person, light: Illumination, parts: str, bend: str
) -> None:
    nearest = []
    for seed in (8, 9, 10):
        rng = np.random.default_rng(seed)
        shown = draw_presentation(rng, f"{bend}_cut_{parts}", person)
        assert isinstance(shown, Print)
        whole = replace(shown, mesh=mesh_sheet(shown.half, PAPER_POINTS, []), holes=(), peeper=None)
        rays = rays_of(shown)
        paper, view = whole.see(FACING, light, rays), shown.see(FACING, light, rays)
        both = np.isfinite(paper.depth) & np.isfinite(view.depth)
        behind = view.depth[both] - paper.depth[both]
        assert 0.004 < np.quantile(behind[behind > 0.003], 0.9) < 0.060
        assert 0.01 < (behind > 0.003).mean() < 0.2
        nearest.append(behind.min())
    if "n" in parts:
        assert min(nearest) < -0.002
    else:
        assert min(nearest) > -0.003  # nothing pokes through, rims curl


def test_more_is_cut_out_from_species_to_species(person: Person) -> None:
    photo = Shooting(np.random.default_rng(2), person, 0.0).photo(0.0)
    areas = []
    for parts in CUTS:
        holes = draw_holes(np.random.default_rng(1), photo, parts)
        half = (photo.size / 2, photo.size / 2)
        mesh = mesh_sheet(half, PAPER_POINTS, holes)
        a, b, c = (mesh.flat[mesh.triangles[:, corner]].astype(np.float64) for corner in range(3))
        (x, y), (u, v) = (b - a).T, (c - a).T
        paper = np.abs(x * v - y * u).sum() / 2
        cut = sum(polygon_area(hole.contour) for hole in holes)
        assert paper + cut == pytest.approx(photo.size**2, rel=0.003)
        assert len(mesh.rim) == sum(len(hole.contour) for hole in holes)
        assert (np.bincount(mesh.rim.reshape(-1))[np.unique(mesh.rim)] == 2).all()
        areas.append(cut)
    assert areas == sorted(areas)


def polygon_area(points: np.ndarray) -> float:
    x, y = points.astype(np.float64).T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), bent=st.booleans())
def test_paper_keeps_its_lengths(seed: int, bent: bool) -> None:
    """Rolling is developable: a line on the sheet is nearly as long as before."""
    surface = roll_paper(np.random.default_rng(seed), bent)
    steps = np.linspace(-0.09, 0.09, 200, dtype=np.float32)
    line = np.stack([steps, np.zeros_like(steps)], axis=1)
    lifted = surface.lift(line, 0.0).astype(np.float64)
    length = np.sqrt((np.diff(lifted, axis=0) ** 2).sum(axis=1)).sum()
    assert length == pytest.approx(0.18, rel=0.02)


@pytest.mark.parametrize("make", [lambda rng: roll_paper(rng, True), lambda rng: drape(rng, True)])
def test_normals_stand_on_the_surface(make: Callable[[np.random.Generator], Surface]) -> None:
    rng = np.random.default_rng(4)
    surface = make(rng)
    flat = rng.uniform(-0.08, 0.08, (60, 2)).astype(np.float32)
    normals = surface_normals(surface, flat, 0.3)
    for axis in np.eye(2, dtype=np.float32) * np.float32(0.0008):
        along = surface.lift(flat + axis, 0.3) - surface.lift(flat - axis, 0.3)
        along /= np.linalg.norm(along, axis=1, keepdims=True)
        assert np.abs((along * normals).sum(axis=1)).max() < 0.25
        assert np.abs((along * normals).sum(axis=1)).mean() < 0.06
    assert (normals[:, 2] > 0).all()


def drape(rng: np.random.Generator, windy: bool) -> Surface:
    return drape_cloth(rng, (0.14, 0.16), windy)


def test_cloth_moves_in_the_wind_but_not_where_it_is_held() -> None:
    corners = np.array([[-0.14, 0.16], [0.14, 0.16]], np.float32)
    inside = np.random.default_rng(0).uniform(-0.07, 0.0, (80, 2)).astype(np.float32)
    moves = {}
    for windy in (True, False):
        surface = drape(np.random.default_rng(7), windy)
        frames = [surface.lift(inside, seconds) for seconds in np.arange(0, 3, 0.2)]
        moves[windy] = float(np.ptp(np.stack(frames)[..., 2], axis=0).mean())
        held = [surface.lift(corners, seconds) for seconds in (0.0, 0.5, 1.1)]
        assert np.allclose(held[0], held[1])
        assert np.allclose(held[0], held[2])
    assert moves[True] > 0.003 > moves[False]


def test_dyes_vanish_in_infrared_and_carbon_does_not() -> None:
    rng = np.random.default_rng(0)
    black, white = np.zeros((50, 3), np.float32), np.ones((50, 3), np.float32)
    place = rng.uniform(0, 0.1, (50, 3)).astype(np.float32)

    def ratios(medium: object) -> tuple[float, float]:
        dark, bright = (medium.material(picture, place)[0] for picture in (black, white))  # type: ignore[attr-defined]
        return float(dark.rgb.mean() / bright.rgb.mean()), float(
            dark.nir.mean() / bright.nir.mean()
        )

    for medium in (replace(draw_cloth(rng), left=0.0), replace(draw_ink(rng), carbon=0.0)):
        visible, infrared = ratios(medium)
        assert visible < 0.1
        assert infrared == pytest.approx(1, abs=0.01)
    assert ratios(replace(draw_ink(rng), carbon=1.0))[1] < 0.2


def test_light_from_behind_shines_through_cloth(
    drawn: Callable[[str], Presentation], light: Illumination
) -> None:
    shown = drawn("cloth_print_outdoor")
    assert isinstance(shown, Print)
    backlit = replace(light, key=np.array([0, 0, -1], np.float32))
    opaque = replace(shown, medium=replace(shown.medium, through=0.0))  # type: ignore[type-var]
    more = see(shown, backlit).rgb - see(opaque, backlit).rgb
    assert more.min() >= 0
    assert np.median(more[see(shown, backlit).face > 0.5]) > 0.005


# Screens


@pytest.mark.parametrize("species", SCREENS)
def test_a_screen_is_dark_in_infrared_and_glows_in_the_dark(
    drawn: Callable[[str], Presentation], person: Person, light: Illumination, species: str
) -> None:
    nothing = np.zeros(3, np.float32)
    night = replace(
        light,
        key_colour=nothing, fill_colour=nothing, sky=nothing, ground=nothing,
        infrared_key=0.0, infrared_sky=0.0,
    )  # fmt: skip
    screen = see(drawn(species), night)
    face = see(draw_presentation(np.random.default_rng(1), "", person), night)
    assert np.median(screen.nir[screen.face > 0.5]) < 0.4 * np.median(face.nir[face.face > 0.5])
    assert np.median(screen.rgb[screen.face > 0.5]) > 0.05
    assert face.rgb.max() < 0.01


def test_devices_have_their_sizes_and_show_faces_no_larger() -> None:
    person = draw_person(np.random.default_rng(3))
    for kind, (low, high) in {
        "phone": (0.06, 0.09), "tablet": (0.14, 0.26), "laptop": (0.26, 0.37)
    }.items():  # fmt: skip
        for seed in range(6):
            screen = draw_screen(np.random.default_rng(seed), DEVICES[kind])
            assert low < 2 * screen.half[0] < high
        shown = draw_presentation(np.random.default_rng(2), f"replay_{kind}", person)
        assert isinstance(shown, Replay)
        points = shown.anchors(FACING)
        assert np.ptp(points[:, 0]) < 2 * shown.screen.half[0]
        assert np.ptp(points[:, 1]) < 2 * shown.screen.half[1]


def test_depth_misses_where_a_screen_mirrors_the_projector(light: Illumination) -> None:
    shiny = replace(draw_screen(np.random.default_rng(1), DEVICES["tablet"]), polish=5000.0)
    seen = panel(400, 0.5)
    _, echo = shiny.material(np.full((len(seen.ray), 3), 0.5, np.float32), seen, light, 0.0)
    off = np.hypot(*(seen.position[:, :2] - light.flash_position[:2] / 2).T)
    assert echo[off < 0.006].max() < 0.2 * np.median(echo[off > 0.06])


@pytest.mark.parametrize("fringes", [2.0, 5.0, 9.0])
def test_moire_has_as_many_fringes_as_the_grids_differ(fringes: float) -> None:
    """Camera and screen grids that differ by some cycles across the panel beat that often."""
    distance, width = 0.5, 0.12
    camera = 475.0 / distance  # its pixels per metre of panel
    for order in (3, 6):
        pitch = 1 / (order * camera + fringes / width)
        screen = draw_screen(np.random.default_rng(0), DEVICES["laptop"])
        screen = replace(screen, pitch=pitch, focal=475.0, grid=1.0)
        seen = panel(512, distance, width)
        wave = screen._beat(seen)[:, 1]
        spectrum = np.abs(np.fft.rfft(wave - wave.mean()))
        assert int(spectrum.argmax()) == round(fringes)
        assert wave.std() > 0.005


def panel(count: int, distance: float, width: float = 0.14) -> Seen:
    """Points along the middle line of a front that faces the camera."""
    x = (np.arange(count) + 0.5) / count * width - width / 2
    zero = np.zeros(count)
    position = np.stack([x, zero, np.full(count, -distance)], axis=1).astype(np.float32)
    normal = np.tile(np.array([0, 0, 1], np.float32), (count, 1))
    paint = np.stack([x, zero, zero, np.ones(count)], axis=1).astype(np.float32)
    return Seen(np.arange(count), position, normal, paint, np.zeros(count, np.uint8))


# Masks, heads and glasses


def test_a_rigid_mask_keeps_its_face_and_shows_live_eyes(
    drawn: Callable[[str], Presentation], light: Illumination
) -> None:
    shown = drawn("rigid_mask")
    assert isinstance(shown, RigidMask)
    still = see(shown, light)
    assert not changed(still, see(shown, light, TALKING)).any()
    blink = changed(still, see(shown, light, BLINKING))
    assert 0 < blink.mean() < 0.06


def test_silicone_follows_the_face_damped(drawn: Callable[[str], Presentation]) -> None:
    mask = drawn("silicone_mask")
    assert isinstance(mask, SiliconeMask)
    model = head_model()
    skin = model.vertex_region == 0
    moved = mask.outer(TALKING)[skin] - mask.outer(FACING)[skin]
    alive = model.express(mask.wearer.shape, TALKING.actions)[skin] - mask.wearer.shape[skin]
    far = np.linalg.norm(alive, axis=1) > 0.004
    share = np.linalg.norm(moved[far], axis=1) / np.linalg.norm(alive[far], axis=1)
    assert 0.2 < np.median(share) < 0.9
    assert np.array_equal(mask.outer(BLINKING), mask.outer(FACING))


def test_a_neck_goes_on_under_the_hem_of_a_mask() -> None:
    """However rubber is stretched, there is skin behind its lower border."""
    place, shell = head_model().mean, head_shell()
    border = np.unique(shell.rim)
    hem = border[place[border, 1] < -0.09]
    assert len(hem) > 20
    neighbours = np.unique(shell.triangles[np.isin(shell.triangles, hem).any(axis=1)])
    assert not shell.covered[neighbours].any()


def test_silicone_has_live_eyes_and_a_mouth_behind_its_lips(
    drawn: Callable[[str], Presentation], light: Illumination
) -> None:
    mask = drawn("silicone_mask")
    still = see(mask, light)
    assert changed(still, see(mask, light, BLINKING)).any()
    assert changed(still, see(mask, light, TALKING)).mean() > 0.02


@pytest.mark.parametrize("species", ["rigid_mask", "silicone_mask"])
def test_a_worn_shell_has_a_rim_as_thick_as_it_is(
    drawn: Callable[[str], Presentation], species: str
) -> None:
    mask = drawn(species)
    assert isinstance(mask, RigidMask | SiliconeMask)
    shell = face_shell if species == "rigid_mask" else head_shell
    outer = mask.outer if isinstance(mask, RigidMask) else mask.outer(FACING)
    part = shell_part(shell, outer, mask.thickness, mask.coat.paint, FACING)
    count = len(outer)
    rim = np.unique(shell().rim)
    gap = np.linalg.norm(part.vertices[rim] - part.vertices[rim + count], axis=1)
    assert np.allclose(gap, mask.thickness, rtol=0.02)
    assert 0.001 < mask.thickness < 0.005


def test_a_paper_mask_is_flat_between_its_folds(
    drawn: Callable[[str], Presentation], light: Illumination
) -> None:
    mask = drawn("paper_mask")
    assert isinstance(mask, PaperMask)
    part = mask._part(FACING)
    normals = part.attributes[:, :3].reshape(-1, 3, 3)
    assert np.array_equal(normals[:, 0], normals[:, 1])
    assert np.array_equal(normals[:, 0], normals[:, 2])
    assert 30 < len(mask.facets) < 160  # a face of paper, not a mesh of a face
    assert (normals[:, 0, 2] > 0).mean() > 0.8
    still = see(mask, light)
    assert not changed(still, see(mask, light, TALKING)).any()
    assert 0 < changed(still, see(mask, light, BLINKING)).mean() < 0.06


def test_a_mannequin_does_nothing(
    drawn: Callable[[str], Presentation], light: Illumination
) -> None:
    head = drawn("mannequin_head")
    assert isinstance(head, MannequinHead)
    still = see(head, light)
    for moment in (TALKING, BLINKING):
        assert not changed(still, see(head, light, moment)).any()
    painted, glass = (replace(head, glass=kind) for kind in (False, True))
    assert (see(glass, light).echo == np.float32(EYE_ECHO)).any()
    assert not (see(painted, light).echo == np.float32(EYE_ECHO)).any()


@pytest.mark.parametrize("height", STAND_CUTS)
def test_a_mannequin_is_cut_off_flat(person: Person, height: float) -> None:
    flat, gone, border = cut_off(person.shape, height)
    triangles = head_model().triangles
    left = triangles[~gone[triangles].all(axis=1)]
    lowest = flat[np.unique(left)][gone[np.unique(left)]]
    assert len(lowest) > 20
    assert np.ptp(lowest[:, 1]) < 1e-5
    assert np.ptp(border[:, 1]) < 1e-5
    assert np.array_equal(flat[~gone], person.shape[~gone])


def test_a_mannequin_rests_on_its_stand(
    drawn: Callable[[str], Presentation], light: Illumination
) -> None:
    head = drawn("mannequin_head")
    assert isinstance(head, MannequinHead)
    stand = head.sculpture.clothes
    rays = frame_face(head.anchors(FACING), SIZE, 2.6, (0.0, 0.0)).rays()
    view = head.see(FACING, light, rays)
    covered = view.solid.reshape(SIZE, SIZE) == 1
    assert covered[:, SIZE // 2][SIZE // 2 :].all()  # down to the lower border of the picture
    assert not view.face.reshape(SIZE, SIZE)[-1].any()
    assert stand.vertices[:, 1].max() <= head.sculpture.shape[~stand.covered, 1].min() + 0.02


def test_glasses_cover_the_eyes_of_a_live_face(
    drawn: Callable[[str], Presentation], light: Illumination
) -> None:
    worn = drawn("funny_eye_glasses")
    assert isinstance(worn, NoveltyGlasses)
    bare = draw_presentation(np.random.default_rng(0), "", worn.person)
    rays = rays_of(bare)
    face, view = bare.see(FACING, light, rays), worn.see(FACING, light, rays)
    both = np.isfinite(face.depth) & np.isfinite(view.depth)
    nearer = face.depth[both] - view.depth[both]
    plates = nearer > 0.003
    assert 0.02 < plates.mean() < 0.30
    assert nearer.max() < 0.06
    assert np.abs(nearer[~plates]).max() < 0.004
    assert changed(view, worn.see(TALKING, light, rays)).mean() > 0.02
    blinks = [
        changed(shown.see(FACING, light, rays), shown.see(BLINKING, light, rays)).mean()
        for shown in (worn, bare)
    ]
    assert blinks[0] < 0.35 * blinks[1]  # the plates hide most of it


@pytest.mark.parametrize("recipe", [RESIN, SILICONE, PLASTIC])
def test_no_grey_level_in_infrared_tells_a_coat_from_skin(person: Person, recipe: Recipe) -> None:
    """Some coats are as bright as skin, others are not, and none is even."""
    skin = float(np.median(person.paint[:, channels.NIR]))
    rng = np.random.default_rng(5)
    coats = [draw_coat(rng, person, recipe).paint[:, 6] for _ in range(50)]
    levels = np.array([np.median(coat) / skin for coat in coats])
    near = np.abs(levels - 1) < 0.25
    assert 0.3 < near.mean() < 0.9
    assert min(coat.std() / coat.mean() for coat in coats) > 0.003
