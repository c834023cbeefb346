"""The ADM U-Net written out in plain torch from the paper and its released structure: flat lists, no host, no options.

Follows Dhariwal & Nichol 2021 (arXiv:2105.05233): residual blocks with adaptive group norm that also change the
resolution, attention with one 1x1 projection whose channels are ordered (head, [q, k, v], channel), skips from every
input block.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def time_embedding(t: Tensor, dim: int) -> Tensor:
    freqs = torch.tensor([10000.0 ** (-i / (dim // 2)) for i in range(dim // 2)])
    args = t.float()[:, None] * freqs
    return torch.cat([args.cos(), args.sin()], dim=1)


class Residual(nn.Module):
    def __init__(self, c_in: int, c_out: int, emb: int, groups: int, resample: str = "") -> None:
        super().__init__()
        self.resample = resample
        self.norm_in = nn.GroupNorm(groups, c_in, eps=1e-5)
        self.conv_in = nn.Conv2d(c_in, c_out, 3, padding=1)
        self.emb = nn.Linear(emb, 2 * c_out)
        self.norm_out = nn.GroupNorm(groups, c_out, eps=1e-5)
        self.conv_out = nn.Conv2d(c_out, c_out, 3, padding=1)
        self.skip = nn.Conv2d(c_in, c_out, 1) if c_in != c_out else None

    def forward(self, x: Tensor, emb: Tensor) -> Tensor:
        h = F.silu(self.norm_in(x))
        if self.resample == "up":
            h, x = h.repeat_interleave(2, 2).repeat_interleave(2, 3), x.repeat_interleave(2, 2).repeat_interleave(2, 3)
        if self.resample == "down":
            h, x = F.avg_pool2d(h, 2), F.avg_pool2d(x, 2)
        h = self.conv_in(h)
        scale, shift = self.emb(F.silu(emb)).split(h.shape[1], dim=1)
        h = self.norm_out(h) * (1 + scale[..., None, None]) + shift[..., None, None]
        h = self.conv_out(F.silu(h))
        return h + (x if self.skip is None else self.skip(x))


class Attention(nn.Module):
    def __init__(self, c: int, head: int, groups: int) -> None:
        super().__init__()
        self.head = head
        self.norm = nn.GroupNorm(groups, c, eps=1e-5)
        self.qkv = nn.Conv1d(c, 3 * c, 1)
        self.out = nn.Conv1d(c, c, 1)

    def forward(self, x: Tensor, emb: Tensor) -> Tensor:
        n, c, height, width = x.shape
        qkv = self.qkv(self.norm(x).reshape(n, c, -1))
        heads = []
        for chunk in qkv.split(3 * self.head, dim=1):
            q, k, v = chunk.split(self.head, dim=1)
            weight = torch.softmax(q.transpose(1, 2) @ k / math.sqrt(self.head), dim=-1)
            heads.append(v @ weight.transpose(1, 2))
        return x + self.out(torch.cat(heads, dim=1)).reshape(n, c, height, width)


class Plain(nn.Module):
    """A convolution between blocks (first layer; change of resolution without residual blocks)."""

    def __init__(self, c_in: int, c_out: int, resample: str = "") -> None:
        super().__init__()
        self.resample = resample
        self.conv = nn.Conv2d(c_in, c_out, 3, padding=1, stride=2 if resample == "down" else 1)

    def forward(self, x: Tensor, emb: Tensor) -> Tensor:
        return self.conv(x.repeat_interleave(2, 2).repeat_interleave(2, 3) if self.resample == "up" else x)


class ReferenceUNet(nn.Module):
    def __init__(self, c_in, c_out, channels, attention, blocks, head, groups, residual_resampling) -> None:
        super().__init__()
        self.width = channels[0]
        emb = 4 * channels[0]
        self.time = nn.Sequential(nn.Linear(channels[0], emb), nn.SiLU(), nn.Linear(emb, emb))

        def resampler(c: int, kind: str) -> nn.Module:
            return Residual(c, c, emb, groups, kind) if residual_resampling else Plain(c, c, kind)

        self.inputs = nn.ModuleList([nn.ModuleList([Plain(c_in, channels[0])])])
        skips, c = [channels[0]], channels[0]
        for level, width in enumerate(channels):
            for _ in range(blocks):
                layers = [Residual(c, width, emb, groups)]
                layers += [Attention(width, head, groups)] if attention[level] else []
                self.inputs.append(nn.ModuleList(layers))
                c = width
                skips.append(c)
            if level < len(channels) - 1:
                self.inputs.append(nn.ModuleList([resampler(c, "down")]))
                skips.append(c)
        self.middle = nn.ModuleList(
            [Residual(c, c, emb, groups), Attention(c, head, groups), Residual(c, c, emb, groups)]
        )
        self.outputs = nn.ModuleList()
        for level in reversed(range(len(channels))):
            for i in range(blocks + 1):
                layers = [Residual(c + skips.pop(), channels[level], emb, groups)]
                c = channels[level]
                layers += [Attention(c, head, groups)] if attention[level] else []
                layers += [resampler(c, "up")] if level and i == blocks else []
                self.outputs.append(nn.ModuleList(layers))
        self.norm = nn.GroupNorm(groups, c, eps=1e-5)
        self.conv = nn.Conv2d(c, c_out, 3, padding=1)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        emb = self.time(time_embedding(t, self.width))
        skips = []
        for layers in self.inputs:
            for layer in layers:
                x = layer(x, emb)
            skips.append(x)
        for layer in self.middle:
            x = layer(x, emb)
        for layers in self.outputs:
            x = torch.cat([x, skips.pop()], dim=1)
            for layer in layers:
                x = layer(x, emb)
        return self.conv(F.silu(self.norm(x)))
