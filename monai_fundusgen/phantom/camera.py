"""The fundus camera: illumination, colour, optics, noise. A photograph's camera is a record, drawn once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.fft import dctn, idctn

from monai_fundusgen.phantom.texture import Image, Lattice
from monai_fundusgen.vessels.field import Field

#: Background (R, G, B) of an average eye by style, and its spread between photographs. ``warm`` was set so that the
#: photographs have the medians of HRF's training rows; ``neutral`` takes the medians of RITE as they are.
STYLES = {
    "warm": ((0.80, 0.245, 0.120), (0.05, 0.17, 0.19)),
    "neutral": ((0.76, 0.38, 0.22), (0.06, 0.12, 0.18)),
}
#: Falls of light act on display values: the bright red channel lies on the shoulder of the camera's tone curve.
_SHOULDER = np.array([0.66, 1.0, 1.05], np.float32)
_VEIL_COLOUR = np.array([0.74, 0.34, 0.24], np.float32)
_FLARE_COLOUR = np.array([0.62, 0.52, 0.22], np.float32)
#: Side of the pixel at which ``Camera.noise`` is given; noise of larger pixels falls as they gather more light.
NOISE_PIXEL_UM = 15.0


@dataclass(frozen=True)
class Camera:
    """One exposure.

    Attributes:
        background: display value (R, G, B) in (0, 1) of an average fundus: white balance and exposure in one.
        illumination_centre_mm: brightest point, from the centre of the field.
        falloff: share of light lost at the border of the field, about, in [0, 1).
        veil: share of scattered light (media haze), in [0, 1): lowers every contrast.
        psf_um: standard deviation of the point spread on the retina.
        noise: standard deviation of grain at display value 1 and 15 um pixels.
        chromatic: lateral chromatic aberration, relative magnification of red over green (blue takes the opposite).
        flare: strength of a pale crescent at the border from a tilted eye; 0 is none.
        dust: dark spots of the sensor, each (x mm, y mm, radius mm, depth) from the centre of the field.
        jpeg_quality: 1..100 as in the IJG scale, or None for no loss.
    """

    background: tuple[float, float, float] = STYLES["warm"][0]
    illumination_centre_mm: tuple[float, float] = (0.0, 0.0)
    falloff: float = 0.5
    veil: float = 0.03
    psf_um: float = 10.0
    noise: float = 0.010
    chromatic: float = 0.0
    flare: float = 0.0
    dust: tuple[tuple[float, float, float, float], ...] = ()
    jpeg_quality: int | None = None


def draw_camera(rng: np.random.Generator, style: str = "warm", *, artefacts: bool = False) -> Camera:
    """A camera of ``style`` (see ``STYLES``); ``artefacts`` adds dust, flare and JPEG loss at random.

    Raises:
        ValueError: for an unknown style.
    """
    if style not in STYLES:
        raise ValueError(f"draw_camera: found style {style!r}, expected one of {sorted(STYLES)}")
    median, spread = STYLES[style]
    exposure = rng.normal(0.0, 1.0, 4)
    shared = np.array([[0.8, 0.0, 0.0], [0.0, 0.8, 0.0], [0.0, 0.6, 0.5]]) @ exposure[:3]  # blue goes with green
    level = np.asarray(median) * np.exp(np.asarray(spread) * (0.6 * exposure[3] + shared))
    camera = Camera(
        background=(float(min(level[0], 0.92)), float(level[1]), float(level[2])),
        illumination_centre_mm=(float(rng.normal(0, 0.8)), float(rng.normal(0, 0.8))),
        falloff=float(rng.uniform(0.42, 0.78)),
        veil=float(rng.beta(1.2, 11.0)),
        psf_um=float(rng.uniform(6.0, 15.0)),
        noise=float(rng.uniform(0.006, 0.013)),
        chromatic=float(rng.normal(0, 0.0004)),
    )
    return _with_artefacts(camera, rng) if artefacts else camera


def _with_artefacts(camera: Camera, rng: np.random.Generator) -> Camera:
    """Flare in a quarter of the photographs, dust in a third, JPEG loss in half."""
    chance, reach = rng.uniform(0, 1, 3), rng.uniform(0, 1, (6, 4))
    spots = tuple(
        (float(8 * (x - 0.5)), float(8 * (y - 0.5)), float(0.06 + 0.2 * r), float(0.05 + 0.2 * depth))
        for x, y, r, depth in reach[: 1 + int(5 * chance[1] * 3)]
    )
    return Camera(
        **{
            **vars(camera),
            "flare": float(0.3 + 0.7 * reach[0, 0]) if chance[0] < 0.25 else 0.0,
            "dust": spots if chance[1] < 1 / 3 else (),
            "jpeg_quality": int(60 + 35 * reach[1, 0]) if chance[2] < 0.5 else None,
        }
    )


def illuminate(reflectance: Image, camera: Camera, field: Field, lattice: Lattice) -> Image:
    """Light and veil laid over (3, n, n) display values on ``lattice``; the same shape, new array."""
    x, y = lattice.grid_mm()
    x, y = x - np.float32(field.centre_mm[0]), y - np.float32(field.centre_mm[1])
    radius = np.float32(field.radius_mm)
    cx, cy = camera.illumination_centre_mm
    r2 = ((x - cx) ** 2 + (y - cy) ** 2) / radius**2
    loss = camera.falloff * r2 * (0.6 + 0.4 * r2)
    light = 0.42 * camera.falloff - loss * (1.15 + 0.35 * loss)  # close to ln(1 - loss), and smooth beyond
    for dx, dy, size, depth in camera.dust:
        light -= depth / (1 + np.exp((np.hypot(x - dx, y - dy) - size) / np.float32(0.05)))
    veil = np.float32(camera.veil) * _VEIL_COLOUR[:, None, None]
    lit = reflectance * np.exp(light[None] * _SHOULDER[:, None, None]) * np.float32(1 - camera.veil) + veil
    if camera.flare:
        edge = np.hypot(x + np.float32(0.12) * radius, y) / radius
        weight = np.float32(camera.flare) / (1 + np.exp((np.float32(1.06) - edge) / np.float32(0.02)))
        lit += weight[None] * (_FLARE_COLOUR[:, None, None] - lit)
    return lit


@njit(cache=True, fastmath=True)
def _taps(count: int, sigma_px: float, scale: float, reach: int) -> tuple[NDArray[np.int32], Image]:
    """First column and weights of a Gaussian about the magnified position of every pixel."""
    first, weight = np.empty(count, np.int32), np.empty((count, 2 * reach + 2), np.float32)
    centre = (count - 1) / 2
    for i in range(count):
        p = centre + (i - centre) * scale
        first[i] = int(np.floor(p)) - reach
        total = 0.0
        for m in range(2 * reach + 2):
            weight[i, m] = np.exp(-0.5 * ((first[i] + m - p) / sigma_px) ** 2)
            total += weight[i, m]
        for m in range(2 * reach + 2):
            weight[i, m] /= total
    return first, weight


@njit(cache=True, fastmath=True)
def _spread(image: Image, first: NDArray[np.int32], weight: Image) -> Image:
    """Both passes of a separable filter on a square image; borders repeat."""
    n, taps = image.shape[0], weight.shape[1]
    rows, out = np.zeros_like(image), np.empty_like(image)
    for i in range(n):
        for m in range(taps):
            k = min(max(first[i] + m, 0), n - 1)
            w = weight[i, m]
            for j in range(n):
                rows[i, j] += w * image[k, j]
    padded = np.empty(n + 2 * taps + 8, np.float32)
    for i in range(n):
        for j in range(padded.size):
            padded[j] = rows[i, min(max(j - taps - 4, 0), n - 1)]
        for j in range(n):
            total = np.float32(0)
            base = min(max(first[j] + taps + 4, 0), padded.size - taps)
            for m in range(taps):
                total += weight[j, m] * padded[base + m]
            out[i, j] = total
    return out


def spread_light(image: Image, sigma_px: float, scale: float = 1.0) -> Image:
    """Gaussian point spread of (n, n), read at positions magnified by ``scale`` about the centre."""
    sigma_px = max(sigma_px, 0.15)
    first, weight = _taps(image.shape[0], sigma_px, scale, max(1, int(np.ceil(2.5 * sigma_px))))
    return _spread(np.ascontiguousarray(image), first, weight)


def expose(image: Image, camera: Camera, pixel_um: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Optics, grain, tone shoulder and quantisation of (3, H, H) display values; uint8 of the same shape."""
    sigma_px = camera.psf_um / pixel_um
    scales = (1 - camera.chromatic, 1.0, 1 + camera.chromatic)
    image = np.stack([spread_light(plane, sigma_px, scale) for plane, scale in zip(image, scales, strict=True)])
    if camera.noise:
        _add_grain(image, camera.noise * NOISE_PIXEL_UM / pixel_um, rng)
    _shoulder(image)
    values = np.rint(image).astype(np.uint8)
    return values if camera.jpeg_quality is None else jpeg_loss(values, camera.jpeg_quality)


