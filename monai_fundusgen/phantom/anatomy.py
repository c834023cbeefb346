"""What varies from eye to eye: distributions of landmarks, calibres and growth, and one draw from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from monai_fundusgen.vessels.eye import Landmarks
from monai_fundusgen.vessels.field import Field

LATERALITIES: Final = ("either", "right", "left")
CENTRINGS: Final = ("macula", "disc", "between")


@dataclass(frozen=True)
class Normal:
    """Normal distribution, clipped to ``[low, high]``."""

    mean: float
    std: float
    low: float = -np.inf
    high: float = np.inf

    def draw(self, rng: np.random.Generator) -> float:
        """One value."""
        return float(np.clip(self.mean + self.std * rng.standard_normal(), self.low, self.high))


@dataclass(frozen=True)
class Anatomy:
    """Population that an eye is drawn from; lengths in mm, calibres in um, angles in degrees.

    Attributes:
        laterality: ``either`` (even odds), ``right`` or ``left``; the rest of the eye does not depend on it.
        diameter_deg: visual angle of the camera.
        centring: what the camera aims at: ``macula``, ``disc``, or the point ``between``.
        aim_mm: standard deviation of the camera's aim, per axis.
        cut: visible half height over the field's radius, in (0, 1].
        disc_fovea_mm: distance from disc centre to fovea (Beijing Eye Study, PMC4577126).
        disc_diameters_to_fovea: the same distance in disc diameters (same source).
        disc_fovea_deg: angle of the fovea below the disc (JKOS 2005; IOVS 2163282).
        cup_ratio: cup over disc radius.
        faz_radius_mm: vessel-free zone of the fovea.
        arcade_mm: height of the temporal arcades over the fovea, without their spread over quadrants and kinds.
        vein_root_um: radius of the temporal veins on the disc.
        artery_to_vein: radius of the temporal arteries over that of the veins; sets the arteriole-to-venule ratio.
        artery_exponent, vein_exponent: junction exponent k of ``r0**k = r1**k + r2**k``, fixed for the whole tree;
            between the values of Luo 2017 (PMC6024667): 2.59 in arteries, 1.95 in veins.
        density: of terminal vessels; multiplies the spacing of growth targets by ``1 / sqrt(density)``.
        tortuosity: scale of the undulation of trunks and of the wander of twigs.
        artery_in_front: share of crossings with the artery in front (Am J Ophthalmol 1990;109:298).
        finest_level: last stage of growth, 1 (branches) to 3 (twigs).
    """

    laterality: str = "either"
    diameter_deg: float = 45.0
    centring: str = "macula"
    aim_mm: float = 0.15
    cut: float = 1.0
    disc_fovea_mm: Normal = field(default=Normal(4.76, 0.34, 3.76, 6.0))
    disc_diameters_to_fovea: Normal = field(default=Normal(2.65, 0.20, 2.25, 3.1))
    disc_fovea_deg: Normal = field(default=Normal(6.0, 3.0, -2.0, 14.0))
    cup_ratio: Normal = field(default=Normal(0.40, 0.07, 0.25, 0.60))
    faz_radius_mm: Normal = field(default=Normal(0.45, 0.05, 0.33, 0.57))
    arcade_mm: Normal = field(default=Normal(3.3, 0.35, 2.6, 4.1))
    vein_root_um: Normal = field(default=Normal(79.0, 7.0, 62.0, 97.0))
    artery_to_vein: Normal = field(default=Normal(0.82, 0.03, 0.74, 0.90))
    artery_exponent: float = 2.3
    vein_exponent: float = 2.1
    density: Normal = field(default=Normal(1.0, 0.35, 0.5, 1.8))
    tortuosity: Normal = field(default=Normal(1.0, 0.25, 0.5, 1.8))
    artery_in_front: float = 0.70
    finest_level: int = 3

    def __post_init__(self) -> None:
        for name, value, allowed in (
            ("laterality", self.laterality, LATERALITIES),
            ("centring", self.centring, CENTRINGS),
            ("finest_level", self.finest_level, (1, 2, 3)),
        ):
            if value not in allowed:
                raise ValueError(f"Anatomy: {name} is {value!r}; choose one of {allowed}")
        if not (0 < self.cut <= 1 and 10 <= self.diameter_deg <= 60):
            raise ValueError(
                f"Anatomy: cut {self.cut} must lie in (0, 1] and diameter_deg {self.diameter_deg} in [10, 60]: "
                f"wider fields need a spherical projection"
            )


@dataclass(frozen=True)
class Constitution:
    """One draw from an :class:`Anatomy`, in the frame of a right eye.

    Attributes:
        landmarks: disc, fovea and laterality; positions are those of the right eye.
        field: camera field, of the right eye.
        arcade_mm: height of the arcades over the fovea.
        root_um: radius of the temporal trunks, artery and vein.
        density: of terminal vessels, as in :class:`Anatomy`.
        tortuosity: 1 is the average eye.
    """

    landmarks: Landmarks
    field: Field
    arcade_mm: float
    root_um: tuple[float, float]
    density: float
    tortuosity: float


def draw_constitution(anatomy: Anatomy, rng: np.random.Generator) -> Constitution:
    """One eye's landmarks and tempers; always the same number of draws, whatever the options."""
    left = bool(rng.random() < 0.5)
    right_eye = anatomy.laterality == "right" or (anatomy.laterality == "either" and not left)
    distance = anatomy.disc_fovea_mm.draw(rng)
    angle = np.deg2rad(anatomy.disc_fovea_deg.draw(rng))
    disc = (float(np.round(distance * np.cos(angle), 6)), float(np.round(-distance * np.sin(angle), 6)))
    landmarks = Landmarks(
        disc_mm=disc,
        disc_radius_mm=distance / anatomy.disc_diameters_to_fovea.draw(rng) / 2,
        cup_ratio=anatomy.cup_ratio.draw(rng),
        faz_radius_mm=anatomy.faz_radius_mm.draw(rng),
        right_eye=right_eye,
    )
    share = {"macula": 0.0, "between": 0.5, "disc": 1.0}[anatomy.centring]
    aim = np.round(np.clip(rng.standard_normal(2), -2.5, 2.5) * anatomy.aim_mm, 6)
    centre = (share * disc[0] + float(aim[0]), share * disc[1] + float(aim[1]))
    arcade, vein_root = anatomy.arcade_mm.draw(rng), anatomy.vein_root_um.draw(rng)
    return Constitution(
        landmarks=landmarks,
        field=Field(anatomy.diameter_deg, centre, anatomy.cut),
        arcade_mm=arcade,
        root_um=(vein_root * anatomy.artery_to_vein.draw(rng), vein_root),
        density=anatomy.density.draw(rng),
        tortuosity=anatomy.tortuosity.draw(rng),
    )
