"""What a place holds to review."""

import json

import pytest
from PIL import Image

from monai_fundusgen.apps.review.source import find_source
from monai_fundusgen.storage.contained import OutsideError


def datalist(path, **sections):
    path.write_text(json.dumps({"name": "mine", "labels": {"1": "artery", "2": "vein"}, **sections}))
    return path


def item(name, **more):
    return {"image": f"images/{name}.jpg", "label": f"labels/{name}.png", **more}


def test_a_folder_is_reviewed_by_equal_names(folder):
    source = find_source(folder)
    assert [each.name for each in source.items] == ["anna_left", "ben_right"] and source.folder == folder / "review"
    assert source.items[0].path("label") == folder / "labels" / "anna_left.png"


def test_a_datalist_is_reviewed_with_all_its_sections(folder):
    path = datalist(folder / "hrf.json", training=[item("anna_left", fold=3)], testing=[item("ben_right")])
    source = find_source(path)
    assert [(each.name, each.section) for each in source.items] == [("anna_left", "training"), ("ben_right", "testing")]
    assert source.items[0].files["fold"] == 3 and source.head["name"] == "mine" and source.folder == folder / "review"


def test_a_data_set_is_reviewed_by_its_datalist(folder):
    datalist(folder / "datalist.json", training=[item("ben_right")])
    assert [each.name for each in find_source(folder).items] == ["ben_right"]


def test_labels_alone_take_their_photographs_from_elsewhere(folder, tmp_path):
    (folder / "images").rename(tmp_path / "photographs")
    with pytest.raises(ValueError, match=r"images: found no folder of the photographs .* --photographs"):
        find_source(folder)
    source = find_source(folder, tmp_path / "photographs")
    assert source.items[1].path("image") == tmp_path / "photographs" / "ben_right.jpg"


def test_ids_are_no_names_and_stay_the_same(folder):
    first, second = find_source(folder).items
    (folder / "labels" / "anna_left.png").unlink()
    (left,) = find_source(folder).items
    assert left.id == second.id != first.id and len(first.id) == 16 and int(first.id, 16) >= 0


@pytest.mark.parametrize("name", ["image", "label"])
def test_nothing_outside_a_folder_is_reviewed(folder, tmp_path, name):
    """A stranger's data set names a file elsewhere, or links to it; whoever names the datalist itself trusts it."""
    Image.new("RGB", (140, 90)).save(tmp_path / "private.png")
    where = str(tmp_path / "private.png")
    path = datalist(folder / "datalist.json", training=[item("anna_left") | {name: where}])
    with pytest.raises(OutsideError):
        find_source(folder).items[0].path(name)
    assert find_source(path).items[0].path(name) == tmp_path / "private.png"
    linked = folder / "images" / "linked.jpg"
    linked.symlink_to(tmp_path / "private.png")
    datalist(path, training=[item("anna_left") | {name: "images/linked.jpg"}])
    with pytest.raises(OutsideError, match="a link"):
        find_source(folder).items[0].path(name)


@pytest.mark.parametrize(("content", "told"), [
    ({"training": []}, "found no items"),
    ({"training": [{"seed": 3}]}, "items without files"),
    ({"training": [{"image": "images/anna_left.jpg"}]}, "no label"),
    ({"training": [item("anna_left"), item("anna_left")]}, "equal names"),
])  # fmt: skip
def test_datalists_without_labels_are_refused(folder, content, told):
    with pytest.raises(ValueError, match=told):
        find_source(datalist(folder / "datalist.json", **content))


def test_a_photograph_with_the_name_of_the_result_is_refused(folder):
    for kind, ending in (("images", "jpg"), ("labels", "png")):
        (folder / kind / f"anna_left.{ending}").rename(folder / kind / f"reviewed.{ending}")
    with pytest.raises(ValueError, match=r"named 'reviewed'.*rename it"):
        find_source(folder)
