"""Tokens of persons: what each of them enters by, what is kept of it, and whose one is."""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
from collections.abc import Mapping
from pathlib import Path

from monai_fundusgen.storage.whole_file import PRIVATE, write_whole


def token_sha256(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def owner_of(token: str, kept: Mapping[str, str]) -> str | None:
    """Whose token it is, None for nobody's; every person's is compared, each in constant time.

    Args:
        token: as it came.
        kept: person -> SHA-256 of the token.
    """
    given, found = token_sha256(token), None
    for person, sha256 in kept.items():
        if hmac.compare_digest(given, sha256):
            found = person
    return found


def write_tokens(path: Path, tokens: Mapping[str, str]) -> None:
    """Write the tokens of all persons, for the one who runs the server and for nobody else on the machine."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("reader", "token"))
    rows.writerows(tokens.items())
    write_whole(path, text.getvalue().encode(), mode=PRIVATE)


def read_tokens(path: Path) -> dict[str, str]:
    """Tokens by person; empty where the file was taken away."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return {row["reader"]: row["token"] for row in csv.DictReader(file)}
    except FileNotFoundError:
        return {}
