import random

import pytest

from tests.verbs import run


@pytest.fixture
def checkpoint(tmp_path):
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(random.Random(0).randbytes(3 * 2**20))
    return path


def test_a_checkpoint_goes_into_parts_and_back(checkpoint, tmp_path, capsys):
    code, told, _ = run(capsys, "checkpoint", "pack", checkpoint, tmp_path / "parts", "--max-mib", "2")
    assert code == 0 and "2 parts, 3145728 bytes, SHA-256 " in told
    code, told, _ = run(capsys, "checkpoint", "unpack", tmp_path / "parts", tmp_path / "again.pt")
    assert code == 0 and "3145728 bytes" in told
    assert (tmp_path / "again.pt").read_bytes() == checkpoint.read_bytes()


def test_mistakes_end_with_code_2_and_a_message(checkpoint, tmp_path, capsys):
    run(capsys, "checkpoint", "pack", checkpoint, tmp_path / "parts", "--max-mib", "1")
    next((tmp_path / "parts").glob("part-0001-*")).unlink()
    other = tmp_path / "other.pt"
    other.write_bytes(b"other")
    for arguments, complaint in [
        (("pack", tmp_path / "absent.pt", tmp_path / "new"), "no such file"),
        (("pack", checkpoint, tmp_path / "new", "--max-mib", "0"), "give at least 1"),
        (("unpack", tmp_path, tmp_path / "again.pt"), "no index"),
        (("unpack", tmp_path / "parts", tmp_path / "again.pt"), "is missing, expected SHA-256"),
        (("unpack", tmp_path / "parts", other), "--replace"),
    ]:
        code, told, complained = run(capsys, "checkpoint", *arguments)
        assert code == 2 and not told
        assert complained.startswith("error: ") and complaint in complained
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint.pt", "other.pt", "parts"]
    assert other.read_bytes() == b"other"


@pytest.mark.parametrize("arguments", [("--help",), ("pack", "--help"), ("unpack", "--help")])
def test_help_says_what_it_does(capsys, arguments):
    code, told, _ = run(capsys, "checkpoint", *arguments)
    assert code == 0 and "part" in told
