"""The verbs of the console, run in this process."""

from monai_fundusgen.__main__ import main


def run(capsys, *words):
    """Exit code, what was told, what was complained about."""
    try:
        main([str(word) for word in words])
        code = 0
    except SystemExit as stop:
        code = stop.code or 0
    told = capsys.readouterr()
    return code, told.out, told.err
