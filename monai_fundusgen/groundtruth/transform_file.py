"""Warps as ITK transform files: text (``.tfm``) that ITK and what is built on it read.

A file holds one composite transform over pixel coordinates (spacing 1, origin 0, x = column): ``TransformPoint`` of a
point of the photograph is the place in the frame, as ITK's resampling wants it. Per stage a cubic ``BSplineTransform``
and an ``AffineTransform``; ITK passes a point through the transforms from the last of the file to the first. The file
of the opposite direction is not written: ``Warp.unmap`` inverts.

The text is written and read here, for it is a few numbers a stage, and ITK takes seconds to load its readers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from monai_fundusgen.groundtruth.warp import FloatArray, Stage, Warp
from monai_fundusgen.storage.whole_file import write_whole

ENDING: Final = ".tfm"
_HEAD: Final = "#Insight Transform File V1.0"
_COMPOSITE: Final = "CompositeTransform_double_2_2"
_AFFINE: Final = "AffineTransform_double_2_2"
_SPLINE: Final = "BSplineTransform_double_2_2"

_Block = tuple[str, FloatArray, FloatArray]  # kind, parameters, fixed parameters


def write_warp(path: str | Path, warp: Warp) -> None:
    """Write a warp for ITK, whole or not at all.

    Raises:
        ValueError: the name does not end in ``.tfm``.
    """
    path = Path(path)
    if path.suffix != ENDING:
        raise ValueError(f"{path}: found the ending {path.suffix or 'none'!r}, expected {ENDING}")
    blocks = [block for stage in reversed(warp.stages) for block in _blocks(stage)]
    lines = [_HEAD, "#Transform 0", f"Transform: {_COMPOSITE}"]
    for number, (kind, parameters, fixed) in enumerate(blocks, start=1):
        lines += [f"#Transform {number}", f"Transform: {kind}", f"Parameters: {_text(parameters)}",
                  f"FixedParameters: {_text(fixed)}"]  # fmt: skip
    write_whole(path, ("\n".join(lines) + "\n").encode())


def _text(values: FloatArray) -> str:
    return " ".join(repr(float(value)) for value in values)


def _blocks(stage: Stage) -> list[_Block]:
    """Transforms of a stage as ITK lists them: what a point passes last comes first."""
    affine: _Block = (_AFFINE, np.append(stage.matrix.ravel(), stage.offset_px), np.zeros(2))
    if stage.coefficients_px is None:
        return [affine]
    assert stage.origin_px is not None and stage.pitch_px is not None
    count = stage.coefficients_px.shape[:0:-1]
    fixed = np.concatenate([count, stage.origin_px - stage.pitch_px, stage.pitch_px, (1, 0, 0, 1)])
    return [affine, (_SPLINE, stage.coefficients_px.ravel(), fixed)]


def read_warp(path: str | Path) -> Warp:
    """The warp of a file that `write_warp` wrote.

    Raises:
        FileNotFoundError: no such file.
        ValueError: no text of ITK transforms, cut, or of other transforms than these.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected a transform that `fundusgen groundtruth` wrote")
    lines = path.read_bytes().decode("utf-8", errors="replace").splitlines()
    if not lines or lines[0].strip() != _HEAD:
        raise ValueError(f"{path}: found {(lines or [''])[0][:40]!r} at its head, expected {_HEAD!r}; write it again")
    try:
        return Warp(_stages(_read_blocks(lines[1:])))
    except (ValueError, IndexError) as error:
        raise ValueError(
            f"{path}: found {error}, expected {_COMPOSITE} of {_AFFINE} and {_SPLINE}; write it again"
        ) from error


def _read_blocks(lines: list[str]) -> list[_Block]:
    """Transforms in the order of the file, the composite left out."""
    fields = [line.split(":", 1) for line in lines if line.strip() and not line.startswith("#")]
    if not fields or [part.strip() for part in fields[0]] != ["Transform", _COMPOSITE]:
        raise ValueError("no composite transform")
    if len(fields) % 3 != 1:
        raise ValueError("a transform that is cut")
    blocks = []
    for kind, parameters, fixed in zip(fields[1::3], fields[2::3], fields[3::3], strict=True):
        if [kind[0], parameters[0], fixed[0]] != ["Transform", "Parameters", "FixedParameters"]:
            raise ValueError(f"{kind[0]!r}, {parameters[0]!r}, {fixed[0]!r} in turn")
        values, about = (np.array(part[1].split(), np.float64) for part in (parameters, fixed))
        blocks.append((kind[1].strip(), values, about))
    return blocks


def _stages(blocks: list[_Block]) -> tuple[Stage, ...]:
    stages: list[Stage] = []
    while blocks:
        kind, values, centre = blocks.pop(0)
        if kind != _AFFINE or values.size != 6 or centre.any():
            raise ValueError(f"{kind} of {values.size} parameters about {centre.tolist()}")
        spline = blocks.pop(0) if blocks and blocks[0][0] == _SPLINE else None
        stages.append(_stage(values, spline))
    return tuple(reversed(stages))


def _stage(affine: FloatArray, spline: _Block | None) -> Stage:
    matrix, offset = affine[:4].reshape(2, 2), affine[4:]
    if spline is None:
        return Stage(matrix, offset)
    _, values, fixed = spline
    columns, rows = fixed[:2].astype(int)
    if fixed.size != 10 or values.size != 2 * rows * columns or min(rows, columns) < 4:
        raise ValueError(f"{_SPLINE} of {values.size} parameters on a lattice of {columns} x {rows}")
    return Stage(matrix, offset, values.reshape(2, rows, columns), fixed[2:4] + fixed[4:6], fixed[4:6])
