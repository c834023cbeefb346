"""Options of the data set bundle by name: which there are, and what they can be."""

from __future__ import annotations

import difflib
import inspect
import math
import re
from collections.abc import Mapping
from pathlib import Path
from pydoc import locate
from typing import Any, Final

import yaml

#: Options that the run itself is told by other means: a second value would fight the first.
FIXED: Final = {
    "output_dir": "--output", "num_samples": "--num-samples", "bundle_root": "--bundle", "extend": "--extend",
    "overwrite": "--overwrite", "part": "--part", "parts": "--part", "quiet": "--quiet", "seed": "--seed",
    "mask_source": "--mask-source", "photograph_source": "--photograph-source", "mask_folder": "--mask-folder",
    "style": "--style", "gate": "--gate", "batch_size": "--batch-size", "shard_size": "--shard-size", "fit": "--fit",
    "workers": "--workers",
}  # fmt: skip
#: Entries of the configuration that make samples; the others keep the run together.
OPEN: Final = ("maps", "map_source", "label_maps", "painter", "inferer", "network", "stages")

_COUNTS: Final = {
    **dict.fromkeys(("batch_size", "map_batch", "writers", "max_attempts", "size"), 1),
    "seed": 0,
    "workers": 0,
    "ahead": 0,
}
_RANGES: Final = {"field_deg": (10.0, 170.0), "field_cut": (0.2, 1.0)}
_SWITCHES: Final = ("gate", "extend", "overwrite", "quiet")
_CHOICES: Final = {
    "mask_source": ("phantom", "ddpm", "folder"), "photograph_source": ("phantom", "cascade"), "fit": ("pad", "crop"),
    "laterality": ("right", "left", "either"), "autocast": ("bfloat16",),
    "precision": ("bfloat16", "float32"),
}  # fmt: skip
#: Entries that keep the run together in one line.
_KEEPING: Final = ("dataset", "network", "stop")
_SEPARATOR: Final = re.compile(r"#|::")


def refuse_options(config: Path, options: Mapping[str, Any]) -> None:
    """Refuse options that the configuration does not have, that keep the run together, or that cannot be.

    Args:
        config: ``configs/inference.yaml`` of the bundle.
        options: value by name, nested ones as ``maps#anatomy#finest_level``; None: the default.

    Raises:
        ValueError: the option is named, with what was found and what was expected.
    """
    try:
        content = dict(yaml.safe_load(config.read_text(encoding="utf-8")))
    except (yaml.YAMLError, TypeError, ValueError) as error:
        raise ValueError(f"{config}: no configuration ({error}); take the bundle fundus_dataset_generation") from error
    for name, value in options.items():
        path = _SEPARATOR.split(name)
        if path[0] not in content:
            raise ValueError(f"option: found {name!r}, which the bundle does not know{_near(path[0], content)}")
        if isinstance(content[path[0]], (dict, list)) or len(path) > 1 or name in _KEEPING:
            _refuse_nested(name, path, content)
        elif value is not None:
            _refuse_value(name, value)


def refuse_fighting(options: Mapping[str, Any]) -> None:
    """Refuse what has an option of its own on the command line.

    Raises:
        ValueError: the option, and its own name.
    """
    for name, value in options.items():
        if name in FIXED:
            raise ValueError(f"--option {name}={value}: {name} has an option of its own; say it with {FIXED[name]}")


def _near(name: str, known: Any) -> str:
    near = difflib.get_close_matches(name, [str(one) for one in known], n=1)
    return f"; {near[0]}?" if near else "; its options stand at the head of configs/inference.yaml"


def _refuse_nested(name: str, path: list[str], content: Mapping[str, Any]) -> None:
    """A path must lead to an argument of something that makes samples."""
    if path[0] not in OPEN:
        raise ValueError(
            f"option: found {name!r}, which keeps the run together; expected an option at the head of "
            f"configs/inference.yaml, or one in {', '.join(OPEN)}"
        )
    here: Any = content
    for depth, step in enumerate(path):
        known = _arguments(here)
        if step not in known:
            where = "#".join(path[:depth])
            raise ValueError(f"option: found {name!r}, but {where} takes no {step!r}{_near(step, known)}")
        here = here.get(step) if isinstance(here, Mapping) else None


def _arguments(entry: Any) -> list[str]:
    """What an entry of the configuration can be told: its keys, and the arguments of its target."""
    if not isinstance(entry, Mapping):
        return []
    target: Any = locate(entry["_target_"]) if "." in str(entry.get("_target_", "")) else None
    given = list(inspect.signature(target).parameters) if target is not None else []
    return [*entry, *given]


def _refuse_value(name: str, value: Any) -> None:
    expected = None
    if name in _COUNTS and (type(value) is not int or value < _COUNTS[name]):
        expected = f"a whole number, at least {_COUNTS[name]}"
    elif name in _RANGES and not _within(value, *_RANGES[name]):
        expected = "a number from {:g} to {:g}".format(*_RANGES[name])
    elif name in _SWITCHES and not isinstance(value, bool):
        expected = "true or false"
    elif name in _CHOICES and value not in _CHOICES[name]:
        expected = " or ".join(_CHOICES[name])
    elif name == "shard_size" and (type(value) is not int or value < 0):
        expected = "a whole number, 0 for no shards"
    elif name in ("style", "mask_folder", "mask_bundle", "photograph_bundle", "enlarging_bundle", "device"):
        expected = None if isinstance(value, str) and value else "a name"
    if expected is not None:
        raise ValueError(f"{name}: found {value!r}, expected {expected}")


def _within(value: Any, low: float, high: float) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and math.isfinite(value) and low <= value <= high
