import pytest

from monai_fundusgen.data.items import with_ids


def test_names_come_from_files_or_seeds_and_hold_no_dot():
    items = [{"image": "x/a.1.png", "label": "y/b.png"}, {"label": "y/c.png"}, {"seed": 7}]
    assert [item["id"] for item in with_ids(items)] == ["a_1", "c", "phantom000007"]


def test_equal_names_are_refused_before_a_file_is_overwritten():
    with pytest.raises(ValueError, match="equal names: a;"):
        with_ids([{"image": "x/a.png"}, {"image": "y/a.png"}])
