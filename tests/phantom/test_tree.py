"""Laws of a grown eye. Intersections are tested in exact integer arithmetic: coordinates are multiples of 1e-6 mm."""

import hashlib
import os
import subprocess
import sys
from dataclasses import fields

import numpy as np
import pytest
from scipy.spatial import cKDTree

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.phantom.anatomy import Anatomy
from monai_fundusgen.phantom.tree import grow_retina

VARIANTS = {
    "disc-centred": Anatomy(centring="disc"),
    "30 degrees": Anatomy(diameter_deg=30),
    "60 degrees, left": Anatomy(diameter_deg=60, centring="between", laterality="left"),
    "branches only": Anatomy(finest_level=1),
}


def side(a, b, c):
    """Twice the signed area of triangles a, b, c; exact for integers below 1e8."""
    return (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])


def meeting_edges(graph):
    """All pairs of edges without a common node that touch, by orientation of triangles."""
    xy = np.round(graph.xy_mm * 1e6).astype(np.int64)
    edges = np.flatnonzero(graph.parent >= 0)
    middle = (graph.xy_mm[edges] + graph.xy_mm[graph.parent[edges]]) / 2
    longest = np.hypot(*(graph.xy_mm[edges] - graph.xy_mm[graph.parent[edges]]).T).max()
    pairs = edges[cKDTree(middle).query_pairs(longest + 1e-6, output_type="ndarray")]
    i, j = pairs.T
    up_i, up_j = graph.parent[i], graph.parent[j]
    a, b, c, d = xy[up_i], xy[i], xy[up_j], xy[j]
    touch = (np.sign(side(a, b, c)) * np.sign(side(a, b, d)) <= 0) & (
        np.sign(side(c, d, a)) * np.sign(side(c, d, b)) <= 0
    )
    return pairs[touch & (up_i != j) & (up_j != i) & (up_i != up_j)]


def assert_lawful(retina):
    graph, marks, crossings = retina.graph, retina.landmarks, retina.crossings
    number = np.arange(len(graph.parent))
    edge = graph.parent >= 0
    up = graph.parent[edge]
    # a forest per kind, rooted on the disc, parents first, at most two children
    assert (up < number[edge]).all()
    assert (graph.kind[edge] == graph.kind[up]).all()
    assert np.bincount(up).max() == 2
    assert set(graph.kind[~edge]) == {ARTERY, VEIN}
    assert (np.hypot(*(graph.xy_mm[~edge] - marks.disc_mm).T) < marks.disc_radius_mm).all()
    # one kind never meets itself; artery and vein meet where it is listed
    meeting = meeting_edges(graph)
    assert (graph.kind[meeting[:, 0]] != graph.kind[meeting[:, 1]]).all()
    listed = set(zip(crossings.artery_edge.tolist(), crossings.vein_edge.tolist(), strict=True))
    assert {tuple(sorted(pair, key=lambda i: graph.kind[i])) for pair in meeting.tolist()} == listed
    assert (crossings.angle_deg >= 29.99).all() and (crossings.angle_deg <= 90.01).all()
    # the vessel-free zone and the raphe
    assert (np.hypot(*graph.xy_mm.T) - graph.radius_um / 1000 >= marks.faz_radius_mm).all()
    disc = np.asarray(marks.disc_mm)
    distance = np.hypot(*disc)
    t = -disc / distance
    u = (graph.xy_mm - disc) @ t
    v = (graph.xy_mm - disc) @ np.array([-t[1], t[0]])
    assert not ((np.maximum(u[edge], u[up]) > distance) & (v[edge] * v[up] <= 0)).any()
    # calibres
    assert (graph.radius_um[edge] <= graph.radius_um[up] + 1e-5).all()
    assert (graph.radius_um > 3).all() and (graph.radius_um < 110).all()


def arrays(retina):
    return {f"{part}.{f.name}": getattr(getattr(retina, part), f.name)
            for part in ("graph", "crossings") for f in fields(getattr(retina, part))}  # fmt: skip


def digest(retina):
    content = hashlib.sha256(repr((retina.seed, retina.landmarks, retina.field)).encode())
    for name, array in arrays(retina).items():
        content.update(name.encode() + np.ascontiguousarray(array).tobytes())
    return content.hexdigest()


def test_eyes_obey_the_laws(retinas):
    for retina in retinas:
        assert_lawful(retina)


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("seed", [0, 1])
def test_other_anatomies_obey_the_laws(name, seed):
    assert_lawful(grow_retina(seed, anatomy=VARIANTS[name]))


@pytest.mark.slow
def test_two_hundred_eyes_obey_the_laws():
    for seed in range(200):
        assert_lawful(grow_retina(seed))


