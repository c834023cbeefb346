"""Words that every room shares: channel order, label codes, item keys, value ranges, units.

A *vessel map* has two channels, artery then vein, and both may be set at one pixel: there the two cross. A *label map*
codes the same in one channel. Arrays are (channel, height, width); images are RGB.
"""

from __future__ import annotations

from typing import Final

#: Channel order of every two-channel vessel map.
ARTERY: Final = 0
VEIN: Final = 1
KINDS: Final = ("artery", "vein")

#: Codes of a one-channel label map (uint8).
BACKGROUND_CODE: Final = 0
ARTERY_CODE: Final = 1
VEIN_CODE: Final = 2
CROSSING_CODE: Final = 3
LABEL_NAMES: Final = {0: "background", 1: "artery", 2: "vein", 3: "crossing"}

#: Keys of a datalist item, and of the dictionaries that flow through the transforms.
IMAGE: Final = "image"  # photograph: (3, H, W)
LABEL: Final = "label"  # artery/vein label on disk; vessel map (2, H, W) once decoded
VESSEL: Final = "vessel"  # binary vessel label where a set has one: (1, H, W)
FOV: Final = "fov"  # field of view: (1, H, W)
UNCERTAIN: Final = "uncertain"  # vessel pixels whose kind the annotator left open: (1, H, W)
SEED: Final = "seed"  # seed of a phantom eye, in place of files

#: What every picture made here says of itself, in a text chunk or comment.
SYNTHETIC: Final = "computer generated; shows no person's eye"
#: The same where the vessels come from maps that were given.
SYNTHETIC_ON_GIVEN_MAP: Final = "computer generated, on a given vessel map of unknown origin"

#: Networks see photographs and maps in this range; files hold 0..255.
NETWORK_RANGE: Final = (-1.0, 1.0)

#: Length on the retina per degree of visual field (reduced-eye value used throughout).
MM_PER_DEGREE: Final = 0.288
#: Radius of the optic disc of an eye whose disc was not measured.
DISC_RADIUS_MM: Final = 0.9
#: Radius of the field of view in units of half the image side: the black margin that cameras leave.
FIELD_FILL: Final = 0.97

#: What ``run.json`` says of itself; written by this program alone, so that no stranger's folder is taken for its own.
TOOL: Final = "monai_fundusgen"
DATASET_SCHEMA: Final = "monai_fundusgen data set"
TRAINING_SCHEMA: Final = "monai_fundusgen training"
#: Of both; raised when a reader of the older form would misread the newer.
SCHEMA_VERSION: Final = 2
