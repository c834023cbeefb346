"""Growing an eye: one seed -> landmarks, two vessel forests and their crossings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.phantom.anatomy import Anatomy, Constitution, draw_constitution
from monai_fundusgen.phantom.arcades import draw_trunks
from monai_fundusgen.phantom.branching import MACULAR_STAGE, STAGES, colonise, in_macula, scatter_targets
from monai_fundusgen.phantom.calibre import radii_um
from monai_fundusgen.phantom.crossings import (
    CELL_MM,
    LONGEST_EDGES_MM,
    close_pairs,
    known_crossings,
    mark_smaller_subtrees,
    steep,
    subtree_ends,
)
from monai_fundusgen.phantom.flow import Frame, frame_of, in_inner_circle
from monai_fundusgen.phantom.forest import Forest, add_node, empty_forest
from monai_fundusgen.phantom.refine import (
    SHORTEST_TWIG_MM,
    Tree,
    heights,
    in_preorder,
    prune_twigs,
    select,
    smoothed,
    tree_of,
)
from monai_fundusgen.phantom.trunks import Trunk
from monai_fundusgen.streams import stream
from monai_fundusgen.vessels.eye import Crossings, Landmarks, Retina, VesselGraph
from monai_fundusgen.vessels.field import Field
from monai_fundusgen.vessels.intersections import crossing_geometry, edge_grid, intersecting_edges

CAPACITY = 16_000
NOISE_POOL = 20_000
#: A vessel goes on at least this far after a crossing, mm.
BEYOND_CROSSING_MM = 0.30


def constitution_of(seed: int, anatomy: Anatomy | None = None) -> Constitution:
    """What the eye of a seed is like before anything grows, in the frame of a right eye."""
    return draw_constitution(anatomy or Anatomy(), stream(seed, "anatomy"))


def grow_retina(seed: int, *, anatomy: Anatomy | None = None) -> Retina:
    """The eye of a seed.

    Args:
        seed: non-negative; the same seed gives the same bytes, whatever was grown before and on however many threads.
        anatomy: population to draw from; the default is an adult's eye, photographed at 45 degrees, macula-centred.

    Returns:
        The record of the eye, in which arteries meet arteries and veins veins at junctions only, an artery and a vein
        are close at listed crossings only, and no vessel enters the vessel-free zone or crosses the raphe.
    """
    anatomy = anatomy or Anatomy()
    eye, rng = constitution_of(seed, anatomy), stream(seed, "growth")
    frame = frame_of(eye, float(rng.uniform(5.2, 7.2)))
    forest = _grown_forest(frame, eye, anatomy.finest_level, rng)
    exponents = (anatomy.artery_exponent, anatomy.vein_exponent)
    tree = smoothed(in_preorder(prune_twigs(tree_of(forest))))
    tree, radius, leaves = _without_contacts(tree, frame, eye.root_um, exponents)
    graph = VesselGraph(tree.xy, radius, tree.kind, tree.parent, leaves, tree.quadrant)
    crossings = _listed_crossings(tree, anatomy.artery_in_front, stream(seed, "crossings"))
    retina = Retina(seed, eye.landmarks, eye.field, graph, crossings)
    return retina if eye.landmarks.right_eye else _mirrored(retina)


def _grown_forest(frame: Frame, eye: Constitution, finest_level: int, rng: np.random.Generator) -> Forest:
    """Trunks planted and colonised, stage by stage."""
    forest = empty_forest(frame, CAPACITY)
    _plant(forest, draw_trunks(frame, eye.tortuosity, rng))
    noise = np.round(rng.standard_normal(NOISE_POOL) * eye.tortuosity, 6)
    cursor = 0
    for number, stage in enumerate(STAGES):
        if stage.level > finest_level:
            break
        stage = stage._replace(spacing=stage.spacing / np.sqrt(eye.density))
        targets = scatter_targets(frame, stage.spacing, rng)
        if number == MACULAR_STAGE:
            targets.distance[~in_macula(targets.xy)] = -1
        cursor = colonise(forest, frame, stage, targets, noise, cursor)
    return forest


def _plant(forest: Forest, trunks: list[Trunk]) -> None:
    """Add the traced vessels to an empty forest."""
    planted: list[list[int]] = []
    for trunk in trunks:
        nodes: list[int] = []
        for step, (x, y) in enumerate(trunk.path_mm):
            if step == 0 and trunk.origin >= 0:
                nodes.append(planted[trunk.origin][trunk.origin_step])
                continue
            nodes.append(add_node(forest, x, y, nodes[-1] if nodes else -1, trunk.kind, trunk.level, trunk.quadrant))
        planted.append(nodes)


def _out_of_bounds(tree: Tree, frame: Frame, radius_um: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Edges that enter the vessel-free zone with their wall, or cross the raphe."""
    near_fovea = np.hypot(tree.xy[:, 0], tree.xy[:, 1]) - radius_um / 1000 < frame.faz
    dx, dy = tree.xy[:, 0] - frame.disc_x, tree.xy[:, 1] - frame.disc_y
    u, v = dx * frame.t_x + dy * frame.t_y, -dx * frame.t_y + dy * frame.t_x
    before = np.maximum(tree.parent, 0)
    beyond = np.maximum(u, u[before]) > frame.dfd
    return (tree.parent >= 0) & (near_fovea | (beyond & (v * v[before] <= 0)))


