"""``python -m monai_fundusgen`` and ``fundusgen``: the console."""

from __future__ import annotations

import sys

import typer

from monai_fundusgen.console import (
    datalist,
    dataset,
    evaluate,
    generate,
    groundtruth,
    judge,
    label,
    review,
    segment,
    study,
    train,
    turing,
)
from monai_fundusgen.console.app import INTERRUPTED, USER_ERROR, app

__all__ = ["INTERRUPTED", "USER_ERROR", "VERBS", "app", "main"]

#: The modules whose import adds their verbs to the program.
VERBS = (datalist, dataset, evaluate, generate, groundtruth, judge, label, review, segment, study, train, turing)


def main(arguments: list[str] | None = None) -> None:
    """Run a verb; an error of the user (bad file, bad value) ends with its message and exit code 2."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        app(arguments)
    except (OSError, ValueError, ImportError, RuntimeError) as error:
        told = _told(error)
        if "--debug" in arguments or told is None:
            raise
        typer.echo(f"error: {told}", err=True)
        sys.exit(USER_ERROR)


def _told(error: Exception) -> str | None:
    """The message of a user's error, without MONAI's wrapping of it; None for a fault of the program."""
    if not isinstance(error, RuntimeError):
        return str(error)
    from monai_fundusgen.launch.bundle_run import user_message

    return user_message(error)


if __name__ == "__main__":
    main()
