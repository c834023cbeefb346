"""What a run resolves to: everything its samples depend on, as plain JSON, read off the objects that make them.

The configuration's own text would not do: defaults stand in the code, nested options reach anywhere, and a path says
nothing of what lies there. So the objects are walked: fields of dataclasses, arguments of others, weights by hash.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from monai_fundusgen.storage.checksum import file_sha256

_PLAIN: Final = (bool, int, str, type(None))
#: Attributes that change no byte: where a network runs, and who does the rest.
LEFT_OUT: Final = frozenset({"device", "workers"})


def identity_of(**parts: Any) -> dict[str, Any]:
    """Plain JSON of the objects that make the samples of a run: equal for two runs whose samples are equal.

    An object says more of itself, or less, by a method ``identity`` without arguments.

    Args:
        parts: objects by the names that a difference is told with.

    Raises:
        TypeError: an object that cannot be told from another of its class.
    """
    return {name: _plain(part) for name, part in parts.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, (float, np.generic)):
        return _number(value)
    for kind, told in _KINDS:
        if isinstance(value, kind):
            return told(value)
    if hasattr(value, "identity"):
        return {"class": _name(type(value)), **_plain(value.identity())}
    if is_dataclass(value) and not isinstance(value, type):
        return {"class": _name(type(value)), **_told({one.name: getattr(value, one.name) for one in fields(value)})}
    return _other(value)


def _number(value: Any) -> Any:
    """JSON knows no NaN, and NaN equals nothing."""
    found = value.item() if isinstance(value, np.generic) else value
    return found if not isinstance(found, float) or math.isfinite(found) else str(found)


def _told(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in attributes.items() if name not in LEFT_OUT}


def _name(thing: Any) -> str:
    return f"{thing.__module__}.{thing.__qualname__}"


def _array(values: Any) -> dict[str, Any]:
    """Of an array or a tensor: shape, type, hash."""
    array = np.ascontiguousarray(values.detach().cpu().numpy() if isinstance(values, Tensor) else values)
    return {"shape": list(array.shape), "type": str(array.dtype), "sha256": hashlib.sha256(array.tobytes()).hexdigest()}


def _network(network: nn.Module) -> dict[str, Any]:
    """Of a network: its classes and their numbers in one hash, its weights in another."""
    structure, weights = hashlib.sha256(), hashlib.sha256()
    for name, module in network.named_modules():
        numbers = {key: value for key, value in sorted(vars(module).items()) if _is_setting(key, value)}
        structure.update(repr((name, _name(type(module)), numbers)).encode())
    for name, tensor in network.state_dict().items():
        weights.update(name.encode())
        weights.update(np.ascontiguousarray(tensor.detach().cpu().float().numpy()).tobytes())
    return {"class": _name(type(network)), "structure": structure.hexdigest(), "weights": weights.hexdigest()}


def _is_setting(name: str, value: Any) -> bool:
    return not name.startswith("_") and name != "training" and isinstance(value, (*_PLAIN, float, tuple))


def _path(path: Path) -> dict[str, str]:
    """A file is what it holds, wherever it lies."""
    return {"name": path.name, "sha256": file_sha256(path)} if path.is_file() else {"name": path.name}


def _other(value: Any) -> Any:
    if isinstance(value, partial):
        return {"class": _plain(value.func), "args": _plain(value.args), **_told(value.keywords)}
    if isinstance(value, type) or (callable(value) and hasattr(value, "__qualname__")):
        return _name(value)
    if not hasattr(value, "__dict__"):
        raise TypeError(f"{_name(type(value))}: no attributes to tell it by; give it a method identity")
    return {"class": _name(type(value)), **_told({k: v for k, v in vars(value).items() if not k.startswith("_")})}


_KINDS: Final[tuple[tuple[Any, Callable[[Any], Any]], ...]] = (
    (torch.dtype, str),
    (torch.device, lambda device: None),
    (Path, _path),
    ((np.ndarray, Tensor), _array),
    (nn.Module, _network),
    (Mapping, lambda found: {str(name): _plain(one) for name, one in found.items() if name not in LEFT_OUT}),
    ((list, tuple), lambda found: [_plain(one) for one in found]),
    ((set, frozenset), lambda found: sorted(str(_plain(one)) for one in found)),
)
