"""Compare the phantom's photographs with the training rows of HRF by one method; prints a table in Markdown.

    python benchmarks/phantom_calibration.py ../shared/data/hrf-av --eyes 16

HRF photographs are cut square round the field and averaged down to 1024 px; the phantom is photographed in the same
60 degree field with the same cut. Everything below is measured alike on both. Distances assume 0.288 mm per degree.

- background: median of the field without vessels (dilated by 3 px), border (12 px) and disc (1.6 mm);
- fall of light: median background by distance from the centre of the field, over the whole background's;
- contrast: optical density ln(local background / centre-line), local background being a Gaussian mean (8 px) of
  non-vessel pixels, by width (twice the distance transform on the skeleton) in permille of the field's diameter;
- texture: ln(green) in 128 px windows of over 80 % free ground, plane removed, Hann taper, root mean square by octave;
- disc: median within 0.6 mm of the brightest place, over the ring from 1.6 to 3 mm.
"""

from __future__ import annotations

import argparse
import csv
import warnings
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage
from skimage.morphology import skeletonize

from monai_fundusgen.conventions import FIELD_FILL, KINDS, MM_PER_DEGREE
from monai_fundusgen.phantom.anatomy import Anatomy
from monai_fundusgen.phantom.photograph import render_photograph
from monai_fundusgen.phantom.tree import grow_retina
from monai_fundusgen.vessels.drawing import rasterise

SIZE, FIELD_DEG, CUT = 1024, 60.0, 0.716
RADIUS_PX = FIELD_FILL * SIZE / 2
PIXEL_MM = FIELD_DEG / 2 * MM_PER_DEGREE / RADIUS_PX
#: Thinner phantom vessels carry no label here, as graders mark what they see.
MIN_DIAMETER_UM = 20.0
BANDS = ((2, 4), (4, 6), (6, 9), (9, 12))
RINGS = (0.0, 0.2, 0.4, 0.6, 0.8)
OCTAVES = (0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 28.0)


def square(image: np.ndarray, box: tuple[int, int, int]) -> np.ndarray:
    """Square cut (left, top, side) of (H, W, ...), zero outside the image."""
    left, top, side = box
    out = np.zeros((side, side, *image.shape[2:]), image.dtype)
    y, x = slice(max(top, 0), min(top + side, image.shape[0])), slice(max(left, 0), min(left + side, image.shape[1]))
    out[y.start - top : y.stop - top, x.start - left : x.stop - left] = image[y, x]
    return out


