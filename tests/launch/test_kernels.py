import pytest

from monai_fundusgen.launch import kernels
from monai_fundusgen.launch.kernels import KernelCompilation, grow_an_eye, is_compiled, measure_a_drawing
from monai_fundusgen.phantom.branching import colonise
from monai_fundusgen.vessels.topology import _branches


def test_a_kernel_counts_as_compiled_if_the_cache_holds_it(tmp_path):
    grow_an_eye()
    measure_a_drawing()
    assert is_compiled(colonise) and is_compiled(_branches)

    class Newer:
        py_func, stats = colonise.py_func, type("Stats", (), {"cache_path": tmp_path})

    assert not is_compiled(Newer)


@pytest.mark.parametrize(("compiled", "source", "done"), [
    ((), "phantom", ["other", "grow"]), ((), "ddpm", ["measure"]), ((_branches,), "folder", []),
    ((_branches, colonise), "phantom", []),
])  # fmt: skip
def test_only_what_is_missing_is_compiled_and_it_is_said(compiled, source, done, monkeypatch):
    class Other:
        def __init__(self, command, **options):
            calls.append("other")

        wait = __enter__ = __exit__ = lambda *arguments: None

    calls, said = [], []
    monkeypatch.setattr(kernels, "is_compiled", lambda kernel: kernel in compiled)
    monkeypatch.setattr(kernels, "grow_an_eye", lambda: calls.append("grow"))
    monkeypatch.setattr(kernels, "measure_a_drawing", lambda: calls.append("measure"))
    monkeypatch.setattr(kernels.subprocess, "Popen", Other)
    KernelCompilation(source, said.append)()
    assert calls == done and len(said) == bool(done)
    assert all("first use" in text for text in said)