@pytest.mark.slow
@pytest.mark.parametrize("name", VARIANTS)
def test_many_eyes_of_other_anatomies_obey_the_laws(name):
    for seed in range(2, 40):
        assert_lawful(grow_retina(seed, anatomy=VARIANTS[name]))


def test_every_quadrant_has_an_artery_and_a_vein_that_leave_the_disc(retinas):
    for retina in retinas:
        graph, marks = retina.graph, retina.landmarks
        away = np.hypot(*(graph.xy_mm - marks.disc_mm).T) > 1.5 * marks.disc_radius_mm
        found = set(zip(graph.kind[away].tolist(), graph.quadrant[away].tolist(), strict=True))
        assert found == {(kind, quadrant) for kind in (ARTERY, VEIN) for quadrant in range(4)}


def test_a_left_eye_is_the_mirror_image_of_the_right_eye_of_its_seed():
    for seed in (0, 5):
        right, left = (grow_retina(seed, anatomy=Anatomy(laterality=which)) for which in ("right", "left"))
        assert left.landmarks.disc_mm == (-right.landmarks.disc_mm[0], right.landmarks.disc_mm[1])
        assert left.field.centre_mm == (-right.field.centre_mm[0], right.field.centre_mm[1])
        for (name, mine), theirs in zip(arrays(left).items(), arrays(right).values(), strict=True):
            assert np.array_equal(mine, theirs * (-1, 1) if name.endswith("xy_mm") else theirs), name


def test_laterality_is_even_and_disc_side_follows_it(retinas):
    sides = [retina.landmarks.right_eye for retina in retinas]
    assert {True, False} == set(sides)
    assert all((retina.landmarks.disc_mm[0] > 0) == retina.landmarks.right_eye for retina in retinas)


def test_a_seed_gives_the_same_bytes_whatever_was_grown_before(retinas):
    assert digest(grow_retina(4)) == digest(retinas[4])
    assert digest(retinas[4]) != digest(retinas[5])


def test_a_seed_gives_the_same_bytes_in_another_process_with_other_threads(retinas, tmp_path):
    script = (
        "import sys, runpy; module = runpy.run_path(sys.argv[1]); "
        "print(module['digest'](module['grow_retina'](2)), module['digest'](module['grow_retina'](7)))"
    )
    threads = {"OMP_NUM_THREADS": "3", "OPENBLAS_NUM_THREADS": "3", "NUMBA_NUM_THREADS": "2", "PYTHONHASHSEED": "11"}
    run = subprocess.run(
        [sys.executable, "-c", script, __file__], env=os.environ | threads, capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == [digest(retinas[2]), digest(retinas[7])]


def test_radius_to_the_exponent_is_conserved_at_every_junction(retinas):
    for retina in retinas[:4]:
        graph = retina.graph
        for kind, exponent in ((ARTERY, 2.3), (VEIN, 2.1)):
            edges = np.flatnonzero((graph.parent >= 0) & (graph.kind == kind))
            below = np.zeros(len(graph.parent))
            np.add.at(below, graph.parent[edges], graph.radius_um[edges] ** exponent)
            at = np.flatnonzero(np.bincount(graph.parent[edges], minlength=len(graph.parent)) == 2)
            assert below[at] == pytest.approx(graph.radius_um[at] ** exponent, rel=1e-5)


def test_crossings_lie_on_both_of_their_edges(retinas):
    for retina in retinas[:4]:
        graph, crossings = retina.graph, retina.crossings
        for edges in (crossings.artery_edge, crossings.vein_edge):
            a, b = graph.xy_mm[graph.parent[edges]], graph.xy_mm[edges]
            detour = np.hypot(*(crossings.xy_mm - a).T) + np.hypot(*(crossings.xy_mm - b).T) - np.hypot(*(b - a).T)
            assert (np.abs(detour) < 1e-5).all()


def test_arteries_lie_in_front_at_seven_crossings_of_ten(retinas):
    front = np.concatenate([retina.crossings.front for retina in retinas])
    assert np.mean(front == ARTERY) == pytest.approx(0.70, abs=4 * np.sqrt(0.21 / len(front)))


def test_density_and_exponents_are_knobs():
    from dataclasses import replace

    from monai_fundusgen.phantom.anatomy import Normal
    from monai_fundusgen.phantom.morphometry import measure

    base = Anatomy()
    sparse, dense = (measure(grow_retina(1, anatomy=replace(base, density=Normal(d, 0)))) for d in (0.5, 1.5))
    assert sum(dense.length_mm) > 1.25 * sum(sparse.length_mm)
    bent = measure(grow_retina(1, anatomy=replace(base, artery_exponent=2.7)))
    assert bent.exponent[ARTERY] == pytest.approx(2.7, abs=0.01)
