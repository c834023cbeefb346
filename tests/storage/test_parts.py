import hashlib
import json
import random

import pytest

from monai_fundusgen.storage import parts
from monai_fundusgen.storage.parts import INDEX, pack, read_index, unpack


@pytest.fixture
def checkpoint(tmp_path):
    path = tmp_path / "run é" / "checkpoint.pt"
    path.parent.mkdir()
    path.write_bytes(random.Random(0).randbytes(1000))
    return path


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


@pytest.mark.parametrize("length, max_bytes, count", [
    (1000, 300, 4), (1000, 500, 2), (1000, 1000, 1), (1000, 999, 2), (1000, 10**9, 1), (3, 1, 3), (0, 7, 0),
])  # fmt: skip
def test_unpacking_inverts_packing(tmp_path, length, max_bytes, count):
    original = tmp_path / "a.pt"
    original.write_bytes(random.Random(1).randbytes(length))
    index = pack(original, tmp_path / "parts", max_bytes)
    sizes = [(tmp_path / "parts" / part.name).stat().st_size for part in index.parts]
    assert len(sizes) == count and sum(sizes) == length and max(sizes, default=0) <= max_bytes
    unpack(tmp_path / "parts", tmp_path / "new folder" / "b.pt")
    assert (tmp_path / "new folder" / "b.pt").read_bytes() == original.read_bytes()
    assert names(tmp_path / "new folder") == ["b.pt"]


def test_parts_are_at_most_15_mib_unless_told(tmp_path):
    with (tmp_path / "a.pt").open("wb") as file:
        file.truncate(15 * 2**20 + 1)
    index = pack(tmp_path / "a.pt", tmp_path / "parts")
    assert [(tmp_path / "parts" / part.name).stat().st_size for part in index.parts] == [15 * 2**20, 1]


def test_the_index_is_what_sha256sum_says(checkpoint, tmp_path):
    index = pack(checkpoint, tmp_path / "parts", 400)

    content = json.loads((tmp_path / "parts" / INDEX).read_text())
    assert content["whole"] == {
        "name": "checkpoint.pt",
        "num_bytes": 1000,
        "sha256": hashlib.sha256(checkpoint.read_bytes()).hexdigest(),
    }
    for part in content["parts"]:
        assert part["sha256"] == hashlib.sha256((tmp_path / "parts" / part["name"]).read_bytes()).hexdigest()
    assert read_index(tmp_path / "parts") == index


def spoil_missing(folder, part):
    (folder / part).unlink()


def spoil_truncated(folder, part):
    (folder / part).write_bytes((folder / part).read_bytes()[:-1])


def spoil_one_bit(folder, part):
    content = bytearray((folder / part).read_bytes())
    content[7] ^= 1
    (folder / part).write_bytes(content)


def spoil_foreign(folder, part):
    other = folder.parent / "other.pt"
    other.write_bytes(random.Random(5).randbytes(1000))
    foreign = pack(other, folder.parent / "other parts", 300)
    (folder / part).write_bytes((folder.parent / "other parts" / foreign.parts[1].name).read_bytes())


@pytest.mark.parametrize("spoil", [spoil_missing, spoil_truncated, spoil_one_bit, spoil_foreign])
def test_a_bad_part_is_named_with_its_hash_and_nothing_is_written(checkpoint, tmp_path, spoil):
    folder, target = tmp_path / "parts", tmp_path / "out" / "b.pt"
    part = pack(checkpoint, folder, 300).parts[1]
    spoil(folder, part.name)
    with pytest.raises(ValueError, match=rf"1 of 4 parts are bad.*copy them again(.|\n)*{part.name}.*{part.sha256}"):
        unpack(folder, target)
    assert not target.parent.exists()
    target.parent.mkdir()
    target.write_bytes(b"older")
    with pytest.raises(ValueError, match="parts are bad"):
        unpack(folder, target, replace=True)
    assert target.read_bytes() == b"older" and names(target.parent) == ["b.pt"]


def test_all_bad_parts_are_told_at_once(checkpoint, tmp_path):
    first, second, *_ = pack(checkpoint, tmp_path / "parts", 300).parts
    spoil_missing(tmp_path / "parts", first.name)
    spoil_one_bit(tmp_path / "parts", second.name)
    with pytest.raises(ValueError, match=rf"2 of 4(.|\n)*{first.name} is missing(.|\n)*{second.name} is damaged"):
        unpack(tmp_path / "parts", tmp_path / "b.pt")


def edit_index(folder, edit):
    content = json.loads((folder / INDEX).read_text())
    edit(content)
    (folder / INDEX).write_text(json.dumps(content))


