"""The styles of the training photographs, kept with the weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from ignite.engine import Engine, Events

from monai_fundusgen.conventions import IMAGE
from monai_fundusgen.networks.nets.styled_generator import StyledGenerator, photograph_style
from monai_fundusgen.transforms.field import to_network_range


class StyleBank:
    """Fill a generator's bank after every epoch; attach it before what writes the weights.

    Args:
        network: usually the ``averaged`` one of `EMA`.
        items: what the styles come from: ``image`` (3, S, S) in [0, 1] of each.
    """

    def __init__(self, network: StyledGenerator, items: Sequence[Mapping[str, Any]]) -> None:
        self.network = network
        self.items = items

    def attach(self, engine: Engine) -> None:
        """Act at the end of each epoch, and of the run."""
        engine.add_event_handler(Events.EPOCH_COMPLETED | Events.COMPLETED, self)

    @torch.no_grad()
    def __call__(self, engine: Engine) -> None:
        """Measure the photographs."""
        places = torch.linspace(0, len(self.items) - 1, min(len(self.items), len(self.network.bank))).round().int()
        device = self.network.bank.device
        styles = []
        for place in places.tolist():
            photograph = torch.as_tensor(self.items[place][IMAGE]).as_subclass(torch.Tensor)
            styles.append(photograph_style(to_network_range(photograph.float())[None].to(device))[0])
        self.network.fill_bank(torch.stack(styles))
