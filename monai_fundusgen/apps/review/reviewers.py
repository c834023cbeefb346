"""Who reviews: persons with a token each, or, on this machine alone, whoever gives a name."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from monai_fundusgen.apps.web.hosts import LOOPBACK
from monai_fundusgen.apps.web.tokens import owner_of, read_tokens, token_sha256, write_tokens

TOKENS: Final = "tokens.csv"
_TOKEN_BYTES: Final = 24
_NAME: Final = re.compile(r"\w[\w .'@-]{0,59}")


class Reviewers:
    """Who may enter, and by what.

    Args:
        tokens: token of each person; empty: whoever gives a name.
    """

    def __init__(self, tokens: dict[str, str] | None = None) -> None:
        self._kept = {name: token_sha256(token) for name, token in (tokens or {}).items()}

    @property
    def asks_for(self) -> str:
        """What a page asks a person for: ``code`` or ``name``."""
        return "code" if self._kept else "name"

    def who(self, told: str) -> str | None:
        """The person behind a token, or behind a name as it comes in a cookie; None for nobody."""
        if self._kept:
            return owner_of(told, self._kept)
        name = unquote(told).strip()
        return name if _NAME.fullmatch(name) else None


def check_reviewers(names: Sequence[str], host: str) -> None:
    """Raise ValueError for a name twice or with strange characters, and for none where other machines reach the server.

    Args:
        names: of the reviewers.
        host: where the server listens.
    """
    wrong = [name for name in names if not _NAME.fullmatch(name)]
    if wrong or len(set(names)) < len(names):
        raise ValueError(
            f"--reviewer: found {wrong[0] if wrong else list(names)!r}, expected different names of letters, digits, "
            f"spaces and . ' @ -, at most 60 characters"
        )
    if not names and host not in LOOPBACK:
        raise ValueError(
            f"--host: found {host!r}, which other machines reach, and no --reviewer; name every reviewer, so that each "
            f"gets a link with a token, or leave --host out"
        )


def tokens_of(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """Tokens of the reviewers, those of an earlier start where they had one; the file has those of today's alone.

    Args:
        folder: of the review.
        names: of the reviewers; none: no tokens, which is for this machine alone.
    """
    if not names:
        return {}
    known = read_tokens(folder / TOKENS)
    tokens = {name: known.get(name) or secrets.token_urlsafe(_TOKEN_BYTES) for name in names}
    write_tokens(folder / TOKENS, tokens)
    return tokens