def test_parts_in_another_order_are_refused(checkpoint, tmp_path):
    pack(checkpoint, tmp_path / "parts", 300)
    edit_index(tmp_path / "parts", lambda content: content["parts"].reverse())
    with pytest.raises(ValueError, match="the parts join to SHA-256"):
        unpack(tmp_path / "parts", tmp_path / "b.pt")
    assert not (tmp_path / "b.pt").exists()


@pytest.mark.parametrize("edit", [
    lambda content: content.update(format="another program"),
    lambda content: content.pop("whole"),
    lambda content: content["parts"][0].update(name="../../checkpoint.pt"),
    lambda content: content["parts"][0].update(sha256=5),
    lambda content: content.update(parts=[1]),
])  # fmt: skip
def test_an_index_of_something_else_is_refused(checkpoint, tmp_path, edit):
    pack(checkpoint, tmp_path / "parts", 300)
    edit_index(tmp_path / "parts", edit)
    with pytest.raises(ValueError, match="index.json: not an index of parts"):
        unpack(tmp_path / "parts", tmp_path / "b.pt")


def test_a_folder_without_index_says_what_to_give(tmp_path):
    with pytest.raises(FileNotFoundError, match="give the folder that a file was packed into"):
        unpack(tmp_path, tmp_path / "b.pt")


def test_a_later_state_takes_the_place_of_an_earlier_one(checkpoint, tmp_path):
    earlier = pack(checkpoint, tmp_path / "parts", 300)
    content = bytearray(checkpoint.read_bytes())
    content[500] ^= 1
    checkpoint.write_bytes(content)
    later = pack(checkpoint, tmp_path / "parts", 300)
    assert [a == b for a, b in zip(earlier.parts, later.parts, strict=True)] == [True, False, True, True]
    assert names(tmp_path / "parts") == sorted([INDEX, *(part.name for part in later.parts)])
    unpack(tmp_path / "parts", tmp_path / "b.pt")
    assert (tmp_path / "b.pt").read_bytes() == content


@pytest.mark.parametrize("writes", range(6))
def test_a_packing_that_is_killed_leaves_the_earlier_state(checkpoint, tmp_path, monkeypatch, writes):
    """Killed before the n-th file is written: what was packed before still unpacks."""
    pack(checkpoint, tmp_path / "parts", 300)
    before = checkpoint.read_bytes()
    checkpoint.write_bytes(random.Random(9).randbytes(1000))
    count = iter(range(100))

    def killed(function):
        def call(*arguments):
            if next(count) == writes:
                raise KeyboardInterrupt
            function(*arguments)

        return call

    monkeypatch.setattr(parts, "write_whole", killed(parts.write_whole))
    monkeypatch.setattr(parts, "write_json", killed(parts.write_json))
    expected = before
    try:
        pack(checkpoint, tmp_path / "parts", 300)
        expected = checkpoint.read_bytes()
    except KeyboardInterrupt:
        pass
    assert (writes < 5) == (expected == before)
    unpack(tmp_path / "parts", tmp_path / "b.pt")
    assert (tmp_path / "b.pt").read_bytes() == expected


def test_another_file_at_the_target_stays_unless_it_may_be_replaced(checkpoint, tmp_path):
    pack(checkpoint, tmp_path / "parts", 300)
    unpack(tmp_path / "parts", checkpoint)  # the same content: nothing to do
    target = tmp_path / "b.pt"
    target.write_bytes(b"a later training")
    with pytest.raises(FileExistsError, match="move it away"):
        unpack(tmp_path / "parts", target)
    assert target.read_bytes() == b"a later training"
    unpack(tmp_path / "parts", target, replace=True)
    assert target.read_bytes() == checkpoint.read_bytes()


def test_parts_are_not_mixed_with_the_users_files(checkpoint):
    with pytest.raises(ValueError, match=r"holds 1 other files, the first is checkpoint\.pt; give an empty folder"):
        pack(checkpoint, checkpoint.parent)
    assert names(checkpoint.parent) == ["checkpoint.pt"]


def test_impossible_arguments_are_refused(checkpoint, tmp_path):
    with pytest.raises(ValueError, match="give at least 1"):
        pack(checkpoint, tmp_path / "parts", 0)
    with pytest.raises(FileNotFoundError, match="no such file"):
        pack(tmp_path / "absent.pt", tmp_path / "parts")
    pack(checkpoint, tmp_path / "parts")
    with pytest.raises(IsADirectoryError, match=r"give the name of the file, for instance .*checkpoint\.pt"):
        unpack(tmp_path / "parts", checkpoint.parent)
    assert names(tmp_path / "parts")[0] == INDEX
