"""What figures are called in a report, and what one of them means."""

from __future__ import annotations

from typing import Final

_KINDS: Final = {"artery": "arteries", "vein": "veins", "vessel": "all vessels"}
_OF_KIND: Final = {
    "empty": "empty map",
    "density": "share of the field",
    "length_px": "centre line, px",
    "length_fd": "centre line, field diameters",
    "components": "pieces",
    "largest_share": "largest piece, share",
    "loops": "loops",
    "end_points": "ends",
    "bifurcations": "bifurcations",
    "crossings": "same-kind crossings",
    "tortuosity": "tortuosity",
    "angle_deg": "branching angle, degrees",
    "exponent": "junction exponent",
    "exponent_count": "junctions with an exponent",
    "width_median_permille": "median width, per mille of the field",
    "width_p95_permille": "width that 5 % exceed, per mille",
    "width_below_2": "length below 2 per mille wide",
    "width_2_to_4": "length 2 to 4 per mille wide",
    "width_4_to_6": "length 4 to 6 per mille wide",
    "width_above_6": "length above 6 per mille wide",
    "dimension_line": "fractal dimension of centre lines",
    "dimension_area": "fractal dimension of the map",
}
_OTHER: Final = {
    "av_crossings": "artery-vein crossings",
    "av_crossing_share": "artery and vein at once, share",
    "av_area_ratio": "artery area over vein area",
    "crae_permille": "CRAE, per mille of the field",
    "crve_permille": "CRVE, per mille of the field",
    "crae_um": "CRAE, um",
    "crve_um": "CRVE, um",
    "avr": "arteriole-to-venule ratio",
    "artery_rooted": "arteries that reach the disc, share",
    "vein_rooted": "veins that reach the disc, share",
    "kind_flips": "vessels that change kind",
    "red": "red level",
    "green": "green level",
    "blue": "blue level",
    "red_spread": "spread of red",
    "green_spread": "spread of green",
    "blue_spread": "spread of blue",
    "saturation": "saturation",
    "power_coarse": "power at 4 to 16 cycles a field",
    "power_middle": "power at 16 to 64 cycles",
    "power_fine": "power at 64 to 160 cycles",
    "power_finest": "power at 160 to 400 cycles",
    "noise": "noise",
    "discs": "optic discs",
    "disc_strength": "brightness of the disc",
    "disc_rim": "contrast at the disc's margin",
}
#: Figures that repeat another in a unit that does not compare across sizes; they stay in report.json.
HIDDEN: Final = ("length_px", "exponent_count", "field_diameter_px", "empty")


def title_of(name: str) -> str:
    """A figure in words, by its full name such as ``anatomy.artery.density``."""
    parts = name.split(".")
    if len(parts) == 3:
        return f"{_OF_KIND.get(parts[2], parts[2])} ({_KINDS.get(parts[1], parts[1])})"
    return _OTHER.get(parts[-1], parts[-1].replace("_", " "))


def is_shown(name: str) -> bool:
    """Whether a figure has a row on the page."""
    return name.rsplit(".", 1)[-1] not in HIDDEN
