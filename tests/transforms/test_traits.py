import numpy as np
import pytest
import torch

from monai_fundusgen.transforms.traits import TRAITS, TraitRequest, trait_places, trait_vector


def test_a_vector_is_scaled_and_marks_what_is_not_given():
    vector = trait_vector({"density": 0.11, "real": 1})
    names = list(TRAITS)
    assert vector[names.index("density")].item() == pytest.approx(1.0)
    assert vector[names.index("real")].item() == pytest.approx(1.0)
    assert vector.isnan().sum() == len(TRAITS) - 2
    with pytest.raises(ValueError, match="calibre.*density"):
        trait_vector({"calibre": 1})


def test_a_seed_always_draws_the_same_within_the_range():
    request = TraitRequest(density=[0.06, 0.12], laterality="left")
    draws = [request.draw(seed) for seed in range(50)]
    density = np.array([draw["density"] for draw in draws])
    assert draws == [request.draw(seed) for seed in range(50)]
    assert 0.06 <= density.min() < 0.07 and 0.11 < density.max() <= 0.12
    assert all(draw["disc_x"] < 0 and draw["real"] == 1 and "avr" not in draw for draw in draws)
    assert all(abs(draw["disc_x"] + 0.57) < 0.13 and abs(draw["disc_y"]) < 0.2 for draw in draws)
    assert torch.allclose(request.vectors([3, 4])[1], trait_vector(draws[4]), equal_nan=True)


def test_either_eye_comes_with_even_odds_and_none_leaves_the_disc_open():
    right = [TraitRequest().draw(seed)["disc_x"] > 0 for seed in range(400)]
    assert 160 < sum(right) < 240
    assert set(TraitRequest(laterality=None).draw(1)) == {"real"}
    assert TraitRequest(disc_x=0.1, disc_y=0.0).draw(1) == {"disc_x": 0.1, "disc_y": 0.0, "real": 1.0}


def test_one_wish_does_not_change_what_another_draws():
    narrow, both = TraitRequest(avr=[0.5, 1.0]), TraitRequest(density=0.1, avr=[0.5, 1.0])
    assert narrow.draw(7)["avr"] == both.draw(7)["avr"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"density": 0.9}, "density: found 0.9.*0.03 to 0.25"),
        ({"avr": [0.9, 0.5]}, "avr: found"),
        ({"avr": [0.5, 0.6, 0.7]}, "avr: found"),
        ({"avr": "abc"}, "avr: found 'abc', expected a number or a range"),
        ({"avr": "ab"}, "avr: found 'ab'"),
        ({"density": [0.05, "x"]}, "density: found"),
        ({"density": float("nan")}, "density: found nan"),
        ({"laterality": "up"}, "right, left"),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        TraitRequest(**wrong)


def test_places_of_traits_in_the_vector():
    vector = trait_vector({"disc_x": 0.3, "density": 0.1})
    places = trait_places(["disc_x", "density"])
    assert not vector[places].isnan().any() and vector.isnan().sum() == len(TRAITS) - 2
    assert trait_places(None) is None
    for wrong in (["disc_x", "size"], "disc_x"):
        with pytest.raises(ValueError, match="expected a list of some of density, avr"):
            trait_places(wrong)
