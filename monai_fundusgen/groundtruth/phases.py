"""The order of frames: by their times, and where these are missing or wrong, by what the dye has filled.

Filling never goes back: a frame whose vessels shine less often than an earlier one's tells that the times are wrong.
While vessels fill, their shining share gives the order; once all shine, their light, which fades. (In the few seconds
between the last vein's filling and the peak it still rises: frames of that time come out behind the brightest.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monai_fundusgen.groundtruth.blur import wide_blur
from monai_fundusgen.groundtruth.case import Mask, Plane
from monai_fundusgen.groundtruth.registered import RegisteredFrame
from monai_fundusgen.vessels.skeleton import thin

#: Vessel points of the photograph have at least this probability.
_LIKELY: Final = 0.5
#: Shining share from which the vessels count as full, and by how much it may seem to fall between two frames.
_FULL: Final = 0.9
_NOISE: Final = 0.15


def order_of_filling(
    frames: Sequence[RegisteredFrame], photograph_probability: Plane, photograph_valid: Mask
) -> tuple[tuple[int, ...], str, str]:
    """Indices of the kept frames in order, where the order comes from (``times`` or ``phase``), and a remark or ''.

    Args:
        frames: all frames of a case.
        photograph_probability: (H, W), tells where vessels are.
        photograph_valid: (H, W).
    """
    kept = [i for i, one in enumerate(frames) if one.kept]
    line = thin((photograph_probability > _LIKELY) & photograph_valid)
    points = np.argwhere(line)[:, ::-1].astype(np.float64)
    filled = {i: vessel_light(frames[i], points) for i in kept}
    times = {i: frames[i].frame.time_s for i in kept}
    by_phase = tuple(
        sorted(kept, key=lambda i: (filled[i][0] >= _FULL, filled[i][0] if filled[i][0] < _FULL else -filled[i][1]))
    )
    known = {i: time for i, time in times.items() if time is not None}
    if len(known) < len(kept):
        return by_phase, "phase", f"{len(kept) - len(known)} of {len(kept)} frames have no time: ordered by filling"
    by_time = tuple(sorted(known, key=lambda i: (known[i], i)))
    recedes = _first_fall([filled[i][0] for i in by_time])
    if recedes is None:
        return by_time, "times", ""
    before, after = (frames[by_time[k]].frame for k in recedes)
    return by_phase, "phase", (
        f"times are wrong: {before.name} ({before.time_s:g} s) shows {filled[by_time[recedes[0]]][0]:.0%} of the "
        f"vessels filled, {after.name} ({after.time_s:g} s) {filled[by_time[recedes[1]]][0]:.0%}; ordered by filling"
    )  # fmt: skip


def _first_fall(shares: list[float]) -> tuple[int, int] | None:
    """Places (earlier, later) of the greatest fall of the shining share, None where it is within the noise."""
    worst, found = _NOISE, None
    for later in range(1, len(shares)):
        earlier = int(np.argmax(shares[:later]))
        if shares[earlier] - shares[later] > worst:
            worst, found = shares[earlier] - shares[later], (earlier, later)
    return found


def vessel_light(one: RegisteredFrame, points: NDArray[np.float64]) -> tuple[float, float]:
    """Share of vessel points (N, 2) of the photograph that outshine their ground in a frame, and their mean excess.

    Both 0 where the frame shows none of the points.
    """
    assert one.warp is not None
    image, valid = one.frame.image, one.frame.valid
    side = max(image.shape)
    wide = side / 40
    ground = wide_blur(np.where(valid, image, 0), wide) / np.maximum(wide_blur(valid.astype(np.float32), wide), 1e-3)
    above = ndimage.gaussian_filter(image, side / 800) - ground
    at = one.warp.map(points).T[::-1]
    seen = ndimage.map_coordinates(valid.astype(np.float32), at, order=1) > 0.99
    light = ndimage.map_coordinates(above, at, order=1)[seen]
    return (float((light > 0).mean()), float(light.mean())) if light.size else (0.0, 0.0)