def _without_contacts(
    tree: Tree, frame: Frame, root_um: tuple[float, float], exponents: tuple[float, float]
) -> tuple[Tree, NDArray[np.float64], NDArray[np.float64]]:
    """Prune until no rule is broken; returns the tree with its radii (um) and leaf counts."""
    while True:
        tree = prune_twigs(tree, SHORTEST_TWIG_MM)
        radius, leaves = radii_um(tree, frame, root_um, exponents)
        dead = _broken_rules(tree, frame, radius, leaves)
        if not dead.any():
            return tree, radius, leaves
        tree = select(tree, ~dead)


def _broken_rules(
    tree: Tree, frame: Frame, radius_um: NDArray[np.float64], leaves: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Nodes to prune, whole subtrees: out of bounds, same-kind crossings, flat or final crossings, contacts."""
    xy, parent, kind = tree.xy, tree.parent, tree.kind
    last, grid = subtree_ends(parent), edge_grid(xy, CELL_MM)
    dead = np.zeros(len(parent), bool)
    for i in np.flatnonzero(_out_of_bounds(tree, frame, radius_um)):
        dead[i : last[i]] = True
    pairs = intersecting_edges(xy, parent, kind, grid, LONGEST_EDGES_MM)
    same_kind = kind[pairs[:, 0]] == kind[pairs[:, 1]]
    mark_smaller_subtrees(pairs[same_kind], leaves, last, dead)
    pairs = pairs[~same_kind]
    points, angle = crossing_geometry(xy, parent, pairs)
    good = steep(angle)
    mark_smaller_subtrees(pairs[~good], leaves, last, dead)
    below = heights(xy, parent)
    for edge in pairs.ravel():
        if below[edge] < BEYOND_CROSSING_MM and in_inner_circle(frame, xy[edge, 0], xy[edge, 1], BEYOND_CROSSING_MM):
            dead[edge : last[edge]] = True
    known = known_crossings(points[good], angle[good], pairs[good], radius_um)
    close = close_pairs(xy, parent, kind, radius_um, grid, known)
    mark_smaller_subtrees(close, leaves, last, dead)
    return dead


def _listed_crossings(tree: Tree, artery_in_front: float, rng: np.random.Generator) -> Crossings:
    """All artery-vein crossings, with the kind in front drawn for each."""
    grid = edge_grid(tree.xy, CELL_MM)
    pairs = intersecting_edges(tree.xy, tree.parent, tree.kind, grid, LONGEST_EDGES_MM)
    points, angle = crossing_geometry(tree.xy, tree.parent, pairs)
    front = np.where(rng.random(len(pairs)) < artery_in_front, ARTERY, VEIN).astype(np.uint8)
    return Crossings(np.round(points, 6), pairs[:, 0].copy(), pairs[:, 1].copy(), np.round(angle, 6), front)


def _mirrored(retina: Retina) -> Retina:
    """The mirror image in x: the other eye."""
    flip = np.array([-1.0, 1.0])
    marks: Landmarks = replace(retina.landmarks, disc_mm=(-retina.landmarks.disc_mm[0], retina.landmarks.disc_mm[1]))
    field: Field = replace(retina.field, centre_mm=(-retina.field.centre_mm[0], retina.field.centre_mm[1]))
    return replace(
        retina,
        landmarks=marks,
        field=field,
        graph=replace(retina.graph, xy_mm=retina.graph.xy_mm * flip),
        crossings=replace(retina.crossings, xy_mm=retina.crossings.xy_mm * flip),
    )
