"""One photograph in a row of figures: its colour, sharpness, noise and optic disc."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve, gaussian_filter, minimum_filter

from monai_fundusgen.conventions import DISC_RADIUS_MM, FIELD_FILL, MM_PER_DEGREE
from monai_fundusgen.metrics.functional.optic_disc import BrightDisc, optic_discs

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

#: Bands of the power spectrum in cycles per field diameter: shading and disc, thick vessels, thin vessels, grain.
BANDS: Final = {"coarse": (4.0, 16.0), "middle": (16.0, 64.0), "fine": (64.0, 160.0), "finest": (160.0, 400.0)}

_GREEN: Final = 1  # the channel in which vessels show most
_RIM: Final = 0.015  # of the side: the field's edge that does not count
_TAPER: Final = 0.01  # of the side: standard deviation of the window's edge
_INSIDE: Final = (0.55, 0.85)  # radii: ring inside the disc's margin, and
_OUTSIDE: Final = (1.15, 1.45)  # ring outside of it
_LAPLACIAN: Final = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float64) / 6
_MAD_TO_SIGMA: Final = 1.4826


def photograph_figures(
    photograph: NDArray[np.floating], fov: BoolArray, *, field_deg: float = 60.0
) -> dict[str, float]:
    """Figures of a photograph inside its field of view.

    Args:
        photograph: (3, S, S) RGB in [0, 1].
        fov: field of view (S, S).
        field_deg: visual angle of the field, for the size of the disc.

    Returns:
        ``red``, ``green``, ``blue``: mean level; ``red_spread`` and so on: standard deviation; ``saturation``: mean of
        ``1 - min / max`` over the channels. ``power_coarse``, ``power_middle``, ``power_fine``, ``power_finest``: log10
        of the mean power of the green channel in each of `BANDS`, relative to its squared mean level. ``noise``: level
        of the grain, standard deviation of white noise in the green channel (Immerkaer's operator, median for
        outliers). ``discs``: bright spots of the size of a disc. ``disc_strength``: how bright the strongest is.
        ``disc_rim``: ``(inside - outside) / outside`` of red and green across the margin of that disc.

    Raises:
        ValueError: sizes differ, the photograph is no RGB, or there is no field of view.

    Source: Immerkaer 1996 (Comput Vis Image Underst 64:300) for the noise operator.
    """
    if photograph.ndim != 3 or photograph.shape[0] != 3 or photograph.shape[1:] != fov.shape:
        raise ValueError(
            f"photograph_figures: found photograph {photograph.shape} and field {fov.shape}, expected (3, S, S) and "
            "(S, S)"
        )
    inside = minimum_filter(fov, size=2 * max(round(_RIM * fov.shape[-1]), 1) + 1, mode="constant")
    if not inside.any():
        raise ValueError("photograph_figures: no field of view, or one of a few pixels")
    levels = np.asarray(photograph, dtype=np.float64)[:, inside]
    discs = optic_discs(photograph, fov, field_deg)
    figures = {name: float(level) for name, level in zip(("red", "green", "blue"), levels.mean(axis=1), strict=True)}
    spreads = levels.std(axis=1)
    figures |= {f"{name}_spread": float(one) for name, one in zip(("red", "green", "blue"), spreads, strict=True)}
    highest = levels.max(axis=0)
    figures["saturation"] = float((1 - levels.min(axis=0) / np.maximum(highest, 1e-6)).mean())
    green = np.asarray(photograph[_GREEN], dtype=np.float64)
    figures |= {f"power_{name}": value for name, value in _band_powers(green, inside).items()}
    answer = np.abs(convolve(green, _LAPLACIAN, mode="nearest"))[inside]
    figures["noise"] = float(_MAD_TO_SIGMA * np.median(answer))
    figures |= {
        "discs": float(len(discs)),
        "disc_strength": discs[0].strength if discs else float("nan"),
        "disc_rim": _rim_contrast(photograph, inside, discs[0], field_deg) if discs else float("nan"),
    }
    return figures


def _band_powers(green: FloatArray, inside: BoolArray) -> dict[str, float]:
    """Log10 of the mean power in each band, under a window that falls off smoothly inside the field."""
    side = green.shape[-1]
    window = gaussian_filter(inside.astype(np.float64), _TAPER * side) * inside
    mean = float((green * window).sum() / window.sum())
    spectrum = np.abs(np.fft.rfft2((green - mean) * window)) ** 2 / ((window**2).sum() * max(mean, 1e-6) ** 2)
    rows, columns = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None]
    cycles = np.hypot(rows, columns) * side * FIELD_FILL
    found = {}
    for name, (low, high) in BANDS.items():
        band = (cycles >= low) & (cycles < high)
        found[name] = float(np.log10(max(spectrum[band].mean(), 1e-12))) if band.any() else float("nan")
    return found


def _rim_contrast(photograph: NDArray[np.floating], inside: BoolArray, disc: BrightDisc, field_deg: float) -> float:
    side = inside.shape[-1]
    radius_px = DISC_RADIUS_MM / (MM_PER_DEGREE * field_deg) * FIELD_FILL * side
    rows, columns = np.ogrid[:side, :side]
    away = np.hypot(rows + 0.5 - disc.row * side, columns + 0.5 - disc.column * side) / radius_px
    bright = np.asarray(photograph[0] + photograph[1], dtype=np.float64)
    rings = [inside & (away >= low) & (away < high) for low, high in (_INSIDE, _OUTSIDE)]
    if not all(ring.any() for ring in rings):
        return float("nan")
    within, around = (float(np.median(bright[ring])) for ring in rings)
    return (within - around) / max(around, 1e-6)
