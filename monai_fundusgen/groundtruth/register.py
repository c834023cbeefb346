"""Registration of a case: frames to one another, then together to the photograph.

Every frame is first brought onto an anchor, the frame with the longest vessels; then onto the mean of all that fit,
which has less noise than any of them; the photograph last, onto that mean. What fits is decided by the correlation of
vessel maps after the fit, which a frame of the same eye reaches in every phase and a foreign or mirrored one does not.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from monai_fundusgen.groundtruth.case import Case, Mask, Plane, Probability
from monai_fundusgen.groundtruth.faults import frame_faults
from monai_fundusgen.groundtruth.pair import (
    Pyramid,
    begin,
    bend,
    bend_far,
    correlation,
    merged,
    mirrored,
    polish,
    pyramid,
    unbent,
    vessel_length,
)
from monai_fundusgen.groundtruth.phases import order_of_filling
from monai_fundusgen.groundtruth.preparation import green_of, prepared
from monai_fundusgen.groundtruth.registered import RegisteredCase, RegisteredFrame, RegistrationError
from monai_fundusgen.groundtruth.residual import centre_line_residual_px
from monai_fundusgen.groundtruth.rigid import FIELD_SIZES, FIELD_TURNS, FRAME_SIZES, FRAME_TURNS
from monai_fundusgen.groundtruth.warp import Stage, Warp, resampled

#: Correlation of two vessel maps from which they show one eye. Measured in docs/concepts/ground-truth.md.
LEAST_CORRELATION: Final = 0.28
#: Frames that are tried as the anchor before the largest group that fits together is taken.
_ANCHORS: Final = 3
_JACOBIAN_STEP_PX: Final = 8
#: Gain in correlation for which the fit that reaches farther is taken.
_CLEARLY: Final = 0.02


@dataclass(frozen=True)
class _Group:
    """Frames that fit one anchor: stage mean -> frame by index; the correlations of those that do not; the mean."""

    anchor: int
    stages: dict[int, Stage]
    misfits: dict[int, float]
    mean: Pyramid


@dataclass(frozen=True)
class _Seen:
    """Vessel probability and pyramid of one image."""

    probability: Plane
    levels: Pyramid


def register_case(case: Case, probability: Probability) -> RegisteredCase:
    """Bring every frame onto the photograph, or say why not.

    Args:
        case: from `read_case`, or made in memory.
        probability: vessel probability of a prepared image; called once a frame and once for the photograph.

    Raises:
        RegistrationError: no frame is usable, or the frames do not fit the photograph.
    """
    clock = _Clock()
    faults = list(frame_faults(case.frames))
    photograph = _see(green_of(case.photograph), case.photograph_valid, probability)
    seen = {
        i: _see(frame.image, frame.valid, probability) for i, frame in enumerate(case.frames) if not faults[i]
    }  # fmt: skip
    clock.lap("probability")
    if not seen:
        raise RegistrationError(f"{case.name}: found no usable frame of {len(faults)}: {_listed(case, faults)}")
    levels = {i: one.levels for i, one in seen.items()}
    group, stage, fit = _fitting_group(case.name, photograph.levels, levels, clock)
    agreements = {i: correlation(group.mean.levels[2], levels[i].levels[2], one) for i, one in group.stages.items()}
    for i in levels.keys() - group.stages.keys():
        agreements[i] = group.misfits[i]
        faults[i] = _misfit(group.mean, levels[i], group.misfits[i])
    frames = []
    for i, frame in enumerate(case.frames):
        own = seen[i].probability if i in seen else np.zeros_like(frame.image)
        warp = Warp((stage, group.stages[i])) if i in group.stages else None
        frames.append(
            _checked(
                RegisteredFrame(frame, own, faults[i], agreements.get(i, np.nan), np.nan, np.nan, warp,
                                case.photograph_valid.shape),
                case.photograph_valid, photograph.levels, levels.get(i),
            )
        )  # fmt: skip
    order, source, remark = order_of_filling(frames, photograph.probability, case.photograph_valid)
    clock.lap("checks")
    return RegisteredCase(
        case, photograph.probability, tuple(frames), case.frames[group.anchor].name, order, source, fit,
        (*case.remarks, *([remark] if remark else [])), clock.seconds,
    )  # fmt: skip


class _Clock:
    """Wall time by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._since = time.perf_counter()

    def lap(self, stage: str) -> None:
        """Count what passed since the last lap to a stage."""
        now = time.perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._since
        self._since = now


def _see(image: Plane, valid: Mask, probability: Probability) -> _Seen:
    found = np.asarray(probability(prepared(image, valid), valid), np.float32)
    return _Seen(found, pyramid(found, valid))


def _listed(case: Case, faults: list[str]) -> str:
    return "; ".join(f"{frame.name}: {fault}" for frame, fault in zip(case.frames, faults, strict=True) if fault)


