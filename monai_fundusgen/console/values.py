"""Values that several verbs are given."""

from __future__ import annotations

from typing import Any


def part_of(text: str | None) -> dict[str, int]:
    """``K/M`` as options of the bundle."""
    if text is None:
        return {}
    pieces = text.split("/")
    if len(pieces) != 2 or not all(piece.isdigit() for piece in pieces):
        raise ValueError(f"--part: found {text!r}, expected K/M, for instance 0/10 for the first of ten")
    return {"part": int(pieces[0]), "parts": int(pieces[1])}


def named_values(pairs: list[str]) -> dict[str, Any]:
    """``NAME=VALUE`` as options of the bundle; a value is read as YAML."""
    import yaml

    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise ValueError(f"--option: found {pair!r}, expected NAME=VALUE, for instance target_density=0.09")
        if name in found:
            raise ValueError(f"--option: found {name!r} twice, expected it once; leave one out")
        try:
            found[name] = yaml.safe_load(value)
        except yaml.YAMLError:
            found[name] = value  # such as %x or @y: a name
    return found


def named_paths(pairs: list[str], option: str) -> dict[str, str]:
    """``NAME=PATH`` of an option that may be repeated."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, path = pair.partition("=")
        if not equals or not name or not path:
            raise ValueError(f"{option}: found {pair!r}, expected NAME=PATH, for instance hrf=hrf.json")
        if name in found:
            raise ValueError(f"{option}: found {name!r} twice, expected it once; leave one out")
        found[name] = path
    return found
