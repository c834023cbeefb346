"""A look at a data set: its figures, and some of its samples."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from monai_fundusgen.dataset.completion import sheet_of
from monai_fundusgen.dataset.manifest import finished, read_settings, records, sources
from monai_fundusgen.dataset.placement import Placement
from monai_fundusgen.dataset.summary import SHOWN, Summary, summarise
from monai_fundusgen.storage.picture_file import write_png


def figures_of(root: str | Path) -> Summary:
    """Figures of all samples that are there, also of a run that goes on.

    Raises:
        FileNotFoundError: no data set there.
        ValueError: a line of the manifest is no record.
    """
    root = Path(root)
    if not sources(root):
        raise FileNotFoundError(f"{root}: no manifest and no journal there; give the folder of a data set")
    return summarise(_unique(chain.from_iterable(records(path) for path in sources(root))))


def _unique(rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Each sample once: a run that was killed while it merged its journals has some twice."""
    seen: set[str] = set()
    for row in rows:
        if row["id"] not in seen:
            seen.add(row["id"])
            yield row


def is_gated(root: str | Path) -> bool:
    """Whether the run refuses maps of implausible anatomy."""
    return bool(read_settings(Path(root))["settings"].get("gate"))


def table(summary: Summary, gated: bool) -> str:
    """The figures in words.

    Args:
        summary: the figures.
        gated: whether the run had a gate.
    """
    rows = [
        f"{SHOWN[name]:36} {low:8.3g} {median:8.3g} {high:8.3g}"
        for name, (low, median, high) in summary.anatomy.items()
    ]
    made = ", ".join(f"{count} from {source}" for source, count in summary.sources.items())
    return "\n".join(
        [
            f"{summary.num_samples} samples: {made}",
            f"{_gate_line(summary) if gated else 'no gate on anatomy was asked for'}; "
            f"{summary.warnings} samples with a warning",
            "",
            f"{'anatomy of the labels':36} {'5 %':>8} {'median':>8} {'95 %':>8}",
            *rows,
        ]
    )


def _gate_line(summary: Summary) -> str:
    refused = f"{summary.rejected_attempts} maps refused by the gate"
    return f"{refused}, {summary.implausible} samples kept although no attempt passed"


def write_sheet(root: str | Path, path: str | Path, first: int, count: int) -> int:
    """Write a contact sheet of samples from ``first`` on; returns how many are on it.

    Raises:
        ValueError: none of them is there, or no such numbers.
        IsADirectoryError: the sheet is a folder.
    """
    root, path = Path(root), Path(path)
    for option, found, least in (("-n", count, 1), ("--first", first, 0)):
        if found < least:
            raise ValueError(f"{option}: found {found}, expected at least {least}")
    if path.is_dir():
        raise IsADirectoryError(f"{path}: a folder; name a PNG to write, for instance {path / 'sheet.png'}")
    if path.suffix.lower() != ".png":
        raise ValueError(f"--sheet: found {path}, expected a name that ends in .png")
    done = finished(root)
    shown = list(
        islice((index for index in range(first, first + 10 * max(count, 1) + len(done)) if index in done), count)
    )
    if not shown:
        raise ValueError(f"{root}: no sample from number {first} on; there are {len(done)}")
    settings = read_settings(root)["settings"]
    write_png(path, sheet_of(root, Placement(settings.get("shard_size")), shown))
    return len(shown)
