"""Versions on disk: what is told is there, nobody's is lost, the original never changes."""

import json

import numpy as np
import pytest
from PIL import Image

from monai_fundusgen.apps.review import store as room
from monai_fundusgen.apps.review.label_codes import read_codes
from monai_fundusgen.apps.review.source import find_source
from monai_fundusgen.apps.review.store import ReviewStore, StaleError
from monai_fundusgen.data.loading import LoadFundusd, load_datalist
from tests.apps.review.conftest import turned
from tests.reference.label_drawings import cross

ANNA, BEN = {"by": "anna", "page": "a1"}, {"by": "ben", "page": "b1"}


def opened(folder):
    """The store as a server finds it, and its first item."""
    source = find_source(folder)
    store = ReviewStore(source, source.folder)
    return store, source.items[0]


def dotted(number):
    """The label with some pixels more."""
    codes = cross()
    codes[0, :number] = 1
    return codes


def test_versions_follow_each_other_and_outlive_the_server(folder):
    store, item = opened(folder)
    assert store.record(item).state == "untouched" and store.codes(item)[1] == 0
    for number in (1, 2, 3):
        assert store.save(item, dotted(number), base=number - 1, **ANNA).revision == number
    store, item = opened(folder)
    codes, revision = store.codes(item)
    assert revision == 3 and np.array_equal(codes, dotted(3)) and store.record(item).state == "in work"
    assert [path.name for path in (folder / "review" / "drafts").iterdir()] == ["anna_left.r3.png"]


def test_the_original_stays_byte_for_byte_and_has_a_copy(folder):
    before = (folder / "labels" / "anna_left.png").read_bytes()
    store, item = opened(folder)
    store.save(item, turned(), base=0, **ANNA)
    store.finish(item, base=1, **ANNA)
    assert (folder / "labels" / "anna_left.png").read_bytes() == before
    assert (folder / "review" / "original" / "anna_left.png").read_bytes() == before


def test_a_save_that_comes_twice_changes_nothing(folder):
    store, item = opened(folder)
    first = store.save(item, dotted(1), base=0, **ANNA)
    assert store.save(item, dotted(1), base=0, **ANNA) == first
    assert store.save(item, dotted(1), base=1, **ANNA) == first


def test_a_save_on_another_version_is_refused_and_told(folder):
    store, item = opened(folder)
    store.save(item, dotted(1), base=0, **ANNA)
    with pytest.raises(StaleError, match="made on revision 0, but anna saved revision 1 since"):
        store.save(item, dotted(2), base=0, **BEN)
    with pytest.raises(StaleError, match="made on revision 7"):
        store.finish(item, base=7, **BEN)
    assert np.array_equal(store.codes(item)[0], dotted(1))


def test_the_version_of_another_page_is_kept(folder):
    store, item = opened(folder)
    store.save(item, dotted(1), base=0, **ANNA)
    store.save(item, dotted(2), base=1, **BEN)
    store.save(item, dotted(3), base=2, **BEN)
    (kept,) = store.record(item).kept
    assert (kept.by, kept.revision) == ("anna", 1)
    assert np.array_equal(read_codes(folder / "review" / kept.file), dotted(1))


def test_a_final_label_trains(folder):
    (folder / "datalist.json").write_text(json.dumps({
        "name": "mine", "licence": "CC0", "labels": {"1": "artery", "2": "vein"},
        "training": [
            {"image": f"images/{name}.jpg", "label": f"labels/{name}.png", "fold": 2}
            for name in ("anna_left", "ben_right")
        ],
    }))  # fmt: skip
    store, item = opened(folder)
    store.save(item, turned(), base=0, **ANNA)
    store.finish(item, base=1, **BEN)
    final = store.record(item).final
    assert (final.version.by, store.record(item).current.by) == ("ben", "anna")
    assert final.changes["flipped_branches"] == 1 and final.changes["added_px"] == 0
    told = json.loads((folder / "review" / "anna_left.json").read_text())
    assert told["state"] == "final" and told["final"]["version"]["at"].startswith("20")
    listed = json.loads((folder / "review" / "reviewed.json").read_text())
    assert listed["licence"] == "CC0" and listed["numTraining"] == 1
    (item,) = load_datalist(folder / "review" / "reviewed.json", needs=("label",))
    assert item["fold"] == 2 and item["image"].endswith("anna_left.jpg")
    loaded = LoadFundusd(keys=("image", "label"))(item)
    assert np.array_equal(loaded["label"].numpy(), np.stack([np.zeros((90, 140)), turned() > 0]))
    folder.rename(folder.parent / "moved")  # with all that lies in it
    assert load_datalist(folder.parent / "moved" / "review" / "reviewed.json")


