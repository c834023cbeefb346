"""Our schedule and posterior with the face of MONAI's ``Scheduler``, for its ``DiffusionInferer``."""

from __future__ import annotations

import torch
from monai.networks.schedulers import Scheduler
from torch import Tensor

from monai_fundusgen.diffusion.forward import diffuse
from monai_fundusgen.diffusion.parametrisation import Prediction, check_prediction, denoised, target
from monai_fundusgen.diffusion.samplers import Noise, ddim, ddpm
from monai_fundusgen.diffusion.schedule import NoiseSchedule


class RespacedScheduler(Scheduler):
    """DDIM and ancestral steps that are right for any number of steps, on a table that no batch can spoil.

    Args:
        schedule: noise schedule of the training.
        prediction: what the network predicts: ``eps``, ``v``, ``x_0`` or ``logit``. A network with twice the sample's
            channels has learned the variance too (used where ``eta`` is 1).
        eta: 0 is deterministic (DDIM), 1 ancestral (DDPM).
        clip: clip the estimate of x_0 to [-1, 1].

    Attributes:
        noise: where ``eta`` > 0, one stream per sample of the batch that is being sampled: set it to
            ``SeededNoise(seeds)`` before each batch. MONAI's inferer passes no generator, and noise from a global
            one would depend on the batch.

    Raises:
        ValueError: on an unknown prediction or an ``eta`` outside [0, 1].
    """

    def __init__(
        self, schedule: NoiseSchedule, prediction: Prediction = "eps", *, eta: float = 0.0, clip: bool = True
    ) -> None:
        super().__init__(num_train_timesteps=len(schedule))
        check_prediction(prediction)
        if not 0 <= eta <= 1:
            raise ValueError(f"RespacedScheduler: eta {eta} is outside [0, 1]; 0 is DDIM, 1 is DDPM")
        self.schedule = schedule
        self.alphas_cumprod = schedule.abar.float()
        self.alphas = torch.cat([schedule.abar[:1], schedule.abar[1:] / schedule.abar[:-1]]).float()
        self.betas = 1 - self.alphas
        self.prediction: Prediction = prediction
        self.eta = eta
        self.clip = clip
        self.noise: Noise | None = None

    def set_timesteps(self, num_inference_steps: int, device: str | torch.device | None = None) -> None:
        """Take this many evenly spread integer levels.

        Raises:
            ValueError: when the schedule has not so many.
        """
        levels = self.schedule.levels(num_inference_steps, "uniform_t")[:-1]
        self.num_inference_steps = num_inference_steps
        self.timesteps = self.schedule.time_of(levels).round().long().to(device)

    def step(self, model_output: Tensor, timestep: int | Tensor, sample: Tensor) -> tuple[Tensor, Tensor]:
        """One step down the list of timesteps.

        Args:
            model_output: output of the network (B, C, ...), or (B, 2C, ...) with a learned variance.
            timestep: one of ``timesteps``.
            sample: x_t, (B, C, ...).

        Returns:
            The sample at the next level, and the estimate of x_0.

        Raises:
            ValueError: on a timestep that is not in the list, or where noise is needed and ``noise`` is not set.
        """
        abar_t, abar_s = self._level_pair(int(timestep))
        output, fraction = model_output, None
        if model_output.shape[1] == 2 * sample.shape[1]:
            output, fraction = model_output.chunk(2, dim=1)
        x_0 = denoised(output, sample, abar_t, self.prediction)
        x_0 = x_0.clamp(-1, 1) if self.clip else x_0
        levels = torch.stack([abar_t, abar_s])
        if self.eta == 1:
            estimate = x_0 if fraction is None else (x_0, (fraction.to(x_0).clamp(-1, 1) + 1) / 2)
            return ddpm(lambda x, abar: estimate, sample, levels, self.noise), x_0
        return ddim(lambda x, abar: x_0, sample, levels, self.noise, eta=self.eta), x_0

    def add_noise(self, original_samples: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """x_t of clean samples (B, ...) at integer levels (B,)."""
        return diffuse(original_samples, noise, self.schedule.at(timesteps))

    def get_velocity(self, sample: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """Target of v-prediction for clean samples (B, ...) at integer levels (B,)."""
        return target(sample, noise, self.schedule.at(timesteps), "v")

    def _level_pair(self, timestep: int) -> tuple[Tensor, Tensor]:
        """Signal power at a timestep and at the one after it in the list; 1 after the last."""
        places = (self.timesteps == timestep).nonzero()
        if len(places) != 1:
            raise ValueError(
                f"RespacedScheduler: timestep {timestep} is not one of the {len(self.timesteps)} that set_timesteps "
                f"chose; call set_timesteps and walk through `timesteps`"
            )
        place = int(places[0, 0])
        abar = self.schedule.at(self.timesteps)
        return abar[place], abar[place + 1] if place + 1 < len(abar) else abar.new_ones(())
