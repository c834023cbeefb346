"""How far samples lie from sets of real images, each beside its floor."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine
from monai.utils.enums import CommonKeys as Keys
from torch import Tensor

from monai_fundusgen.conventions import IMAGE
from monai_fundusgen.handlers.collected_samples import CollectedSamples
from monai_fundusgen.handlers.distribution_curve import distances, features_of
from monai_fundusgen.metrics.features import Extractor, extractor_name
from monai_fundusgen.storage.whole_file import write_json

logger = logging.getLogger(__name__)
_FEWEST = 4  # real images: two halves of two


class DistanceReport(CollectedSamples):
    """Collect samples; at the end write ``distances.json`` and log a table: a line for each set of real images.

    Args:
        directory: where the report goes.
        extractor: images (N, 3, H, W) in [-1, 1] to features (N, D).
        references: by name, items with real images (C, H, W) in [-1, 1]; sets of fewer than four are left out.
        key: entry of an item that holds the image.
        seed: of the draws.
        pred_key: entry of the engine's output with samples (B, C, H, W) in [0, 1].
    """

    def __init__(
        self,
        directory: str | Path,
        extractor: Extractor,
        references: Mapping[str, Sequence[Mapping[str, Any]]],
        *,
        key: str = IMAGE,
        seed: int = 0,
        pred_key: str = Keys.PRED,
    ) -> None:
        super().__init__(pred_key)
        self.directory, self.extractor = Path(directory), extractor
        self.references = {name: items for name, items in references.items() if len(items) >= _FEWEST}
        self.key, self.seed = key, seed

    def report(self, _: Engine) -> None:
        """Write the distances; of a single sample, or without real images, there are none."""
        if len(self.samples) < 2 or not self.references:
            logger.warning("no distances: that takes 2 samples and %d real images at least", _FEWEST)
            return
        ours = features_of(self.extractor, torch.stack(self.samples))
        found = {}
        for name, items in self.references.items():
            real = torch.stack([torch.as_tensor(item[self.key]).as_subclass(Tensor).float() for item in items])
            found[name] = distances(ours, features_of(self.extractor, real), seed=self.seed)
        write_json(self.directory / "distances.json", {"extractor": extractor_name(self.extractor), "distances": found})
        for line in table(found).splitlines():
            logger.info(line)


def table(found: Mapping[str, Mapping[str, float]]) -> str:
    """Markdown table of all distances, with the floor behind each."""
    lines = ["| samples to | n | Frechet (floor) | kernel (floor) |", "|---" * 4 + "|"]
    for name, row in found.items():
        cells = [f"{row[one]:.4g} ± {row[f'{one}_std']:.2g} ({row[f'{one}_floor']:.2g})" for one in ("fid", "kid")]
        lines.append(f"| {name} | {row['n']} | {' | '.join(cells)} |")
    return "\n".join(lines)
