"""A report as one page: everything is inside it, no script, no network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.conventions import KINDS
from monai_fundusgen.evaluation.drawing import distribution_svg
from monai_fundusgen.evaluation.page_style import STYLE
from monai_fundusgen.evaluation.wording import is_shown, title_of

Content = Mapping[str, Any]
Values = Mapping[str, Mapping[str, NDArray[np.float64]]]

_ORDER: Final = ("real", "other_real", "synthetic", "phantom")
_BADGES: Final = {"gives_away": "gives it away", "as_real": "as real", "between": "between"}
_GROUPS: Final = (
    ("Photographs", "photograph."),
    ("Arteries", "anatomy.artery."),
    ("Veins", "anatomy.vein."),
    ("Both kinds", "anatomy."),
)
_SHEETS: Final = {
    "synthetic": "Synthetic",
    "real": "Real (only in this report: these are pictures of persons' eyes; ask before you pass the page on)",
    "phantom": "Phantom, the procedural eye",
}


def page(content: Content, values: Values, pictures: Mapping[str, Any]) -> str:
    """The whole page.

    Args:
        content: of ``report.json``.
        values: finite values of every figure, by its full name and by sample.
        pictures: ``sheets`` by sample and ``pairs`` with ``url``, ``dice``, ``cl_dice``, ``synthetic``, ``training``.
    """
    title = f"Is it real? {content['settings']['dataset']}"
    sections = [
        ("verdict", "", _verdict(content)),
        ("sheets", "Side by side", _sheets(pictures["sheets"])),
        ("features", "Distances of photographs", _features(content)),
        ("figures", "Figures", _figures(content, values)),
        ("judged", "Read by a network", _judged(content["judged"], content["samples"])),
        ("gate", "Gate", _gate(content["gate"])),
        ("privacy", "Copies", _privacy(content["privacy"], pictures["pairs"])),
        ("settings", "Settings", _settings(content)),
    ]
    shown = [(name, heading, body) for name, heading, body in sections if body]
    links = "".join(f'<a href="#{name}">{heading}</a>' for name, heading, _ in shown if heading)
    body = "".join(
        f'<section id="{name}">' + (f"<h2>{heading}</h2>" if heading else "") + inner + "</section>"
        for name, heading, inner in shown
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>"
        f'<h1>{escape(title)}</h1><p class="sub">{_subtitle(content)}</p>'
        f"<nav>{links}</nav>{body}</body></html>\n"
    )


def _subtitle(content: Content) -> str:
    counts = [f"{one['eyes']} {escape(one['title'])}" for one in content["samples"].values()]
    return "; ".join(counts) + f". {escape(content['tool'])} {escape(content['tool_version'])}."


def _verdict(content: Content) -> str:
    told = content["verdict"]
    lines = "".join(f"<li>{escape(one)}</li>" for one in [*told["sentences"], *told["copies"]])
    warnings = "".join(f'<p class="note">{escape(one)}</p>' for one in told["warnings"])
    return f'<div class="verdict"><ul>{lines}</ul>{warnings}</div>'


def _sheets(sheets: Mapping[str, str]) -> str:
    return "".join(
        f'<figure class="sheet"><figcaption>{caption}</figcaption><img alt="{name} eyes above their maps" '
        f'src="{sheets[name]}"></figure>'
        for name, caption in _SHEETS.items()
        if name in sheets
    )


def number(value: float | None, digits: int = 3) -> str:
    """A number for reading; a dash where there is none."""
    return "-" if value is None else f"{value:.{digits}g}"


def _interval(found: Mapping[str, float | None]) -> str:
    return f"{number(found['value'])} ({number(found['low'])} to {number(found['high'])})"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = "".join(f"<th>{escape(one)}</th>" for one in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _in_order(found: Mapping[str, Any]) -> Iterator[str]:
    return (name for name in _ORDER if name in found)


def _features(content: Content) -> str:
    found, titles = content["features"], content["samples"]
    pieces = [
        "<p>How far each sample lies from the real one. Equal numbers of eyes are compared, because a Frechet distance "
        "depends on them; the distance between two real samples is the floor, which no generator need get under.</p>"
    ]
    for what, name in ((found, found["extractor"]), (found["control"], "control: random network, sees no anatomy")):
        rows = [_distance_row(titles[one]["title"], what["to_real"][one]) for one in _in_order(what["to_real"])]
        if what["halves"]:
            half = what["halves"]
            rows.append(
                [f"real against real, halves of {half['n']}", number(half["frechet"]), _thousand(half["kernel"], None)]
            )
        matched = f"of {what['matched_n']} each: Frechet ± SD"
        pieces += [f"<h3>{escape(name)}</h3>", _table(["to the real eyes", matched, "1000 kernel ± SD"], rows)]
    rows = [_whole_row(titles[one]["title"], found["to_real"][one]) for one in _in_order(found["to_real"])]
    first = [f"all eyes, to {found['n']} real", "n", "Frechet (95 %)", "at infinity", "1000 kernel ± error", "MMD"]
    shares = ["all eyes", "precision", "recall", "density", "coverage"]
    tables = _table(first, [row[:6] for row in rows]) + _table(shares, [[row[0], *row[6:]] for row in rows])
    return "".join(pieces) + "<h3>Whole samples</h3>" + tables


def _thousand(value: float | None, error: float | None) -> str:
    """A kernel distance in thousandths, with its error where it is known."""
    told = "-" if value is None else f"{1000 * value:.3g}"
    return told if error is None else f"{told} ± {1000 * error:.2g}"


def _distance_row(title: str, found: Content) -> list[str]:
    one = found["matched"]
    return [
        title,
        f"{number(one['frechet'])} ± {number(one['frechet_sd'], 2)}",
        _thousand(one["kernel"], one["kernel_sd"]),
    ]


def _whole_row(title: str, found: Content) -> list[str]:
    return [
        title, str(found["n"]), _interval(found["frechet"]), number(found["frechet_infinity"]),
        _thousand(found["kernel"], found["kernel_error"]), number(found["gaussian_mmd"]),
        *(number(found[name], 2) for name in ("precision", "recall", "density", "coverage")),
    ]  # fmt: skip


def _figures(content: Content, values: Values) -> str:
    names = [name for name in content["figures"] if is_shown(name)]
    groups = {name: group for group in _BADGES for name in content["verdict"][group]}
    keys = "".join(
        f'<span class="key"><i class="k-{name}"></i>{escape(content["samples"][name]["title"])}</span>'
        for name in _in_order(content["samples"])
    )
    pieces = [
        f"<p>{keys}</p><p>D is the largest difference of the two distribution functions: 0 where they are the same, 1 "
        "where a single look at the figure tells synthetic from real. Behind it stand its 95 % interval and what "
        "another real sample gives.</p>"
    ]
    done: set[str] = set()
    for heading, prefix in _GROUPS:
        mine = [name for name in names if name.startswith(prefix) and name not in done]
        done |= set(mine)
        if mine:
            cards = "".join(_card(name, content["figures"][name], groups[name], values[name]) for name in mine)
            pieces.append(f'<h3>{heading}</h3><div class="cards">{cards}</div>')
    return "".join(pieces)


def _card(name: str, found: Content, group: str, values: Mapping[str, NDArray[np.float64]]) -> str:
    d = found["kolmogorov"]
    floor = f", floor {number(d['other_real']['value'], 2)}" if "other_real" in d else ""
    spans = " · ".join(
        f"{one.replace('_', ' ')} {number(found['quantiles'][one][2])} "
        f"({number(found['quantiles'][one][1])} to {number(found['quantiles'][one][3])})"
        for one in _in_order(found["quantiles"])
        if one != "other_real"
    )
    ordered = {one: values[one] for one in _in_order(values)}
    return (
        f'<figure class="card"><div class="name"><span>{escape(title_of(name))}</span>'
        f'<span class="badge {group}">{_BADGES[group]}</span></div>'
        f"{distribution_svg(ordered, title_of(name))}"
        f'<p class="told">D {number(d["synthetic"]["value"], 2)} ({number(d["synthetic"]["low"], 2)} to '
        f"{number(d['synthetic']['high'], 2)}){floor}; "
        f"apart by {number(found['wasserstein']['synthetic']['value'])}</p>"
        f'<p class="told">{spans}</p></figure>'
    )


_READ: Final = (("dice", "Dice"), ("recall", "recall"), ("precision", "precision"), ("av_accuracy", "kind right"))


def _judged(judged: Content | None, samples: Content) -> str:
    if judged is None:
        return ""
    sets = {name: judged["sets"][name] for name in _in_order(judged["sets"])}
    rows = []
    for name, one in sets.items():
        whole = one["read"]["all"]
        spans = [
            {"value": whole[key], **dict(zip(("low", "high"), whole["interval"][key], strict=True))} for key, _ in _READ
        ]
        rows.append([samples[name]["title"], str(one["pictures"]), *map(_interval, spans)])
    depths = [
        [f"{kind}, {channel}", *(_quartiles(one["depth"][kind]["all"][channel]) for one in sets.values())]
        for kind in KINDS
        for channel in ("red", "green", "blue")
    ]
    titles = [samples[name]["title"] for name in sets]
    return (
        "<p>A segmentation network that was trained on real photographs reads the pictures and is compared with their "
        "labels, 95 % interval over photographs; kinds are judged on labelled pixels that it finds. Where it reads "
        "synthetic vessels worse than real ones, or better, they look unlike them.</p>"
        + _table(["", "eyes", *(title for _, title in _READ)], rows)
        + "<p>Depth, the share by which vessels are darker than their surroundings: median (quartiles) over eyes.</p>"
        + _table(["", *titles], depths)
    )


def _quartiles(found: Content) -> str:
    return f"{number(found['median'])} ({number(found['q25'])} to {number(found['q75'])})"


def _gate(gate: Content | None) -> str:
    if gate is None:
        return ""
    rows = [[name.replace("_", " "), str(value)] for name, value in gate.items()]
    return "<p>What the run's gate on anatomy did.</p>" + _table(["", "count"], rows)


def _privacy(privacy: Content | None, pairs: Sequence[Content]) -> str:
    if privacy is None:
        return ""
    pieces = [f"<p>Compared with the training eyes: {escape(privacy['training'])}.</p>"]
    if privacy["maps"] is None:
        pieces.append("<p>No maps of both kinds on either side, so no search for copied vessels.</p>")
    else:
        pieces.append(_map_tables(privacy["maps"]))
    pieces.append(_photograph_table(privacy["photographs"]))
    pieces.append(_membership(privacy["membership"]))
    if pairs:
        shown = "".join(
            f"<figure><figcaption>Dice {number(one['dice'], 2)}, centre lines {number(one['cl_dice'], 2)}: "
            f"{escape(one['synthetic'])} | {escape(one['training'])}</figcaption>"
            f'<img alt="synthetic map beside its nearest training map" src="{one["url"]}"></figure>'
            for one in pairs
        )
        pieces.append(
            "<h3>The closest pairs</h3><p>Left the synthetic map, right the training map that it is most like, "
            f'mirrored where the match was.</p><div class="pairs">{shown}</div>'
        )
    return "".join(pieces)


def _map_tables(maps: Content) -> str:
    pieces = [
        "<p>Likeness of each map to the most alike training map, under mirroring, turns up to 9 degrees and shifts: "
        "Dice of the whole map, of its most alike quarter, and of centre lines. Real maps that are no copies give the "
        "scale; "
        f"one in {round(1 / maps['false_alarms'])} of such maps exceeds the bound.</p>"
    ]
    rows = []
    for name, title in (("map", "whole map"), ("patch", "a quarter"), ("centre_lines", "centre lines")):
        found = maps[name]
        for who, row in found["likeness"].items():
            flagged = "-" if found["flagged"] is None else str(found["flagged"][who])
            rows.append([
                f"{title}: {who.replace('_', ' ')}", number(row["median"]), number(row["q75"]), number(row["max"]),
                number(found["bound"]), flagged,
            ])  # fmt: skip
    table = _table(["likeness to training", "median", "75 %", "largest", "bound", "above"], rows)
    return pieces[0] + table + _preference(maps["preference"])


def _preference(found: Content | None) -> str:
    """Whether the sample leans towards the training maps; nothing where too few are known."""
    if found is None:
        return ""
    rows = [
        [
            title, f"{one['difference']:+.4f}", f"{one['low']:+.4f} to {one['high']:+.4f}", number(one["p_value"], 2),
            number(one["closer_to_training"], 2),
        ]
        for title, one in (("whole map", found["map"]), ("a quarter", found["patch"]))
    ]  # fmt: skip
    return (
        "<p>A typical map is alike to all maps, seen or not. So: likeness to the most alike of "
        f"{found['map']['records']} training maps less that to the most alike of as many held-out ones, and what "
        "chance makes of it when the training maps are drawn anew. One half lie nearer to training by chance. It holds "
        "if both come from the same cameras and diseases and no person is in both.</p>"
        + _table(["training less held-out", "difference", "95 % by chance", "p", "nearer to training"], rows)
    )


def _photograph_table(found: Content) -> str:
    rows = [["synthetic to training", *(number(found["distance"][one]) for one in ("min", "median", "max"))]]
    if found["training_to_others"]:
        among = found["training_to_others"]
        rows.append(["training to other training", *(number(among[one]) for one in ("min", "median", "max"))])
    told = "<h3>Photographs</h3>" + _table(["distance in feature space", "nearest", "median", "farthest"], rows)
    records = found["records"]
    if records is None:
        return told
    return told + (
        f"<p>{_interval(records['closer_to_training'])} of the synthetic photographs lie nearer to a training than to "
        f"a held-out photograph, of {records['records']} each (one half where nothing was learnt by heart). Distance "
        f"to the closest training over that to the closest held-out photograph: {_interval(records['ratio'])}. Share "
        "that lies farther from its closest training photograph than that from the others: "
        f"{number(records['authenticity'])}.</p>"
    )


def _membership(found: Content | None) -> str:
    if found is None:
        return ""
    return (
        "<h3>Membership</h3><p>The mask model's denoising loss tells its training maps from held-out ones with an area "
        f"under the curve of {_interval(found['area'])}, of {found['training']} and {found['held_out']} maps at "
        f"{found['levels']} levels of noise; one half means that it tells nothing.</p>"
    )


def _settings(content: Content) -> str:
    rows = [
        [name.replace("_", " "), "-" if value is None else str(value)] for name, value in content["settings"].items()
    ]
    return _table(["", ""], rows) + '<p class="note">All figures are in report.json, beside this page.</p>'
