"""Names and other texts as MONAI's configuration reads them back: a name is a name, whatever characters it has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

#: What a text begins with that MONAI reads as an expression, a reference or a macro.
OPENS: Final = ("$", "@", "%")
_ESCAPED: Final = {"@": r"\x40", "#": r"\x23", "%": r"\x25", ":": r"\x3a"}


def literal(value: Any) -> Any:
    """A value whose texts a ``ConfigParser`` gives back as they are, those inside of lists and mappings too.

    MONAI reads ``$`` as an expression, ``@`` as a reference and ``%`` as a macro, and writes ``::`` for every ``#``
    (MONAI 1.6.1, `monai.bundle.reference_resolver`). A text with one of them becomes an expression that is a quoted
    text, in which those characters are escaped.

    Args:
        value: as the user told it; anything but texts passes.
    """
    if isinstance(value, Mapping):
        return {name: literal(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [literal(one) for one in value]
    plain = not isinstance(value, str) or not (value.startswith(OPENS) or "#" in value)
    return value if plain else quoted(value)


def quoted(text: str) -> str:
    """A text as an expression of MONAI's configuration, which also passes a command line that reads ``2024`` or
    ``a,b`` as other types.
    """  # fmt: skip
    return "$" + "".join(_ESCAPED.get(character, character) for character in ascii(text))
