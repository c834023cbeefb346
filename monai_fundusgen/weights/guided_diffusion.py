"""Weights of guided-diffusion's ``UNetModel`` (OpenAI) for the ADM U-Net.

The published checkpoints number the blocks in one list down and one up, where MONAI groups them by level; and they
hold query, key and value as one convolution. Both are names and orders: outputs are equal.

Source: Dhariwal & Nichol 2021 (arXiv:2105.05233) and the layout of its published checkpoints.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from monai.networks.blocks import SABlock
from monai.networks.nets.diffusion_model_unet import DiffusionModelUNet
from torch import Tensor, nn

from monai_fundusgen.networks.nets.adm_unet import ADMUNet
from monai_fundusgen.weights.differences import refuse_other_embedding, refuse_other_shapes, shapes_of

_NORM_GROUPS, _NORM_EPS = 32, 1e-5  # of every norm there
_PROJECTIONS = ("attn.to_q", "attn.to_k", "attn.to_v")
_LAYERS = {  # our name inside a block: theirs
    "": "",
    "conv": "",
    "norm1": "in_layers.0",
    "conv1.conv": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2.conv": "out_layers.3",
    "skip_connection.conv": "skip_connection",
    "op.conv": "op",
    "postconv.conv": "conv",
    "norm": "norm",
    "attn.out_proj": "proj_out",
    **dict.fromkeys(_PROJECTIONS, "qkv"),
}


def from_guided_diffusion(
    state: Mapping[str, Tensor],
    network: DiffusionModelUNet,
    *,
    new_attention_order: bool = False,
    class_index: int | None = None,
) -> dict[str, Tensor]:
    """State dict for ``network`` that makes it compute what the published network computes.

    Two facts are not in the weights and must be known: the channels of an attention head (``num_head_channels`` of the
    network) and ``new_attention_order``.

    Args:
        state: state dict of a ``UNetModel``, with either value of ``resblock_updown``. The result shares its
            memory.
        network: an ``ADMUNet`` for ``use_scale_shift_norm=True`` (all published ones); MONAI's ``DiffusionModelUNet``
            with ``norm_eps=1e-5`` for ``use_scale_shift_norm=False``. It is not changed. The condition embedding of an
            ``ADMUNet`` keeps its weights; a fresh one adds nothing, so outputs are equal before it is trained.
        new_attention_order: the flag ``use_new_attention_order`` of the training: rows of the attention projection are
            ordered (q k v, head, channel) instead of (head, q k v, channel).
        class_index: the class that a class-conditional checkpoint is fixed to, from 0; its embedding is added to the
            bias of the time embedding.

    Raises:
        ValueError: the network differs in architecture, blocks, widths or norm; the class is missing or out of range.
    """
    _check_norms(network)
    theirs = _their_names(network)
    state = dict(state)
    classes = state.pop("label_emb.weight", None)
    _check_class(classes, class_index)
    expected, found = _expected_shapes(network, theirs), shapes_of(state)
    refuse_other_embedding(expected, found, ".emb_layers.1.weight", ".out_layers.0.weight")
    refuse_other_shapes(expected, found, "resblock_updown and patch")
    if classes is not None:
        state["time_embed.2.bias"] = state["time_embed.2.bias"] + classes[class_index]
    converted = {}
    for ours, target in network.state_dict().items():
        if ours not in theirs:
            converted[ours] = target.clone()
            continue
        value = state[theirs[ours]]
        if theirs[ours].rpartition(".")[0].endswith(".qkv"):
            value = _projection(value, ours, _heads(network, ours), new_attention_order)
        converted[ours] = value.reshape(target.shape)
    return converted


def _check_norms(network: nn.Module) -> None:
    """Groups and epsilon are not in the weights either; the published ones are fixed."""
    for name, module in network.named_modules():
        if isinstance(module, nn.GroupNorm) and (module.num_groups, module.eps) != (_NORM_GROUPS, _NORM_EPS):
            raise ValueError(
                f"{name} has {module.num_groups} groups and epsilon {module.eps}, guided-diffusion has {_NORM_GROUPS} "
                f"and {_NORM_EPS}; build the network with norm_num_groups={_NORM_GROUPS} (and norm_eps={_NORM_EPS} in "
                f"MONAI's own)"
            )


def _check_class(classes: Tensor | None, class_index: int | None) -> None:
    """A class is chosen if, and only if, there are classes."""
    if classes is None and class_index is not None:
        raise ValueError(f"class_index is {class_index}, the checkpoint has no classes; leave class_index out")
    if classes is not None and (class_index is None or not 0 <= class_index < len(classes)):
        raise ValueError(
            f"the checkpoint has {len(classes)} classes, class_index is {class_index}; choose 0 to {len(classes) - 1}"
        )


def _block_names(network: DiffusionModelUNet) -> dict[str, str]:
    """Our name of every block -> theirs, as the data meets them."""
    down = [["conv_in"]]
    for level, block in enumerate(network.down_blocks):
        down += [[f"down_blocks.{level}.{name}" for name in names] for names in _steps(block)]
        down += [[f"down_blocks.{level}.downsampler"]] if block.downsampler is not None else []
    up = []
    for level, block in enumerate(network.up_blocks):
        up += [[f"up_blocks.{level}.{name}" for name in names] for names in _steps(block)]
        up[-1] += [f"up_blocks.{level}.upsampler"] if block.upsampler is not None else []
    middle = ["middle_block.resnet_1", "middle_block.attention", "middle_block.resnet_2"]
    names = {ours: f"middle_block.{i}" for i, ours in enumerate(middle)}
    for list_name, steps in (("input_blocks", down), ("output_blocks", up)):
        names |= {ours: f"{list_name}.{i}.{j}" for i, step in enumerate(steps) for j, ours in enumerate(step)}
    same = ("time_embed.0", "time_embed.2", "out.0", "out.2")
    return names | {name: name for name in same}


def _steps(block: nn.Module) -> list[list[str]]:
    """Residual block and attention, if any, of each step through a level."""
    attend = hasattr(block, "attentions")
    num_steps = len(list(block.get_submodule("resnets").children()))
    return [[f"resnets.{i}"] + [f"attentions.{i}"] * attend for i in range(num_steps)]


def _is_condition(ours: str, network: nn.Module) -> bool:
    """Of the condition embedding, which the published networks have not."""
    return isinstance(network, ADMUNet) and ours.startswith("class_embedding.")


def _their_names(network: DiffusionModelUNet) -> dict[str, str]:
    """Our name of every entry -> theirs; query, key and value share one."""
    blocks = _block_names(network)
    names = {}
    for ours in network.state_dict():
        if _is_condition(ours, network):
            continue
        layer, _, tensor = ours.rpartition(".")
        block = next((name for name in blocks if layer == name or layer.startswith(f"{name}.")), None)
        inner = "" if block is None else layer[len(block) + 1 :]
        if block is None or inner not in _LAYERS:
            raise ValueError(
                f"guided-diffusion has no counterpart of {ours}; build the network without classes and cross-attention"
            )
        names[ours] = ".".join(part for part in (blocks[block], _LAYERS[inner], tensor) if part)
    return names


def _expected_shapes(network: nn.Module, theirs: Mapping[str, str]) -> dict[str, tuple[int, ...]]:
    """Their name -> their shape."""
    shapes, state = {}, network.state_dict()
    for ours, name in theirs.items():
        shape = tuple(state[ours].shape)
        layer = name.rpartition(".")[0]
        rows = 3 * shape[0] if layer.endswith(".qkv") else shape[0]
        is_point_convolution = layer.endswith((".qkv", ".proj_out")) and len(shape) == 2
        shapes[name] = (rows, *shape[1:], *[1] * is_point_convolution)
    return shapes


def _heads(network: nn.Module, ours: str) -> int:
    """Attention heads of the block that an entry belongs to."""
    attention = network.get_submodule(ours.rpartition(".attn.")[0] + ".attn")
    assert isinstance(attention, SABlock)
    return attention.num_heads


def _projection(qkv: Tensor, ours: str, heads: int, new_order: bool) -> Tensor:
    """Query, key or value (C, ...) out of the joint projection (3C, ...)."""
    place = next(i for i, name in enumerate(_PROJECTIONS) if f"{name}." in ours)
    if new_order:
        return torch.chunk(qkv, 3)[place]
    return qkv.unflatten(0, (heads, 3, -1))[:, place].flatten(0, 1)
