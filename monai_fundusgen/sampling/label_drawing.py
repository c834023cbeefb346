"""The label that a sampled map becomes, and the eye that is traced in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monai_fundusgen.conventions import DISC_RADIUS_MM
from monai_fundusgen.metrics.functional.map_anatomy import map_anatomy
from monai_fundusgen.vessels.convergence import find_disc
from monai_fundusgen.vessels.eye import Retina
from monai_fundusgen.vessels.field import Field
from monai_fundusgen.vessels.tracing.evening import Evening, evened
from monai_fundusgen.vessels.tracing.parting import parted
from monai_fundusgen.vessels.tracing.paths import VesselPaths
from monai_fundusgen.vessels.tracing.repair import PathRepair, repair_paths
from monai_fundusgen.vessels.tracing.roots import join_at_disc
from monai_fundusgen.vessels.tracing.tips import tips_apart
from monai_fundusgen.vessels.tracing.traced_eye import traced_eye
from monai_fundusgen.vessels.tracing.vectorise import vectorise

#: Sampled vessels have more gaps, specks and small loops than true ones: this reaches farther than the defaults, which
#: do no harm to true maps; px of the soft map.
REPAIR: Final = PathRepair(attach_px=8.0, loop_px=1000.0, speck_px=8.0)
#: The walls of sampled vessels waver more than true ones, wide ones turn more (`benchmarks/vessel_walls.py`), and some
#: trunks end as such (`benchmarks/guidance.py`).
EVENING: Final = Evening(width_px=36.0, course_px=3.0, course_widths=6.0, tip_px=0.5)
#: Sampled trunks of two kinds lie inside one another for long stretches; centre lines are kept this far apart, in sums
#: of radii. So on the disc no more pixels are both kinds than in decided real labels (.156 of both, at 256 px).
APART: Final = 1.35
#: Slits between walls of one kind that are no wider are closed, px of the soft map: at an acute fork they would come
#: and go from pixel to pixel, and each that is shut in counts as a loop.
SLIT_PX: Final = 0.5
_AT_BORDER_PX: Final = 6  # of the soft map: what ends so near the field's border is cut by it,
_AT_DISC: Final = 1.8  # and what ends within so many radii of the disc's middle springs from the disc


@dataclass(frozen=True)
class LabelDrawing:
    """Trace the vessels of a soft map, repair them, draw them inside the field of view.

    Args:
        size: side of the label in px.
        field_cut: visible half height of the field over its radius, as in the training maps.
        blur_px: blur of the sampled maps, see `monai_fundusgen.vessels.tracing.vectorise.estimate_blur`.
        bridge_px: gaps of a vessel up to this length, in px of the soft map, are closed.
        repair: join fragments, put kinds right, open small loops, drop specks, see `REPAIR`; join trunks on the disc;
            make widths and courses even and ends taper, see ``evening``; draw tips of two kinds apart; close slits, see
            `SLIT_PX`.
        excess_px: by how much the vessels of sampled maps are too wide, px of the soft map; taken off with ``repair``.
        field_deg: visual angle of the field, as in the training maps.
        evening: how even vessels are made, with ``repair``; its own excess is not used.
    """

    size: int = 1024
    field_cut: float = 1.0
    blur_px: float = 0.0
    bridge_px: float = 0.0
    repair: bool = False
    excess_px: float = 0.0
    field_deg: float = 60.0
    evening: Evening = EVENING

    @property
    def field(self) -> Field:
        """Field of the camera, not yet placed on an eye."""
        return Field(self.field_deg, cut=self.field_cut)

    @property
    def fov(self) -> NDArray[np.bool_]:
        """Field of view (size, size)."""
        return self.field.mask(self.size)

    def traced(
        self, soft: NDArray[np.floating], *, source: str = "ddpm", seed: int = 0
    ) -> tuple[NDArray[np.bool_], Retina]:
        """Label (2, size, size) of a soft map (2, S, S) in [0, 1], and the record of the eye.

        The disc is found once, on the map, for repair and record alike.
        """
        seen = np.asarray(soft * self.field.mask(soft.shape[-1]), dtype=np.float32)
        disc = find_disc(seen, self.field_deg)
        paths = vectorise(seen, blur_px=self.blur_px, bridge_px=self.bridge_px)
        if self.repair:
            paths = self._repaired(paths, seen, disc)
        eye = traced_eye(paths, seen, self.field, source=source, seed=seed, disc_rc=disc)
        label = paths.label(self.size)
        if self.repair:
            label = without_slits(label, SLIT_PX * self.size / paths.size)
        return label & self.fov, eye

    def _repaired(self, paths: VesselPaths, seen: NDArray[np.float32], disc_rc: tuple[float, float]) -> VesselPaths:
        """Fragments joined, trunks joined on the disc, kinds parted, vessels evened, tips of two kinds drawn apart."""
        evening = replace(self.evening, excess_px=self.excess_px)
        radius_px = DISC_RADIUS_MM / self.field.pixel_mm(paths.size)
        kinds = repair_paths(paths.artery, paths.vein, seen, REPAIR, disc_rc=disc_rc)
        kinds = parted(*(join_at_disc(kind, disc_rc, radius_px) for kind in kinds), apart=APART)
        rows, columns = np.ogrid[: paths.size, : paths.size]
        away_px = np.hypot(rows - disc_rc[0], columns - disc_rc[1])
        inside = ndimage.binary_erosion(self.field.mask(paths.size), iterations=_AT_BORDER_PX)
        inside &= away_px > _AT_DISC * radius_px  # nowhere, if the disc is unknown
        artery, vein = tips_apart(*(evened(kind, evening, disc_rc, inside=inside) for kind in kinds))
        return VesselPaths(artery, vein, paths.size)

    def anatomy(self, soft: NDArray[np.floating]) -> dict[str, float]:
        """Anatomy of the label of a soft map; ``measure`` of a `StructureReport`."""
        label, eye = self.traced(soft)
        return map_anatomy(label, self.fov, eye=eye)


def without_slits(label: NDArray[np.bool_], width_px: float) -> NDArray[np.bool_]:
    """A label (2, H, W) in which gaps of a kind up to ``width_px`` are closed; nothing that was set goes.

    The closing of `scipy.ndimage` by a square, in a tenth of its time.
    """
    reach = int(width_px / 2)
    if reach < 1:
        return label
    framed = np.pad(label, ((0, 0), (reach, reach), (reach, reach)))
    for _ in range(reach):
        framed = _with_neighbours(framed)
    ground = ~framed
    for _ in range(reach):
        ground = _with_neighbours(ground)
    closed: NDArray[np.bool_] = ~ground[:, reach:-reach, reach:-reach] | label
    return closed


def _with_neighbours(planes: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Planes (C, H, W) in which the eight neighbours of what is set are set too."""
    wide = planes.copy()
    wide[:, :, 1:] |= planes[:, :, :-1]
    wide[:, :, :-1] |= planes[:, :, 1:]
    high = wide.copy()
    high[:, 1:] |= wide[:, :-1]
    high[:, :-1] |= wide[:, 1:]
    return high
