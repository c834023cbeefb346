"""What a reader says of a picture, and of himself or herself, checked as it comes in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

#: What may have given a picture away, as readers tick it.
REASONS: Final = {
    "vessels": "course of the vessels",
    "crossings": "crossings of arteries and veins",
    "disc": "optic disc",
    "macula": "macula",
    "texture": "texture or colour",
    "borders": "borders",
}
#: Who reads.
ROLES: Final = {
    "ophthalmologist": "ophthalmologist",
    "resident": "resident in ophthalmology",
    "optometrist": "optometrist or orthoptist",
    "grader": "trained grader",
    "researcher": "researcher or engineer",
    "other": "other",
}
_MAX_YEARS: Final = 80
_MAX_MS: Final = 7 * 24 * 3600 * 1000


@dataclass(frozen=True)
class Consent:
    """Who reads, after agreeing to take part.

    Attributes:
        role: one of `ROLES`.
        years: of experience with fundus photographs.
    """

    role: str
    years: float


@dataclass(frozen=True)
class Answer:
    """What was said of a picture.

    Attributes:
        trial: opaque id of picture and reader.
        real: whether it was called real.
        confidence: 1 (a guess) to 5 (certain).
        reasons: some of `REASONS`.
        mark: left, top, right and bottom of a marked region as shares of the picture's side; None: none.
        response_ms: from the picture's appearance to the answer.
    """

    trial: str
    real: bool
    confidence: int
    reasons: tuple[str, ...]
    mark: tuple[float, float, float, float] | None
    response_ms: int


@dataclass(frozen=True)
class Recorded:
    """An answer with what was noted when it came.

    Attributes:
        answer: what was said.
        answered_at: when, UTC, ISO 8601.
        times_shown: how often the picture was loaded; more than once after a reload or in a second tab.
    """

    answer: Answer
    answered_at: str
    times_shown: int


@dataclass(frozen=True)
class Sheet:
    """All that one reader has said.

    Attributes:
        reader: name.
        consent: what was told before the first picture.
        answers: in the order in which they came, practice included.
    """

    reader: str
    consent: Consent
    answers: tuple[Recorded, ...]


def parse_consent(told: Any) -> Consent:
    """A reader's consent as JSON told it.

    Raises:
        ValueError: not agreed, or an impossible value.
    """
    told = _mapping(told, "consent")
    if told.get("agreed") is not True:
        raise ValueError("agreed: found no agreement, expected true; tick that you take part")
    role = told.get("role")
    if not isinstance(role, str) or role not in ROLES:
        raise ValueError(f"role: found {_short(role)}, expected one of {', '.join(ROLES)}")
    return Consent(role, _number(told.get("years"), "years", _MAX_YEARS))


def parse_answer(told: Any) -> Answer:
    """An answer as JSON told it.

    Raises:
        ValueError: names the value that cannot be.
    """
    told = _mapping(told, "answer")
    trial, real, confidence = told.get("trial"), told.get("real"), told.get("confidence")
    if not isinstance(trial, str):
        raise ValueError(f"trial: found {_short(trial)}, expected the id of a picture")
    if not isinstance(real, bool):
        raise ValueError(f"real: found {_short(real)}, expected true or false")
    if not isinstance(confidence, int) or isinstance(confidence, bool) or not 1 <= confidence <= 5:
        raise ValueError(f"confidence: found {_short(confidence)}, expected a whole number, 1 to 5")
    response_ms = _number(told.get("response_ms"), "response_ms", _MAX_MS)
    return Answer(trial, real, confidence, _reasons(told), _mark(told.get("mark")), int(response_ms))


def _mapping(told: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(told, dict):
        raise ValueError(f"{name}: found {_short(told)}, expected a JSON object")
    return told


def _short(value: Any) -> str:
    told = repr(value)
    return told if len(told) <= 40 else f"{told[:40]}..."


def _number(value: Any, name: str, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= high:
        raise ValueError(f"{name}: found {_short(value)}, expected a number, 0 to {high}")
    return float(value)


def _reasons(told: Mapping[str, Any]) -> tuple[str, ...]:
    reasons = told.get("reasons", [])
    if not isinstance(reasons, list) or not all(isinstance(each, str) and each in REASONS for each in reasons):
        raise ValueError(f"reasons: found {_short(reasons)}, expected a list of some of {', '.join(REASONS)}")
    return tuple(name for name in REASONS if name in reasons)


def _mark(told: Any) -> tuple[float, float, float, float] | None:
    if told is None:
        return None
    ends = told if isinstance(told, list) and len(told) == 4 else []
    if not ends or not all(isinstance(end, (int, float)) and 0 <= end <= 1 for end in ends):
        raise ValueError(f"mark: found {_short(told)}, expected left, top, right and bottom, each 0 to 1")
    left, top, right, bottom = map(float, ends)
    if left >= right or top >= bottom:
        raise ValueError(f"mark: found {_short(told)}, expected left below right and top below bottom")
    return left, top, right, bottom
