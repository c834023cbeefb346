"""Sampled CT slices beside real ones: distances, Hounsfield units, sharpness, and whether they are copies."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from ignite.engine import Engine
from monai.utils.enums import CommonKeys as Keys
from numpy.typing import NDArray
from torch import Tensor

from monai_fundusgen.conventions import IMAGE
from monai_fundusgen.handlers.collected_samples import CollectedSamples
from monai_fundusgen.handlers.distribution_curve import distances, features_of
from monai_fundusgen.handlers.sample_grid import image_grid
from monai_fundusgen.metrics.features import Extractor
from monai_fundusgen.metrics.functional.memorisation import five_numbers
from monai_fundusgen.metrics.functional.slice_statistics import correlations, histogram_distance, spectrum_distance_db
from monai_fundusgen.storage.picture_file import write_png
from monai_fundusgen.storage.whole_file import write_json
from monai_fundusgen.streams import stream
from monai_fundusgen.transforms.hounsfield import to_hu, unit_shown

logger = logging.getLogger(__name__)
FloatArray = NDArray[np.float64]
Items = Sequence[Mapping[str, Any]]
_PAIRS: Final = 8  # nearest pairs that are shown
_SHEET: Final = 64  # samples on the sheet


def middle_hu(images: Tensor, window: str) -> FloatArray:
    """HU (N, H, W) of the middle channel of images (N, C, H, W) in [-1, 1]."""
    hu: FloatArray = to_hu((images[:, images.shape[1] // 2] + 1) / 2, window).double().cpu().numpy()
    return hu


def slice_figures(samples: Tensor, real: Tensor, *, window: str) -> dict[str, float]:
    """How samples (N, C, H, W) differ from real slices (M, C, H, W), both in [-1, 1].

    Returns:
        ``histogram_hu`` and ``spectrum_db`` (see `slice_statistics`), and ``nearest_correlation``: the median over the
        samples of the largest correlation with a real slice; 1 for copies.
    """
    ours, theirs = middle_hu(samples, window), middle_hu(real, window)
    return {
        "histogram_hu": histogram_distance(ours, theirs),
        "spectrum_db": spectrum_distance_db(ours, theirs),
        "nearest_correlation": float(np.median(correlations(ours, theirs).max(axis=1))),
    }


class SliceReport(CollectedSamples):
    """Collect sampled slices; at the end write ``slices.json``, ``sheet.png``, ``nearest_pairs.png`` and log a table.

    Three comparisons stand side by side: samples to the training slices, slices of held-out persons to the training
    slices, and one half of the training slices to the other. The nearest training slice of each sample is found by
    correlation at 32 px, as it is or mirrored; its scale are held-out slices, and training slices against those of
    other persons. ``nearest_pairs.png`` holds real slices: it is for you, not for others.

    Args:
        directory: where the files go.
        extractor: images (N, 3, H, W) in [-1, 1] to features (N, D).
        training: items with ``image`` (C, H, W) in [-1, 1] and ``person`` that the network saw; two or more.
        held_out: items of persons that it did not see.
        window: of the training.
        seed: of the draws.
        key: entry of the engine's output with samples (B, C, H, W) in [0, 1].
    """

    def __init__(
        self,
        directory: str | Path,
        extractor: Extractor,
        *,
        training: Items,
        held_out: Items = (),
        window: str,
        seed: int = 0,
        key: str = Keys.PRED,
    ) -> None:
        super().__init__(key)
        self.directory, self.extractor, self.window = Path(directory), extractor, window
        self.training, self.held_out = training, held_out
        self.seed = seed

    def report(self, _: Engine) -> None:
        """Write figures and pictures."""
        samples, training = torch.stack(self.samples), _images(self.training)
        shuffled = training[torch.from_numpy(stream(self.seed, "resampling").permutation(len(training)))]
        half = len(training) // 2
        found = {
            "samples": self._compared(samples, training),
            "half of the training slices, to the other half": self._compared(shuffled[:half], shuffled[half:]),
        }
        if len(self.held_out) > 1:
            found["held-out persons"] = self._compared(_images(self.held_out), training)
        nearest = self._nearest(samples, training)
        write_json(self.directory / "slices.json", {"extractor": type(self.extractor).__name__, "window": self.window,
                   "to_training_slices": found, "nearest_correlation": nearest})  # fmt: skip
        write_png(self.directory / "sheet.png", self._grid(samples[:_SHEET]))
        self._write_pairs(samples, training)
        for line in [*table(found).splitlines(), *(f"nearest correlation, {name}: median {row['median']:.3f}, largest "
                     f"{row['max']:.3f}" for name, row in nearest.items())]:  # fmt: skip
            logger.info(line)

    def _compared(self, images: Tensor, training: Tensor) -> dict[str, float]:
        figures = slice_figures(images, training, window=self.window)
        del figures["nearest_correlation"]  # of its own below, beside its scale
        ours, theirs = features_of(self.extractor, images), features_of(self.extractor, training)
        return {**distances(ours, theirs, seed=self.seed), **figures}

    def _nearest(self, samples: Tensor, training: Tensor) -> dict[str, dict[str, float]]:
        """Five numbers of the largest correlation with a training slice."""
        known = middle_hu(training, self.window)
        persons = np.array([int(item["person"]) for item in self.training])
        among = correlations(known, known)
        among[persons[:, None] == persons[None, :]] = np.nan
        rows = {"samples": correlations(middle_hu(samples, self.window), known).max(axis=1)}
        if len(set(persons.tolist())) > 1:
            rows["training slices to those of other persons"] = np.nanmax(among, axis=1)
        if len(self.held_out):
            rows["slices of held-out persons"] = correlations(
                middle_hu(_images(self.held_out), self.window), known
            ).max(axis=1)
        return {name: five_numbers(values.tolist()) for name, values in rows.items()}

    def _grid(self, images: Tensor, columns: int | None = None) -> NDArray[np.uint8]:
        return image_grid(unit_shown((images + 1) / 2, self.window).cpu().numpy(), columns)

    def _write_pairs(self, samples: Tensor, training: Tensor) -> None:
        """Samples in the upper row, the nearest training slice of each below, most alike first."""
        found = correlations(middle_hu(samples, self.window), middle_hu(training, self.window))
        order = np.argsort(-found.max(axis=1))[:_PAIRS]
        shown = torch.cat([samples[order.tolist()], training[found[order].argmax(axis=1).tolist()]])
        write_png(self.directory / "nearest_pairs.png", self._grid(shown, len(order)))


def _images(items: Items) -> Tensor:
    """Images (N, C, H, W) of items."""
    return torch.stack([torch.as_tensor(item[IMAGE]).as_subclass(Tensor).float() for item in items])


def table(found: Mapping[str, Mapping[str, float]]) -> str:
    """Markdown table of the comparisons."""
    lines = ["| to the training slices | n | Frechet | kernel | HU histogram | spectrum, dB |", "|---" * 6 + "|"]
    for name, row in found.items():
        cells = [f"{row[key]:.4g} ± {row[f'{key}_std']:.2g}" for key in ("fid", "kid")]
        lines.append(
            f"| {name} | {row['n']} | {' | '.join(cells)} | {row['histogram_hu']:.3g} | {row['spectrum_db']:.3g} |"
        )
    return "\n".join(lines)
