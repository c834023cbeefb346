"""What may be said of where a data set comes from: by its settings and by what its stages tell of themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

_STAGES: Final = {
    "mask": "a diffusion model of artery/vein masks",
    "photograph": "a generator of photographs (pix2pixHD)",
    "enlarging": "an enlarger (EDSR)",
}
_UNKNOWN_DATA: Final = "data that its metadata does not tell of, so that they are unknown here"
_VESSELS: Final = {
    "phantom": "a procedural eye: arteries and veins grown by rule, without any photograph of a person",
    "folder": "label maps that were given to the program; where they come from is not known here",
}
_LABELS: Final = {
    "phantom": "They are drawn from the vessel graph of the procedural eye, so they are exact.",
    "ddpm": "They are drawn from vessels traced in the sampled map.",
    "folder": "They are the maps that were given, inside the field of view.",
}
_COVERAGE: Final = {"right": "right eyes only", "left": "left eyes only", "either": "eyes of both sides"}


@dataclass(frozen=True)
class Origin:
    """Statements on a data set, each from its settings; what they do not tell is said to be unknown.

    Args:
        settings: of the run, as ``run.json`` holds them; ``stages`` has for each stage ``training_data`` (a list of
            sets with ``name``, ``what``, ``reference``, ``terms``, ``people``; None where unknown) and ``modality``.
    """

    settings: Mapping[str, Any]

    @property
    def source(self) -> str:
        """Where vessels come from: phantom, ddpm, folder."""
        return str(self.settings.get("mask_source"))

    @property
    def optics(self) -> str:
        """Where photographs come from: phantom, cascade."""
        return str(self.settings.get("photograph_source"))

    def _stages(self, *names: str) -> dict[str, Mapping[str, Any]]:
        stages = self.settings.get("stages") or {}
        return {name: stages.get(name) or {} for name in names}

    def learnt(self) -> dict[str, Mapping[str, Any]]:
        """The trained stages that samples depend on."""
        names = (["mask"] if self.source == "ddpm" else []) + (
            ["photograph", "enlarging"] if self.optics == "cascade" else []
        )
        return self._stages(*names)

    def vessels(self) -> str:
        """Where the vessels come from."""
        return _VESSELS.get(self.source) or self._trained("mask")

    def photographs(self) -> str:
        """What made the photographs."""
        if self.optics != "cascade":
            return "the simulated optics of the procedural eye"
        style = self.settings.get("style")
        looks = f"; the look imitates the photograph `{style}`" if style else ""
        return f"{self._trained('photograph')}, then {self._trained('enlarging')}{looks}"

    def labels(self) -> str:
        """What the labels are."""
        painted = " The photograph was painted after them." if self.optics == "cascade" else ""
        return _LABELS.get(self.source, "Unknown.") + painted

    def _trained(self, stage: str) -> str:
        sets = self._stages(stage)[stage].get("training_data")
        return f"{_STAGES[stage]}, trained on " + (" and ".join(one["what"] for one in sets) if sets else _UNKNOWN_DATA)

    @property
    def knows_training_data(self) -> bool:
        """Whether every trained stage tells what it was trained on; true where there is none."""
        return all(stage.get("training_data") for stage in self.learnt().values())

    def modality(self) -> str:
        """Modality that the photographs imitate, as the stages tell, the phantom's own otherwise."""
        found = {str(stage.get("modality") or "unknown") for stage in self.learnt().values()}
        return ", ".join(sorted(found)) or "CFP"

    def people(self) -> str:
        """Whether persons are behind photographs or vessels, in a sentence."""
        if self.source == "folder":
            return (
                "No photograph was taken of a person's eye; whether the vessels of the given maps are a person's is "
                "not known here."
            )
        return "No photograph shows a person's eye."

    def privacy(self, copies: Sequence[str] = ()) -> str:
        """The scorecard's line on privacy.

        Args:
            copies: what a comparison with training eyes found.
        """
        said = {
            "phantom": "the vessels are no person's",
            "folder": "whose vessels the given maps show is not known here",
        }
        parts = [said[self.source]] if self.source in said else []
        if not self.learnt():
            return "; ".join([*parts, "no photograph of a person was used"])
        saw = [self._seen(name) for name in self.learnt()]
        compared = " ".join(copies) or "this set was not compared with training data"
        return "; ".join([*parts, *dict.fromkeys(saw), compared])

    def _seen(self, stage: str) -> str:
        sets = self._stages(stage)[stage].get("training_data")
        if not sets:
            return f"what {_STAGES[stage]} saw is unknown"
        persons = [one["what"] for one in sets if one.get("people")]
        return f"{_STAGES[stage]} saw {', '.join(persons)}" if persons else f"{_STAGES[stage]} saw no person's data"

    def plausibility(self, implausible: int) -> str:
        """The scorecard's line on anatomy.

        Args:
            implausible: samples that were kept although the gate refused every attempt.
        """
        built = ["arteries and veins grow as trees"] if self.source == "phantom" else []
        if not self.settings.get("gate"):
            return "; ".join([*built, "anatomy was not checked (no gate)"])
        tried = self.settings.get("max_attempts", "?")
        gated = "maps outside the range of 24 real ones were refused" + (
            "" if self.source == "folder" else f" and drawn again, up to {tried} times in all"
        )
        return "; ".join([*built, gated, f"{implausible:,} kept that no attempt brought inside"])

    def coverage(self) -> str:
        """Which eyes there are."""
        if self.source == "folder":
            return "eyes as in the given maps"
        return _COVERAGE.get(str(self.settings.get("laterality") or "either"), "eyes of both sides")

    def limits(self) -> str:
        """What stands behind all samples alike."""
        retina = {"phantom": "one model of the retina", "ddpm": "one model of vessel maps"}.get(
            self.source, "given maps"
        )
        painter = "one painting model" if self.optics == "cascade" else "one simulated camera"
        return f"One field of view, {retina} and {painter} stand behind all samples"

    @property
    def open_licence(self) -> bool:
        """Whether all that went in is known, so that the data set can be given away under Apache-2.0."""
        return self.source != "folder" and self.knows_training_data

    def terms(self) -> Iterator[str]:
        """Sentences on licences: of the data set, and of what went into it."""
        yield (
            "Apache-2.0 for this data set."
            if self.open_licence
            else "Nothing is promised for this data set: terms of what went into it are not known here."
        )
        if self.source == "folder":
            yield "The label maps that were given keep their own terms."
        told: dict[str, None] = {}
        for name, stage in self.learnt().items():
            for one in stage.get("training_data") or []:
                told[f"Training data {one['name']}: {one['reference']}. {one['terms']}."] = None
            if not stage.get("training_data"):
                told[f"What {_STAGES[name]} was trained on, and under which terms, is unknown here."] = None
        yield from told
