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
from monai_fundusgen.metrics.features import FeatureExtractor
from monai_fundusgen.metrics.functional.distribution import frechet_distance, kernel_distance

logger = logging.getLogger(__name__)
FloatArray = NDArray[np.float64]
CURVE: Final = "curve.jsonl"
_BATCH: Final = 64  # images whose features are found at a time


class DistributionCurve:
    """Sample every few epochs and at the end; add a line to ``curve.jsonl``, draw ``curve.png``, tell TensorBoard.

    All distances are between n and n images, n being the number of samples, or half the real images if that is less.
    Of the real images n are drawn to compare with and n others for the floor: what another draw from the real ones
    gives, which no generator need get under. Mean and standard deviation are over several such draws, the same in every
    epoch. A line holds epoch, iteration, n, ``fid``, ``kid`` and their ``_std``, ``fid_floor`` and ``kid_floor``, and
    the figures. A resumed run continues the file; an epoch that is done again takes the place of its line.

    The sampler must bring its own seeds: points then differ by the network alone, and the training is not disturbed.

    Args:
        sample: () -> images (N, C, H, W) in [-1, 1], of the same seeds every time.
        real: items with real images (C, H, W) in [-1, 1]; two or more.
        extractor: images (N, 3, H, W) in [-1, 1] to features (N, D).
        directory: where the files go.
        interval: epochs between two points.
        figures: (samples, real images) -> further figures by name, for instance of anatomy.
        best: told the distance that its metric names, ``fid`` or ``kid``; keeps the weights of the best point.
        options: ``key`` (entry of an item, ``image``), ``draws`` (5), ``seed`` (0) of the draws, ``most_real`` (2000
            images at most), ``log_dir`` (of TensorBoard; None: not told).

    Raises:
        ValueError: fewer than two real images, an interval below 1, or a metric that the curve has not.
    """

    def __init__(
        self,
        sample: Callable[[], Tensor],
        real: Sequence[Mapping[str, Any]],
        extractor: FeatureExtractor,
        directory: str | Path,
        *,
        interval: int = 1,
        figures: Callable[[Tensor, Tensor], Mapping[str, float]] | None = None,
        best: BestWeights | None = None,
        **options: Any,
    ) -> None:
        known = {"key": IMAGE, "draws": 5, "seed": 0, "most_real": 2000, "log_dir": None}
        if len(real) < 2 or interval < 1 or (best is not None and best.metric not in ("fid", "kid")):
            raise ValueError(
                f"DistributionCurve: {len(real)} real images, interval {interval}, best by "
                f"{best and best.metric!r}; expected 2 or more, at least 1 epoch, fid or kid"
            )
        if set(options) - set(known):
            raise ValueError(f"DistributionCurve: no option {sorted(set(options) - set(known))}; it has {list(known)}")
        self.sample, self.real, self.extractor, self.directory = sample, real, extractor, Path(directory)
        self.interval, self.figures, self.best = interval, figures, best
        self.options = known | options
        self._known: tuple[Tensor, FloatArray] | None = None
        self._iteration, self._writer = -1, None

    def attach(self, engine: Engine) -> None:
        """Measure after every ``interval``-th epoch, and when the run ends."""
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.EPOCH_COMPLETED(every=self.interval), self)
        engine.add_event_handler(Events.COMPLETED, self._finish)

    def __call__(self, engine: Engine) -> None:
        """Sample, measure, write; once for an iteration."""
        if engine.state.iteration == self._iteration:
            return
        self._iteration = engine.state.iteration
        found = self.measure()
        lines = write_line(
            self.directory / CURVE, {"epoch": engine.state.epoch, "iteration": engine.state.iteration, **found}
        )
        draw_curve(self.directory / "curve.png", lines)
        if self._writer is not None:
            for name, value in found.items():
                self._writer.add_scalar(f"curve/{name}", value, engine.state.iteration)
        logger.info("epoch %d: fid %.4g (real %.4g), kid %.4g", engine.state.epoch, found["fid"], found["fid_floor"], found["kid"])
        if self.best is not None:
            self.best.offer(found[self.best.metric])

    def measure(self) -> dict[str, float]:
        """Distances and figures of the samples as the network is now."""
        images = self.sample().float()
        real, features = self._real(images.device)
        found = distances(self._features(images), features, draws=self.options["draws"], seed=self.options["seed"])
        more = self.figures(images, real) if self.figures is not None else {}
        return {**found, **{name: float(value) for name, value in more.items()}}

    def _real(self, device: torch.device) -> tuple[Tensor, FloatArray]:
        """Real images and their features, found once."""
        if self._known is None:
            order = np.random.default_rng(self.options["seed"]).permutation(len(self.real))[: self.options["most_real"]]
            items = [self.real[int(place)][self.options["key"]] for place in np.sort(order)]
            images = torch.stack([torch.as_tensor(one).as_subclass(Tensor).float() for one in items]).to(device)
            self._known = images, self._features(images)
        return self._known

    def _features(self, images: Tensor) -> FloatArray:
        with torch.no_grad():
            parts = [self.extractor(three_channels(part)).double().cpu() for part in images.clamp(-1, 1).split(_BATCH)]
        found: FloatArray = torch.cat(parts).numpy()
        return found

    def _start(self, engine: Engine) -> None:
        self._iteration = -1
        if self.options["log_dir"] is not None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(self.options["log_dir"]), purge_step=engine.state.iteration + 1)

    def _finish(self, engine: Engine) -> None:
        self(engine)
        if self._writer is not None:
            self._writer.close()


def three_channels(images: Tensor) -> Tensor:
    """Images (N, C, H, W) as extractors take them: grey ones thrice, two channels with an empty third.

    Raises:
        ValueError: neither 1, 2 nor 3 channels.
    """
    count = images.shape[1]
    if count not in (1, 2, 3):
        raise ValueError(f"three_channels: found {count} channels, expected 1, 2 or 3")
    if count == 2:
        return torch.cat([images, torch.full_like(images[:, :1], -1)], dim=1)
    return images.expand(-1, 3, -1, -1)


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
    rng = np.random.default_rng(seed)
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
    return frechet_distance(sample, known), kernel_distance(sample, known, rng=rng, subset_size=len(known), subsets=1)[0]
