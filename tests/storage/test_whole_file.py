import errno
import io
import os

import pytest
import torch

from monai_fundusgen.storage.whole_file import PRIVATE, remove_partial, whole_file, write_json, write_whole


def test_content_arrives_and_no_temporary_file_stays(tmp_path):
    write_whole(tmp_path / "new folder" / "ä.bin", b"abc")
    assert (tmp_path / "new folder" / "ä.bin").read_bytes() == b"abc"
    assert [path.name for path in (tmp_path / "new folder").iterdir()] == ["ä.bin"]


def test_an_error_while_writing_keeps_the_old_file(tmp_path):
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")
    with pytest.raises(RuntimeError), whole_file(target) as file:
        file.write(b"half of the n")
        raise RuntimeError("killed")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_private_file_is_for_its_owner_alone_from_its_first_byte(tmp_path):
    with whole_file(tmp_path / "tokens.csv", mode=PRIVATE) as file:
        (partial,) = tmp_path.iterdir()
        assert partial.stat().st_mode & 0o077 == 0
        os.chmod(partial, 0o666)  # whatever it is meanwhile, the name gets it as told
        file.write(b"secret")
    assert (tmp_path / "tokens.csv").stat().st_mode & 0o777 == 0o600
    write_whole(tmp_path / "tokens.csv", b"for all")
    assert (tmp_path / "tokens.csv").stat().st_mode & 0o777 == 0o644


def test_json_that_cannot_be_written_leaves_nothing(tmp_path):
    with pytest.raises(TypeError):
        write_json(tmp_path / "a.json", {"x": object()})
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_writer_left_is_removed_and_nothing_else(tmp_path):
    write_whole(tmp_path / "pictures" / "a.png", b"whole")
    (tmp_path / ".hidden").write_bytes(b"the user's own")
    writer = whole_file(tmp_path / "pictures" / "b.png")
    writer.__enter__().write(b"half")  # killed here: the block is never left
    assert len(list((tmp_path / "pictures").iterdir())) == 2
    remove_partial(tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [".hidden", "a.png"]


def test_a_full_disk_is_told_with_the_file_that_did_not_fit(tmp_path, monkeypatch):
    write_whole(tmp_path / "a", b"before")
    full = OSError(errno.ENOSPC, "No space left on device")

    def fail(_):
        raise full

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(
        OSError, match="No space left on device; this file is as it was before; make room and repeat the command: .*/a'"
    ) as raised:
        write_whole(tmp_path / "a", b"after")
    assert raised.value.errno == errno.ENOSPC and (tmp_path / "a").read_bytes() == b"before"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_full_disk_is_named_though_torch_hides_it(tmp_path):
    class FullDisk(io.RawIOBase):
        def writable(self):
            return True

        def write(self, content):
            raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "weights.pt").write_bytes(b"before")
    with (
        pytest.raises(OSError, match=r"No space left on device; this file is as it was before.*weights\.pt"),
        whole_file(tmp_path / "weights.pt"),
    ):
        torch.save({"a": torch.zeros(1000)}, FullDisk())
    assert (tmp_path / "weights.pt").read_bytes() == b"before"
