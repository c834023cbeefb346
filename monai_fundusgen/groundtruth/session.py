"""A run of many cases on the console: its bar, and one message for what failed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tqdm.auto import tqdm

from monai_fundusgen.groundtruth.pipeline import GroundTruthRequest, Outcome, Progress, build_groundtruth


def case_bar(quiet: bool = False) -> Progress:
    """A bar over cases; none with ``quiet``, or where there are none."""
    return lambda outcomes, total: tqdm(outcomes, desc="cases", unit="case", total=total, disable=quiet or not total)


def run_groundtruth(
    folders: Sequence[str | Path],
    output: str | Path,
    request: GroundTruthRequest,
    *,
    processes: int = 1,
    quiet: bool = False,
) -> list[Outcome]:
    """`build_groundtruth` with a bar, for a bundle.

    Raises:
        ValueError: cases failed; all others are done by then, and each that failed is named with its reason.
    """
    outcomes, _ = build_groundtruth(folders, output, request, processes=processes, progress=case_bar(quiet))
    failed = [f"{one.name}: {one.reason}" for one in outcomes if one.state == "failed"]
    if failed:
        raise ValueError(f"{len(failed)} of {len(outcomes)} cases failed, the others are done; " + "; ".join(failed))
    return outcomes
