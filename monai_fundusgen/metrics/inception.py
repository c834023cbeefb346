"""The weights of the Frechet inception distance: one file, known by its hash, given by the user."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from monai_fundusgen.networks.nets.inception import FrechetInception
from monai_fundusgen.storage.checksum import file_sha256
from monai_fundusgen.weights.files import read_weights

#: The file that torch-fidelity and pytorch-fid share, under either of its names.
FILE_NAMES: Final = ("weights-inception-2015-12-05-6726825d.pth", "pt_inception-2015-12-05-6726825d.pth")
SHA256: Final = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"


class InceptionFeatures(nn.Module):
    """The features of the Frechet inception distance, (N, 2048)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network, self.name = network.eval(), f"Inception v3 of 2015, SHA-256 {SHA256[:12]}"

    @torch.no_grad()
    def forward(self, photographs: Tensor) -> Tensor:
        """Photographs (N, 3, H, W) in [-1, 1] to features (N, 2048)."""
        found: Tensor = self.network(photographs)
        return found


def inception_features(path: str | Path, sha256: str = SHA256) -> InceptionFeatures:
    """The network with the weights that published distances were computed with; nothing is downloaded.

    Args:
        path: the weights file.
        sha256: what the file's SHA-256 must be.

    Raises:
        FileNotFoundError: no such file.
        ValueError: another file; distances would compare with no one's.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: no Inception weights there; give the path of {FILE_NAMES[0]}, of torch-fidelity's release 0.2.0"
        )
    found = file_sha256(path)
    if found != sha256:
        raise ValueError(
            f"{path}: SHA-256 {found}, expected {sha256}, that of {FILE_NAMES[0]}; with other weights the distance "
            "would compare with no published one: fetch that file again"
        )
    network = FrechetInception()
    missing = network.load_state_dict(read_weights(path), strict=False).missing_keys
    lacking = [name for name in missing if not name.endswith("num_batches_tracked")]
    if lacking:
        raise ValueError(f"{path}: has no weights for {', '.join(lacking[:3])}; expected those of {FILE_NAMES[0]}")
    return InceptionFeatures(network)
