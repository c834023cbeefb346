"""How far generated photographs lie from real ones, beside how far real ones lie from each other."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ignite.engine import Engine, Events
from monai.utils.enums import CommonKeys as Keys
from numpy.typing import NDArray
from torch import Tensor

from monai_fundusgen.conventions import IMAGE
from monai_fundusgen.metrics.features import Extractor, extractor_name
from monai_fundusgen.metrics.functional.distribution import matched_distances
from monai_fundusgen.storage.whole_file import write_json

logger = logging.getLogger(__name__)
FloatArray = NDArray[np.float64]


class FidelityReport:
    """Collect predicted and true photographs; at the end write ``fidelity.json`` and log a table.

    Every distance is between N and N photographs, N being the smaller number: the Frechet distance depends on it. Of a
    larger sample random subsets are taken, and mean and standard deviation over them are given.

    Args:
        directory: where the report goes.
        extractor: photographs (N, 3, H, W) in [-1, 1] to features (N, D).
        references: by name, items with ``image`` (3, H, W) in [-1, 1], compared with the true photographs too: other
            real ones are the floor that no generator need get under.
        subsets: random subsets of a larger sample.
        seed: draws the subsets.
        pred_key: entry of the engine's output with predictions (N, 3, H, W) in [-1, 1], or a list of them.
        true_key: the same of the true photographs.
    """

    def __init__(
        self,
        directory: str | Path,
        extractor: Extractor,
        *,
        references: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
        subsets: int = 20,
        seed: int = 0,
        pred_key: str = Keys.PRED,
        true_key: str = Keys.LABEL,
    ) -> None:
        self.directory = Path(directory)
        self.extractor = extractor
        self.references = {name: items for name, items in (references or {}).items() if len(items)}
        self.subsets, self.seed = subsets, seed
        self.keys = pred_key, true_key
        self.features: tuple[list[FloatArray], list[FloatArray]] = ([], [])

    def attach(self, engine: Engine) -> None:
        """Collect after every iteration, report at the end of the run."""
        engine.add_event_handler(Events.STARTED, self._forget)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)
        engine.add_event_handler(Events.COMPLETED, self.report)

    def _forget(self, _: Engine) -> None:
        self.features = ([], [])

    def __call__(self, engine: Engine) -> None:
        """Keep the features of this iteration."""
        output: Any = engine.state.output
        rows = output if isinstance(output, list) else [output]
        for key, kept in zip(self.keys, self.features, strict=True):
            photographs = torch.cat([torch.as_tensor(row[key]).reshape(-1, *row[key].shape[-3:]) for row in rows])
            kept += list(self._features(photographs))

    def _features(self, photographs: Tensor) -> FloatArray:
        found: FloatArray = self.extractor(photographs.as_subclass(Tensor).float().clamp(-1, 1)).double().cpu().numpy()
        return found

    def report(self, engine: Engine) -> None:
        """Write the distances to the true photographs; of fewer than two there are none."""
        if len(self.features[1]) < 2 or any(len(items) < 2 for items in self.references.values()):
            logger.warning("no Frechet and kernel distance: that takes at least 2 photographs on either side")
            return
        generated, true = (np.stack(rows) for rows in self.features)
        samples = {"generated": generated}
        for name, items in self.references.items():
            samples[name] = np.concatenate([self._features(torch.as_tensor(item[IMAGE])[None]) for item in items])
        found = {
            name: matched_distances(sample, true, subsets=self.subsets, seed=self.seed)
            for name, sample in samples.items()
        }
        report = {"extractor": extractor_name(self.extractor), "true": len(true), "distances": found}
        write_json(self.directory / "fidelity.json", report)
        for line in table(found, len(true)).splitlines():
            logger.info(line)


def table(found: Mapping[str, Mapping[str, float]], count: int) -> str:
    """Markdown table of all distances."""
    lines = [f"| to {count} true photographs | N | Frechet | kernel |", "|---|---|---|---|"]
    for name, row in found.items():
        cells = [f"{row[figure]:.4g} ± {row[figure + '_std']:.2g}" for figure in ("fid", "kid")]
        lines.append(f"| {name} | {row['size']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
