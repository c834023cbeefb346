"""The one way in: a data set, a folder, a format and its options."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monai_fundusgen.data.exported import write_promise
from monai_fundusgen.export.card import CARD, export_card
from monai_fundusgen.export.formats import FORMATS, SOURCE_OPTIONS
from monai_fundusgen.export.options import OPTIONS, resolved
from monai_fundusgen.export.source import TEST, SourceDataset
from monai_fundusgen.storage.whole_file import write_whole
from monai_fundusgen.storage.whole_folder import whole_folder


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        line: for the console.
        warnings: what the user should know of it.
    """

    line: str
    warnings: tuple[str, ...]


def export_dataset(root: str | Path, output: str | Path, name: str, **options: Any) -> Exported:
    """Write a finished data set in another layout; whole or not at all.

    Every file is checked before it is handed on, and nothing is read through a link or outside of the data set.

    Args:
        root: folder of the data set.
        output: folder to write, missing or empty.
        name: of the format, see `FORMATS`.
        options: of the format, see `OPTIONS`; None is not given.

    Raises:
        ValueError: another format; an option that it does not take, or a value that it is none; a file that is not what
            the manifest tells.
        FileExistsError: the output folder holds something, or another export writes it or was killed there.
        FileNotFoundError: no finished data set, or a file of it is missing.
    """
    if name not in FORMATS:
        raise ValueError(f"format: found {name!r}, expected one of {', '.join(FORMATS)}")
    form = FORMATS[name]
    values = resolved(name, options, {key: one.options for key, one in FORMATS.items()})
    source = SourceDataset(root, **{key: values[key] for key in SOURCE_OPTIONS if key in values})
    output = Path(output)
    if output.resolve().is_relative_to(source.root.resolve()):
        raise ValueError(f"{output}: lies in the data set {source.root}; give a folder outside of it")
    with whole_folder(output) as partial:
        form.write(source, partial, **{key: value for key, value in values.items() if key not in SOURCE_OPTIONS})
        write_promise(partial, name, source.counts, source.settings.get("size"))
        card = export_card(name, form, source, partial, values)
        write_whole(partial / CARD, card.encode())
        warnings = form.warnings(source, values)
    line = f"{output}: {len(source)} samples as {name}, {source.counts[TEST]} of them for testing"
    return Exported(line, tuple(f"{name}: {warning}" for warning in warnings))


def format_list() -> str:
    """Every format in a line, with the options that it takes."""
    lines = []
    for name, form in FORMATS.items():
        flags = " ".join(OPTIONS[key].flag for key in form.options)
        lines.append(f"{name:12} {form.summary}" + (f" ({flags})" if flags else ""))
    return "\n".join(lines)
