"""Seeds to images (vessel maps, photographs, CT slices): a denoising network behind MONAI's ``Inferer``."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from monai.inferers import Inferer
from torch import Tensor, nn

from monai_fundusgen.diffusion.noise import SeededNoise
from monai_fundusgen.diffusion.parametrisation import Prediction, check_prediction, denoised
from monai_fundusgen.diffusion.samplers import Solver, num_levels, sampler_of
from monai_fundusgen.diffusion.schedule import NoiseSchedule, Spacing
from monai_fundusgen.diffusion.weighting import shift_logits
from monai_fundusgen.transforms.traits import TraitRequest


@dataclass
class NetworkDenoiser:
    """A network as ``denoise(x, abar)``: the face that samplers call.

    Attributes:
        network: called ``network(x, timesteps)``, or ``network(x, timesteps, context=context)`` with a context;
            returns (B, C, H, W), or (B, 2C, H, W) where it learned the variance.
        schedule: the schedule it was trained on; between its levels the network sees fractional timesteps.
        prediction: what the network predicts.
        context: condition (B, ...), or None.
        guidance_scale: 1 takes the conditional prediction, more pushes away from the unconditional one (which is
            then evaluated too), 0 takes the latter alone.
        guided_entries: entries of the context (its second axis) that the unconditional prediction is not told, so that
            guidance makes more of these alone; None: all.
        guidance_levels: where guidance acts, from and to, as shares of the schedule's levels: 0 is the cleanest, 1 the
            noisiest. Elsewhere the conditional prediction is taken.
        null_context: value of a context that is not given.
        logit_shift: shift in :func:`~monai_fundusgen.diffusion.weighting.shift_logits`; 0 leaves the estimate alone.
        autocast: ``"bfloat16"`` or None.
        channels_last: hand the network channels-last tensors.
        with_variance: return (x_0, v) where the network learned the variance.

    Source: Ho & Salimans 2022 (arXiv:2207.12598), eq. 6; at some levels only: Kynkaanniemi et al. 2024
    (arXiv:2404.07724).
    """

    network: Callable[..., Tensor]
    schedule: NoiseSchedule
    prediction: Prediction
    context: Tensor | None = None
    guidance_scale: float = 1.0
    null_context: float = float("nan")
    logit_shift: float = 0.0
    autocast: str | None = None
    channels_last: bool = False
    with_variance: bool = False
    guided_entries: Sequence[int] | None = None
    guidance_levels: Sequence[float] = (0.0, 1.0)

    def __call__(self, x: Tensor, abar: Tensor) -> Any:
        """Estimate of x_0 (B, C, H, W) in [-1, 1], float32, of noisy samples at one signal power, or at (B,) of them.

        Raises:
            ValueError: guidance acts at the levels of some samples, not at those of others.
        """
        output = self._guided(x, self.schedule.time_of(abar))
        output, fraction = output.chunk(2, dim=1) if output.shape[1] == 2 * x.shape[1] else (output, None)
        x_0 = denoised(output, x, abar, self.prediction).clamp(-1, 1)
        if self.logit_shift:
            x_0 = shift_logits(x_0, self.logit_shift)
        return (x_0, (fraction.float().clamp(-1, 1) + 1) / 2) if self.with_variance and fraction is not None else x_0

    def _guided(self, x: Tensor, t: Tensor) -> Tensor:
        """Output of the network, float32, moved along the condition's direction; ``t`` is a level, or one a sample."""
        inside = inside_levels(t, self.guidance_levels, self.schedule)
        acts = bool(inside.all())
        if self.guidance_scale != 1 and inside.any() and not acts:
            raise ValueError(
                f"guidance_levels {self.guidance_levels}: some samples lie inside, some outside; call for each"
            )
        t = t.to(x.device, torch.float32).expand(len(x))
        if self.context is None or self.guidance_scale == 1 or not acts:
            return self._output(x, t, self.context)
        null = torch.full_like(self.context, self.null_context)
        if self.guided_entries is not None:
            told = [entry for entry in range(null.shape[1]) if entry not in self.guided_entries]
            null[:, told] = self.context[:, told]
        if self.guidance_scale == 0:
            return self._output(x, t, null)
        without, given = self._output(torch.cat([x, x]), t.repeat(2), torch.cat([null, self.context])).chunk(2)
        return without + self.guidance_scale * (given - without)

    def _output(self, x: Tensor, t: Tensor, context: Tensor | None) -> Tensor:
        """One call of the network."""
        if self.channels_last:
            x = x.contiguous(memory_format=torch.channels_last)
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.autocast is not None):
            output = self.network(x, t, **({} if context is None else {"context": context}))
        return output.float()