def test_a_label_called_right_as_it_is_becomes_final(folder):
    store, item = opened(folder)
    record = store.finish(item, base=0, **ANNA)
    assert record.state == "final" and record.final.changes == dict.fromkeys(record.final.changes, 0)
    assert np.array_equal(read_codes(folder / "review" / "anna_left.final.png"), cross())
    store.save(item, dotted(1), base=0, **BEN)
    assert store.record(item).state == "in work"  # and the final one stands
    assert np.array_equal(read_codes(folder / "review" / "anna_left.final.png"), cross())


def test_an_earlier_final_label_is_kept(folder):
    store, item = opened(folder)
    for revision in (1, 2):
        store.save(item, dotted(revision), base=revision - 1, **ANNA)
        store.finish(item, base=revision, **ANNA)
    (kept,) = store.record(item).kept
    assert kept.file == "kept/anna_left.final.r1.png"
    assert np.array_equal(read_codes(folder / "review" / kept.file), dotted(1))
    assert np.array_equal(read_codes(folder / "review" / "anna_left.final.png"), dotted(2))


def test_kinds_left_open_survive(folder):
    codes = cross()
    codes[codes == 1] = 4
    store, item = opened(folder)
    store.save(item, codes, base=0, **ANNA)
    store.finish(item, base=1, **ANNA)
    store, item = opened(folder)
    assert np.array_equal(store.codes(item)[0], codes)
    assert np.array_equal(read_codes(folder / "review" / "anna_left.final.png"), codes)


class Killed(BaseException):
    """As if the process ended."""


@pytest.mark.parametrize("writes", range(12))
def test_a_server_that_dies_between_two_writes_loses_nothing(folder, monkeypatch, writes):
    """After any number of files written, a new server has the version before or the one saved, and goes on."""
    store, item = opened(folder)
    store.save(item, dotted(1), base=0, **ANNA)
    store.finish(item, base=1, **ANNA)
    left = iter(range(writes))

    def dying(real):
        def write(*arguments):
            if next(left, None) is None:
                raise Killed
            real(*arguments)

        return write

    for name in ("write_whole", "write_record", "write_reviewed"):
        monkeypatch.setattr(room, name, dying(getattr(room, name)))
    told = []
    try:
        told.append(store.save(item, dotted(2), base=1, **BEN))
        told.append(store.finish(item, base=2, **BEN))
    except Killed:
        pass
    monkeypatch.undo()
    store, item = opened(folder)
    codes, revision = store.codes(item)
    assert np.array_equal(codes, dotted(revision)) and revision >= 1 + (len(told) > 0)
    record = store.record(item)
    assert record.finishing is None and (len(told) < 2 or record.state == "final")
    final = read_codes(folder / "review" / record.final.version.file)
    assert np.array_equal(final, dotted(record.final.version.revision))
    assert load_datalist(folder / "review" / "reviewed.json")
    store.save(item, dotted(3), base=revision, **BEN)  # goes on


def test_a_label_that_changed_meanwhile_is_told(folder):
    store, item = opened(folder)
    store.save(item, dotted(1), base=0, **ANNA)
    Image.fromarray(turned()).save(folder / "labels" / "anna_left.png")
    with pytest.raises(ValueError, match=r"changed since its review began .* put back the copy"):
        store.original(item)
    assert np.array_equal(store.codes(item)[0], dotted(1))


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"format": "another"}', '{"format": "fundusgen review 1"}'])
def test_a_damaged_record_is_told(folder, content):
    (folder / "review").mkdir()
    (folder / "review" / "anna_left.json").write_text(content)
    with pytest.raises(ValueError, match=r"anna_left\.json: found .* expected the record of a review .* restore it"):
        opened(folder)
