"""One training step of a denoising network, for MONAI's ``SupervisedTrainer``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from monai.data.meta_tensor import MetaTensor
from monai.engines import SupervisedTrainer
from monai.engines.utils import IterationEvents
from monai.utils.enums import CommonKeys as Keys
from torch import Tensor

from monai_fundusgen.conventions import LABEL
from monai_fundusgen.diffusion.forward import diffuse, per_sample
from monai_fundusgen.diffusion.parametrisation import predicted
from monai_fundusgen.diffusion.schedule import NoiseSchedule
from monai_fundusgen.streams import stream_seed

#: loss(output, x_0, eps, abar) -> scalar, as in ``monai_fundusgen.losses.denoising``.
Loss = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
#: teacher(x_t, x_0, t, context) -> what the loss is to see in place of x_0, of its shape.
Teacher = Callable[[Tensor, Tensor, Tensor, Tensor | None], Tensor]


@dataclass(frozen=True)
class Drawn:
    """Clean maps (B, C, H, W), noise of that shape, integer levels (B,); context (B, ...) and weight if there are."""

    x_0: Tensor
    eps: Tensor
    t: Tensor
    context: Tensor | None
    weight: Tensor | None = None

    def part(self, index: int, parts: int) -> Drawn:
        """The ``index``-th of ``parts`` almost equal shares of the batch."""
        x_0, eps, t = (value.tensor_split(parts)[index] for value in (self.x_0, self.eps, self.t))
        context, weight = (
            None if value is None else value.tensor_split(parts)[index] for value in (self.context, self.weight)
        )
        return Drawn(x_0, eps, t, context, weight)


@dataclass
class DenoisingStep:
    """Noise a batch, predict, step the optimiser; pass it to a trainer as ``iteration_update``.

    Levels and noise come from generators of its own, one stream per (seed, rank, step): keep the step in the
    checkpoint beside network and optimiser, and a resumed run continues the same curve on every rank.
    Learning rate and averaged weights are the business of handlers.

    Attributes:
        schedule: noise schedule; the network sees its integer levels as ``timesteps`` (B,).
        loss: loss(output, x_0, eps, abar); it decides what the network predicts.
        seed: seed of levels and noise.
        rank: this process among those of a distributed run; each must have its own.
        key: entry of the batch that holds the clean maps (B, C, H, W) in [-1, 1].
        condition: entry of the batch that the network sees as ``context`` (B, ...); None: unconditional.
        drop_condition: fraction of samples whose condition is replaced by ``null_context`` (for guidance), in [0, 1).
        null_context: value of a condition that is not given; NaN for this package's networks.
        weight: entry of the batch (B, 1, H, W) in [0, 1]: the gradient at each pixel is scaled by it, so that pixels of
            weight 0, where a label leaves open what is there, teach nothing. None: all pixels count.
        teacher: what the network learns to predict from the noisy maps; None: the clean maps.
        autocast: ``"bfloat16"`` runs the network under autocast; no loss scaling is needed. None: full precision.
        channels_last: hand the network channels-last tensors.
        max_grad_norm: the gradient's norm is clipped to this.
        micro_batches: the batch is worked through in this many parts, to save memory.
        draw_on: device of the generators; levels and noise are the same on every machine for ``"cpu"``.
    """

    schedule: NoiseSchedule
    loss: Loss
    seed: int = 0
    rank: int = 0
    key: str = LABEL
    condition: str | None = None
    drop_condition: float = 0.0
    null_context: float = float("nan")
    weight: str | None = None
    autocast: str | None = None
    channels_last: bool = False
    max_grad_norm: float = math.inf
    micro_batches: int = 1
    draw_on: str = "cpu"
    teacher: Teacher | None = None
    num_draws: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.autocast not in (None, "bfloat16"):
            raise ValueError(f"DenoisingStep: autocast {self.autocast!r} is neither None nor 'bfloat16'")
        if not isinstance(self.seed, int) or self.seed < 0:
            raise ValueError(f"DenoisingStep: seed {self.seed!r}; expected an integer of at least 0")
        if self.micro_batches < 1 or not 0 <= self.drop_condition < 1 or not self.max_grad_norm > 0:
            raise ValueError(
                f"DenoisingStep: micro_batches {self.micro_batches}, drop_condition {self.drop_condition}, "
                f"max_grad_norm {self.max_grad_norm}; expected at least 1, in [0, 1), above 0"
            )

    def __call__(self, engine: SupervisedTrainer, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """One optimiser step; returns the loss and the gradient's norm before clipping.

        Raises:
            KeyError: when the batch lacks the key.
            FloatingPointError: on a loss or gradient that is not finite, before the weights are touched.
        """
        x_0 = self._entry(engine, batch, self.key)
        drawn = self._draw(x_0, None if self.condition is None else self._entry(engine, batch, self.condition))
        if self.weight is not None:
            drawn = replace(drawn, weight=self._entry(engine, batch, self.weight))
        parts = min(self.micro_batches, len(x_0))
        engine.network.train()
        engine.optimizer.zero_grad(set_to_none=engine.optim_set_to_none)
        total = torch.zeros((), device=x_0.device)
        for index in range(parts):
            share = drawn.part(index, parts)
            with _synchronised(engine.network, last=index == parts - 1):
                loss = self._loss(engine, share) * (len(share.t) / len(x_0))
                loss.backward()
            total += loss.detach()
        engine.fire_event(IterationEvents.BACKWARD_COMPLETED)
        norm = torch.nn.utils.clip_grad_norm_(engine.network.parameters(), self.max_grad_norm)
        _require_finite(norm, "gradient norm", engine)
        engine.optimizer.step()
        engine.fire_event(IterationEvents.MODEL_COMPLETED)
        return {Keys.LOSS: total, "grad_norm": norm.detach()}

    def state_dict(self) -> dict[str, int]:
        """What a resumed run needs: the seed and the number of steps drawn."""
        return {"seed": self.seed, "num_draws": self.num_draws}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Continue the stream of a checkpoint; each rank continues its own."""
        self.seed, self.num_draws = int(state["seed"]), int(state["num_draws"])

    def _entry(self, engine: SupervisedTrainer, batch: Mapping[str, Tensor], key: str) -> Tensor:
        """One entry of the batch as a plain tensor on the trainer's device."""
        if key not in batch:
            raise KeyError(f"DenoisingStep: the batch holds {', '.join(map(str, batch))} but no {key!r}; set key=")
        value = batch[key]
        plain = value.as_tensor() if isinstance(value, MetaTensor) else value
        return plain.to(engine.state.device, non_blocking=engine.non_blocking)

    def _draw(self, x_0: Tensor, context: Tensor | None) -> Drawn:
        """Levels, noise and dropped conditions of this step, from a generator seeded by (seed, rank, step)."""
        device = torch.device(self.draw_on)
        rng = torch.Generator(device).manual_seed(stream_seed(self.seed, "diffusion step", self.rank, self.num_draws))
        self.num_draws += 1
        t = torch.randint(len(self.schedule), (len(x_0),), generator=rng, device=device)
        eps = torch.randn(x_0.shape, generator=rng, device=device)
        if context is not None:
            dropped = torch.rand(len(x_0), generator=rng, device=device) < self.drop_condition
            context = torch.where(per_sample(dropped, context).bool(), self.null_context, context)
        return Drawn(x_0, eps.to(x_0), t.to(x_0.device), context)

    def _loss(self, engine: SupervisedTrainer, drawn: Drawn) -> Tensor:
        """Forward pass and loss of one share."""
        abar = self.schedule.at(drawn.t)
        x_t = diffuse(drawn.x_0, drawn.eps, abar)
        if self.channels_last:
            x_t = x_t.contiguous(memory_format=torch.channels_last)
        with torch.autocast(x_t.device.type, torch.bfloat16, enabled=self.autocast is not None):
            output = engine.network(x_t, drawn.t, **({} if drawn.context is None else {"context": drawn.context}))
        engine.fire_event(IterationEvents.FORWARD_COMPLETED)
        if drawn.weight is not None:
            output = torch.lerp(output.detach(), output, drawn.weight.to(output))
        loss = self.loss(output, *aims(self.teacher, x_t, drawn.x_0, drawn.eps, drawn.t, drawn.context, abar), abar)
        _require_finite(loss, "loss", engine)
        engine.fire_event(IterationEvents.LOSS_COMPLETED)
        return loss


def aims(
    teacher: Teacher | None, x_t: Tensor, x_0: Tensor, eps: Tensor, t: Tensor, context: Tensor | None, abar: Tensor
) -> tuple[Tensor, Tensor]:
    """Clean maps and noise (B, C, H, W) that a network is to find in ``x_t``: the true ones, or its teacher's."""
    if teacher is None:
        return x_0, eps
    wanted = teacher(x_t, x_0, t, context)
    return wanted, predicted(wanted, x_t, abar, "eps")


def _synchronised(network: torch.nn.Module, *, last: bool) -> AbstractContextManager[Any]:
    """Ranks exchange gradients in the last share only, where the network is distributed."""
    no_sync = getattr(network, "no_sync", None)
    return nullcontext() if last or no_sync is None else no_sync()


def _require_finite(value: Tensor, name: str, engine: SupervisedTrainer) -> None:
    """Stop the run before the weights are spoilt."""
    if not torch.isfinite(value).all():
        raise FloatingPointError(
            f"DenoisingStep: {name} {value.item()} in iteration {engine.state.iteration} (epoch {engine.state.epoch}). "
            f"The weights are those of the iteration before: resume from the last checkpoint with a lower learning "
            f"rate, a longer warm-up or a smaller max_grad_norm"
        )
