"""The file that plans a reading study, read and checked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jsonschema
import yaml

_NAME: Final = "^[A-Za-z0-9][A-Za-z0-9 _.-]{0,39}$"
_WORD: Final = "a name of 1 to 40 letters, digits, spaces, dots, - and _"
#: What the file may hold; ``description`` says what an error tells as expected.
_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "description": "a mapping with title, readers and arms",
    "required": ["readers", "arms"],
    "additionalProperties": False,
    "properties": {
        "title": {"type": "string", "minLength": 1, "maxLength": 120, "description": "a text of 1 to 120 characters"},
        "seed": {"type": "integer", "minimum": 0, "description": "a whole number from 0"},
        "size": {"type": "integer", "minimum": 128, "maximum": 2048, "description": "a number of px, 128 to 2048"},
        "jpeg_quality": {"type": "integer", "minimum": 50, "maximum": 95, "description": "a whole number, 50 to 95"},
        "practice": {"type": "integer", "minimum": 0, "maximum": 20, "description": "a whole number, 0 to 20"},
        "tell_share": {"type": "boolean", "description": "true or false"},
        "readers": {
            "type": "array", "minItems": 1, "uniqueItems": True, "description": "a list of different names of readers",
            "items": {"type": "string", "pattern": _NAME, "description": _WORD},
        },
        "arms": {
            "type": "object", "minProperties": 2, "description": "a mapping of at least two arms, by their names",
            "propertyNames": {"type": "string", "pattern": _NAME, "description": _WORD},
            "additionalProperties": {
                "type": "object", "required": ["folder", "count", "real"], "additionalProperties": False,
                "description": "a mapping with folder, count and real",
                "properties": {
                    "folder": {"type": "string", "minLength": 1, "description": "a folder of photographs"},
                    "count": {
                        "type": "integer", "minimum": 1, "maximum": 1000, "description": "a whole number, 1 to 1000",
                    },
                    "real": {"type": "boolean", "description": "true (real photographs) or false (synthetic ones)"},
                },
            },
        },
    },
}  # fmt: skip


@dataclass(frozen=True)
class ArmPlan:
    """A source of pictures.

    Attributes:
        name: of the arm; no reader sees it.
        folder: of its pictures.
        count: pictures that each reader judges.
        real: whether they are photographs of real eyes.
    """

    name: str
    folder: Path
    count: int
    real: bool


@dataclass(frozen=True)
class StudyPlan:
    """A reading study as planned.

    Attributes:
        path: of the file.
        title: what readers see above.
        seed: decides which pictures are taken, and in which order each reader sees them.
        size: side of every picture, in px.
        jpeg_quality: of the JPEG that every picture passes through.
        practice: pictures that come first, are not counted, and get no feedback.
        tell_share: whether readers are told how many pictures are real; all are, or none is.
        readers: their names.
        arms: the sources.
    """

    path: Path
    title: str
    seed: int
    size: int
    jpeg_quality: int
    practice: int
    tell_share: bool
    readers: tuple[str, ...]
    arms: tuple[ArmPlan, ...]


def read_plan(path: Path) -> StudyPlan:
    """Read the file of a study; folders in it are relative to it.

    Raises:
        FileNotFoundError: no such file, or no such folder of an arm.
        ValueError: not YAML, an unknown name, or an impossible value; the message names the place in the file.
    """
    told = _parsed(path)
    arms = tuple(
        ArmPlan(name, path.parent / arm["folder"], arm["count"], arm["real"]) for name, arm in told["arms"].items()
    )
    if len({arm.real for arm in arms}) < 2:
        found = "real" if arms[0].real else "synthetic"
        raise ValueError(
            f"{path}, arms: found only {found} ones, expected at least one arm with real: true and one with real: false"
        )
    for arm in arms:
        if not arm.folder.is_dir():
            raise FileNotFoundError(
                f"{path}, arms/{arm.name}/folder: found no folder {arm.folder}, expected one with photographs; "
                f"relative folders start at the study's file"
            )
    return StudyPlan(
        path=path, title=told.get("title", "Real or synthetic?"), seed=told.get("seed", 0), size=told.get("size", 768),
        jpeg_quality=told.get("jpeg_quality", 90), practice=told.get("practice", 4),
        tell_share=told.get("tell_share", True), readers=tuple(told["readers"]), arms=arms,
    )  # fmt: skip


def _parsed(path: Path) -> dict[str, Any]:
    try:
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such file; give the YAML file that plans the study") from None
    except IsADirectoryError:
        raise ValueError(f"{path}: found a folder, expected the YAML file that plans the study") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: found no YAML ({str(error).splitlines()[0]}), expected a study's plan") from error
    for fault in jsonschema.Draft202012Validator(_SCHEMA).iter_errors(told):
        raise ValueError(_said(path, fault))
    return dict(told)


def _said(path: Path, error: jsonschema.ValidationError) -> str:
    place = "/".join(map(str, error.absolute_path))
    where = f"{path}, {place}" if place else str(path)
    schema: Any = error.schema
    if error.validator == "required":
        missing = next(name for name in schema["required"] if name not in error.instance)
        return f"{where}: found no {missing!r}, expected {schema['description']}; add it"
    if error.validator == "additionalProperties":
        unknown = next(name for name in error.instance if name not in schema["properties"])
        return f"{where}: found {unknown!r}, expected one of {', '.join(schema['properties'])}"
    return f"{where}: found {error.instance!r}, expected {schema['description']}"
