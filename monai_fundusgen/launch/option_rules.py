"""Values that options of the bundles can have: one table for all of them, by the options' names."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import torch
from monai.bundle import ConfigParser

from monai_fundusgen.transforms.hounsfield import WINDOWS
from monai_fundusgen.weights.device import usable_device

_WORDS: Final[dict[type, str]] = {
    bool: "true or false",
    str: "a text, for instance ./runs",
    torch.device: "a device that is there, for instance \"$torch.device('cpu')\"",
}


@dataclass(frozen=True)
class Rule:
    """What an option takes.

    Attributes:
        kind: int, float (whole numbers too), bool, str or torch.device.
        low: lowest value of a number.
        high: highest value of a number.
        above: whether ``low`` itself is excluded.
        optional: whether it may be left out with null.
        several: whether a list, or a mapping to weights, will do too.
        choices: the only texts that will do.
    """

    kind: type
    low: float = -math.inf
    high: float = math.inf
    above: bool = False
    optional: bool = False
    several: bool = False
    choices: tuple[str, ...] = ()

    def takes(self, value: Any) -> bool:
        """Whether a value is possible."""
        if value is None or self.choices:
            return self.optional if value is None else value in self.choices
        if self.kind is torch.device:
            return isinstance(value, torch.device) and (value.type != "cuda" or torch.cuda.is_available())
        if self.kind in (bool, str):
            return isinstance(value, (self.kind, list, dict) if self.several else self.kind)
        if isinstance(value, bool) or not isinstance(value, (int, float) if self.kind is float else int):
            return False
        return (self.low < value if self.above else self.low <= value) and value <= self.high and math.isfinite(value)

    def __str__(self) -> str:
        if self.choices:
            told = f"one of {', '.join(self.choices)}"
        elif self.kind in _WORDS:
            told = _WORDS[self.kind]
        else:
            noun = "a whole number" if self.kind is int else "a number"
            low = f" {'above' if self.above else 'from'} {self.low:g}" if math.isfinite(self.low) else ""
            told = noun + low + (f" to {self.high:g}" if math.isfinite(self.high) else "")
        return told + (", or null" if self.optional else "")


_COUNT, _ANY_COUNT, _SHARE = Rule(int, 1), Rule(int, 0), Rule(float, 0, 1)
_POSITIVE, _WEIGHT = Rule(float, 0, above=True), Rule(float, 0)
_PATH, _SWITCH = Rule(str, optional=True), Rule(bool)

#: Name of an option -> what it takes, in every bundle that has it.
RULES: Final = {
    **dict.fromkeys(("max_epochs", "iterations_per_epoch", "batch_size", "image_size", "source_size"), _COUNT),
    **dict.fromkeys(("patch_size", "window_size", "preview_epochs", "val_interval", "num_evaluations"), _COUNT),
    **dict.fromkeys(("curve_epochs", "neighbours"), _ANY_COUNT),
    **dict.fromkeys(("r1_interval", "path_interval"), _ANY_COUNT),
    "curve_samples": Rule(int, 2),
    "val_samples": Rule(int, 3),
    "spacing_mm": _POSITIVE,
    **dict.fromkeys(("num_phantoms", "num_workers", "decay_epochs", "warmup_iterations", "seed"), _ANY_COUNT),
    **dict.fromkeys(("num_validation", "early_stop", "first_seed"), _ANY_COUNT),
    **dict.fromkeys(("phantom_share", "degrade", "drop_guide", "recolour", "style_mixing", "truncation"), _SHARE),
    **dict.fromkeys(("learning_rate", "half_life_images", "max_grad_norm", "field_cut"), _POSITIVE),
    **dict.fromkeys(("feature_matching_weight", "l1_weight", "vessel_emphasis", "detail_gain"), _WEIGHT),
    **dict.fromkeys(("r1_weight", "path_weight"), _WEIGHT),
    **dict.fromkeys(("pretrained", "pretrained_global"), _PATH),
    "datalist": Rule(str, optional=True, several=True),
    **dict.fromkeys(("tensorboard", "distributed", "vote", "cl_dice"), _SWITCH),
    **dict.fromkeys(("window", "shown_window"), Rule(str, choices=tuple(WINDOWS))),
    "best_by": Rule(str, choices=("loss", "fid", "kid")),
    "device": Rule(torch.device),
    "field_deg": Rule(float, 0, 180, above=True),
    "camera_deg": Rule(float, 15, 120, optional=True),
    "max_minutes": Rule(float, 0, above=True, optional=True),
    "output_dir": Rule(str),
    "weights": Rule(str),
}


def refuse_impossible(parser: ConfigParser) -> None:
    """Refuse options of a configuration whose value cannot be.

    Raises:
        ValueError: the option, what was found, and what it takes.
    """
    told: dict[str, Any] = vars(parser)["config"]
    for name, rule in RULES.items():
        if name not in told:
            continue
        try:
            value = parser.get_parsed_content(name)
        except Exception as error:
            raise ValueError(f"--{name}: {told[name]!r} cannot be evaluated; expected {rule}") from error
        if name == "device" and "session" in told:  # a data set takes a device by its name too
            usable_device(value)
        elif not rule.takes(value):
            raise ValueError(f"--{name}: found {value!r}, expected {rule}")
