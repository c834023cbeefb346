"""How far a generator's samples lie from real images as its training goes on: Frechet and kernel distance by epoch."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from ignite.engine import Engine, Events
from numpy.typing import NDArray
from torch import Tensor

from monai_fundusgen.conventions import IMAGE
from monai_fundusgen.handlers.best_weights import BestWeights
from monai_fundusgen.handlers.curve_picture import draw_curve
from monai_fundusgen.handlers.epoch_lines import write_line
from monai_fundusgen.metrics.features import Extractor, three_channels
from monai_fundusgen.metrics.functional.distribution import frechet_distance, kernel_distance
from monai_fundusgen.streams import stream

logger = logging.getLogger(__name__)
FloatArray = NDArray[np.float64]
CURVE: Final = "curve.jsonl"
_BATCH: Final = 64  # images whose features are found at a time


class SampleDistances:
    """Measure samples beside real images: Frechet and kernel distance with the floor, and further figures.

    All distances are between n and n images, n being the number of samples, or half the real images if that is less.
    Of the real images n are drawn to compare with and n others for the floor: what another draw from the real ones
    gives, which no generator need get under. Mean and standard deviation are over several such draws, always the same.

    Args:
        real: items with real images (C, H, W) in [-1, 1]; four or more.
        extractor: images (N, 3, H, W) in [-1, 1] to features (N, D).
        figures: (samples, real images) -> further figures by name, for instance of anatomy.
        key: entry of an item that holds the image.
        draws: draws of real images.
        seed: of the draws.
        most_real: real images that are looked at, at most.

    Raises:
        ValueError: fewer than four real images.
    """

    def __init__(
        self,
        real: Sequence[Mapping[str, Any]],
        extractor: Extractor,
        *,
        figures: Callable[[Tensor, Tensor], Mapping[str, float]] | None = None,
        key: str = IMAGE,
        draws: int = 5,
        seed: int = 0,
        most_real: int = 2000,
    ) -> None:
        if len(real) < 4:
            raise ValueError(f"real images: found {len(real)}, expected 4 or more: two halves give the floor")
        self.real, self.extractor, self.figures, self.key = real, extractor, figures, key
        self.draws, self.seed, self.most_real = draws, seed, most_real
        self._known: tuple[Tensor, FloatArray] | None = None

    def __call__(self, images: Tensor) -> dict[str, float]:
        """Distances (see `distances`) and figures of samples (N, C, H, W) in [-1, 1]."""
        real, features = self._measured(images.device)
        found = distances(features_of(self.extractor, images), features, draws=self.draws, seed=self.seed)
        more = self.figures(images, real) if self.figures is not None else {}
        return {**found, **{name: float(value) for name, value in more.items()}}

    def _measured(self, device: torch.device) -> tuple[Tensor, FloatArray]:
        """Real images and their features, found once."""
        if self._known is None:
            chosen = np.sort(stream(self.seed, "resampling").permutation(len(self.real))[: self.most_real])
            rows = [torch.as_tensor(self.real[int(place)][self.key]).as_subclass(Tensor).float() for place in chosen]
            images = torch.stack(rows).to(device)
            self._known = images, features_of(self.extractor, images)
        return self._known


class DistributionCurve:
    """Sample every few epochs and at the end; add a line to ``curve.jsonl``, draw ``curve.png``, tell TensorBoard.

    A line holds epoch, iteration, and what was measured. A resumed run continues the file; an epoch that is done again
    takes the place of its line. The sampler must bring its own seeds: points then differ by the network alone, and the
    training is not disturbed.

    Args:
        sample: () -> images (N, C, H, W) in [-1, 1], of the same seeds every time.
        measure: figures of those images by name, usually `SampleDistances`.
        directory: where the files go.
        interval: epochs between two points.
        best: told the figure that its metric names; keeps the weights of the best point.
        log_dir: of TensorBoard; None: not told.

    Raises:
        ValueError: an interval below 1.
    """

    def __init__(
        self,
        sample: Callable[[], Tensor],
        measure: Callable[[Tensor], Mapping[str, float]],
        directory: str | Path,
        *,
        interval: int = 1,
        best: BestWeights | None = None,
        log_dir: str | Path | None = None,
    ) -> None:
        if interval < 1:
            raise ValueError(f"curve_epochs: found {interval}, expected at least 1")
        self.sample, self.measure, self.directory = sample, measure, Path(directory)
        self.interval, self.best, self.log_dir = interval, best, log_dir
        self._iteration = -1
        self._writer: Any = None

    def attach(self, engine: Engine) -> None:
        """Measure after every ``interval``-th epoch, and when the run ends."""
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.EPOCH_COMPLETED(every=self.interval), self)
        engine.add_event_handler(Events.COMPLETED, self._finish)

    def __call__(self, engine: Engine) -> None:
        """Sample, measure, write; once for an iteration.

        Raises:
            KeyError: what was measured is not what the best weights go by.
        """
        if engine.state.iteration == self._iteration:
            return
        self._iteration = engine.state.iteration
        found = dict(self.measure(self.sample().float()))
        place = {"epoch": engine.state.epoch, "iteration": engine.state.iteration}
        draw_curve(self.directory / "curve.png", write_line(self.directory / CURVE, {**place, **found}))
        if self._writer is not None:
            for name, value in found.items():
                self._writer.add_scalar(f"curve/{name}", value, engine.state.iteration)
        logger.info(
            "curve: %s", ", ".join(f"{name} {value:.4g}" for name, value in found.items() if "_std" not in name)
        )
        if self.best is not None:
            if self.best.metric not in found:
                raise KeyError(f"best_by: {self.best.metric!r} is not measured; there is {', '.join(found)}")
            self.best.offer(found[self.best.metric])

    def _start(self, engine: Engine) -> None:
        self._iteration = -1
        if self.log_dir is not None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(self.log_dir), purge_step=engine.state.iteration + 1)

    def _finish(self, engine: Engine) -> None:
        self(engine)
        if self._writer is not None:
            self._writer.close()


@torch.no_grad()
def features_of(extractor: Extractor, images: Tensor) -> FloatArray:
    """Features (N, D) of images (N, C, H, W) in [-1, 1], a few at a time."""
    parts = [extractor(three_channels(part)).double().cpu() for part in images.float().clamp(-1, 1).split(_BATCH)]
    found: FloatArray = torch.cat(parts).numpy()
    return found


def distances(generated: FloatArray, real: FloatArray, *, draws: int = 5, seed: int = 0) -> dict[str, float]:
    """Frechet and kernel distance of generated to real features, and of real to other real ones, all at one n.

    Args:
        generated: (N, D), N at least 2.
        real: (M, D), M at least 4.
        draws: random draws of n and n others from the real rows.
        seed: of the draws.

    Returns:
        ``n``, and mean and standard deviation over the draws: ``fid``, ``fid_std``, ``fid_floor``, ``fid_floor_std``
        and the same of ``kid``.

    Raises:
        ValueError: too few rows.
    """
    size = min(len(generated), len(real) // 2)
    if size < 2:
        raise ValueError(f"distances: {len(generated)} generated and {len(real)} real rows; expected at least 2 and 4")
    rng = stream(seed, "resampling")
    rows = []
    for _ in range(draws):
        order = rng.permutation(len(real))
        known, other = real[order[:size]], real[order[size : 2 * size]]
        ours = generated[rng.permutation(len(generated))[:size]]
        rows.append([figure for sample in (ours, other) for figure in _pair(sample, known, rng)])
    mean, spread = np.mean(rows, axis=0), np.std(rows, axis=0)
    names = ("fid", "kid", "fid_floor", "kid_floor")
    return {"n": size, **{name: float(mean[k]) for k, name in enumerate(names)},
            **{f"{name}_std": float(spread[k]) for k, name in enumerate(names)}}  # fmt: skip


def _pair(sample: FloatArray, known: FloatArray, rng: np.random.Generator) -> tuple[float, float]:
    return frechet_distance(sample, known), kernel_distance(sample, known, rng=rng, subset_size=len(known), subsets=1)[
        0
    ]
