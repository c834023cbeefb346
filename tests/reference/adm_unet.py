"""The ADM U-Net written out in plain torch from the paper and its released structure: flat lists, no host, no options.

Follows Dhariwal & Nichol 2021 (arXiv:2105.05233): residual blocks with adaptive group norm that also change the
resolution, attention with one 1x1 projection whose channels are ordered (head, [q, k, v], channel) or, in the new
order, ([q, k, v], head, channel), skips from every input block. ``published_state`` gives the weights under their
published names.
"""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def time_embedding(t: Tensor, dim: int) -> Tensor:
    freqs = torch.tensor([10000.0 ** (-i / (dim // 2)) for i in range(dim // 2)])
    args = t.float()[:, None] * freqs
    return torch.cat([args.cos(), args.sin()], dim=1)


class Residual(nn.Module):
    def __init__(self, c_in: int, c_out: int, emb: int, groups: int, resample: str = "", adaptive: bool = True) -> None:
        super().__init__()
        self.resample = resample
        self.adaptive = adaptive
        self.norm_in = nn.GroupNorm(groups, c_in, eps=1e-5)
        self.conv_in = nn.Conv2d(c_in, c_out, 3, padding=1)
        self.emb = nn.Linear(emb, (1 + adaptive) * c_out)
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
        modulation = self.emb(F.silu(emb))[..., None, None]
        if self.adaptive:
            scale, shift = modulation.split(h.shape[1], dim=1)
            h = self.norm_out(h) * (1 + scale) + shift
        else:
            h = self.norm_out(h + modulation)
        h = self.conv_out(F.silu(h))
        return h + (x if self.skip is None else self.skip(x))


class Attention(nn.Module):
    def __init__(self, c: int, head: int, groups: int, new_order: bool = False) -> None:
        super().__init__()
        self.head = head
        self.new_order = new_order
        self.norm = nn.GroupNorm(groups, c, eps=1e-5)
        self.qkv = nn.Conv1d(c, 3 * c, 1)
        self.out = nn.Conv1d(c, c, 1)

    def forward(self, x: Tensor, emb: Tensor) -> Tensor:
        n, c, height, width = x.shape
        qkv = self.qkv(self.norm(x).reshape(n, c, -1))
        heads = []
        if self.new_order:
            triples = zip(*(part.split(self.head, dim=1) for part in qkv.split(c, dim=1)), strict=True)
        else:
            triples = (chunk.split(self.head, dim=1) for chunk in qkv.split(3 * self.head, dim=1))
        for q, k, v in triples:
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
    def __init__(
        self, c_in, c_out, channels, attention, blocks, head, groups, residual_resampling,
        *, new_order=False, adaptive=True, classes=0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.width = channels[0]
        emb = 4 * channels[0]
        self.time = nn.Sequential(nn.Linear(channels[0], emb), nn.SiLU(), nn.Linear(emb, emb))
        self.labels = nn.Embedding(classes, emb)

        residual = partial(Residual, emb=emb, groups=groups, adaptive=adaptive)
        attend = partial(Attention, head=head, groups=groups, new_order=new_order)

        def resampler(c: int, kind: str) -> nn.Module:
            return residual(c, c, resample=kind) if residual_resampling else Plain(c, c, kind)

        self.inputs = nn.ModuleList([nn.ModuleList([Plain(c_in, channels[0])])])
        skips, c = [channels[0]], channels[0]
        for level, width in enumerate(channels):
            for _ in range(blocks):
                layers = [residual(c, width)]
                layers += [attend(width)] if attention[level] else []
                self.inputs.append(nn.ModuleList(layers))
                c = width
                skips.append(c)
            if level < len(channels) - 1:
                self.inputs.append(nn.ModuleList([resampler(c, "down")]))
                skips.append(c)
        self.middle = nn.ModuleList([residual(c, c), attend(c), residual(c, c)])
        self.outputs = nn.ModuleList()
        for level in reversed(range(len(channels))):
            for i in range(blocks + 1):
                layers = [residual(c + skips.pop(), channels[level])]
                c = channels[level]
                layers += [attend(c)] if attention[level] else []
                layers += [resampler(c, "up")] if level and i == blocks else []
                self.outputs.append(nn.ModuleList(layers))
        self.norm = nn.GroupNorm(groups, c, eps=1e-5)
        self.conv = nn.Conv2d(c, c_out, 3, padding=1)

    def forward(self, x: Tensor, t: Tensor, label: Tensor | None = None) -> Tensor:
        emb = self.time(time_embedding(t, self.width))
        if label is not None:
            emb = emb + self.labels(label)
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


RESIDUAL = {
    "norm_in": "in_layers.0", "conv_in": "in_layers.2", "emb": "emb_layers.1",
    "norm_out": "out_layers.0", "conv_out": "out_layers.3", "skip": "skip_connection",
}  # fmt: skip
ATTENTION = {"norm": "norm", "qkv": "qkv", "out": "proj_out"}
TOP = {"time.0": "time_embed.0", "time.2": "time_embed.2", "norm": "out.0", "conv": "out.2", "labels": "label_emb"}


def published_names(network: ReferenceUNet) -> dict[str, str]:
    """Name of every layer here -> its name in the published checkpoints."""
    names = dict(TOP)
    lists = {"inputs": "input_blocks", "middle": "middle_block", "outputs": "output_blocks"}
    for path, module in network.named_modules():
        group, _, place = path.partition(".")
        base = f"{lists.get(group)}.{place}"
        if isinstance(module, Residual):
            names |= {f"{path}.{mine}": f"{base}.{theirs}" for mine, theirs in RESIDUAL.items()}
        if isinstance(module, Attention):
            names |= {f"{path}.{mine}": f"{base}.{theirs}" for mine, theirs in ATTENTION.items()}
        if isinstance(module, Plain):
            suffix = {"": "", "down": ".op", "up": ".conv"}[module.resample]
            names[f"{path}.conv"] = base + suffix
    return names


def published_state(network: ReferenceUNet) -> dict[str, Tensor]:
    names = published_names(network)
    state = {}
    for key, value in network.state_dict().items():
        layer, _, kind = key.rpartition(".")
        if value.numel():  # without classes there are no labels
            state[f"{names[layer]}.{kind}"] = value
    return state
