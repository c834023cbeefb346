"""Noise schedules: how much signal is left at each of T levels, and which levels a sampler visits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

Spacing = Literal["uniform_t", "log_snr", "karras"]


@dataclass(frozen=True, eq=False)
class NoiseSchedule:
    """Signal power ``abar`` at levels t = 0 (nearly clean) to T - 1 (nearly pure noise).

    The table is float64 on the CPU and never converted in place: the samples' dtype and device cannot spoil it.

    Attributes:
        abar: (T,) strictly falling, in (0, 1); x_t = sqrt(abar) x_0 + sqrt(1 - abar) eps.

    Raises:
        ValueError: when ``abar`` is not such a table.
    """

    abar: Tensor

    def __post_init__(self) -> None:
        table = self.abar.detach().to("cpu", torch.float64).clone()
        if table.ndim != 1 or len(table) < 2 or not ((table[1:] < table[:-1]).all() and table[0] < 1 and table[-1] > 0):
            raise ValueError(
                f"NoiseSchedule: abar of shape {tuple(table.shape)}, range [{table.min():g}, {table.max():g}] is no "
                f"strictly falling table of at least two values in (0, 1); lower the end of the beta range"
            )
        object.__setattr__(self, "abar", table)

    @classmethod
    def linear(cls, num_steps: int = 1000, beta_start: float = 1e-4, beta_end: float = 0.02) -> NoiseSchedule:
        """Variances rising linearly from ``beta_start`` to ``beta_end`` (the paper's).

        Source: Ho et al. 2020 (arXiv:2006.11239), section 4.
        """
        betas = torch.linspace(beta_start, beta_end, num_steps, dtype=torch.float64)
        return cls((1 - betas).cumprod(0))

    @classmethod
    def cosine(
        cls, num_steps: int = 1000, *, log_snr_shift: float = 0.0, offset: float = 0.008, max_beta: float = 0.999
    ) -> NoiseSchedule:
        """Squared cosine, moved by ``log_snr_shift`` (negative: noisier, for maps with little detail per pixel).

        Source: Nichol & Dhariwal 2021 (arXiv:2102.09672), eq. 17; the shift: Hoogeboom et al. 2023
        (arXiv:2301.11093), section 3.1, where a shift of 2 log(64 / side) suits images of that side.
        """
        u = torch.linspace(0, 1, num_steps + 1, dtype=torch.float64)
        power = ((u + offset) / (1 + offset) * math.pi / 2).cos().square()
        abar = (power[1:] / power[:-1]).clamp(min=1 - max_beta).cumprod(0)
        return cls(torch.sigmoid(torch.logit(abar) + log_snr_shift))

    @classmethod
    def sigmoid(
        cls, num_steps: int = 1000, *, start: float = -3.0, end: float = 3.0, temperature: float = 1.0
    ) -> NoiseSchedule:
        """Sigmoid-shaped signal power; its last level keeps a power of 1e-9.

        Source: Jabri et al. 2022 (arXiv:2212.11972), algorithm 1.
        """
        u = torch.linspace(0, 1, num_steps + 1, dtype=torch.float64)
        curve = torch.sigmoid((u * (end - start) + start) / temperature)
        return cls(((curve[-1] - curve) / (curve[-1] - curve[0])).clamp(min=1e-9)[1:])

    def noisier_end(self, log_snr: float = -20.0) -> NoiseSchedule:
        """The schedule stretched so that its last level has this log signal-to-noise ratio, the first one kept.

        The linear schedule ends at about -10, where a map's density still shows through the noise that sampling
        starts from. Not for ``eps``, which says nothing of x_0 at such a level.

        Source: Lin et al. 2023 (arXiv:2305.08891), algorithm 1, with a small terminal amplitude in place of zero.
        """
        root, end = self.abar.sqrt(), 1 / math.sqrt(1 + math.exp(-log_snr))
        stretched = end + (root - root[-1]) * (root[0] - end) / (root[0] - root[-1])
        return NoiseSchedule(stretched.square())

    def __len__(self) -> int:
        return len(self.abar)

    @property
    def log_snr(self) -> Tensor:
        """Log of signal power over noise power, (T,) float64, strictly falling."""
        return torch.logit(self.abar)

    def at(self, t: Tensor) -> Tensor:
        """Signal power (float64, CPU) at levels ``t`` in [0, T - 1], fractions included.

        Between two levels the log signal-to-noise ratio is linear in t.
        """
        t = t.detach().to("cpu", torch.float64).clamp(0, len(self) - 1)
        below = t.floor().long()
        above = t.ceil().long()
        table = self.log_snr
        between = torch.sigmoid(torch.lerp(table[below], table[above], t - below))
        return torch.where(below == above, self.abar[below], between)

    def time_of(self, abar: Tensor) -> Tensor:
        """Level t (float64, CPU, fractional) with signal power ``abar``: the inverse of :meth:`at`.

        Powers beyond the ends of the table give the ends.
        """
        rising = self.log_snr.flip(0)
        wanted = torch.logit(abar.detach().to("cpu", torch.float64)).clamp(rising[0], rising[-1])
        right = torch.searchsorted(rising, wanted).clamp(1, len(self) - 1)
        left = right - 1
        return (len(self) - 1) - (left + (wanted - rising[left]) / (rising[right] - rising[left]))

    def levels(
        self, num_levels: int, spacing: Spacing = "uniform_t", *, log_snr_range: tuple[float, float] = (-8.0, 6.0)
    ) -> Tensor:
        """Signal powers that a sampler visits, noisy to clean, (num_levels + 1,) float64; the last one is 1.

        The first is always the schedule's noisiest: a map of 100,000 pixels shows its density even at a log-snr of
        -8, so sampling that starts there from pure noise gives maps that are too dense.

        Args:
            num_levels: number of noisy levels.
            spacing: ``"uniform_t"``: integer levels, evenly spread, T - 1 first; ``"log_snr"``: evenly spread in the
                log signal-to-noise ratio; ``"karras"``: sigma^(1/7) evenly spread (Karras et al. 2022,
                arXiv:2206.00364, eq. 5). The last two fall between the integer levels.
            log_snr_range: between the first level and 1, the last two spacings stay in this range (and the table's).

        Raises:
            ValueError: on an unknown spacing, or a count that the table cannot serve.
        """
        if spacing not in get_args(Spacing):
            raise ValueError(f"levels: spacing {spacing!r} is none of {', '.join(get_args(Spacing))}")
        if num_levels < 1 or (spacing == "uniform_t" and num_levels > len(self)):
            raise ValueError(
                f"levels: {num_levels} levels asked of a schedule of {len(self)}; ask for 1 to {len(self)}, "
                f"or space them by log_snr, which may fall between the schedule's levels"
            )
        if spacing == "uniform_t":
            t = torch.linspace(len(self), 0, num_levels + 1, dtype=torch.float64)[:-1].round().long() - 1
            noisy = self.abar[t]
        else:
            noisy = torch.sigmoid(self._spread(num_levels, log_snr_range, rho=7.0 if spacing == "karras" else None))
        return torch.cat([noisy, noisy.new_ones(1)])

    def _spread(self, count: int, log_snr_range: tuple[float, float], rho: float | None) -> Tensor:
        """``count`` log signal-to-noise ratios: evenly spread, or sigma^(1 / rho) evenly spread."""
        end = self.log_snr[-1:]
        noisiest, cleanest = max(float(end), log_snr_range[0]), min(float(self.log_snr[0]), log_snr_range[1])
        rest = count if float(end) >= log_snr_range[0] else count - 1
        if rho is None:
            spread = torch.linspace(noisiest, cleanest, rest, dtype=torch.float64)
        else:
            first, last = (math.exp(-log_snr / 2 / rho) for log_snr in (noisiest, cleanest))
            spread = -2 * rho * torch.linspace(first, last, rest, dtype=torch.float64).log()
        return spread if rest == count else torch.cat([end, spread])
