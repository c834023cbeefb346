"""What the registration of a case found: which frames are kept, and where points of the photograph lie in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monai_fundusgen.groundtruth.case import Case, Frame, Mask, Plane
from monai_fundusgen.groundtruth.warp import Warp, resampled


class RegistrationError(ValueError):
    """A case whose photograph and angiogram do not fit together; other cases go on."""


@dataclass(frozen=True)
class RegisteredFrame:
    """One frame and its place on the photograph.

    Attributes:
        frame: as recorded.
        probability: (H, W) float32 in [0, 1], vessel probability on the frame's own grid.
        reason: why the frame was left out, with the figure that says so; empty for a kept frame.
        agreement: correlation in [-1, 1] of its levelled vessel map with the mean of the frames that fit, after the
            fit. NaN where a frame was left out before.
        residual_px: median distance to the photograph's centre line across vessels that both show, in pixels of the
            photograph (`centre_line_residual_px`); NaN for a frame that was left out.
        minimum_jacobian: least determinant over what the frame shows of the photograph's field, above 0; NaN for a
            frame that was left out.
        warp: photograph grid to frame, None for a frame that was left out.
        shape: (H, W) of the photograph.
    """

    frame: Frame
    probability: Plane
    reason: str
    agreement: float
    residual_px: float
    minimum_jacobian: float
    warp: Warp | None
    shape: tuple[int, int]

    @property
    def kept(self) -> bool:
        """Whether the frame was registered."""
        return self.warp is not None

    def on_photograph(self) -> FrameOnPhotograph:
        """Image, probability and valid mask on the photograph grid, each interpolated once.

        Raises:
            ValueError: the frame was left out.
        """
        if self.warp is None:
            raise ValueError(f"{self.frame.name}: left out ({self.reason}); only kept frames lie on the photograph")
        grid = self.warp.grid(self.shape)
        valid = resampled(self.frame.valid, grid) > 0.999
        image, probability = resampled(self.frame.image, grid, order=3), resampled(self.probability, grid)
        return FrameOnPhotograph(np.clip(image, 0, 1) * valid, probability * valid, valid)


@dataclass(frozen=True)
class FrameOnPhotograph:
    """A frame on the photograph grid: image and probability (H, W) float32 in [0, 1], 0 outside ``valid`` (H, W)."""

    image: Plane
    probability: Plane
    valid: Mask


@dataclass(frozen=True)
class RegisteredCase:
    """A case after `register_case`.

    Attributes:
        case: as read.
        photograph_probability: (H, W) float32 in [0, 1], vessel probability of the photograph.
        frames: one record a frame, in the order of ``case.frames``, those left out too.
        anchor: name of the frame that the others were registered to.
        order: indices into ``frames`` of the kept frames, in the order of filling.
        order_from: ``times`` where these are complete and agree with the filling of the vessels, else ``phase``.
        photograph_agreement: as `RegisteredFrame.agreement`, of the merged frames with the photograph.
        remarks: what the user should know, those of the case first.
        seconds: wall time by stage.
    """

    case: Case
    photograph_probability: Plane
    frames: tuple[RegisteredFrame, ...]
    anchor: str
    order: tuple[int, ...]
    order_from: str
    photograph_agreement: float
    remarks: tuple[str, ...]
    seconds: dict[str, float]

    @property
    def kept(self) -> tuple[RegisteredFrame, ...]:
        """Kept frames, in the order of filling."""
        return tuple(self.frames[i] for i in self.order)
