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
class MapPreview:
    """Sampled vessel maps of fixed seeds; pass it to `SampleGrid`.

    Args:
        sampler: seeds and network to soft maps (B, 2, H, W) in [0, 1].
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
        return self.to_pixels(self.maps()).cpu()

    def maps(self) -> Tensor:
        """Samples in [0, 1]: soft maps (B, 2, H, W), or whatever the sampler gives."""
        self.network.eval()
        seeds, size = list(self.seeds), self.batch_size or max(len(self.seeds), 1)
        return torch.cat(
            [self.sampler(seeds[place : place + size], self.network) for place in range(0, len(seeds), size)]
        )

    def images(self) -> Tensor:
        """The same in [-1, 1], as the network was shown them in training."""
        return self.maps() * 2 - 1


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

    @torch.no_grad()
    def __call__(self) -> Tensor:
        """Pictures (3 * num_items, 3, H', W') uint8: input, prediction, truth of each item."""
        self.network.eval()
        device = next(self.network.parameters()).device
        rows = []
        for index in range(min(self.num_items, len(self.dataset))):
            item = self.dataset[index]
            keywords = {name: _batch(item[key]).to(device) for name, key in self.keywords.items()}
            given = _batch(item[self.input_key]).to(device)
            truth = _batch(item[self.target_key])
            shown = nn.functional.interpolate(given[:, :3].float(), truth.shape[-2:], mode="nearest")
            rows += [shown.cpu(), self.network(given, **keywords).float().cpu(), truth]
        return photograph_pixels(torch.cat(rows))


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

    @torch.no_grad()
    def __call__(self) -> Tensor:
        """Pictures (3 * num_items, 3, H, W) uint8."""
        self.network.eval()
        device = next(self.network.parameters()).device
        rows = []
        for index in range(min(self.num_items, len(self.dataset))):
            item = self.dataset[index]
            given, truth = _batch(item["image"]), _batch(item["target"])
            found = self.inferer(given.to(device), self.network).cpu()
            rows += self.pictures(given, found, truth)
        return torch.cat(rows)

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


def _batch(array: Any) -> Tensor:
    """A batch of one, without meta data."""
    return torch.as_tensor(array).as_subclass(Tensor)[None]
