"""Are sampled maps copies? Nearest training map of each, beside what real maps that were never seen give."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ignite.engine import Engine, Events
from monai.utils.enums import CommonKeys as Keys
from numpy.typing import NDArray
from torch.nn import functional

from monai_fundusgen.conventions import LABEL
from monai_fundusgen.metrics.functional.memorisation import (
    Nearest,
    dice_with_each,
    five_numbers,
    likeness_of_real,
    nearest_dice,
)
from monai_fundusgen.metrics.functional.privacy import enough_records, record_preference
from monai_fundusgen.storage.picture_file import write_png
from monai_fundusgen.storage.whole_file import write_json
from monai_fundusgen.streams import stream
from monai_fundusgen.transforms.pixels import soft_map_pixels

logger = logging.getLogger(__name__)
Items = Sequence[Mapping[str, Any]]
_SIDE = 64  # px that maps are compared at
_PAIRS = 4  # nearest pairs that are shown


class MemorisationReport:
    """Compare every predicted map with the training maps; at the end write ``memorisation.json`` and the nearest pairs.

    The soft Dice of both kinds is the best over mirrorings, turns and shifts, at 64 px. Its scale comes from real maps:
    each training map against the others, and held-out maps against the training maps. A model that copies gives sampled
    maps that lie clearly above both. Maps that are typical are alike to all maps, seen or not: ``preference`` compares
    the most alike training map with the most alike held-out one (`record_preference`; null where there are too few of
    them). The pairs, sampled above its nearest training map, are in ``nearest_pairs.png``.

    Args:
        directory: where the report goes.
        training: items whose ``label`` is a soft map (2, H, W), or (1, H, W) without kinds, that the model saw.
        held_out: items that it did not see.
        key: entry of the engine's output with soft maps (B, C, H, W) in [0, 1].
        to_pixels: maps (N, C, H, W) to pictures (N, 3, H, W) uint8.
    """

    def __init__(
        self,
        directory: str | Path,
        *,
        training: Items,
        held_out: Items = (),
        key: str = Keys.PRED,
        to_pixels: Callable[[torch.Tensor], torch.Tensor] = soft_map_pixels,
    ) -> None:
        self.directory = Path(directory)
        self.training = training
        self.held_out = held_out
        self.key, self.to_pixels = key, to_pixels
        self.maps: list[torch.Tensor] = []

    def attach(self, engine: Engine) -> None:
        """Collect after every iteration, report at the end of the run."""
        engine.add_event_handler(Events.STARTED, lambda _: self.maps.clear())
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)
        engine.add_event_handler(Events.COMPLETED, self.report)

    def __call__(self, engine: Engine) -> None:
        """Keep the maps of this iteration."""
        output: Any = engine.state.output
        self.maps += list(output[self.key].float().cpu())

    def report(self, engine: Engine) -> None:
        """Write figures and pairs; without training maps there is nothing to compare."""
        if not len(self.training):
            return
        seen, unseen = ([_plain(item) for item in items] for items in (self.training, self.held_out))
        gallery, others, sampled = _reduced(seen), _reduced(unseen) if unseen else None, _reduced(self.maps)
        both = gallery if others is None else np.concatenate([gallery, others])
        likeness = np.stack([dice_with_each(one, both) for one in sampled])
        nearest = likeness[:, : len(gallery)].max(axis=1)
        rows = {"sampled to training": nearest.tolist(), **likeness_of_real(gallery, others)}
        summary = {name: five_numbers(values) for name, values in rows.items() if values}
        preference = None
        if enough_records(len(seen), len(unseen)):
            trained_on = np.arange(len(both)) < len(gallery)
            preference = asdict(record_preference(likeness, trained_on, rng=stream(0, "resampling")))
        write_json(self.directory / "memorisation.json", {"summary": summary, "preference": preference, "dice": rows})
        closest = np.argsort(-nearest, kind="stable")[:_PAIRS].tolist()
        pairs = [(self.maps[place], nearest_dice(sampled[place], gallery)) for place in closest]
        write_png(self.directory / "nearest_pairs.png", self._pairs(pairs, seen))
        for name, found in summary.items():
            logger.info("nearest Dice, %s: median %.3f, largest %.3f", name, found["median"], found["max"])
        if preference is not None:
            logger.info(
                "nearest Dice, training less held-out maps: %+.4f, by chance %+.4f to %+.4f (p %.2f)",
                *(preference[name] for name in ("difference", "low", "high", "p_value")),
            )

    def _pairs(self, pairs: Sequence[tuple[torch.Tensor, Nearest]], seen: Sequence[torch.Tensor]) -> NDArray[np.uint8]:
        """Sampled maps in the upper row, their nearest training maps in the lower."""
        rows = [[mine for mine, _ in pairs], [_posed(seen[found.index], found) for _, found in pairs]]
        pictures = [self.to_pixels(torch.stack(row)).permute(2, 0, 3, 1).flatten(1, 2) for row in rows]
        return torch.cat(pictures).cpu().numpy()


def _plain(item: Mapping[str, Any]) -> torch.Tensor:
    return torch.as_tensor(np.asarray(item[LABEL]), dtype=torch.float32)


def _posed(vessels: torch.Tensor, found: Nearest) -> torch.Tensor:
    """Mirrored as the match was; turns and shifts are small and left out."""
    return vessels.flip(-1) if found.flipped else vessels


def _reduced(maps: Sequence[torch.Tensor]) -> NDArray[np.float64]:
    """Maps (N, C, 64, 64), averaged down."""
    stack: NDArray[np.float64] = functional.adaptive_avg_pool2d(torch.stack(list(maps)), _SIDE).double().numpy()
    return stack