def _add_grain(image: Image, sigma: float, rng: np.random.Generator) -> None:
    """Grain of standard deviation sigma * sqrt(value), two thirds of it common to the channels, in place."""
    shape = image.shape[1:]
    common = rng.standard_normal(shape, dtype=np.float32)
    for plane in image:
        coarse = rng.standard_normal((shape[0] // 2 + 1, shape[1] // 2 + 1), dtype=np.float32)
        _grain(plane, common, coarse, np.float32(sigma))


@njit(cache=True, fastmath=True)
def _grain(plane: Image, common: Image, coarse: Image, sigma: np.float32) -> None:
    for i in range(plane.shape[0]):
        for j in range(plane.shape[1]):
            grain = np.float32(0.82) * common[i, j] + np.float32(0.57) * coarse[i // 2, j // 2]
            plane[i, j] += sigma * np.sqrt(max(plane[i, j], np.float32(0))) * grain


@njit(cache=True, fastmath=True)
def _shoulder(image: Image) -> None:
    """Values above 0.75 bend toward white; then 0..255, in place."""
    knee = np.float32(0.75)
    for plane in image:
        for i in range(plane.shape[0]):
            for j in range(plane.shape[1]):
                value = max(plane[i, j], np.float32(0))
                if value > knee:
                    value = 1 - (1 - knee) * np.exp(-(value - knee) / (1 - knee) * np.float32(1.3))
                plane[i, j] = min(value, np.float32(1)) * 255


#: Quantisation steps of JPEG (ITU-T T.81, table K.1), luminance.
_JPEG_STEPS = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    np.float32,
)


def jpeg_loss(image: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """Loss of JPEG on (3, H, W): 8 x 8 cosine blocks, quantised per channel with the luminance table scaled as by IJG.

    Raises:
        ValueError: when ``quality`` is not within 1..100.
    """
    if not 1 <= quality <= 100:
        raise ValueError(f"jpeg_loss: found quality={quality}, expected 1 to 100")
    factor = 50 / quality if quality < 50 else 2 - quality / 50
    steps = np.maximum(np.floor(_JPEG_STEPS * np.float32(factor) + np.float32(0.5)), 1)[:, None, :]
    channels, height, width = image.shape
    padded = np.pad(image, ((0, 0), (0, -height % 8), (0, -width % 8)), mode="edge").astype(np.float32) - 128
    blocks = padded.reshape(channels, padded.shape[1] // 8, 8, padded.shape[2] // 8, 8)
    coefficients = dctn(blocks, axes=(2, 4), norm="ortho")
    decoded = idctn(np.round(coefficients / steps) * steps, axes=(2, 4), norm="ortho").reshape(padded.shape)
    return np.clip(np.rint(decoded + 128), 0, 255).astype(np.uint8)[:, :height, :width]
