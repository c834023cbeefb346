"""Under which rules a segmentation is scored: one object that goes with every figure.

Scores of vessel segmentation differ more by these rules than by method (Kovacs & Fazekas 2022, arXiv:2111.03853).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

Field = Literal["fov", "all", "all_zeroed"]
Pooling = Literal["pooled", "per_image"]
ThresholdFrom = Literal["fixed", "validation", "test_oracle"]
Kinds = Literal["authors", "all_vessels", "intersection", "tree"]

_FIELDS = {
    "fov": "pixels inside the field",
    "all": "all pixels",
    "all_zeroed": "all pixels, the prediction being 0 outside the field",
}
_KINDS = {
    "authors": "both outputs of both graphs on labelled vessel pixels, pooled",
    "all_vessels": "all vessel pixels, one not found counting half for each kind",
    "intersection": "vessel pixels that were found",
    "tree": "each kind against all else, the field shrunk by a disc of radius 3 px",
}


@dataclass(frozen=True)
class Protocol:
    """The rules of a score.

    Attributes:
        field: ``fov``: pixels inside the field of view; ``all``: every pixel; ``all_zeroed``: every pixel, with the
            prediction set to 0 outside the field, as RV-GAN's authors score.
        pooling: ``pooled``: the pixels of all images are one sample; ``per_image``: mean over the images of each one's
            score, those left out that have none.
        threshold_from: ``fixed``: a number known beforehand; ``validation``: of largest Dice on validation images, see
            `with_threshold`; ``test_oracle``: of largest Dice on the very test pixels, as SSA-Net's and HVGN's authors
            score. The oracle is too good to be compared with anything but itself.
        threshold: the probability from which a pixel is called vessel; None until it is chosen, and for the oracle.
        annotator: whose labels; DRIVE has two, RITE's test labels follow the second.
        kinds: artery/vein scores on which pixels: see `ArteryVeinMetric`.

    Raises:
        ValueError: an unknown word, or a threshold that does not go with where it comes from.
    """

    field: Field = "fov"
    pooling: Pooling = "pooled"
    threshold_from: ThresholdFrom = "fixed"
    threshold: float | None = 0.5
    annotator: str = "first"
    kinds: Kinds = "intersection"

    def __post_init__(self) -> None:
        words = {"field": Field, "pooling": Pooling, "threshold_from": ThresholdFrom, "kinds": Kinds}
        for name, allowed in words.items():
            if getattr(self, name) not in get_args(allowed):
                raise ValueError(
                    f"Protocol: {name} is {getattr(self, name)!r}, expected {', '.join(get_args(allowed))}"
                )
        if self.threshold_from == "test_oracle" and self.threshold is not None:
            raise ValueError(
                f"Protocol: threshold {self.threshold} for test_oracle, which finds its own; give threshold None"
            )
        if self.threshold_from == "fixed" and self.threshold is None:
            raise ValueError("Protocol: a fixed threshold is None; give a number, or threshold_from 'validation'")

    def with_threshold(self, threshold: float) -> Protocol:
        """The same rules with a threshold that was chosen on validation images.

        Raises:
            ValueError: the rules do not take one from there.
        """
        if self.threshold_from != "validation":
            raise ValueError(f"Protocol: threshold_from is {self.threshold_from!r}; only 'validation' takes one later")
        return replace(self, threshold=threshold)

    def describe(self, *, kinds: bool = False) -> str:
        """The rules in a sentence, to stand beside a score; with ``kinds`` those of artery/vein scores."""
        chosen = {
            "fixed": f"threshold {self.threshold}",
            "validation": f"threshold {self.threshold} chosen on validation images",
            "test_oracle": "ORACLE threshold chosen on the test pixels themselves",
        }
        pixels = f"{_KINDS[self.kinds]}, inside the field" if kinds else _FIELDS[self.field]
        pooling = "pooled over images" if self.pooling == "pooled" else "mean over images"
        return f"{pixels}; {pooling}; {chosen[self.threshold_from]}; labels of annotator: {self.annotator}"

    def as_json(self) -> dict[str, Any]:
        """The rules as plain values, for a report."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}
