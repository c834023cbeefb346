"""What every photograph of the phantom must obey, whatever its tuning."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.phantom.appearance import Appearance
from monai_fundusgen.phantom.camera import Camera
from monai_fundusgen.phantom.photograph import axis_distance, render_photograph
from monai_fundusgen.phantom.tree import grow_retina
from monai_fundusgen.vessels.drawing import rasterise
from monai_fundusgen.vessels.eye import Crossings, Retina, VesselGraph

QUIET = Camera(noise=0.0, psf_um=8.0, veil=0.0)


def photograph(retina, size=512, *, seed=0, camera=QUIET, appearance=None):
    return render_photograph(retina, rasterise(retina, size), seed=seed, camera=camera, appearance=appearance)


def with_vessels(retina: Retina, *paths: tuple[int, float, list[tuple[float, float]]]) -> Retina:
    """The eye with its vessels replaced by drawn ones: (kind, radius um, points mm)."""
    xy, radius, kind, parent = [], [], [], []
    for which, radius_um, points in paths:
        for i, point in enumerate(points):
            parent.append(len(xy) - 1 if i else -1)
            xy.append(point)
            radius.append(radius_um)
            kind.append(which)
    count = len(xy)
    graph = VesselGraph(
        xy_mm=np.array(xy, float).reshape(-1, 2),
        radius_um=np.array(radius, float),
        kind=np.array(kind, np.uint8),
        parent=np.array(parent, np.int32),
        leaves=np.ones(count),
        quadrant=np.zeros(count, np.uint8),
    )
    empty = Crossings(
        np.zeros((0, 2)), np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0), np.zeros(0, np.uint8)
    )
    return replace(retina, graph=graph, crossings=empty)


@pytest.fixture(scope="module")
def retina():
    return grow_retina(5)


@pytest.fixture(scope="module")
def bare(retina):
    """The same eye without a vessel: the oracle of what vessels do."""
    return with_vessels(retina)


def test_the_same_generator_state_gives_the_same_bytes(retina):
    first, second, other = (photograph(retina, 256, seed=seed, camera=None) for seed in (3, 3, 4))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_it_is_black_outside_the_field_and_nowhere_inside(retina):
    image, fov = photograph(retina), retina.field.mask(512)
    assert not image[:, ~fov].any()
    assert (image[0, fov] > 20).all()


@pytest.mark.parametrize("kind", [ARTERY, VEIN])
def test_every_centre_line_is_darker_than_the_same_eye_without_vessels(retina, bare, kind):
    with_blood, without = photograph(retina, 1024)[1].astype(int), photograph(bare, 1024)[1].astype(int)
    graph = retina.graph
    nodes = (graph.kind == kind) & (graph.radius_um > 15) & (graph.parent >= 0)
    column, row = np.rint(retina.field.to_pixels(graph.xy_mm[nodes], 1024)).astype(int).T
    seen = (np.minimum(column, row) >= 0) & (np.maximum(column, row) < 1024)
    column, row = column[seen], row[seen]
    inside = retina.field.mask(1024)[row, column]
    darker = (without - with_blood)[row[inside], column[inside]]
    assert (darker >= 0).all()
    assert np.median(darker) >= 5
    assert (darker > 0).mean() > 0.98


@pytest.mark.parametrize("radius_um", [25.0, 45.0, 75.0])
def test_a_vein_is_darker_than_an_artery_of_its_calibre(retina, radius_um):
    plain = replace(retina, field=replace(retina.field, centre_mm=(0.0, 0.0)))
    lines = [(kind, radius_um, [(-3.0, y), (3.0, y)]) for kind, y in ((ARTERY, -3.0), (VEIN, 3.0))]
    with_blood = photograph(with_vessels(plain, *lines), 1024).astype(float)
    ratio = (with_blood + 1) / (photograph(with_vessels(plain), 1024).astype(float) + 1)
    pixel = plain.field.pixel_mm(1024)
    rows = [round(y / pixel + 511.5) for y in (-3.0, 3.0)]
    artery, vein = (ratio[:, row - 1 : row + 2, 400:600].mean((1, 2)) for row in rows)
    assert vein[0] < artery[0] < 1.03  # red: venous blood is the darker, arterial nearly clear
    assert vein[1] < artery[1] < 0.97


def test_contrast_grows_with_calibre(retina):
    density = []
    for radius_um in (15.0, 30.0, 60.0, 90.0):
        drawn = with_vessels(retina, (VEIN, radius_um, [(-3.0, 3.0), (3.0, 3.0)]))
        a, b = (photograph(eye, 1024)[1].astype(float) for eye in (drawn, with_vessels(retina)))
        row = round((3.0 - retina.field.centre_mm[1]) / retina.field.pixel_mm(1024) + 511.5)
        density.append(np.log((b + 1) / (a + 1))[row - 1 : row + 2, 400:600].mean())
    assert np.all(np.diff(density) > 0)
    assert density[3] - density[2] < density[1] - density[0]  # it saturates


def test_only_vessels_over_50_um_carry_a_light_reflex(retina):
    close = replace(retina, field=replace(retina.field, diameter_deg=10.0, centre_mm=(0.0, 3.0)))  # 3 um pixels
    sharp = replace(QUIET, psf_um=0.1)
    without = photograph(with_vessels(close), 1024, camera=sharp)[1].astype(float)

    def crest_over_flank(radius_um):
        drawn = with_vessels(close, (ARTERY, radius_um, [(-3.0, 3.0), (3.0, 3.0)]))
        a = photograph(drawn, 1024, camera=sharp)[1].astype(float)
        profile = np.log((without + 1) / (a + 1))[:, 400:600].mean(1)
        flank = 0.55 * radius_um / (close.field.pixel_mm(1024) * 1000)
        crest, side = np.interp([511.5, 511.5 - flank], np.arange(1024), profile)
        return crest / side

    assert crest_over_flank(75.0) < 0.8
    assert crest_over_flank(24.0) > 1.0


def test_looks_do_not_change_with_the_size_of_the_image(retina, bare):
    fov = retina.field.mask(512)
    large = photograph(retina, 1024).astype(float).reshape(3, 512, 2, 512, 2).mean((2, 4))
    small = photograph(retina, 512).astype(float)
    inner = fov & np.roll(fov, 3, 0) & np.roll(fov, -3, 0) & np.roll(fov, 3, 1) & np.roll(fov, -3, 1)
    assert 20 * np.log10(255 / np.sqrt(((large - small)[:, inner] ** 2).mean())) > 38
    contrast = []
    for size in (512, 1024):
        label = rasterise(retina, size, min_diameter_um=60, clamp=False).label.any(0)
        a, b = (photograph(eye, size)[1].astype(float) + 1 for eye in (retina, bare))
        contrast.append(np.log(b / a)[label].mean())
    assert contrast[0] == pytest.approx(contrast[1], rel=0.05)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_disc_is_brighter_than_its_surroundings(seed):
    eye = with_vessels(grow_retina(seed))
    image = photograph(eye, camera=None, seed=seed).astype(float)
    x, y = eye.field.grid_mm(512)
    r = np.hypot(x - eye.landmarks.disc_mm[0], y - eye.landmarks.disc_mm[1]) / eye.landmarks.disc_radius_mm
    fov = eye.field.mask(512)
    on, around = image[:, fov & (r < 0.8)].mean(1), image[:, fov & (r > 1.6) & (r < 2.5)].mean(1)
    assert on[0] > 1.05 * around[0]
    assert on[1] > 1.4 * around[1]
    macula = image[:, fov & (np.hypot(x, y) < 0.3)].mean(1)
    assert macula[1] < around[1]


def test_a_mirrored_eye_in_a_mirrored_camera_gives_the_mirrored_photograph(retina):
    marks, field, graph, crossings = retina.landmarks, retina.field, retina.graph, retina.crossings
    flip = np.array([-1.0, 1.0])
    mirrored = replace(
        retina,
        landmarks=replace(marks, disc_mm=(-marks.disc_mm[0], marks.disc_mm[1]), right_eye=not marks.right_eye),
        field=replace(field, centre_mm=(-field.centre_mm[0], field.centre_mm[1])),
        graph=replace(graph, xy_mm=graph.xy_mm * flip),
        crossings=replace(crossings, xy_mm=crossings.xy_mm * flip),
    )
    camera = replace(QUIET, illumination_centre_mm=(1.0, -0.5))
    other = replace(QUIET, illumination_centre_mm=(-1.0, -0.5))
    look = Appearance(crescent=0.8, rpe_melanin=0.2, foveal_reflex=0.5)
    a = photograph(retina, 256, camera=camera, appearance=look).astype(int)
    b = photograph(mirrored, 256, camera=other, appearance=look).astype(int)
    assert np.abs(a - b[:, :, ::-1]).max() <= 1


def test_pigments_do_what_their_names_say(bare):
    def median(**pigment):
        image = photograph(bare, 256, appearance=Appearance(**pigment))
        return np.median(image[:, bare.field.mask(256)], axis=1).astype(float)

    assert (median(rpe_melanin=0.9) < median(rpe_melanin=0.1)).all()
    less, more = median(choroidal_blood=0.1), median(choroidal_blood=0.9)
    assert more[0] / more[1] > less[0] / less[1]  # redder
    assert median(choroidal_melanin=0.9)[0] < median(choroidal_melanin=0.1)[0]


def test_haemoglobin_scales_the_contrast_of_vessels(retina, bare):
    label = rasterise(retina, 512, min_diameter_um=60, clamp=False).label.any(0)
    density = []
    for amount in (0.7, 1.0, 1.3):
        look = Appearance(haemoglobin=amount)
        a, b = (photograph(eye, appearance=look)[1].astype(float) + 1 for eye in (retina, bare))
        density.append(np.log(b / a)[label].mean())
    assert np.all(np.diff(density) > 0.02)


def test_axis_distance_inverts_the_chord_of_a_cylinder():
    axis = np.linspace(0, 1, 11, dtype=np.float32)
    chord = 100 * np.sqrt(1 - axis**2)
    np.testing.assert_allclose(axis_distance(np.float32(100), chord), axis, atol=1e-3)
