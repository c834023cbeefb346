"""Kinds of known vessels by HVGN, where somebody has trained it: no weights of it are shipped."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from monai.bundle import ConfigParser
from numpy.typing import NDArray

from monai_fundusgen.conventions import IMAGE, VESSEL
from monai_fundusgen.storage.picture_file import write_png
from monai_fundusgen.weights.bundles import bundle
from monai_fundusgen.weights.device import usable_device
from monai_fundusgen.weights.stages import stage_config

HVGN: Final = "fundus_av_hvgn"


def trained_hvgn(model_dir: str | Path) -> Path | None:
    """Folder of a training of HVGN in the app's folder of models, else the bundle if it has weights, else None."""
    trained, shipped = Path(model_dir) / HVGN, bundle(HVGN)
    if (trained / "model.pt").is_file() and (trained / "configs" / "inference.yaml").is_file():
        return trained
    return shipped if (shipped / "models" / "model.pt").is_file() else None


@dataclass(frozen=True)
class KnownVesselKinds:
    """HVGN with the transforms of its bundle.

    Attributes:
        parser: the bundle's inference.
        network: in evaluation mode.
        device: where it runs.
    """

    parser: ConfigParser
    network: torch.nn.Module
    device: torch.device

    @torch.no_grad()
    def __call__(self, photograph: str | Path, vessel: NDArray[np.bool_]) -> NDArray[np.uint8]:
        """Label codes (H, W) of a photograph's vessels (H, W).

        Raises:
            OSError, ValueError: a photograph that cannot be read, or of another size than its vessels.
        """
        before, inferer, after = (
            self.parser.get_parsed_content(name) for name in ("preprocessing", "inferer", "postprocessing")
        )
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "vessel.png"
            write_png(path, vessel.astype(np.uint8) * 255)
            item: dict[str, Any] = before({"id": "photograph", IMAGE: str(photograph), VESSEL: str(path)})
        given = torch.as_tensor(item[IMAGE]).as_subclass(torch.Tensor)[None].to(self.device)
        found = after({**item, "pred": inferer(given, self.network)[0].cpu()})["pred"]
        return np.ascontiguousarray(np.asarray(found, dtype=np.uint8).T)


def load_hvgn(folder: str | Path, device: str = "cpu") -> KnownVesselKinds:
    """Read it from a bundle or from the folder of a training.

    Raises:
        FileNotFoundError: no such folder or weights.
        ValueError: weights of another network, or no such device.
    """
    parser, place = stage_config(folder), usable_device(device)
    parser["device"] = place
    network: torch.nn.Module = parser.get_parsed_content("network")
    return KnownVesselKinds(parser, network.eval(), place)
