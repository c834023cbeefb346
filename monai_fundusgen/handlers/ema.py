"""Exponentially averaged weights, kept in checkpoints and written as a small file that is ready to use."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ignite.engine import Engine, Events
from ignite.handlers import EMAHandler
from torch import Tensor, nn

from monai_fundusgen.weights.files import save_weights

#: Warm-up: after t steps the average never reaches back further than about t / 9 steps.
_WARMUP = 9
_MOMENTUM = "ema_momentum"


def ema_momentum(half_life_images: float, batch_size: int) -> float:
    """Share of the newest weights in each average, so that a weight's influence halves every so many images.

    Args:
        half_life_images: images seen until an old weight counts half; about a tenth of the run is a good start.
        batch_size: images of one step, over all ranks.

    Raises:
        ValueError: a half-life that is not above 0.

    Source: Karras et al. 2022 (arXiv:2206.00364), appendix F.
    """
    if not half_life_images > 0:
        raise ValueError(f"half_life_images: found {half_life_images}, expected a number above 0, say 5000")
    return 1 - 0.5 ** (batch_size / half_life_images)


class EMA:
    """Average of a network's weights, updated after every step; ``averaged`` is the network to validate and sample.

    Ignite's ``EMAHandler`` does the averaging. Added here: a warm-up that is a function of the step alone (so a resumed
    run continues it, and the random start is forgotten), and a state dict, so that the handler itself goes into the
    checkpoint, under the name ``ema`` that ``read_weights`` looks for. In a list of handlers it comes before the
    checkpoint saver.

    Args:
        network: the trained network, wrapped for several devices or not.
        momentum: share of the newest weights in the average, in (0, 1); see ``ema_momentum``.
        warmup: average over a short past at first.
    """

    def __init__(self, network: nn.Module, momentum: float = 0.005, warmup: bool = True) -> None:
        self.momentum, self.warmup = momentum, warmup
        self._handler = EMAHandler(network, momentum=momentum)

    @property
    def averaged(self) -> nn.Module:
        """The network with averaged weights, in evaluation mode."""
        return self._handler.ema_model

    def attach(self, engine: Engine) -> None:
        """Update after every iteration; the momentum in use is ``engine.state.ema_momentum``."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._set_momentum)
        self._handler.attach(engine, name=_MOMENTUM, warn_if_exists=False)

    def state_dict(self) -> dict[str, Tensor]:
        """Averaged weights."""
        return self.averaged.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from averaged weights."""
        self.averaged.load_state_dict(state)

    def _set_momentum(self, engine: Engine) -> None:
        """Momentum of this step."""
        warm = _WARMUP / (_WARMUP + engine.state.iteration) if self.warmup else 0.0
        setattr(engine.state, _MOMENTUM, max(self.momentum, warm))


class WeightsFile:
    """Write a network's weights as fp16 after every few epochs and at the end: the file that the bundles use.

    Args:
        network: usually the ``averaged`` one of ``EMA``.
        path: the file, whole or as it was before.
        every_epochs: epochs between two writes.
    """

    def __init__(self, network: nn.Module, path: str | Path, every_epochs: int = 1) -> None:
        self.network, self.path, self.every_epochs = network, path, every_epochs

    def attach(self, engine: Engine) -> None:
        """Act after epochs, and when the run ends."""
        engine.add_event_handler(Events.EPOCH_COMPLETED(every=self.every_epochs) | Events.COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Write now."""
        save_weights(self.network.state_dict(), self.path)
