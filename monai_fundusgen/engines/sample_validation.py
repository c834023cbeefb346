"""Samples beside held-back images, for generators that have no loss to validate by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from monai.engines import SupervisedEvaluator
from monai.utils.enums import CommonKeys as Keys
from torch import Tensor, nn

from monai_fundusgen.conventions import LABEL
from monai_fundusgen.streams import stream_seed


@dataclass
class SampleValidation:
    """As many samples as the batch holds real images; pass it to an evaluator as ``iteration_update``.

    Seeds are a function of ``seed`` and the place of the image: two validations differ by the network alone. A distance
    of distributions (`FeatureDistanceMetric`) makes a figure of them.

    Attributes:
        sampler: (seeds, network) to images (B, C, H, W) in [0, 1].
        seed: of the samples' seeds.
        key: entry of the batch that holds the real images (B, C, H, W) in [-1, 1].
    """

    sampler: Callable[[Sequence[int], nn.Module], Tensor]
    seed: int = 0
    key: str = LABEL

    def __call__(self, engine: SupervisedEvaluator, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Samples under ``pred`` and the real images under ``label``, both in [-1, 1], on the evaluator's device."""
        real = batch[self.key].as_subclass(Tensor).to(engine.state.device)
        seeds = [stream_seed(self.seed, "validation", engine.state.iteration, place) for place in range(len(real))]
        engine.network.eval()
        return {str(Keys.PRED): self.sampler(seeds, engine.network) * 2 - 1, str(Keys.LABEL): real}
