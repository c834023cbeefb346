"""What a network makes of fixed inputs, as pictures: the same seeds or items every time, so that progress shows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from monai_fundusgen.transforms.pixels import photograph_pixels, soft_map_pixels


@dataclass(frozen=True)
class SamplePreview:
    """Samples of fixed seeds; pass it to `SampleGrid`.

    Args:
        sampler: seeds and network to images (B, C, H, W) in [0, 1]: vessel maps, photographs, slices.
        network: usually the averaged one.
        seeds: one picture for each.
        to_pixels: samples in [0, 1] to pictures (B, 3, H, W) uint8.
        batch_size: samples that are made at a time; None: all at once.
    """

    sampler: Any
    network: nn.Module
    seeds: Sequence[int] = (0, 1, 2, 3, 4, 5, 6, 7)
    to_pixels: Callable[[Tensor], Tensor] = soft_map_pixels
    batch_size: int | None = None

    def __call__(self) -> Tensor:
        """Pictures (B, 3, H, W) uint8."""
        return self.to_pixels(self.samples()).cpu()

    def samples(self) -> Tensor:
        """Samples (B, C, H, W) in [0, 1]."""
        self.network.eval()
        seeds, size = list(self.seeds), self.batch_size or max(len(self.seeds), 1)
        return torch.cat(
            [self.sampler(seeds[place : place + size], self.network) for place in range(0, len(seeds), size)]
        )

    def images(self) -> Tensor:
        """The same in [-1, 1], as the network was shown them in training."""
        return self.samples() * 2 - 1


@dataclass(frozen=True)
class ImagePreview:
    """Input, prediction and truth of fixed items, in columns; pass it to `SampleGrid`.

    Args:
        network: usually the averaged one.
        dataset: items with both keys.
        input_key: what the network sees, (C, H, W) in [-1, 1]; its first three channels are shown.
        target_key: the photograph that it should give, (3, H', W') in [-1, 1].
        num_items: items shown, from the first.
        keywords: what the network also takes: its keyword, and the key of the item.
    """

    network: nn.Module
    dataset: Any
    input_key: str
    target_key: str
    num_items: int = 4
    keywords: Mapping[str, str] = field(default_factory=dict)

    def __call__(self) -> Tensor:
        """Pictures (3 * num_items, 3, H', W') uint8: input, prediction, truth of each item."""
        return _of_first(self.num_items, self.dataset, self.network, self._pictures)

    def _pictures(self, item: Mapping[str, Any], device: torch.device) -> list[Tensor]:
        keywords = {name: _batch(item[key]).to(device) for name, key in self.keywords.items()}
        given = _batch(item[self.input_key]).to(device)
        truth = _batch(item[self.target_key])
        shown = nn.functional.interpolate(given[:, :3].float(), truth.shape[-2:], mode="nearest")
        found = self.network(given, **keywords)
        return [photograph_pixels(one.float().cpu()) for one in (shown, found, truth)]


@dataclass(frozen=True)
class SegmentationPreview(ABC):
    """Fixed items, what a network finds in them, and the truth, in columns; pass it to `SampleGrid`.

    Args:
        inferer: (inputs, network) to probabilities (B, C, H, W).
        network: usually the averaged one.
        dataset: items with ``image`` (2 C', H, W), as `NormalisedContrastd` gives it, and ``target``.
        num_items: items shown, from the first.
    """

    inferer: Any
    network: nn.Module
    dataset: Any
    num_items: int = 2

    def __call__(self) -> Tensor:
        """Pictures (3 * num_items, 3, H, W) uint8."""
        return _of_first(self.num_items, self.dataset, self.network, self._pictures)

    def _pictures(self, item: Mapping[str, Any], device: torch.device) -> list[Tensor]:
        given, truth = _batch(item["image"]), _batch(item["target"])
        return self.pictures(given, self.inferer(given.to(device), self.network).cpu(), truth)

    @abstractmethod
    def pictures(self, given: Tensor, found: Tensor, truth: Tensor) -> list[Tensor]:
        """Input, probabilities and truth of one item as pictures (1, 3, H, W) uint8."""


class VesselPreview(SegmentationPreview):
    """Photographs, with probabilities (B, 3, H, W) of artery, vein and vessel."""

    def pictures(self, given: Tensor, found: Tensor, truth: Tensor) -> list[Tensor]:
        """Both kinds in their colours."""
        return [photograph_pixels(given[:, :3] / 3), soft_map_pixels(found[:, :2]), soft_map_pixels(truth[:, :2])]


class FramePreview(SegmentationPreview):
    """Frames of an angiogram, with the probability (B, 1, H, W) of a vessel."""

    def pictures(self, given: Tensor, found: Tensor, truth: Tensor) -> list[Tensor]:
        """In grey."""
        planes = given[:, 1:] / 3, 2 * found - 1, 2 * truth[:, :1] - 1
        return [photograph_pixels(plane.expand(-1, 3, -1, -1)) for plane in planes]


@torch.no_grad()
def _of_first(
    count: int,
    dataset: Any,
    network: nn.Module,
    pictures: Callable[[Mapping[str, Any], torch.device], list[Tensor]],
) -> Tensor:
    """Pictures (N, 3, H, W) uint8 of the first items, by a network in evaluation mode."""
    network.eval()
    device = next(network.parameters()).device
    rows = [pictures(dataset[index], device) for index in range(min(count, len(dataset)))]
    return torch.cat([picture for row in rows for picture in row])


def _batch(array: Any) -> Tensor:
    """A batch of one, without meta data."""
    return torch.as_tensor(array).as_subclass(Tensor)[None]
