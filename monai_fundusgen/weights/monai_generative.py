"""Weights of monai-generative's ``DiffusionModelUNet`` (0.2.3 and before) for MONAI's and for ours.

The host's ``load_old_state_dict`` is right only for a network with ``include_fc=False`` and silently wrong otherwise:
the old self-attention owns an output projection that it never applies. Here that projection is dropped, or written as
the identity where the new network applies one, so both values of ``include_fc`` give equal outputs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from monai.networks.nets.diffusion_model_unet import DiffusionModelUNet
from torch import Tensor

from monai_fundusgen.weights.differences import refuse_other_embedding, refuse_other_shapes, shapes_of

_ATTENTION = r"(attentions\.\d+|middle_block\.attention)"
_UNUSED = re.compile(rf"{_ATTENTION}\.proj_attn\.(weight|bias)$")
_RENAMED = (  # old name, new one
    (re.compile(rf"{_ATTENTION}\.(to_[qkv])\."), r"\1.attn.\2."),
    (re.compile(r"\.to_out\.0\."), ".out_proj."),
    (re.compile(r"upsampler\.conv\."), "upsampler.postconv."),
)


def from_monai_generative(state: Mapping[str, Tensor], network: DiffusionModelUNet) -> dict[str, Tensor]:
    """State dict for ``network`` that makes it compute what monai-generative's network computed.

    Args:
        state: state dict of a ``DiffusionModelUNet`` of monai-generative, with or without cross-attention. The
            result shares its memory.
        network: MONAI's ``DiffusionModelUNet`` with the same widths, levels, groups, ``norm_eps`` and head channels;
            an ``ADMUNet`` only for weights with adaptive group norm, which monai-generative itself never had. It is
            not changed.

    Raises:
        ValueError: the network differs in architecture, blocks or widths.
    """
    expected = network.state_dict()
    converted = {_new_name(name): value for name, value in state.items() if not _UNUSED.search(name)}
    for name in filter(_UNUSED.search, state):
        applied = _UNUSED.sub(r"\1.attn.out_proj.\2", name)
        if applied in expected:
            converted[applied] = _identity(expected[applied])
    needed, found = shapes_of(expected), shapes_of(converted)
    refuse_other_embedding(needed, found, ".time_emb_proj.weight", ".norm2.weight")
    refuse_other_shapes(needed, found, "resblock_updown and with_conditioning")
    return {name: converted[name] for name in expected}


def _new_name(name: str) -> str:
    for old, new in _RENAMED:
        name = old.sub(new, name)
    return name


def _identity(like: Tensor) -> Tensor:
    """Weight (C, C) or bias (C) of a projection that changes nothing."""
    return torch.eye(len(like), dtype=like.dtype) if like.ndim == 2 else torch.zeros(len(like), dtype=like.dtype)
