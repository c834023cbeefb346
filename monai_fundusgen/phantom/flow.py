"""The ground that vessels grow on: domain, raphe, and the direction that vessels prefer at every point.

Frame of the disc: ``u`` runs from the disc to the fovea, ``v`` to the superior side. Temporal vessels follow ellipses
with one apex at the disc and the other, the pole, temporal to the fovea: near the disc these are the parabolas
``u = a v**2`` of Foracchia 2004, past the fovea they close on the raphe, without a kink between. Nasal vessels run
radially.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from monai_fundusgen.phantom.anatomy import Constitution

#: Grown beyond the camera's circle by this factor, so that vessels do not end at its border.
DOMAIN_MARGIN = 1.12
#: Twigs start outside this many disc radii.
DISC_CLEARANCE = 1.1
#: Range (mm) over which the fovea draws vessels towards itself.
FOVEAL_PULL_MM = 2.2


class Frame(NamedTuple):
    """Geometry of one right eye for compiled code; mm.

    ``(disc_x, disc_y)`` disc centre, ``(t_x, t_y)`` unit vector from disc to fovea, ``dfd`` their distance, ``disc``
    radius of the disc, ``faz`` radius of the vessel-free zone, ``(centre_x, centre_y)`` and ``radius`` the grown
    circle, ``pole`` distance from the disc to the temporal apex of the arcades, ``arcade`` their height at the fovea.
    """

    disc_x: float
    disc_y: float
    t_x: float
    t_y: float
    dfd: float
    disc: float
    faz: float
    centre_x: float
    centre_y: float
    radius: float
    pole: float
    arcade: float


def frame_of(eye: Constitution, pole_mm: float) -> Frame:
    """Frame of a right eye; ``pole_mm`` is the distance from the fovea to the temporal apex of the arcades."""
    disc = np.asarray(eye.landmarks.disc_mm)
    dfd = float(np.hypot(*disc))
    centre = np.asarray(eye.field.centre_mm)
    reach = float(np.hypot(*(disc - centre))) + eye.landmarks.disc_radius_mm + 0.5
    return Frame(
        disc_x=float(disc[0]),
        disc_y=float(disc[1]),
        t_x=float(-disc[0] / dfd),
        t_y=float(-disc[1] / dfd),
        dfd=dfd,
        disc=eye.landmarks.disc_radius_mm,
        faz=eye.landmarks.faz_radius_mm,
        centre_x=float(centre[0]),
        centre_y=float(centre[1]),
        radius=max(DOMAIN_MARGIN * eye.field.radius_mm, reach),
        pole=dfd + pole_mm,
        arcade=eye.arcade_mm,
    )


@njit(cache=True)
def to_disc_frame(frame: Frame, x: float, y: float) -> tuple[float, float]:
    """(u, v) of a point (x, y) of the retina."""
    dx, dy = x - frame.disc_x, y - frame.disc_y
    return dx * frame.t_x + dy * frame.t_y, -dx * frame.t_y + dy * frame.t_x


@njit(cache=True)
def from_disc_frame(frame: Frame, u: float, v: float) -> tuple[float, float]:
    """(x, y) of a point (u, v) of the disc frame; without the disc's position, also of a direction."""
    return u * frame.t_x - v * frame.t_y, u * frame.t_y + v * frame.t_x


@njit(cache=True)
def in_inner_circle(frame: Frame, x: float, y: float, margin: float) -> bool:
    """Whether the point lies in the grown circle, at least ``margin`` mm from its border."""
    return (x - frame.centre_x) ** 2 + (y - frame.centre_y) ** 2 < (frame.radius - margin) ** 2


@njit(cache=True)
def in_circle(frame: Frame, x: float, y: float) -> bool:
    """Whether the point lies in the grown circle."""
    return in_inner_circle(frame, x, y, 0.0)


@njit(cache=True)
def in_domain(frame: Frame, x: float, y: float) -> bool:
    """Whether a twig may pass: in the grown circle, off the disc, outside the vessel-free zone and a margin of it."""
    off_disc = (x - frame.disc_x) ** 2 + (y - frame.disc_y) ** 2 > (DISC_CLEARANCE * frame.disc) ** 2
    return off_disc and x * x + y * y > (frame.faz + 0.05) ** 2 and in_circle(frame, x, y)


@njit(cache=True)
def crosses_raphe(frame: Frame, x0: float, y0: float, x1: float, y1: float) -> bool:
    """Whether the step would touch the half-line from the fovea to the temporal side (0.04 mm to spare)."""
    u0, v0 = to_disc_frame(frame, x0, y0)
    u1, v1 = to_disc_frame(frame, x1, y1)
    if max(u0, u1) <= frame.dfd:
        return False
    return v0 * v1 <= 0 or abs(v1) < 0.04


@njit(cache=True)
def temporal_ellipse(frame: Frame, u: float) -> tuple[float, float]:
    """``h(u) = u (1 - u / pole)`` and its slope: the arcade of height b at the fovea is ``v**2 = b**2 h / h(dfd)``."""
    u = min(max(u, 0.0), 0.97 * frame.pole)
    return u * (1 - u / frame.pole), 1 - 2 * u / frame.pole


@njit(cache=True)
def flow(frame: Frame, x: float, y: float) -> tuple[float, float]:
    """Preferred unit direction (away from the disc) of vessels at a point, before the fovea's pull."""
    u, v = to_disc_frame(frame, x, y)
    r = math.sqrt(u * u + v * v) + 1e-9
    du, dv = u / r, v / r
    if u > 0:
        h, slope = temporal_ellipse(frame, u)
        eu, ev = 2 * h, v * slope
        norm = math.sqrt(eu * eu + ev * ev) + 1e-9
        at_fovea, _ = temporal_ellipse(frame, frame.dfd)
        arcade = frame.arcade * math.sqrt(h / at_fovea) + 0.3
        outside = min(max((abs(v) / arcade - 1) / 0.8, 0.0), 1.0)
        du, dv = outside * du + (1 - outside) * eu / norm, outside * dv + (1 - outside) * ev / norm
    fx, fy = from_disc_frame(frame, du, dv)
    norm = math.sqrt(fx * fx + fy * fy) + 1e-9
    return fx / norm, fy / norm


@njit(cache=True)
def flow_to_fovea(frame: Frame, x: float, y: float) -> tuple[float, float]:
    """:func:`flow`, turned towards the fovea within some 2 mm of it: where twigs of the macula point."""
    fx, fy = flow(frame, x, y)
    r = math.sqrt(x * x + y * y) + 1e-9
    pull = math.exp(-((r / FOVEAL_PULL_MM) ** 2))
    fx, fy = (1 - pull) * fx - pull * x / r, (1 - pull) * fy - pull * y / r
    norm = math.sqrt(fx * fx + fy * fy) + 1e-9
    return fx / norm, fy / norm