def hrf_case(root: Path, row: dict[str, str]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Photograph (H, W, 3) in [0, 1], vessel map (2, H, W), field, undecided pixels."""
    fov = np.asarray(Image.open(root / row["fov"]).convert("L")) > 127
    columns, rows = np.flatnonzero(fov.any(0)), np.flatnonzero(fov.any(1))
    side = round((columns[-1] - columns[0] + 1) / FIELD_FILL)
    box = (round((columns[0] + columns[-1] - side) / 2), round((rows[0] + rows[-1] - side) / 2), side)

    def load(name: str, mode: str, resample: int) -> np.ndarray:
        cut = square(np.asarray(Image.open(root / row[name]).convert(mode)), box)
        return np.asarray(Image.fromarray(cut).resize((SIZE, SIZE), resample))

    photograph = load("image", "RGB", Image.Resampling.BOX).astype(np.float32) / 255
    codes = load("av", "RGB", Image.Resampling.NEAREST) > 127
    red, green, blue = np.moveaxis(codes, -1, 0)
    return photograph, np.stack([red | green, blue | green]), load("fov", "L", Image.Resampling.NEAREST) > 127, green


def phantom_case(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The same of the phantom of a seed."""
    retina = grow_retina(seed, anatomy=Anatomy(diameter_deg=FIELD_DEG, cut=CUT))
    raster = rasterise(retina, SIZE, min_diameter_um=MIN_DIAMETER_UM)
    photograph = render_photograph(retina, raster, seed=seed)
    return photograph.transpose(1, 2, 0).astype(np.float32) / 255, raster.label, raster.fov, raster.label.all(0)


def local_mean(plane: np.ndarray, where: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian mean of the pixels ``where``."""
    weight = ndimage.gaussian_filter(where.astype(np.float32), sigma, truncate=3)
    return ndimage.gaussian_filter(plane * where, sigma, truncate=3) / np.maximum(weight, 1e-3)


def measure(
    photograph: np.ndarray, vessels: np.ndarray, fov: np.ndarray, undecided: np.ndarray
) -> dict[str, np.ndarray]:
    """All quantities of the table, by name; NaN where a photograph has too few pixels for one."""
    inner = ndimage.binary_erosion(fov, iterations=12)
    free = fov & ~ndimage.binary_dilation(vessels.any(0), iterations=3)
    local = np.stack([local_mean(photograph[..., c], free & inner, 8) for c in range(3)], -1)
    row, column = np.unravel_index((local[..., 1] * inner).argmax(), fov.shape)
    y, x = np.mgrid[:SIZE, :SIZE]
    from_disc = np.hypot(x - column, y - row) * PIXEL_MM
    ground = free & inner & (from_disc > 1.6)
    median = np.median(photograph[ground], 0)
    eccentricity = np.hypot(x - (SIZE - 1) / 2, y - (SIZE - 1) / 2) / RADIUS_PX
    rings = [ground & (eccentricity >= low) & (eccentricity < low + 0.2) for low in RINGS]
    lines = [skeletonize(channel) & inner & (from_disc > 1.6) for channel in vessels]
    decided = ~ndimage.binary_dilation(undecided, iterations=2)
    disc = np.median(photograph[free & (from_disc < 0.6)], 0)
    around = np.median(photograph[free & (from_disc > 1.6) & (from_disc < 3)], 0)
    return {
        "median": median,
        "spread": np.log(np.maximum(photograph[ground], 0.02)).std(0),
        "rings": np.stack([np.median(photograph[ring], 0) / median for ring in rings]),
        "density": np.stack([
            contrast(photograph, local, line & decided & ~vessels[1 - kind], vessels[kind])
            for kind, line in enumerate(lines)
        ]),
        "disc": disc,
        "disc_ratio": disc / around,
        "texture": texture(photograph[..., 1], local[..., 1], free, inner & (from_disc > 1.8)),
    }  # fmt: skip


def contrast(photograph: np.ndarray, local: np.ndarray, line: np.ndarray, vessel: np.ndarray) -> np.ndarray:
    """Median optical density (band, channel) of centre-line pixels by width."""
    width = 2 * ndimage.distance_transform_edt(vessel) / (2 * RADIUS_PX) * 1000
    density = np.log(np.maximum(local, 0.01) / np.maximum(photograph, 0.01))
    rows = []
    for low, high in BANDS:
        chosen = line & (width >= low) & (width < high)
        rows.append(np.median(density[chosen], 0) if chosen.sum() > 100 else np.full(3, np.nan))
    return np.stack(rows)


def texture(green: np.ndarray, local: np.ndarray, free: np.ndarray, ground: np.ndarray) -> np.ndarray:
    """Root mean square of ln(green) by octave of ``OCTAVES`` (cycles per mm)."""
    side, taper = 128, np.outer(np.hanning(128), np.hanning(128))
    rows, columns = np.mgrid[:side, :side]
    plane = np.c_[np.ones(side * side), rows.ravel(), columns.ravel()]
    values = np.log(np.maximum(np.where(free, green, local), 0.03))
    spectra = []
    for top in range(128, SIZE - 256, 96):
        for left in range(32, SIZE - 160, 96):
            window = slice(top, top + side), slice(left, left + side)
            if ground[window].all() and free[window].mean() > 0.8:
                patch = values[window].ravel()
                patch = (patch - plane @ np.linalg.lstsq(plane, patch, rcond=None)[0]).reshape(side, side)
                spectra.append(np.abs(np.fft.fft2(patch * taper)) ** 2 / (taper**2).sum() / side**2)
    if not spectra:
        return np.full(len(OCTAVES) - 1, np.nan)
    frequency = np.fft.fftfreq(side, PIXEL_MM)
    radial, power = np.hypot(frequency[:, None], frequency[None]), np.mean(spectra, 0)
    pairs = zip(OCTAVES[:-1], OCTAVES[1:], strict=True)
    return np.sqrt([power[(radial >= low) & (radial < high)].sum() for low, high in pairs])


def summarise(cases: list[dict[str, np.ndarray]]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Median and standard deviation over photographs."""
    stacked = {name: np.stack([case[name] for case in cases]) for name in cases[0]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # bands that no photograph has
        return {name: (np.nanmedian(values, 0), np.nanstd(values, 0)) for name, values in stacked.items()}


def table(real: dict[str, tuple[np.ndarray, np.ndarray]], ours: dict[str, tuple[np.ndarray, np.ndarray]]) -> str:
    """Markdown rows: quantity, HRF, phantom."""
    lines = ["| quantity | HRF training | phantom |", "|---|---|---|"]

    def add(name: str, key: str, index: tuple | int = (), digits: int = 2, scale: float = 1) -> None:
        cells = []
        for side in (real, ours):
            middle, spread = (np.atleast_1d(part[index]) * scale for part in side[key])
            pairs = zip(middle, spread, strict=True)
            cells.append(" / ".join("few" if np.isnan(m) else f"{m:.{digits}f} ± {s:.{digits}f}" for m, s in pairs))
        lines.append(f"| {name} | {cells[0]} | {cells[1]} |")

    add("background, median R / G / B", "median", digits=3)
    add("background, spread of ln R / G / B within a photograph", "spread")
    for i, low in enumerate(RINGS):
        add(f"light at {low:.1f}-{low + 0.2:.1f} of the radius, R / G / B", "rings", i)
    for kind, name in enumerate(KINDS):
        for i, (low, high) in enumerate(BANDS):
            add(f"density, {name} {low}-{high} ‰, R / G / B", "density", (kind, i))
    add("disc, R / G / B", "disc")
    add("disc over its surroundings, R / G / B", "disc_ratio")
    for i, (low, high) in enumerate(zip(OCTAVES[:-1], OCTAVES[1:], strict=True)):
        add(f"texture {low}-{high} cycles/mm, % of green", "texture", (i,), 2, 100)
    return "\n".join(lines)


def main() -> None:
    """Measure both sides and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("hrf", type=Path, help="folder with manifest.csv")
    parser.add_argument("--eyes", type=int, default=16, help="phantom eyes, seeds 0, 1, ...")
    options = parser.parse_args()
    with (options.hrf / "manifest.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "training"]
    real = summarise([measure(*hrf_case(options.hrf, row)) for row in rows])
    print(table(real, summarise([measure(*phantom_case(seed)) for seed in range(options.eyes)])))


if __name__ == "__main__":
    main()
