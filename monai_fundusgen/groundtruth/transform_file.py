"""Warps as ITK transform files, text (``.tfm``) or HDF5 (``.h5``), for ITK and what is built on it.

A file holds one composite transform over pixel coordinates (spacing 1, origin 0, x = column): ``TransformPoint`` of a
point of the photograph is the place in the frame, as ITK's resampling wants it. Per stage, in the order in which a
point passes: a cubic ``BSplineTransform``, then an ``AffineTransform``. The file of the opposite direction is not
written: ``Warp.unmap`` inverts.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from monai_fundusgen.groundtruth.warp import Stage, Warp
from monai_fundusgen.storage.whole_file import write_whole

if TYPE_CHECKING:
    import itk

ENDINGS: Final = (".tfm", ".h5")


def itk_transform(warp: Warp) -> itk.CompositeTransform:
    """The composite transform of a warp; ITK passes a point through the transform that was added last first."""
    import itk

    composite = itk.CompositeTransform[itk.D, 2].New()
    for stage in reversed(warp.stages):
        affine = itk.AffineTransform[itk.D, 2].New()
        affine.SetMatrix(itk.matrix_from_array(np.ascontiguousarray(stage.matrix)))
        affine.SetOffset([float(value) for value in stage.offset_px])
        composite.AddTransform(affine)
        if stage.coefficients_px is not None:
            composite.AddTransform(_itk_spline(stage))
    return composite


def _itk_spline(stage: Stage) -> Any:
    import itk

    assert stage.coefficients_px is not None and stage.origin_px is not None and stage.pitch_px is not None
    cells = np.array(stage.coefficients_px.shape[:0:-1]) - 3
    spline = itk.BSplineTransform[itk.D, 2, 3].New()
    spline.SetTransformDomainOrigin([float(value) for value in stage.origin_px])
    spline.SetTransformDomainPhysicalDimensions([float(value) for value in stage.pitch_px * cells])
    spline.SetTransformDomainMeshSize([int(value) for value in cells])
    values = itk.OptimizerParameters[itk.D](stage.coefficients_px.size)
    for i, value in enumerate(stage.coefficients_px.ravel()):
        values[i] = float(value)
    spline.SetParameters(values)
    return spline


def write_warp(path: str | Path, warp: Warp) -> None:
    """Write a warp for ITK, whole or not at all.

    Raises:
        ValueError: the name ends in neither ``.tfm`` nor ``.h5``.
    """
    import itk

    path = Path(path)
    if path.suffix not in ENDINGS:
        raise ValueError(f"{path}: found the ending {path.suffix or 'none'!r}, expected {' or '.join(ENDINGS)}")
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / f"warp{path.suffix}")
        itk.transformwrite([itk_transform(warp)], file)
        write_whole(path, Path(file).read_bytes())


def read_warp(path: str | Path) -> Warp:
    """The warp of a file that `write_warp` wrote.

    Raises:
        FileNotFoundError: no such file.
        ValueError: no transform file, or one of other transforms than pairs of B-spline and affine.
    """
    import itk

    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected a transform that `fundusgen groundtruth` wrote")
    try:
        found = itk.transformread(str(path))
    except Exception as error:  # a cut file fails in many ways
        raise ValueError(f"{path}: cannot be read as an ITK transform ({_last_line(error)}); write it again") from error
    queue = [each for one in found for each in _parts(one)]
    return Warp(_stages(path, queue))


def _last_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [repr(error)])[-1]


def _parts(transform: Any) -> list[Any]:
    """Members of a composite, in the order in which a point passes them."""
    import itk

    if "Composite" not in transform.GetNameOfClass():
        return [transform]
    composite = itk.down_cast(transform)
    return [itk.down_cast(composite.GetNthTransform(i)) for i in reversed(range(composite.GetNumberOfTransforms()))]


def _stages(path: Path, queue: list[Any]) -> tuple[Stage, ...]:
    stages, spline = [], None
    for transform in queue:
        kind = transform.GetNameOfClass()
        if kind == "BSplineTransform" and spline is None:
            spline = transform
        elif kind == "AffineTransform":
            stages.append(_stage(transform, spline))
            spline = None
        else:
            raise ValueError(f"{path}: found {kind}, expected pairs of BSplineTransform and AffineTransform")
    if spline is not None:
        raise ValueError(f"{path}: found a BSplineTransform at the end, expected an AffineTransform after it")
    return tuple(stages)


def _stage(affine: Any, spline: Any | None) -> Stage:
    """A stage from its ITK transforms; the affine one may turn about a centre, its offset tells all."""
    import itk

    matrix = itk.array_from_matrix(affine.GetMatrix())
    offset = np.array([affine.GetOffset()[k] for k in range(2)])
    if spline is None:
        return Stage(matrix, offset)
    cells = np.array([spline.GetTransformDomainMeshSize()[k] for k in range(2)])
    origin = np.array([spline.GetTransformDomainOrigin()[k] for k in range(2)])
    reach = np.array([spline.GetTransformDomainPhysicalDimensions()[k] for k in range(2)])
    values = spline.GetParameters()
    flat = np.array([values[i] for i in range(values.Size())])
    return Stage(matrix, offset, flat.reshape(2, cells[1] + 3, cells[0] + 3), origin, reach / cells)
