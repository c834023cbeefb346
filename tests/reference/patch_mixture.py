"""A distribution of binary vessel patches whose ideal denoiser is known: the oracle for samplers.

The patches are the windows of a small drawing of a branching vessel, the 59 most frequent ones, with their
frequencies. E[x_0 | x_t] is then a finite sum.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

SIDE = 4
COUNT = 59


def drawing(size: int = 96) -> np.ndarray:
    """A trunk that winds from left to right and five branches, (size, size) bool."""
    canvas = np.zeros((size, size), dtype=bool)
    x = np.linspace(0, size - 1, 8 * size)
    trunk = size / 2 + 9 * np.sin(x / 11)
    courses = [(x, trunk), (x, trunk + 1)]
    for start, slope in ((8, -0.7), (25, 0.5), (40, -1.3), (60, 0.9), (75, -0.4)):
        along = np.linspace(0, 30, 400)
        courses.append((start + along, np.interp(start, x, trunk) + slope * along + 2 * np.sin(along / 5)))
    for columns, rows in courses:
        inside = (rows >= 0) & (rows <= size - 1) & (columns <= size - 1)
        canvas[np.rint(rows[inside]).astype(int), np.rint(columns[inside]).astype(int)] = True
    return canvas


class PatchMixture:
    """Patches (K, D) in {-1, 1} with frequencies (K,), D = 16, K = 59."""

    def __init__(self) -> None:
        windows = np.lib.stride_tricks.sliding_window_view(drawing(), (SIDE, SIDE)).reshape(-1, SIDE * SIDE)
        patches, counts = np.unique(windows, axis=0, return_counts=True)
        most = np.argsort(-counts, kind="stable")[:COUNT]
        counts = np.sqrt(counts[most])  # evens out the empty patch, which would drown the others
        self.patches = torch.from_numpy(patches[most] * 2.0 - 1)
        self.frequencies = torch.from_numpy(counts / counts.sum())

    def denoise(self, x: Tensor, abar: Tensor, tilt: float = 0.0) -> Tensor:
        """E[x_0 | x_t] for x (..., D); with a tilt, what a network trained under exp(tilt x_0) would answer."""
        patches = self.patches.to(x)
        scores = (abar.sqrt() / (1 - abar)).to(x) * (x @ patches.T) + self.frequencies.to(x).log()
        mean = (torch.softmax(scores, -1) @ patches).clamp(-1, 1)
        return torch.sigmoid(torch.log1p(mean) - torch.log1p(-mean) + 2 * tilt) * 2 - 1 if tilt else mean

    def draw(self, count: int, rng: torch.Generator) -> Tensor:
        """Exact samples (count, D)."""
        return self.patches[torch.multinomial(self.frequencies, count, replacement=True, generator=rng)]

    def total_variation(self, samples: Tensor) -> float:
        """Distance of the samples' histogram over nearest patches from the frequencies, in [0, 1].

        Exact samples are not at 0 but at a floor, which falls with the square root of their number.
        """
        nearest = (samples.to(self.patches) @ self.patches.T).argmax(-1).flatten()
        found = torch.bincount(nearest, minlength=len(self.patches)) / nearest.numel()
        return 0.5 * (found - self.frequencies).abs().sum().item()

    def spread(self, samples: Tensor) -> float:
        """Standard deviation of the samples over that of the data, root mean square over pixels."""
        mean = self.frequencies @ self.patches
        variance = (1 - mean**2).mean()
        return (samples.to(self.patches).reshape(-1, SIDE * SIDE).var(0).mean() / variance).sqrt().item()
