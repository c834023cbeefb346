"""Folder and file names of public fundus sets: the one place that knows them.

A layout says which file of a case is the photograph, the artery/vein label, the vessel map and the field of view, in
the tree that the set's own archive unpacks to. What is uncertain about a set is written in docs/reference/layouts.md.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Final, Literal

from monai_fundusgen.conventions import FOV, LABEL, VESSEL

SectionName = Literal["training", "validation", "testing"]


@dataclass(frozen=True)
class Section:
    """One part of a set (its official training half, or all of it).

    Attributes:
        name: the datalist's section.
        folder: folder of the photographs below the set's root; "" is the root itself.
        pattern: regular expression of a photograph's whole file name. Its groups: ``id``; ``patient`` where two
            images show one person; ``group`` where the set names a diagnosis; any other that a template uses.
        templates: item key -> path below the root, with the groups in braces; several alternatives are tried in turn.
        optional: keys whose folder may be missing altogether (a separate or withheld download).
    """

    name: SectionName
    folder: str
    pattern: str
    templates: dict[str, tuple[str, ...]]
    num_cases: int | None = None
    optional: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Layout:
    """One public set.

    Attributes:
        name: what the console calls it.
        title: full name.
        sections: its parts.
        size: (width, height) of every photograph, or None where they differ.
        has_av: True if the label tells arteries from veins; else the label is a binary vessel map.
        annotator: whose labels are taken.
        split: which split its sections are.
        field_deg: angle of the camera field, or None where it differs or is not known.
        reference: the paper to cite.
        licence: terms, as far as known.
        halves: its parts in copies that keep an official split as folders, where its archive has none.
    """

    name: str
    title: str
    sections: tuple[Section, ...]
    size: tuple[int, int] | None
    has_av: bool
    annotator: str
    split: str
    field_deg: float | None
    reference: str
    licence: str
    halves: tuple[Section, ...] = ()

    @property
    def num_cases(self) -> int | None:
        """Photographs in the whole set, or None where any number is right."""
        counts = [section.num_cases for section in self.sections]
        return None if None in counts else sum(count for count in counts if count is not None)


_PICTURES: Final = ("png", "tif", "tiff", "gif", "bmp", "ppm", "webp", "jpg", "jpeg")


def _either(stem: str) -> tuple[str, ...]:
    return tuple(f"{stem}.{extension}" for extension in _PICTURES)


PAIRED: Final = Layout(
    name="paired",
    title="Folders images, av, vessel and fov with equal file stems",
    sections=(
        Section(
            "training",
            "images",
            rf"(?P<id>.+)\.(?i:{'|'.join(_PICTURES)})",
            {LABEL: _either("av/{id}"), VESSEL: _either("vessel/{id}"), FOV: _either("fov/{id}")},
            optional=frozenset({LABEL, VESSEL, FOV}),
        ),
    ),
    size=None,
    has_av=True,
    annotator="not told",
    split="column split of manifest.csv; without the file, all is training",
    field_deg=None,
    reference="",
    licence="",
)

DRIVE: Final = Layout(
    name="drive",
    title="DRIVE: Digital Retinal Images for Vessel Extraction",
    sections=(
        Section(
            "training",
            "training/images",
            r"(?P<id>\d{2,})_training\.tif",
            {VESSEL: ("training/1st_manual/{id}_manual1.gif",), FOV: ("training/mask/{id}_training_mask.gif",)},
            num_cases=20,
        ),
        Section(
            "testing",
            "test/images",
            r"(?P<id>\d{2,})_test\.tif",
            {VESSEL: ("test/1st_manual/{id}_manual1.gif",), FOV: ("test/mask/{id}_test_mask.gif",)},
            num_cases=20,
            optional=frozenset({VESSEL}),
        ),
    ),
    size=(565, 584),
    has_av=False,
    annotator="first observer",
    split="official, 20 training and 20 test images",
    field_deg=45,
    reference="Staal et al. 2004, IEEE Trans Med Imaging 23(4):501-509",
    licence="research and education, no redistribution (terms of the DRIVE site)",
)

_RITE_FOLDERS: Final[tuple[tuple[SectionName, str], ...]] = (("training", "training"), ("testing", "test"))

RITE: Final = Layout(
    name="rite",
    title="RITE: Retinal Images vessel Tree Extraction (artery/vein labels of DRIVE)",
    sections=tuple(
        Section(
            name,
            f"{folder}/images",
            rf"(?P<id>\d{{2,}})_{folder}\.(?:tif|png)",
            {
                LABEL: (f"{folder}/av/{{id}}_{folder}.png",),
                VESSEL: (f"{folder}/vessel/{{id}}_{folder}.png",),
                FOV: (f"{folder}/mask/{{id}}_{folder}_mask.gif", f"{folder}/mask/{{id}}_{folder}_mask.png"),
            },
            num_cases=20,
            optional=frozenset({FOV}),
        )
        for name, folder in _RITE_FOLDERS
    ),
    size=(565, 584),
    has_av=True,
    annotator="RITE; its vessels are DRIVE's first observer, modified, for training and the second observer for test",
    split="official, 20 training and 20 test images",
    field_deg=45,
    reference="Hu et al. 2013, MICCAI, LNCS 8150:436-443",
    licence="research and education, no redistribution (terms of the DRIVE site)",
)

HRF: Final = Layout(
    name="hrf",
    title="HRF: High-Resolution Fundus, with the artery/vein maps of HRF_AV_GT where that folder is there",
    sections=(
        Section(
            "training",
            "images",
            r"(?P<id>\d\d_(?P<group>dr|g|h))\.(?:jpg|JPG)",
            {
                LABEL: ("HRF_AV_GT/{id}_AVmanual.png",),
                VESSEL: ("manual1/{id}.tif",),
                FOV: ("mask/{id}_mask.tif",),
            },
            num_cases=45,
            optional=frozenset({LABEL}),
        ),
    ),
    size=(3504, 2336),
    has_av=True,
    annotator="vessels by HRF's experts; arteries and veins by Hemelings et al. 2019",
    split="none official; one image a person, groups dr, g, h",
    field_deg=45,
    reference="Budai et al. 2013, Int J Biomed Imaging 154860; "
    "Hemelings et al. 2019, Comput Med Imaging Graph 76:101636",
    licence="images CC BY 4.0 according to mirrors of the site; the artery/vein maps come without a licence",
)

_LES_AV_FILES: Final = {
    LABEL: ("arteries-and-veins/{id}.png",),
    VESSEL: ("vessel-segmentations/{id}.png",),
    FOV: ("masks/{id}_mask.gif", "masks/{id}.gif", "masks/{id}_mask.png", "masks/{id}.png"),
}

LES_AV: Final = Layout(
    name="les-av",
    title="LES-AV: arteries and veins of the Leuven Eye Study",
    sections=(
        Section(
            "training",
            "images",
            r"(?P<id>\d+)\.png",
            _LES_AV_FILES,
            num_cases=22,
        ),
    ),
    halves=tuple(
        Section(
            name,
            f"{folder}/images",
            r"(?P<id>\d+)\.png",
            {key: tuple(f"{folder}/{one}" for one in templates) for key, templates in _LES_AV_FILES.items()},
            num_cases=11,
        )
        for name, folder in _RITE_FOLDERS
    ),
    size=None,
    has_av=True,
    annotator="LES-AV",
    split="11 training and 11 test images where the copy has folders for them, else none; one image a person",
    field_deg=30,
    reference="Orlando et al. 2018, MICCAI, LNCS 11071:65-73",
    licence="scientific use only, no commercial use (README of the archive)",
)

CHASE_DB1: Final = Layout(
    name="chase-db1",
    title="CHASE_DB1: Child Heart and Health Study in England",
    sections=(
        Section(
            "training",
            "",
            r"(?P<id>Image_(?P<patient>\d\d)[LR])\.jpg",
            {VESSEL: ("{id}_1stHO.png",)},
            num_cases=28,
        ),
    ),
    size=(999, 960),
    has_av=False,
    annotator="first human observer (1stHO)",
    split="none official; both eyes of a child stay together",
    field_deg=30,
    reference="Fraz et al. 2012, IEEE Trans Biomed Eng 59(9):2538-2548",
    licence="not established; see the site of Kingston University",
)

STARE: Final = Layout(
    name="stare",
    title="STARE: Structured Analysis of the Retina, the twenty images with vessel labels",
    sections=(
        Section(
            "training", "stare-images", r"(?P<id>im\d{4})\.ppm", {VESSEL: ("labels-ah/{id}.ah.ppm",)}, num_cases=20
        ),
    ),
    size=(700, 605),
    has_av=False,
    annotator="A. Hoover (ah)",
    split="none official; persons are not told",
    field_deg=35,
    reference="Hoover et al. 2000, IEEE Trans Med Imaging 19(3):203-210",
    licence="not established; see the STARE site",
)

IOSTAR_AV: Final = Layout(
    name="iostar-av",
    title="IOSTAR: scanning-laser photographs with artery/vein labels",
    sections=(
        Section(
            "training",
            "image",
            r"(?P<id>STAR \d\d_O[SD][A-Z])\.jpg",
            {LABEL: ("AV_GT/{id}_AV.tif",), VESSEL: ("GT/{id}_GT.tif",), FOV: ("mask/{id}_Mask.tif",)},
            num_cases=30,
        ),
    ),
    size=(1024, 1024),
    has_av=True,
    annotator="experts of the RetinaCheck project",
    split="none official; the names do not tell persons, so both eyes of one may be split",
    field_deg=45,
    reference="Zhang et al. 2016, IEEE Trans Med Imaging 35(12):2631-2644; Abbasi-Sureshjani et al. 2015, ICIAR",
    licence="research use (RetinaCheck site)",
)

INSPIRE_AVR: Final = Layout(
    name="inspire-avr",
    title="INSPIRE-AVR, with the centre-line labels of AV_GT_INSPIRE-AVR",
    sections=(
        Section(
            "training",
            "INSPIRE-AVR/org",
            r"(?P<id>image\d+)\.jpg",
            {LABEL: ("AV_GT_INSPIRE-AVR/{id}.tif", "AV_GT_INSPIRE-AVR/{id}_AV.tif", "AV_GT_INSPIRE-AVR/{id}.png")},
            num_cases=40,
        ),
    ),
    size=(2392, 2048),
    has_av=True,
    annotator="Dashtbozorg et al. 2014, centre lines only: for scoring, not for training masks",
    split="none official; persons are not told",
    field_deg=30,
    reference="Niemeijer et al. 2011, IEEE Trans Med Imaging 30(11):1941-1950; "
    "Dashtbozorg et al. 2014, IEEE Trans Image Process 23(3):1073-1083",
    licence="research and education, no copying, no redistribution (site of the University of Iowa)",
)

_FIVES_FOLDERS: Final[tuple[tuple[SectionName, str, int], ...]] = (
    ("training", "train", 600),
    ("testing", "test", 200),
)

FIVES: Final = Layout(
    name="fives",
    title="FIVES: Fundus Image Vessel Segmentation",
    sections=tuple(
        Section(
            name,
            f"{folder}/Original",
            r"(?P<id>\d+_(?P<group>[ADGN]))\.png",
            {VESSEL: (f"{folder}/Ground truth/{{id}}.png",)},
            num_cases=count,
        )
        for name, folder, count in _FIVES_FOLDERS
    ),
    size=(2048, 2048),
    has_av=False,
    annotator="medical experts, two for each image",
    split="official, 600 training and 200 test images; persons are not told",
    field_deg=50,
    reference="Jin et al. 2022, Sci Data 9:475",
    licence="CC BY 4.0 (figshare 19688169)",
)

#: What the console calls a folder of CT scans, which has no layout: see `monai_fundusgen.data.ct_datalist`.
CT: Final = "ct"

#: Every layout by its name on the console.
LAYOUTS: Final = {
    layout.name: layout
    for layout in (PAIRED, DRIVE, RITE, HRF, LES_AV, CHASE_DB1, STARE, IOSTAR_AV, INSPIRE_AVR, FIVES)
}


def find_layout(name: str) -> Layout:
    """Layout of that name, capitals and underscores being no matter.

    Raises:
        ValueError: no such layout; suggests the nearest and lists all.
    """
    wanted = name.strip().lower().replace("_", "-")
    if wanted in LAYOUTS:
        return LAYOUTS[wanted]
    near = difflib.get_close_matches(wanted, LAYOUTS, n=1, cutoff=0.5)
    raise ValueError(
        f"no layout {name!r}; {f'did you mean {near[0]}? ' if near else ''}known layouts: {', '.join(LAYOUTS)}, "
        f"and {CT} for CT scans"
    )
