"""Folders of trainings as options of a data set run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from monai_fundusgen.weights.stages import TRAINED_FROM

#: Bundle that was trained -> option that takes its folder, and the choice that it makes.
_TAKEN: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "fundus_av_mask_ddpm": ("mask_bundle", {"mask_source": "ddpm"}),
    "fundus_photograph_pix2pixhd": ("photograph_bundle", {"photograph_source": "cascade"}),
    "fundus_superresolution_edsr": ("enlarging_bundle", {"photograph_source": "cascade"}),
}


def told_of_weights(folders: Sequence[Path], told: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a run that takes the weights of these trainings; which stage each is, its metadata says.

    A mask training makes the masks the model's, the others make the photographs the cascade's.

    Args:
        folders: each the ``output_dir`` of a training, or a bundle with weights.
        told: options that were given; a contradiction is refused.

    Raises:
        FileNotFoundError: no training there.
        ValueError: a training of another kind, two of one stage, or options that contradict.
    """
    found = {name: value for name, value in told.items() if value is not None}
    for folder in folders:
        option, choice = _TAKEN[_stage_of(folder)]
        if option in found:
            raise ValueError(
                f"--weights {folder}: {option} is {found[option]} already; give one training for each stage"
            )
        found[option] = str(folder.resolve())
        for name, value in choice.items():
            if found.setdefault(name, value) != value:
                raise ValueError(
                    f"--weights {folder}: needs {name} {value}, found {found[name]}; leave "
                    f"--{name.replace('_', '-')} out"
                )
    return found


def _stage_of(folder: Path) -> str:
    """Name of the bundle that a folder is, or was trained from."""
    metadata = folder / "configs" / "metadata.json"
    for needed in (metadata, folder / "configs" / "inference.yaml"):
        if not needed.is_file():
            raise FileNotFoundError(f"{folder}: no training there (no configs/{needed.name}); give the folder of one")
    try:
        content = json.loads(metadata.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{metadata}: not JSON ({error}); train again, or write it as the bundle has it") from error
    stage = content.get(TRAINED_FROM, folder.resolve().name) if isinstance(content, dict) else None
    if stage not in _TAKEN:
        raise ValueError(f"--weights {folder}: a training of {stage}, expected one of {', '.join(_TAKEN)}")
    return str(stage)
