"""The finish of the cascade's photographs: a disc of the drawn size, vessels that show on it, the file of the tone."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage

from monai_fundusgen.dataset.identity import identity_of
from monai_fundusgen.networks.nets.cascade import PhotographCascade
from monai_fundusgen.sampling.finish import PhotographFinish, with_drawn_disc
from monai_fundusgen.sampling.painters import CascadePainter
from monai_fundusgen.sampling.plan import GenerationPlan
from monai_fundusgen.sampling.sources import open_map_source
from monai_fundusgen.sampling.vessel_tone_file import load_vessel_tone
from monai_fundusgen.transforms.vessel_tone import VesselTone
from monai_fundusgen.vessels.depth_profile import POSITIONS, WIDTHS_PX, DepthProfile
from monai_fundusgen.vessels.eye import PARTS

SIZE = 512


def flat_profile() -> DepthProfile:
    inside = np.where(POSITIONS <= 1, 0.3, 0.0)[None, :, None] * np.ones((2, len(WIDTHS_PX), len(POSITIONS), 3))
    spread = np.full((2, len(WIDTHS_PX), 3), 0.05)
    parts = inside, spread, np.eye(6) * 0.1, np.stack([np.eye(3)] * 2) * 0.1, np.full((2, 3), 0.1)
    return DepthProfile(*(np.asarray(part, np.float32) for part in parts))


@pytest.fixture(scope="module")
def finish() -> PhotographFinish:
    return PhotographFinish(VesselTone(flat_profile(), flat_profile()))


@pytest.fixture(scope="module")
def sample():
    (found,) = open_map_source("phantom", size=SIZE)(GenerationPlan(1, 3).samples()[:1])
    return found


def test_the_disc_is_brighter_than_its_surroundings_within_its_radius(finish, sample):
    painted = np.broadcast_to(np.array([200, 90, 40], np.uint8)[:, None, None], (3, SIZE, SIZE)) * sample.fov
    finished = finish(painted.astype(np.uint8), sample, 7).astype(float)
    marks, field = sample.eye.landmarks, sample.eye.field
    x_mm, y_mm = field.grid_mm(SIZE)
    away = np.hypot(x_mm - marks.disc_mm[0], y_mm - marks.disc_mm[1]) / marks.disc_radius_mm
    bare = sample.fov & ~sample.label.any(0)
    inner, outer = (np.median(finished[1][bare & where]) for where in (away < 0.8, (away > 1.5) & (away < 2.5)))
    assert inner > 1.3 * outer


def test_vessels_are_darker_than_what_they_lie_on_the_disc_too(finish, sample):
    painted = (np.full((3, SIZE, SIZE), 120) * sample.fov).astype(np.uint8)
    finished = finish(painted, sample, 7).astype(float)
    marks, field = sample.eye.landmarks, sample.eye.field
    x_mm, y_mm = field.grid_mm(SIZE)
    near = np.hypot(x_mm - marks.disc_mm[0], y_mm - marks.disc_mm[1]) < marks.disc_radius_mm
    vessel = sample.label.any(0)
    assert finished[1][near & vessel].mean() < 0.85 * finished[1][near & ~vessel & sample.fov].mean()


def test_blood_takes_blue_from_the_bright_disc_and_hardly_any_from_the_dark_ground(sample):
    """Else arteries on the disc are pink."""
    plain = flat_profile()
    shares = np.array([0.1, 1.0, 0.1], np.float32)  # of 0.3, as a ground that is nearly black in blue shows them
    tone = VesselTone(plain, replace(plain, median=plain.median * shares, spread=plain.spread * shares))
    painted = (np.array([140, 90, 60])[:, None, None] * sample.fov).astype(np.uint8)
    shown = PhotographFinish(tone)(painted, sample, 7).astype(float)
    bare = PhotographFinish(tone)(painted, replace(sample, label=np.zeros_like(sample.label)), 7).astype(float)
    depth = 1 - shown / np.maximum(bare, 1)
    marks, (x_mm, y_mm) = sample.eye.landmarks, sample.eye.field.grid_mm(SIZE)
    away = np.hypot(x_mm - marks.disc_mm[0], y_mm - marks.disc_mm[1]) / marks.disc_radius_mm
    for kind in sample.label & ~sample.label.all(axis=0):
        middle = ndimage.binary_erosion(kind)
        of_disc, of_ground = (
            np.median(depth[2][middle & where]) / np.median(depth[1][middle & where])
            for where in (away < 0.8, away > 2.5)
        )
        assert of_disc > 0.3 and of_ground < 0.25
    green = [
        np.median(depth[1][ndimage.binary_erosion(kind) & (away < 0.8)])
        / np.median(depth[1][ndimage.binary_erosion(kind) & (away > 2.5)])
        for kind in sample.label & ~sample.label.all(axis=0)
    ]
    assert green[0] > 1.1 > green[1]  # arteries lie in front, veins sink


def test_no_seam_beside_a_vessel_outshines_the_disc(finish, sample):
    plain = (np.full((3, SIZE, SIZE), 120) * sample.fov).astype(np.uint8)
    vessel = sample.label.any(0)
    margin = ndimage.binary_dilation(vessel, iterations=2) & ~vessel & sample.fov
    seamed = np.where(margin, np.uint8(250), plain)
    marks, field = sample.eye.landmarks, sample.eye.field
    x_mm, y_mm = field.grid_mm(SIZE)
    on_disc = np.hypot(x_mm - marks.disc_mm[0], y_mm - marks.disc_mm[1]) < marks.disc_radius_mm
    one, other = (finish(photograph, sample, 7).astype(int)[1] for photograph in (plain, seamed))
    assert (other - one)[margin & on_disc].max() <= 3  # the grain of the two differs, of 255
    assert (other - one)[margin & ~on_disc].max() > 30  # elsewhere the painter's brightness stays


def test_what_a_painter_scribbles_on_a_disc_tears_no_vessel_there(finish, sample):
    """Walls of vessels on the disc are those of the label, whatever was painted beside them."""
    marks, (x_mm, y_mm) = sample.eye.landmarks, sample.eye.field.grid_mm(SIZE)
    on_disc = np.hypot(x_mm - marks.disc_mm[0], y_mm - marks.disc_mm[1]) < marks.disc_radius_mm
    plain = (np.full((3, SIZE, SIZE), 120) * sample.fov).astype(np.uint8)
    noise = np.random.default_rng(0).integers(-60, 61, plain.shape)
    scribbled = np.where(on_disc & sample.fov, plain + noise, plain).astype(np.uint8)
    one, other = (finish(photograph, sample, 7).astype(int)[1] for photograph in (plain, scribbled))
    vessel = sample.label.any(0)
    wall = ndimage.binary_dilation(vessel, iterations=2) & ~vessel & on_disc
    assert (other - one)[wall].std() < 5
    assert (other - one)[on_disc & ~ndimage.binary_dilation(vessel, iterations=4)].std() < 2


def test_one_seed_gives_one_photograph_and_another_another(finish, sample):
    painted = (np.full((3, SIZE, SIZE), 120) * sample.fov).astype(np.uint8)
    one, again, other = (finish(painted, sample, seed) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert not one[:, ~sample.fov].any()


def test_a_phantom_keeps_its_disc_and_a_traced_eye_gets_one(sample):
    assert with_drawn_disc(sample.eye, 0) is sample.eye
    unknown = replace(sample.eye.landmarks, disc_radius_mm=float("nan"), cup_ratio=float("nan"))
    drawn = with_drawn_disc(replace(sample.eye, landmarks=unknown), 0).landmarks
    estimated = replace(sample.eye, landmarks=unknown, estimated=("disc", "fovea"))
    assert with_drawn_disc(estimated, 0).estimated == ("fovea",)  # where the disc is drawn it is known
    assert 0.75 <= drawn.disc_radius_mm <= 1.05 and 0.2 < drawn.cup_ratio < 0.7
    lost = replace(unknown, disc_mm=(float("nan"),) * 2, right_eye=None)
    assert with_drawn_disc(replace(sample.eye, landmarks=lost), 0).landmarks is lost


@pytest.fixture
def network() -> PhotographCascade:
    return PhotographCascade(torch.nn.Conv2d(5, 3, 1), torch.nn.Identity())


def write(path, network, **changed):
    plain = {
        "schema": "vessel-tone-3",
        "painter": identity_of(network=network)["network"]["weights"],
        "real": flat_profile().to_plain(),
        "painted": flat_profile().to_plain(),
        "gain": np.ones((2, len(WIDTHS_PX), 3)).tolist(),
        "reflex": {
            name: {"lost": [[0.2, 0.1, 0.3], [0.0, 0.1, 0.1]], "spread": [0.1, 0.0]} for name in ("real", "toned")
        },
    }
    path.write_text(json.dumps({**plain, **changed}))
    return path


def test_a_tone_is_read_for_the_painter_it_was_measured_on(tmp_path, network, caplog):
    path = write(tmp_path / "tone.json", network)
    assert isinstance(load_vessel_tone(path, network), VesselTone)
    assert load_vessel_tone(None, network) is None and load_vessel_tone(path, None) is None
    with torch.no_grad():
        network.generator.weight += 1
    assert load_vessel_tone(path, network) is None
    assert "measured on other weights" in caplog.text


def test_runs_with_another_tone_are_told_apart(network, finish):
    other = PhotographFinish(VesselTone(flat_profile(), flat_profile(), share=0.5))
    told = [identity_of(painter=CascadePainter(network, None, None, one)) for one in (finish, finish, other, None)]
    assert told[0] == told[1]
    assert told[0] != told[2] and told[0] != told[3]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"schema": "vessel-tone-2"}, "found schema 'vessel-tone-2'.* measure it again with configs/tone.yaml"),
        ({"real": {}}, "table median: found shape"),
        ({"painted": None}, "measure it again"),
        ({"gain": [1.0]}, "gain: found shape"),
        ({"gain": np.full((2, len(WIDTHS_PX), 3), 9.0).tolist()}, "numbers from 0.8 to 1.4"),
        ({"reflex": None}, "measure it again"),
        ({"reflex": {"real": None, "toned": None}}, "reflex: found NoneType"),
        (
            {"reflex": {"real": {"lost": [[0.95] * 3] * 2, "spread": [0.1, 0.1]}}},
            "reflex: lost: found .*0.94.* from -1 to 0.9",
        ),
        ({"reflex": {"real": {"lost": [[0.1] * 3] * 2, "spread": [0.1]}}}, "reflex: spread: found .* of shape"),
    ],
)
def test_a_file_that_is_no_tone_is_refused_by_name(tmp_path, network, changed, message):
    path = write(tmp_path / "tone.json", network, **changed)
    with pytest.raises(ValueError, match=message) as refusal:
        load_vessel_tone(path, network)
    assert "tone.json" in str(refusal.value)


def test_a_missing_or_broken_file_is_refused_by_name(tmp_path, network):
    with pytest.raises(FileNotFoundError, match=r"gone\.json: no such file"):
        load_vessel_tone(tmp_path / "gone.json", network)
    (tmp_path / "tone.json").write_text("{")
    with pytest.raises(ValueError, match=r"tone\.json: cannot be read"):
        load_vessel_tone(tmp_path / "tone.json", network)


def test_the_record_of_a_finished_sample_tells_the_disc_that_is_drawn(finish, network):
    from monai_fundusgen.sampling.step import GenerationStep

    class Traced:
        """A phantom whose disc counts as found, without a size."""

        def __call__(self, planned):
            (found,) = open_map_source("phantom", size=SIZE)(planned)
            marks = replace(found.eye.landmarks, disc_radius_mm=float("nan"), cup_ratio=float("nan"))
            return [replace(found, eye=replace(found.eye, landmarks=marks, estimated=PARTS))]

    painter = CascadePainter(network, lambda condition, network, **_: torch.zeros(1, 3, SIZE, SIZE), None, finish)
    step = GenerationStep(
        Traced(), replace(painter, network=PhotographCascade(torch.nn.Conv2d(5, 3, 1), torch.nn.Identity()))
    )
    (sample,) = step.samples(list(GenerationPlan(1, 3).samples()))
    assert sample.record["disc_radius_px"] > 20 and "disc" not in sample.record["estimated"]
    assert sample.eye.landmarks.disc_radius_mm == pytest.approx(
        sample.record["disc_radius_px"] * sample.eye.field.pixel_mm(SIZE), rel=1e-3
    )
    x_mm, y_mm = sample.eye.field.grid_mm(SIZE)
    away = np.hypot(x_mm - sample.eye.landmarks.disc_mm[0], y_mm - sample.eye.landmarks.disc_mm[1])
    away /= sample.eye.landmarks.disc_radius_mm
    bare, green = sample.fov & ~sample.label.any(0), sample.photograph[1].astype(float)
    disc, round_it = bare & (away < 0.8), bare & (away > 1.5) & (away < 2.5)
    assert np.median(green[disc]) > 1.15 * np.median(green[round_it])
