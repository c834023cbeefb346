"""``fundusgen generate``: labelled data sets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from monai_fundusgen.console.app import INTERRUPTED, app
from monai_fundusgen.console.values import named_values, part_of


@app.command()
def generate(
    num_samples: Annotated[
        int, typer.Option("--num-samples", "-n", help="Number of samples that the data set shall hold.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder to write; the same command goes on with a set that is there.")
    ],
    seed: Annotated[
        int | None, typer.Option(show_default="0", help="Seed of the run; every sample gets a seed of its own from it.")
    ] = None,
    mask_source: Annotated[
        str | None,
        typer.Option(
            show_default="phantom",
            help="Where vessels come from: phantom (grown by rule), ddpm (sampled by the mask model), "
            "folder (your maps).",
        ),
    ] = None,
    photograph_source: Annotated[
        str | None,
        typer.Option(
            show_default="phantom for phantom vessels, else cascade",
            help="What makes photographs: phantom (simulated optics) or cascade (the trained networks).",
        ),
    ] = None,
    mask_folder: Annotated[
        Path | None, typer.Option(help="Folder with label maps (PNG), for --mask-source folder.")
    ] = None,
    fit: Annotated[
        str | None, typer.Option(help="How maps of another shape or size become square: pad or crop.")
    ] = None,
    style: Annotated[
        Path | None,
        typer.Option(
            show_default="a look of its own for each sample",
            help="A photograph whose colours and light the cascade imitates.",
        ),
    ] = None,
    gate: Annotated[
        bool | None,
        typer.Option(
            show_default="on for ddpm, else off",
            help="Refuse maps whose anatomy is outside the range of real eyes, and draw them again.",
        ),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(
            show_default="4",
            help="Samples made at a time; Ctrl-C ends the run after so many. Changes no picture.",
        ),
    ] = None,
    shard_size: Annotated[
        int | None,
        typer.Option(
            show_default="10000",
            help="Sets of more samples are split into folders of so many each; 0: never.",
        ),
    ] = None,
    part: Annotated[
        str | None,
        typer.Option(
            show_default="all of it",
            help="Make only slice K of M (K/M, K from 0 to M-1), for the tasks of a cluster's array job.",
        ),
    ] = None,
    extend: Annotated[int | None, typer.Option(help="Enlarge a finished set of -n samples to this many.")] = None,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace the data set in the folder; it stays until this one begins."),
    ] = False,
    weights: Annotated[
        list[Path] | None, typer.Option("--weights", help="Folder of your own training; once for each stage trained.")
    ] = None,
    engine: Annotated[
        str, typer.Option(help="What runs it: local (one process), torchrun (several here), ray (a cluster).")
    ] = "local",
    processes: Annotated[int, typer.Option(help="Number of processes of torchrun, or of actors of ray.")] = 1,
    workers: Annotated[
        int | None,
        typer.Option(
            show_default="0",
            help="Further processes for all that needs no network, so that a fast device does not wait; worth it from "
            "some tens of samples on. Changes no picture.",
        ),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option", help="Any other option of the bundle as NAME=VALUE, for instance size=512; may be repeated."
        ),
    ] = None,
    bundle: Annotated[
        Path | None,
        typer.Option(
            show_default="the installed one",
            help="Folder of another copy of the bundle fundus_dataset_generation.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would be made, and how much room it takes; make nothing.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, no messages.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Report as one line of JSON on standard output.")] = False,
) -> None:
    """Make a labelled data set, or the rest of one: photographs, artery/vein labels, datalist, card.

    The same command again finishes a run that was stopped, to the same bytes. Ctrl-C ends it after the batch at hand.
    """
    from monai_fundusgen.launch.options import refuse_fighting
    from monai_fundusgen.launch.run import RunRequest, forecast, run
    from monai_fundusgen.launch.trained_stages import told_of_weights
    from monai_fundusgen.weights.bundles import GENERATION
    from monai_fundusgen.weights.bundles import bundle as installed

    other = named_values(option or [])
    refuse_fighting(other)
    told: dict[str, Any] = {
        "seed": seed, "mask_source": mask_source, "photograph_source": photograph_source, "gate": gate,
        "mask_folder": mask_folder and str(mask_folder), "style": style and str(style), "batch_size": batch_size,
        "shard_size": shard_size, "extend": True if extend else None, "overwrite": overwrite or None,
        "quiet": quiet or as_json or None, "fit": fit, "workers": workers, **part_of(part), **other,
    }  # fmt: skip
    told = told_of_weights(weights or [], told)
    if part is not None and overwrite:
        raise ValueError(
            "--overwrite with --part: one part would delete what another has made; delete the folder, then start the "
            "parts without --overwrite"
        )
    count = num_samples if extend is None else max(num_samples, extend)
    request = RunRequest(output, count, told, (bundle or installed(GENERATION)).resolve(), engine, processes)
    if dry_run:
        typer.echo(json.dumps(forecast(request), indent=None if as_json else 2))
        return
    report = run(request)
    if as_json:
        typer.echo(json.dumps(report.plain()))
    elif not quiet:
        typer.echo(
            f"{output}: {report.found + report.made} of {report.num_samples} samples, {report.made} made in "
            f"{report.seconds:.0f} s"
            + (f", {report.repaired} made again: a file of theirs was missing or changed" if report.repaired else "")
            + ("" if report.finished else "; the same command goes on")
        )
    if not report.finished and not part:
        raise typer.Exit(INTERRUPTED)
