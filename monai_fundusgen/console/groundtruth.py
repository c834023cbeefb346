"""``fundusgen groundtruth``: artery/vein labels from angiography."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from monai_fundusgen.console.app import BAD_DATA, INTERRUPTED, app


@app.command()
def groundtruth(
    cases: Annotated[
        list[Path] | None,
        typer.Argument(help="Folders of cases, each a photograph and the frames of an angiogram of the same eye."),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the results.")] = Path("groundtruth"),
    kinds: Annotated[
        str,
        typer.Option(help="What tells arteries from veins: both, timing (of filling), network (on the photograph)."),
    ] = "both",
    frames: Annotated[
        str, typer.Option(help="What finds vessels in frames: network, or ridges (a filter without weights).")
    ] = "network",
    merge: Annotated[
        str, typer.Option(help="Frames are merged by: maximum, second, third (largest), mean.")
    ] = "second",
    least_confidence: Annotated[float, typer.Option(help="Branches told less surely are left open, 0.5 to 1.")] = 0.8,
    frame_deg: Annotated[float | None, typer.Option(help="Field of the angiogram in degrees, where known.")] = None,
    photograph_deg: Annotated[
        float | None, typer.Option(help="Field of the photograph in degrees, where known.")
    ] = None,
    longest_px: Annotated[
        int | None, typer.Option(help="Make larger pictures, and the results, smaller to this longer side.")
    ] = None,
    frame_weights: Annotated[Path | None, typer.Option(help="Weights in place of those of fa_vessel_unet.")] = None,
    photograph_weights: Annotated[
        Path | None, typer.Option(help="Weights in place of those of fundus_av_unet.")
    ] = None,
    processes: Annotated[int, typer.Option(help="Cases at a time.")] = 1,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1, ...")] = "cpu",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, no messages.")] = False,
) -> None:
    """Make artery/vein labels from angiography: frames registered, merged, told apart by when they fill.

    The same command again goes on where it stopped. Labels that came back under studies/labels/final are taken over;
    without cases, nothing but that is done. A case that cannot be made is told, and the others go on (exit code 1).
    """
    from monai_fundusgen.groundtruth.pipeline import GroundTruthRequest, build_groundtruth
    from monai_fundusgen.groundtruth.session import case_bar
    from monai_fundusgen.groundtruth.truth import TruthSettings

    request = GroundTruthRequest(
        TruthSettings(rule=merge, kinds=kinds, least_confidence=least_confidence),
        frames=frames, frame_deg=frame_deg, photograph_deg=photograph_deg, longest_px=longest_px,
        frame_weights=_text(frame_weights), photograph_weights=_text(photograph_weights), device=device,
    )  # fmt: skip
    try:
        outcomes, corrections = build_groundtruth(
            cases or [], output, request, processes=processes, progress=case_bar(quiet)
        )
    except KeyboardInterrupt:
        typer.echo("interrupted; the same command goes on", err=True)
        raise typer.Exit(INTERRUPTED) from None
    failed = [one for one in outcomes if one.state == "failed"]
    for one in failed:
        typer.echo(f"{one.name}: {one.reason}", err=True)
    if not quiet:
        typer.echo(_told(output, outcomes, corrections))
    if failed:
        raise typer.Exit(BAD_DATA)


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _told(output: Path, outcomes: list[Any], corrections: list[Any]) -> str:
    """Counts in one line, and one more where labels came back."""
    counts = {state: sum(one.state == state for one in outcomes) for state in ("made", "kept", "failed")}
    line = f"{output}: {counts['made']} made, {counts['kept']} there already, {counts['failed']} failed"
    if not corrections:
        return line
    changed = sum(one["changed_kind_px"] + one["added_px"] + one["removed_px"] for one in corrections)
    flipped = sum(one["flipped_branches"] for one in corrections)
    return f"{line}\n{len(corrections)} corrected labels taken over: {changed} px changed, {flipped} branches flipped"
