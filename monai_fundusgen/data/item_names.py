"""Names of items, for files that are written about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monai_fundusgen.conventions import IMAGE, LABEL, SEED


def with_ids(items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Items with an ``id`` each: the stem of their photograph or label, or ``phantom`` and the seed.

    Raises:
        ValueError: two items would have the same id, and one file would overwrite the other.
    """
    named = [{**item, "id": _name(item)} for item in items]
    ids = [item["id"] for item in named]
    twice = sorted({one for one in ids if ids.count(one) > 1})
    if twice:
        raise ValueError(
            f"items with equal names: {', '.join(twice[:5])}; rename their files, or list one set at a time"
        )
    return named


def _name(item: Mapping[str, Any]) -> str:
    source = item.get(IMAGE) or item.get(LABEL)
    return Path(str(source)).stem.replace(".", "_") if source else f"phantom{int(item[SEED]):06d}"
