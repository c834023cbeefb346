"""A vector of facts, each of them known or not, as an addition to the time embedding of a diffusion network."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ConditionEmbedding(nn.Module):
    """Two-layer perceptron over a condition vector whose entries may be "not given", as NaN.

    The perceptron sees each entry beside the flag that it is missing, so one may ask for any part of the vector, and
    conditional and unconditional samples mix in one batch: that is all that training with dropped conditions and
    guided sampling need. The last layer starts at zero: a trained unconditional network that gets an embedding does
    what it did before.

    Source: Ho & Salimans 2022 (arXiv:2207.12598), classifier-free guidance; a vector of NaN is its null token.

    Args:
        dim: length D of the condition vector.
        embedding_dim: length E of the time embedding.
    """

    def __init__(self, dim: int, embedding_dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.layers = nn.Sequential(
            nn.Linear(2 * dim, embedding_dim), nn.SiLU(), nn.Linear(embedding_dim, embedding_dim)
        )
        for parameter in self.layers[-1].parameters():
            nn.init.zeros_(parameter)

    def forward(self, vector: Tensor) -> Tensor:
        """Vectors (N, D) to embeddings (N, E); an entry that is NaN is not given."""
        missing = vector.isnan()
        known = torch.where(missing, 0, vector)  # no NaN enters: its gradient would spread
        embedding: Tensor = self.layers(torch.cat([known, missing.to(known.dtype)], dim=1))
        return embedding
