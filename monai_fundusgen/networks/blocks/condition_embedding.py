"""A vector of known facts, or none, as an addition to the time embedding of a diffusion network."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ConditionEmbedding(nn.Module):
    """Two-layer perceptron over a condition vector, with a learned embedding for "not given".

    A row of the input that holds a NaN counts as not given, so conditional and unconditional samples mix in one batch:
    that is all that training with dropped conditions and guided sampling need.

    Source: Ho & Salimans 2022 (arXiv:2207.12598), classifier-free guidance; the null embedding is its null token.

    Args:
        dim: length D of the condition vector.
        embedding_dim: length E of the time embedding.
    """

    def __init__(self, dim: int, embedding_dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.layers = nn.Sequential(nn.Linear(dim, embedding_dim), nn.SiLU(), nn.Linear(embedding_dim, embedding_dim))
        self.null = nn.Parameter(torch.zeros(embedding_dim))

    def forward(self, vector: Tensor) -> Tensor:
        """Vectors (N, D) to embeddings (N, E); rows with a NaN give the null embedding."""
        missing = vector.isnan().any(dim=1, keepdim=True)
        known = self.layers(torch.where(missing, 0, vector))  # no NaN enters: its gradient would spread
        return torch.where(missing, self.null.to(known.dtype), known)
