"""``fundusgen datalist``: the datalist of a set of photographs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from monai_fundusgen.console.app import app


@app.command()
def datalist(
    layout: Annotated[
        str,
        typer.Argument(
            help="Layout of the set: paired (your own folders), drive, rite, hrf, les-av, chase-db1, stare, iostar-av, "
            "inspire-avr or fives; ct for a folder of CT scans (NIfTI, DICOM)."
        ),
    ],
    directory: Annotated[Path, typer.Argument(help="Folder that the set was unpacked to.")],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="JSON file to write. A datalist that this verb wrote is replaced, nothing else."
        ),
    ] = Path("datalist.json"),
    validation: Annotated[
        float, typer.Option(help="Share of the training persons that are kept for validation, 0 to below 1.")
    ] = 0.0,
    testing: Annotated[
        float,
        typer.Option(
            help="Share of all persons that are kept for testing, 0 to below 1; for sets without a test part."
        ),
    ] = 0.0,
    folds: Annotated[int, typer.Option(help="Number of folds for cross-validation; each training item gets one.")] = 5,
    seed: Annotated[int, typer.Option(help="Seed of the random choice of persons for shares and folds.")] = 0,
    decide: Annotated[
        bool,
        typer.Option(
            "--decide",
            help="Decide the kind of pixels that are labelled as both; decided labels go beside the datalist.",
        ),
    ] = False,
) -> None:
    """Verify every file of a fundus data set, or of a folder of CT, and write its MONAI datalist."""
    from monai_fundusgen.data.datalist import (
        build_datalist,
        describe,
        refuse_missing_folder,
        refuse_other_file,
        write_datalist,
    )
    from monai_fundusgen.data.layouts import CT, find_layout

    refuse_missing_folder(output)
    refuse_other_file(output)
    if layout.strip().lower() == CT:
        typer.echo(
            _ct(directory, output, {"validation": validation, "testing": testing, "folds": folds, "seed": seed}, decide)
        )
        return
    found = find_layout(layout)
    built = build_datalist(
        found, directory, output.parent, validation=validation, testing=testing, folds=folds, seed=seed
    )
    if decide:
        from monai_fundusgen.data.decided import decide_labels, describe_case

        folder = f"{output.stem}_decided"
        for case in decide_labels(built, output.absolute().parent, folder, field_deg=found.field_deg):
            typer.echo(describe_case(case))
    write_datalist(output, built)
    typer.echo(describe(built, output))


def _ct(directory: Path, output: Path, shares: dict[str, Any], decide: bool) -> str:
    """Write the datalist and the volumes of a folder of CT; returns what to tell."""
    from monai_fundusgen.data.ct_datalist import build_ct_datalist, describe_ct, drop_stale_volumes
    from monai_fundusgen.data.datalist import write_datalist

    if decide:
        raise ValueError("--decide: CT has no vessel labels; leave it out")
    built = build_ct_datalist(directory, output, **shares)
    write_datalist(output, built)
    drop_stale_volumes(built, output)
    return describe_ct(built, output)
