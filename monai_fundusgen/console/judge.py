"""``fundusgen judge``: what a network trained on real photographs reads in those of a data set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from monai_fundusgen.console.app import app


@app.command()
def judge(
    datasets: Annotated[
        list[Path] | None,
        typer.Argument(help="Folders of data sets, finished or not, or datalists (their training part)."),
    ] = None,
    real: Annotated[
        Path | None, typer.Option(help="Datalist of real photographs with artery/vein labels, to compare with.")
    ] = None,
    part: Annotated[str, typer.Option(help="Part of --real: testing, validation or training.")] = "testing",
    paint: Annotated[
        bool, typer.Option("--paint", help="Also judge what the cascade paints of the labels of --real.")
    ] = False,
    painter_weights: Annotated[
        list[Path] | None,
        typer.Option("--painter-weights", help="Folder of your own training, for --paint; once for each stage."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", show_default="the screen alone", help="New folder for judged.json, judged.md."),
    ] = None,
    limit: Annotated[int | None, typer.Option(show_default="all", help="Photographs of each set at most.")] = None,
    network: Annotated[
        str | None,
        typer.Option(
            show_default="judge where its weights are, else av_unet",
            help="Which network of the bundle reads: judge or av_unet.",
        ),
    ] = None,
    weights: Annotated[Path | None, typer.Option(help="Weights in place of the network's own.")] = None,
    bundle: Annotated[Path | None, typer.Option(help="Folder of the bundle fundus_av_unet, or of one like it.")] = None,
    size: Annotated[int, typer.Option(help="Side that photographs are squared to, px.")] = 1024,
    read_size: Annotated[
        int | None, typer.Option(show_default="that of the bundle", help="Side at which the network reads, px.")
    ] = None,
    mirrors: Annotated[int, typer.Option(help="Mirror images that are averaged: 1, 2 or 4.")] = 1,
    vote: Annotated[bool, typer.Option(help="One kind for every stretch of vessel, or each pixel its own.")] = True,
    field_deg: Annotated[float, typer.Option(help="Field of the photographs of --real in degrees, for --paint.")] = 60,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1, ...")] = "cpu",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, no tables.")] = False,
) -> None:
    """Read photographs with a network trained on real ones, compare with their labels, and measure vessel depth."""
    from tqdm.auto import tqdm

    from monai_fundusgen.evaluation import judge as room
    from monai_fundusgen.metrics.judged_table import described, judged_report
    from monai_fundusgen.storage.whole_folder import refuse_occupied

    _refuse_fighting(datasets, real, paint, painter_weights)
    if output is not None:
        refuse_occupied(output)

    def progress(numbers: Any, name: str) -> Any:
        return tqdm(numbers, desc=name, unit="photograph", disable=quiet)

    sets = room.open_sets(datasets or [], real, part, limit)
    segmenter, told = room.open_judge(
        network, device, bundle=bundle, weights=weights, image_size=read_size, mirrors=mirrors, vote=vote
    )
    painter = _painter(painter_weights or [], device, field_deg) if paint else None
    for one in sets:
        room.refuse_bad(one.eyes, progress)
    sets = room.with_painted(sets, painter)
    found = {
        one.name: room.judged(one, segmenter, size=size, threshold=told["threshold"], progress=progress) for one in sets
    }
    report = judged_report(found, told, size)
    if output is not None:
        room.write_report(output, report)
    if not quiet:
        typer.echo(described(report))


def _refuse_fighting(datasets: Any, real: Path | None, paint: bool, painter_weights: Any) -> None:
    """Options that need each other."""
    if paint and real is None:
        raise ValueError("--paint: found without --real; name the datalist whose labels are to be painted")
    if painter_weights and not paint:
        raise ValueError("--painter-weights: found without --paint; say --paint, or leave it out")
    if not datasets and real is None:
        raise ValueError("judge: found neither a data set nor --real; name a folder, a datalist, or both")


def _painter(folders: list[Path], device: str, field_deg: float) -> Any:
    """The cascade, with the weights of trainings of the user's own."""
    from monai_fundusgen.launch.trained_stages import told_of_weights
    from monai_fundusgen.sampling.painted_labels import LabelPainter, cascade_painter

    options = told_of_weights(folders, {"photograph_source": "cascade"})
    if "mask_bundle" in options:
        raise ValueError(
            f"--painter-weights {options['mask_bundle']}: a training of masks, which paints nothing; expected one of "
            f"photographs or of the enlarger"
        )
    return LabelPainter(cascade_painter(options, device), field_deg)