@dataclass
class DiffusionSampler(Inferer):
    """Images from seeds, whatever the network was trained on: a seed gives the same image in any batch.

    The network should be in evaluation mode, as MONAI's evaluators put it. Convolutions differ in their last bits
    between batch sizes; set ``batch_size`` where bytes must agree.

    Attributes:
        schedule: the schedule of the training.
        prediction: what the network predicts: ``eps``, ``v``, ``x_0`` or ``logit``.
        solver: ``dpm_solver``, ``unipc``, ``ddim``, ``heun`` or ``ddpm``.
        num_evaluations: calls of the network per image (guidance doubles the work of each).
        spacing: ``uniform_t``, ``log_snr`` or ``karras``.
        shape: channels, height and width of an image, where seeds are given.
        batch_size: images that go through the network together; the last batch is padded to it. None: all at once.
        guidance_scale: strength of the condition, at least 0, see :class:`NetworkDenoiser`.
        guided_entries: entries of the condition that guidance makes more of, see there; None: all.
        guidance_levels: where guidance acts, see there.
        null_context: value of a condition that is not given.
        logit_shift: shift that undoes an exponentially reweighted training; negative adds vessels, 0 is none.
        autocast: ``"bfloat16"`` runs the network under autocast.
        channels_last: hand the network channels-last tensors.

    Raises:
        ValueError: when the parts do not fit: an unknown name, a number of evaluations that the solver cannot make.
    """

    schedule: NoiseSchedule
    prediction: Prediction = "logit"
    solver: Solver = "dpm_solver"
    num_evaluations: int = 20
    spacing: Spacing = "uniform_t"
    shape: Sequence[int] = (2, 256, 256)
    batch_size: int | None = None
    guidance_scale: float = 1.0
    null_context: float = float("nan")
    logit_shift: float = 0.0
    autocast: str | None = None
    channels_last: bool = False
    guided_entries: Sequence[int] | None = None
    guidance_levels: Sequence[float] = (0.0, 1.0)

    def __post_init__(self) -> None:
        check_prediction(self.prediction)
        self.levels = self.schedule.levels(num_levels(self.solver, self.num_evaluations), self.spacing)
        if self.autocast not in (None, "bfloat16"):
            raise ValueError(f"DiffusionSampler: autocast {self.autocast!r} is neither None nor 'bfloat16'")
        if self.batch_size is not None and self.batch_size < 1:
            raise ValueError(f"DiffusionSampler: batch_size {self.batch_size}; expected at least 1, or None for all")
        if len(self.shape) != 3 or not all(isinstance(side, int) and side > 0 for side in self.shape):
            raise ValueError(f"DiffusionSampler: shape {tuple(self.shape)}; expected channels, height and width in px")
        if not isinstance(self.guidance_scale, (int, float)) or not 0 <= self.guidance_scale < math.inf:
            raise ValueError(
                f"DiffusionSampler: guidance_scale {self.guidance_scale!r}; expected a number of at least 0, 1 "
                f"to follow the condition as it was trained"
            )
        require_levels(self.guidance_levels)

    @torch.no_grad()
    def __call__(  # type: ignore[override]  # seeds take the place of an image
        self, inputs: Sequence[int] | Tensor, network: Callable[..., Tensor], *, context: Tensor | None = None
    ) -> Tensor:
        """Images (B, C, H, W) in [0, 1], float32, on the network's device; maps of vessels are soft ones.

        Args:
            inputs: B seeds, each in [0, 2**32), as integers or an integer tensor; or the noise itself, a real tensor
                (B, C, H, W), for deterministic solvers.
            network: the trained network.
            context: condition (B, ...) where the network takes one.

        Raises:
            ValueError: on a context of another length, on noise for a solver that needs seeds, on a seed out of range.
        """
        if context is not None and len(context) != len(inputs):
            raise ValueError(f"DiffusionSampler: {len(context)} contexts for {len(inputs)} images; give one per image")
        device = _device_of(network, inputs)
        size = self.batch_size or max(len(inputs), 1)
        images = []
        for first in range(0, len(inputs), size):
            rows = [min(first + row, len(inputs) - 1) for row in range(size)]  # the last image again, as padding
            given = None if context is None else context[rows].to(device)
            images.append(self._batch(inputs, rows, network, given, device)[: len(inputs) - first])
        return torch.cat(images) if images else torch.empty(0, *self.shape, device=device)

    def _batch(
        self,
        inputs: Sequence[int] | Tensor,
        rows: list[int],
        network: Callable[..., Tensor],
        context: Tensor | None,
        device: torch.device,
    ) -> Tensor:
        """Images of some rows of the inputs."""
        if isinstance(inputs, Tensor) and inputs.is_floating_point():
            noise, x_T = None, inputs[rows].float()
        else:
            noise = SeededNoise([int(inputs[row]) for row in rows])
            x_T = noise.normal(*self.shape)
        denoise = NetworkDenoiser(
            network, self.schedule, self.prediction, context, self.guidance_scale, self.null_context, self.logit_shift,
            self.autocast, self.channels_last, with_variance=self.solver == "ddpm",
            guided_entries=self.guided_entries, guidance_levels=self.guidance_levels,
        )  # fmt: skip
        x_0 = sampler_of(self.solver)(denoise, x_T.to(device), self.levels, noise)
        return ((x_0 + 1) / 2).clamp(0, 1)


