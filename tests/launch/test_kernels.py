import importlib

import pytest

from monai_fundusgen.launch import kernels
from monai_fundusgen.launch.kernels import KernelCompilation, grow_an_eye, is_compiled, measure_a_drawing
from monai_fundusgen.phantom.branching import colonise
from monai_fundusgen.vessels.topology import _branches


def test_a_kernel_counts_as_compiled_once_it_was_called(tmp_path, monkeypatch):
    source = tmp_path / "fresh_kernel.py"
    source.write_text("from numba import njit\n\n\n@njit(cache=True)\ndef double(x):\n    return 2 * x\n")
    monkeypatch.syspath_prepend(tmp_path)
    double = importlib.import_module("fresh_kernel").double
    assert not is_compiled(double)
    assert double(2) == 4 and is_compiled(double)


def test_the_two_halves_call_the_kernels_that_tell_of_them():
    grow_an_eye()
    measure_a_drawing()
    assert is_compiled(colonise) and is_compiled(_branches)


@pytest.mark.parametrize(("compiled", "source", "done"), [
    ((), "phantom", ["other", "grow"]), ((), "ddpm", ["measure"]), ((_branches,), "folder", []),
    ((_branches, colonise), "phantom", []),
])  # fmt: skip
def test_only_what_is_missing_is_compiled_and_it_is_said(compiled, source, done, monkeypatch):
    class Other:
        def __init__(self, command, **options):
            calls.append("other")

        def __enter__(self):
            return self

        wait = __exit__ = lambda *arguments: None

    calls, said = [], []
    monkeypatch.setattr(kernels, "is_compiled", lambda kernel: kernel in compiled)
    monkeypatch.setattr(kernels, "grow_an_eye", lambda: calls.append("grow"))
    monkeypatch.setattr(kernels, "measure_a_drawing", lambda: calls.append("measure"))
    monkeypatch.setattr(kernels.subprocess, "Popen", Other)
    KernelCompilation(source, said.append)()
    assert calls == done and len(said) == bool(done)
    assert all("first use" in text for text in said)