def _fitting_group(
    name: str, photograph: Pyramid, levels: dict[int, Pyramid], clock: _Clock
) -> tuple[_Group, Stage, float]:
    """The group of frames that fits the photograph, largest first: with stage photograph -> anchor, and correlation."""
    best = -1.0
    for group in _groups(levels):
        clock.lap("frames")
        stage = polish(photograph, group.mean, _tried(photograph, group.mean, FIELD_TURNS, FIELD_SIZES)[0])
        fit = correlation(photograph.levels[2], group.mean.levels[2], stage)
        if fit >= LEAST_CORRELATION:
            stage, fit = _farther(photograph, group.mean, stage, fit)
            clock.lap("photograph")
            return group, stage, fit
        clock.lap("photograph")
        best = max(best, fit)
        _, reflected = _tried(photograph, mirrored(group.mean), FIELD_TURNS, FIELD_SIZES)
        if reflected >= LEAST_CORRELATION:
            raise RegistrationError(
                f"{name}: the angiogram fits the photograph when mirrored left-right (correlation {reflected:.2f}; "
                f"as it is {fit:.2f}); one of them was exported mirrored: mirror it back, or take it out"
            )
    raise RegistrationError(
        f"{name}: photograph and angiogram do not fit: found a correlation of vessels of {best:.2f}, expected at least "
        f"{LEAST_CORRELATION}; check that both show the same eye and overlap by a quarter of the smaller field"
    )


def _farther(photograph: Pyramid, mean: Pyramid, stage: Stage, fit: float) -> tuple[Stage, float]:
    """A stage that fits, and its correlation; or those of one that reaches farther, where it is clearly better."""
    far = bend_far(photograph, mean, Stage(stage.matrix, stage.offset_px))
    reached = correlation(photograph.levels[2], mean.levels[2], far)
    return (far, reached) if reached >= fit + _CLEARLY else (stage, fit)


def _groups(levels: dict[int, Pyramid]) -> list[_Group]:
    """Groups of frames that fit together, largest first; one is enough where it holds most frames."""
    found: list[_Group] = []
    for anchor in sorted(levels, key=lambda i: -vessel_length(levels[i])):
        if len(found) == _ANCHORS or any(anchor in group.stages for group in found):
            continue
        found.append(_group(levels, anchor))
        if 2 * len(found[-1].stages) > len(levels):
            break
    return sorted(found, key=lambda group: -len(group.stages))


def _group(levels: dict[int, Pyramid], anchor: int) -> _Group:
    """All frames that fit an anchor: each against it, those that do not also against the mean of those that do."""
    fixed = levels[anchor]
    others = {i: one for i, one in levels.items() if i != anchor}
    tried = {i: _tried(fixed, one, FRAME_TURNS, FRAME_SIZES) for i, one in others.items()}
    stages = {i: stage for i, (stage, fit) in tried.items() if fit >= LEAST_CORRELATION}
    mean = merged(fixed, [(fixed, unbent(fixed)), *((levels[i], stage) for i, stage in stages.items())])
    if stages:
        tried |= {i: _tried(mean, one, FIELD_TURNS, FIELD_SIZES) for i, one in others.items() if i not in stages}
        stages = {i: stage for i, (stage, fit) in tried.items() if fit >= LEAST_CORRELATION}
    misfits = {i: fit for i, (_, fit) in tried.items() if i not in stages}
    stages[anchor] = unbent(fixed)  # its own place in the mean is improved too: the mean follows the others
    stages = {i: polish(mean, levels[i], stage) for i, stage in stages.items()}
    return _Group(anchor, stages, misfits, merged(fixed, [(levels[i], stage) for i, stage in stages.items()]))


def _tried(fixed: Pyramid, moving: Pyramid, turns: Sequence[float], sizes: Sequence[float]) -> tuple[Stage, float]:
    """The bent stage between two maps, and their correlation."""
    stage = bend(fixed, moving, begin(fixed, moving, turns, sizes))
    return stage, correlation(fixed.levels[2], moving.levels[2], stage)


def _misfit(mean: Pyramid, moving: Pyramid, fit: float) -> str:
    """Why a frame that does not fit does not."""
    _, there = _tried(mean, mirrored(moving), FRAME_TURNS, FRAME_SIZES)
    if there >= LEAST_CORRELATION:
        return f"mirrored left-right: its mirror image fits the other frames ({there:.2f}), it does not ({fit:.2f})"
    return (
        f"does not fit the other frames: correlation of vessels {fit:.2f}, expected at least {LEAST_CORRELATION} "
        "(another eye, no overlap, or too few vessels to tell)"
    )


def _checked(one: RegisteredFrame, field: Mask, photograph: Pyramid, levels: Pyramid | None) -> RegisteredFrame:
    """A frame with its residual and its Jacobian; left out where it folds or shows nothing of the photograph."""
    if one.warp is None or levels is None:
        return one
    seen = field[::_JACOBIAN_STEP_PX, ::_JACOBIAN_STEP_PX] & _shown(one.warp, one.frame.valid, one.shape)
    least = float(one.warp.jacobian(one.shape, step_px=_JACOBIAN_STEP_PX)[seen].min()) if seen.any() else 0.0
    if least > 0:
        residual = centre_line_residual_px(photograph.levels[3], levels.levels[3], one.warp)
        return replace(one, residual_px=residual, minimum_jacobian=least)
    reason = f"its warp folds: least Jacobian {least:.2f}, expected above 0"
    return replace(one, reason=reason if seen.any() else "shows no part of the photograph's field", warp=None)


def _shown(warp: Warp, valid: Mask, shape: tuple[int, int]) -> Mask:
    """Where a frame shows retina, on every ``_JACOBIAN_STEP_PX``-th pixel of the photograph."""
    rows, columns = (np.arange(0, side, _JACOBIAN_STEP_PX, dtype=np.float64) for side in shape)
    x, y = np.meshgrid(columns, rows)
    at = warp.map(np.stack([x.ravel(), y.ravel()], axis=1)).reshape(*x.shape, 2)
    found: Mask = resampled(valid, np.moveaxis(at, -1, 0)) > 0.5
    return found
