"""Options of exports: declared by each format, checked in one place, refused by formats that have no use for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Option:
    """An option that some formats take.

    Attributes:
        flag: what the console calls it.
        expected: what a value must be, in words.
        accepts: whether a value is that.
    """

    flag: str
    expected: str
    accepts: Callable[[Any], bool]


def _is_share(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1


def _is_whole(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


OPTIONS: Final[dict[str, Option]] = {
    "testing": Option("--testing", "a share in [0, 1)", _is_share),
    "validation": Option("--validation", "a share in [0, 1)", _is_share),
    "links": Option("--links", "true or false", lambda value: isinstance(value, bool)),
    "dataset_id": Option("--dataset-id", "a whole number from 1 to 999", lambda value: _is_whole(value, 1, 999)),
    "crops": Option("--crops", "a whole number above 0", lambda value: value is None or _is_whole(value, 1, 10**9)),
}


def resolved(name: str, given: Mapping[str, Any], taken: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Every option that a format takes, with the value given or its default.

    Args:
        name: of the format.
        given: values by option; None is not given.
        taken: of every format, the options that it takes and their defaults.

    Raises:
        ValueError: the format does not take an option, or a value is none of it.
    """
    values = dict(taken[name])
    for key, value in given.items():
        if value is None:
            continue
        option = OPTIONS[key]
        if key not in values:
            others = ", ".join(format_name for format_name, keys in taken.items() if key in keys)
            raise ValueError(f"{option.flag}: format {name} does not take it, these do: {others}; leave it out")
        if not option.accepts(value):
            raise ValueError(f"{option.flag}: found {value!r}, expected {option.expected}")
        values[key] = value
    return values
