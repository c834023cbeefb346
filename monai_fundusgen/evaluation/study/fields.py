"""Entries of a mapping that a user wrote: taken one by one, with the place and the way out in every refusal."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from typing import Any

_ABSENT = object()


def nearest(word: object, known: Iterable[str]) -> str:
    """``; did you mean NAME?`` where a known name is near, else nothing."""
    found = difflib.get_close_matches(str(word), list(known), n=1)
    return f"; did you mean {found[0]}?" if found else ""


class Fields:
    """The entries of one mapping.

    Args:
        where: the place, for messages: file and entry.
        content: what stands there.
        known: names that entries may have; None: any.

    Raises:
        ValueError: no mapping, or an entry of another name.
    """

    def __init__(self, where: str, content: Any, known: Iterable[str] | None = None) -> None:
        if not isinstance(content, Mapping):
            raise ValueError(f"{where}: found {content!r}, expected entries, NAME: VALUE")
        self.where, self.content = where, {str(name): value for name, value in content.items()}
        names = None if known is None else list(known)
        for name in self.content if names is not None else ():
            if name not in (names or ()):
                raise ValueError(
                    f"{where}: no entry {name!r} there{nearest(name, names or ())}; expected {', '.join(names or ())}"
                )

    def take(self, name: str, otherwise: Any = _ABSENT) -> Any:
        """An entry; without ``otherwise`` it must be there.

        Raises:
            ValueError: it is not.
        """
        if name in self.content:
            return self.content[name]
        if otherwise is _ABSENT:
            raise ValueError(f"{self.where}: no entry {name!r}; it has {', '.join(self.content) or 'none'}; add it")
        return otherwise

    def text(self, name: str, otherwise: Any = _ABSENT) -> Any:
        """An entry that is a text.

        Raises:
            ValueError: it is absent, or something else.
        """
        return self._one(name, otherwise, lambda value: isinstance(value, str) and value != "", "a text")

    def whole(self, name: str, otherwise: Any = _ABSENT, low: int = 1) -> Any:
        """An entry that is a whole number from ``low``.

        Raises:
            ValueError: it is absent, or something else.
        """
        return self._one(
            name, otherwise, lambda value: type(value) is int and value >= low, f"a whole number from {low}"
        )

    def share(self, name: str, otherwise: Any = _ABSENT) -> Any:
        """An entry that is a number between 0 and 1, neither of them.

        Raises:
            ValueError: it is absent, or something else.
        """
        return self._one(name, otherwise, lambda value: is_number(value) and 0 < value < 1, "a number between 0 and 1")

    def weight(self, name: str, otherwise: Any = _ABSENT) -> Any:
        """An entry that is a number above 0.

        Raises:
            ValueError: it is absent, or something else.
        """
        return self._one(name, otherwise, lambda value: is_number(value) and value > 0, "a number above 0")

    def mapping(self, name: str, otherwise: Any = _ABSENT) -> dict[str, Any]:
        """An entry that is a mapping with entries of its own.

        Raises:
            ValueError: it is absent, or something else.
        """
        return Fields(f"{self.where}: {name}", self.take(name, otherwise)).content

    def one_of(self, name: str, known: Iterable[str], otherwise: Any = _ABSENT) -> Any:
        """An entry that is one of some names.

        Raises:
            ValueError: it is absent, or another.
        """
        value, names = self.text(name, otherwise), list(known)
        if name in self.content and value not in names:
            raise ValueError(
                f"{self.where}: {name}: found {value!r}, expected one of {', '.join(names)}{nearest(value, names)}"
            )
        return value

    def _one(self, name: str, otherwise: Any, right: Any, expected: str) -> Any:
        value = self.take(name, otherwise)
        if name in self.content and not right(value):
            raise ValueError(f"{self.where}: {name}: found {value!r}, expected {expected}")
        return value


def is_number(value: Any) -> bool:
    """True for a finite number, which a truth value is not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