def inside_levels(t: Tensor, levels: Sequence[float], schedule: NoiseSchedule) -> Tensor:
    """Whether levels ``t`` of a schedule, scalar or (B,), lie in a range of shares of them; bool, of the same shape."""
    share = t / (len(schedule) - 1)
    return (levels[0] <= share) & (share <= levels[1])


def require_levels(levels: Any) -> None:
    """Raise ValueError unless it is a range of shares of the levels, from and to."""
    numbers = isinstance(levels, Sequence) and len(levels) == 2 and all(isinstance(end, (int, float)) for end in levels)
    if not numbers or not 0 <= levels[0] <= levels[1] <= 1:
        raise ValueError(f"guidance_levels {levels!r}; expected [from, to] within 0 to 1")


def _device_of(network: Callable[..., Tensor], inputs: Sequence[int] | Tensor) -> torch.device:
    """Where the network's weights lie; for a function without weights, where the inputs lie."""
    if isinstance(network, nn.Module):
        for parameter in network.parameters():
            return parameter.device
    return inputs.device if isinstance(inputs, Tensor) else torch.device("cpu")


@dataclass
class RequestedSampler(Inferer):
    """A `DiffusionSampler` for a network with a condition vector; each seed draws its own traits from the request.

    Attributes:
        sampler: the sampler; its ``guidance_scale`` says how strictly the request is followed.
        request: what is asked for; None for an unconditional network.
    """

    sampler: DiffusionSampler
    request: TraitRequest | None = None

    def __call__(  # type: ignore[override]  # seeds take the place of an image
        self, inputs: Sequence[int] | Tensor, network: Callable[..., Tensor]
    ) -> Tensor:
        """Images (B, C, H, W) in [0, 1] of B seeds."""
        seeds = [int(seed) for seed in inputs]
        context = None if self.request is None else self.request.vectors(seeds)
        return self.sampler(seeds, network, context=context)
