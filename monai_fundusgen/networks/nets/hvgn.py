"""HVGN for fundus photographs: a network reads features, graph networks on all vessel pixels tell artery from vein."""

from __future__ import annotations

from importlib.util import find_spec

import torch
from torch import Tensor, nn

from monai_fundusgen.networks.blocks.residual_stages import ResidualStages, SideOutputs, resized

SIDE_CHANNELS = 16
#: Vessel mask and five side outputs.
NODE_FEATURES = 1 + 5 * SIDE_CHANNELS
_REACH = 2  # px; a node's neighbours lie in a square of 5 x 5
#: Logit of pixels that are no vessel, in every output.
NO_VESSEL = -30.0


class HVGNFeatures(nn.Module):
    """The convolutional half: an SSA-Net without enlarging between the stages, and its own head to train it with.

    The stem's map is halved, then every stage halves again. The mask of vessels is not seen by the convolutions; it is
    the first of the 81 features.

    Source: Noh, Park, Lee 2020 (MICCAI, HVGN) and 2022 (IEEE Access 10, Dual-HVGN), fundus branch.

    Args:
        width: factor on the widths of stem and stages; the features are 81 whatever it is.
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        self.encoder = ResidualStages(3, width)
        self.side = SideOutputs(self.encoder.widths, SIDE_CHANNELS)
        self.head = nn.Conv2d(NODE_FEATURES, 2, 1)

    def features(self, x: Tensor) -> Tensor:
        """Vessel mask and photograph (N, 4, H, W), see `CentreOnVesselsd`, to features (N, 81, H, W).

        Raises:
            ValueError: not four channels.
        """
        if x.shape[1] != 4:
            raise ValueError(
                f"HVGN: input has {x.shape[1]} channels; expected 4, the vessel mask and the photograph centred on it"
            )
        size = (x.shape[-2], x.shape[-1])
        maps = [self.encoder.stem(x[:, 1:])]
        given = resized(maps[0], (max(size[0] // 2, 1), max(size[1] // 2, 1)))
        for stage in self.encoder.stages:
            maps.append(stage(given))
            given = maps[-1]
        return torch.cat([x[:, :1], *self.side(maps, size)], dim=1)

    def forward(self, x: Tensor) -> Tensor:
        """The head's logits (N, 2, H, W) of artery and vein."""
        logits: Tensor = self.head(self.features(x))
        return logits


class HVGN(nn.Module):
    """Two graph U-Nets over the vessel pixels, one that looks for arteries and one that looks for veins.

    Every vessel pixel is a node with the 81 features; it is joined to all vessel pixels within 5 x 5, itself included.
    (The authors' graphs also join the borders of the picture across, an accident of how they were built.)

    Args:
        features: the convolutional half, trained before; it stays as it is unless ``train_features``.
        hidden: channels in the graph networks.
        depth: poolings of each, to half the nodes.
        train_features: the authors' later version trains the graphs alone; the first trains all.
        max_nodes: vessel pixels of one picture that are accepted; a graph U-Net of 172,000 takes 2.5 GB and, on two
            cores, half a minute a step.

    Raises:
        ImportError: PyTorch Geometric is not installed.
    """

    def __init__(
        self,
        features: HVGNFeatures,
        hidden: int = 32,
        depth: int = 3,
        train_features: bool = False,
        max_nodes: int = 400_000,
    ) -> None:
        super().__init__()
        if find_spec("torch_geometric") is None:
            raise ImportError(
                "HVGN needs PyTorch Geometric, which is not installed: pip install 'monai-fundusgen[downstream]'"
            )
        from torch_geometric.nn import GraphUNet

        self.features = features.requires_grad_(train_features)
        self.train_features, self.max_nodes = train_features, max_nodes
        self.artery_graph = GraphUNet(NODE_FEATURES, hidden, 2, depth)
        self.vein_graph = GraphUNet(NODE_FEATURES, hidden, 2, depth)

    def train(self, mode: bool = True) -> HVGN:
        """Training mode for the graphs; the convolutional half keeps its batch statistics unless it is trained."""
        super().train(mode)
        if not self.train_features:
            self.features.eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Vessel mask and photograph (N, 4, H, W), see `CentreOnVesselsd`, to logits (N, 4, H, W).

        Channels: artery or crossing, vein (of the arteries' graph), artery, vein or crossing (of the veins' graph).
        Pixels that are no vessel have `NO_VESSEL`.

        Raises:
            ValueError: not four channels, or more vessel pixels in a picture than ``max_nodes``.
        """
        maps = self.features.features(x)
        return torch.stack([self._classified(*pair) for pair in zip(maps, x[:, 0] > 0.5, strict=True)])

    def _classified(self, features: Tensor, vessel: Tensor) -> Tensor:
        """Logits (4, H, W) of features (81, H, W) on a mask (H, W)."""
        logits = features.new_full((4, *vessel.shape), NO_VESSEL)
        count = int(vessel.sum())
        if count > self.max_nodes:
            raise ValueError(
                f"HVGN: a graph of {count} vessel pixels, at most {self.max_nodes} are accepted; cut the picture into "
                f"tiles (roi_size at inference, crop_size in training), make it smaller (field_px), or raise max_nodes"
            )
        if not count:
            return logits
        nodes, edges = features[:, vessel].T.float(), pixel_edges(vessel)
        found = torch.cat([graph(nodes, edges) for graph in (self.artery_graph, self.vein_graph)], dim=1)
        logits[:, vessel] = found.T.to(logits.dtype)
        return logits


def pixel_edges(vessel: Tensor) -> Tensor:
    """Edges (2, E) int64 between the pixels of a mask (H, W) bool that lie within 5 x 5, each with itself too.

    Nodes are numbered along the rows; every edge is there in both directions.
    """
    number = torch.full(vessel.shape, -1, dtype=torch.int64, device=vessel.device)
    number[vessel] = torch.arange(int(vessel.sum()), device=vessel.device)
    padded = nn.functional.pad(number, (_REACH,) * 4, value=-1)
    height, width = vessel.shape
    side = range(2 * _REACH + 1)
    pairs = [_linked(number, padded[top : top + height, left : left + width]) for top in side for left in side]
    return torch.cat(pairs, dim=1)


def _linked(number: Tensor, neighbour: Tensor) -> Tensor:
    both = (number >= 0) & (neighbour >= 0)
    return torch.stack([number[both], neighbour[both]])


def kind_probabilities(logits: Tensor) -> Tensor:
    """Probabilities (..., 2, H, W) of artery and vein that the outputs of `HVGN` (..., 4, H, W) come to.

    A graph's two sigmoids a and v come to a (1 - v) / (a (1 - v) + v (1 - a)), the chance of an artery if the pixel is
    one of both; the result is the mean of the graphs. Pixels that are no vessel have 0.
    """
    artery, vein = logits[..., 0::2, :, :], logits[..., 1::2, :, :]
    share = torch.sigmoid(artery - vein).mean(dim=-3, keepdim=True)
    vessel = (logits > NO_VESSEL / 2).any(dim=-3, keepdim=True)
    return torch.cat([share, 1 - share], dim=-3) * vessel
