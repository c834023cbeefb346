"""What tells one network's state dict from another's, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

Shapes = Mapping[str, tuple[int, ...]]

_SHOWN = 4


def shapes_of(state: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    """Name -> shape of every entry."""
    return {name: tuple(value.shape) for name, value in state.items()}


def differences(expected: Shapes, found: Shapes) -> list[str]:
    """One phrase for each entry that is missing, unknown or of another shape; none if a load will succeed."""
    lines = [f"{name} is missing" for name in expected if name not in found]
    lines += [f"{name} is unknown" for name in found if name not in expected]
    lines += [
        f"{name} is {found[name]}, expected {shape}"
        for name, shape in expected.items()
        if name in found and found[name] != shape
    ]
    return lines


def first_of(lines: Sequence[str]) -> str:
    """The first few of many phrases, and how many more there are."""
    more = f" and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
    return "; ".join(lines[:_SHOWN]) + more


def refuse_other_embedding(expected: Shapes, found: Shapes, projection: str, norm: str) -> None:
    """Refuse weights that add the time embedding where the network scales and shifts by it, or the other way round.

    Args:
        expected: shapes of the network.
        found: shapes of the checkpoint, same names.
        projection: how the names of the embedding's projections in the residual blocks end: C rows or 2C.
        norm: how the names of the C weights of the norm after it end.

    Raises:
        ValueError: the two ways differ; neither can stand for the other.
    """
    adapts, found_adapts = (_rows_per_channel(shapes, projection, norm) == 2 for shapes in (expected, found))
    if adapts == found_adapts or _rows_per_channel(found, projection, norm) is None:
        return
    ways = {True: "scales and shifts by", False: "adds"}
    cure = "ADMUNet" if found_adapts else "monai.networks.nets.DiffusionModelUNet"
    raise ValueError(
        f"the checkpoint {ways[found_adapts]} the time embedding, this network {ways[adapts]} it: no weights make "
        f"them equal; load into {cure}"
    )


def _rows_per_channel(shapes: Shapes, projection: str, norm: str) -> float | None:
    """Rows of the first projection over the channels of its block; None without one."""
    for name, shape in shapes.items():
        if name.endswith(projection):
            channels = shapes.get(name.removesuffix(projection) + norm)
            return None if channels is None else shape[0] / channels[0]
    return None


def refuse_other_shapes(expected: Shapes, found: Shapes, settings: str) -> None:
    """Raise where the entries of a foreign checkpoint are not those of the network.

    Args:
        expected: shapes that the network needs, by name.
        found: shapes that the checkpoint has.
        settings: what else, beside widths and blocks, the network must be built with.

    Raises:
        ValueError: some differ; the first are named.
    """
    differing = differences(expected, found)
    if differing:
        raise ValueError(
            f"weights of another network, {len(differing)} of {len(expected)} entries differ: {first_of(differing)}; "
            f"build the network with channels, attention_levels, num_res_blocks, {settings} as it was trained"
        )
