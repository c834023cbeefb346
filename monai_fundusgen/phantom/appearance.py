"""How one eye looks: pigments, nerve fibre sheen, optic disc. Every factor is a named number of the record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

#: Both parameters of the Beta distributions: epithelium, choroid, blood, macula, pallor of the disc.
_PIGMENTS: Final = ((5.0, 2.5, 2.5, 2.5, 2.5), (5.0, 2.5, 2.5, 2.5, 2.5))


@dataclass(frozen=True)
class Appearance:
    """Look of an eye, apart from its vessels; 0.5 is an average eye for every amount in [0, 1].

    Attributes:
        rpe_melanin: pigment of the retinal pigment epithelium: darkens, and hides the choroid.
        choroidal_melanin: pigment between choroidal vessels: brown stroma, tessellation where the epithelium is clear.
        choroidal_blood: blood behind the epithelium: reddens.
        macular_pigment: depth of the yellow-brown macula and its dark centre.
        foveal_reflex: strength of the small light reflex in the foveal pit; 0 is none.
        nerve_fibre: silvery sheen and striation of the nerve fibre layer along the arcades.
        crescent: pale temporal crescent with a dark border beside the disc; 0 is none.
        disc_pallor: 0 is a pink disc, 1 a pale one.
        haemoglobin: factor on the optical density of the vessels, 1 on average.
    """

    rpe_melanin: float = 0.5
    choroidal_melanin: float = 0.5
    choroidal_blood: float = 0.5
    macular_pigment: float = 0.5
    foveal_reflex: float = 0.3
    nerve_fibre: float = 0.4
    crescent: float = 0.0
    disc_pallor: float = 0.5
    haemoglobin: float = 1.0


def draw_appearance(rng: np.random.Generator) -> Appearance:
    """An eye out of a varied population: pigments Beta distributed, a crescent in three eyes of ten.

    The epithelium's melanin varies less between persons than the choroid's (Weiter et al. 1986, IOVS 27:145).
    """
    rpe, choroid, blood, macula, pallor = rng.beta(*_PIGMENTS)
    reflex, fibre, crescent, has_crescent = rng.uniform(0, 1, 4)
    return Appearance(
        rpe_melanin=float(rpe),
        choroidal_melanin=float(choroid),
        choroidal_blood=float(blood),
        macular_pigment=float(macula),
        foveal_reflex=float(max(0.0, reflex - 0.35)),
        nerve_fibre=float(fibre),
        crescent=float(0.3 + 0.7 * crescent) if has_crescent < 0.3 else 0.0,
        disc_pallor=float(pallor),
        haemoglobin=float(np.exp(0.14 * rng.standard_normal())),
    )
