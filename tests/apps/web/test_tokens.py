"""Tokens on disk."""

import os

from monai_fundusgen.apps.web.tokens import read_tokens, write_tokens


def test_tokens_are_at_no_time_there_for_others(tmp_path, monkeypatch):
    modes = []

    def replace(source, target, kept=os.replace):
        modes.append(os.stat(source).st_mode & 0o777)
        kept(source, target)

    monkeypatch.setattr(os, "replace", replace)
    write_tokens(tmp_path / "tokens.csv", {"anna": "t-1", "ben, the second": "t-2"})
    assert modes == [0o600] and (tmp_path / "tokens.csv").stat().st_mode & 0o777 == 0o600
    assert read_tokens(tmp_path / "tokens.csv") == {"anna": "t-1", "ben, the second": "t-2"}
