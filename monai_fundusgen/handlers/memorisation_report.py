"""Are sampled maps copies? Nearest training map of each, beside what real maps that were never seen give."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ignite.engine import Engine, Events
from monai.utils.enums import CommonKeys as Keys
from numpy.typing import NDArray
from torch.nn import functional

from monai_fundusgen.conventions import LABEL
from monai_fundusgen.metrics.functional.memorisation import Nearest, five_numbers, likeness_of_real, nearest_dice
from monai_fundusgen.storage.picture_file import write_png
from monai_fundusgen.storage.whole_file import write_json
from monai_fundusgen.transforms.pixels import soft_map_pixels

logger = logging.getLogger(__name__)
Items = Sequence[Mapping[str, Any]]
_SIDE = 64  # px that maps are compared at
_PAIRS = 4  # nearest pairs that are shown


class MemorisationReport:
    """Compare every predicted map with the training maps; at the end write ``memorisation.json`` and the nearest pairs.

    The soft Dice of both kinds is the best over mirrorings, turns and shifts, at 64 px. Its scale comes from real maps:
    each training map against the others, and held-out maps against the training maps. A model that copies gives sampled
    maps that lie clearly above both. The pairs, sampled above its nearest training map, are in ``nearest_pairs.png``.

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
        gallery = _reduced(seen)
        nearest = [nearest_dice(one, gallery) for one in _reduced(self.maps)]
        others = likeness_of_real(gallery, _reduced(unseen) if unseen else None)
        rows = {"sampled to training": [found.dice for found in nearest], **others}
        summary = {name: five_numbers(values) for name, values in rows.items() if values}
        write_json(self.directory / "memorisation.json", {"summary": summary, "dice": rows})
        write_png(self.directory / "nearest_pairs.png", self._pairs(nearest, seen))
        for name, found in summary.items():
            logger.info("nearest Dice, %s: median %.3f, largest %.3f", name, found["median"], found["max"])

    def _pairs(self, nearest: Sequence[Nearest], seen: Sequence[torch.Tensor]) -> NDArray[np.uint8]:
        """Sampled maps in the upper row, their nearest training maps in the lower, most alike first."""
        order = sorted(range(len(nearest)), key=lambda place: -nearest[place].dice)[:_PAIRS]
        rows = [
            [self.maps[place] for place in order],
            [_posed(seen[nearest[place].index], nearest[place]) for place in order],
        ]
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
