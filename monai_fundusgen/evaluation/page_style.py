"""How a report looks: one style sheet, light and dark, on screen and on paper."""

from __future__ import annotations

from typing import Final

STYLE: Final = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1c2024; --soft: #5c6670; --line: #d8dde2; --card: #f6f8fa;
  --real: #2f7d4f; --other: #8a8f96; --synthetic: #c2570c; --phantom: #2563a8; --bad: #b3261e; --good: #2f7d4f;
  --middle: #9a6a00; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14171a; --ink: #e6e9ec; --soft: #9aa4ae; --line: #333a41; --card: #1c2126; --real: #6fcf97;
    --other: #a4abb3; --synthetic: #ff9d57; --phantom: #7fb2f0; --bad: #ff8a80; --good: #6fcf97; --middle: #f0c05a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 1080px; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.25rem; margin: 2.6rem 0 .6rem; padding-top: .6rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.4rem 0 .5rem; }
p { margin: .4rem 0 .8rem; max-width: 46rem; }
.sub { color: var(--soft); margin: 0 0 1.2rem; }
.verdict { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .4rem 1.2rem .7rem; }
.verdict ul { margin: .5rem 0; padding-left: 1.1rem; } .verdict li { margin: .35rem 0; }
.note { color: var(--soft); font-size: .9rem; }
nav { display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; margin: 1rem 0 0; font-size: .92rem; }
a { color: var(--phantom); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; margin: .4rem 0 1rem; }
th, td { text-align: right; padding: .28rem .7rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; padding-left: 0; white-space: normal; min-width: 9rem; }
th { font-weight: 600; color: var(--soft); }
.sheet { margin: 0 0 1.2rem; } .sheet img { max-width: 100%; display: block; border-radius: 6px; }
figcaption { color: var(--soft); font-size: .9rem; margin-bottom: .35rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(300px, 1fr)); gap: .8rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .6rem .8rem .5rem;
  margin: 0; }
.card .name { display: flex; justify-content: space-between; gap: .5rem; font-weight: 600; font-size: .92rem; }
.card .told { font-size: .8rem; color: var(--soft); margin: .15rem 0 0; font-variant-numeric: tabular-nums; }
.badge { font-weight: 500; font-size: .74rem; white-space: nowrap; padding: .05rem .45rem; border-radius: 99px;
  border: 1px solid currentColor; height: fit-content; }
.gives_away { color: var(--bad); } .as_real { color: var(--good); } .between { color: var(--middle); }
svg { width: 100%; height: auto; display: block; margin-top: .3rem; overflow: visible; }
svg text { font-size: 10px; fill: var(--soft); } svg .axis { stroke: var(--line); stroke-width: 1; }
svg polyline { stroke-width: 1.6; fill: none; } svg polygon { fill: none; fill-opacity: .1; }
svg path { stroke-width: 1; fill: none; }
.c-real { stroke: var(--real); } .a-real { fill: var(--real) !important; } .t-real { stroke: var(--real); }
.c-other_real { stroke: var(--other); stroke-dasharray: 4 3; } .t-other_real { stroke: var(--other); }
.c-synthetic { stroke: var(--synthetic); } .a-synthetic { fill: var(--synthetic) !important; }
.t-synthetic { stroke: var(--synthetic); }
.c-phantom { stroke: var(--phantom); } .t-phantom { stroke: var(--phantom); }
.key { display: inline-flex; align-items: center; gap: .4rem; margin-right: 1.1rem; font-size: .9rem; }
.key i { width: 22px; height: 0; border-top: 3px solid; }
.k-real { border-color: var(--real) !important; }
.k-other_real { border-color: var(--other) !important; border-top-style: dashed !important; }
.k-synthetic { border-color: var(--synthetic) !important; } .k-phantom { border-color: var(--phantom) !important; }
.pairs { display: grid; grid-template-columns: repeat(auto-fill, minmax(320px, 1fr)); gap: .9rem; }
.pairs figure { margin: 0; } .pairs img { width: 100%; border-radius: 6px; display: block; }
@media print {
  :root { --paper: #fff; --ink: #000; --soft: #444; --line: #bbb; --card: #fff; --real: #2f7d4f; --other: #777;
    --synthetic: #c2570c; --phantom: #2563a8; --bad: #b3261e; --good: #2f7d4f; --middle: #8a5a00; }
  body { padding: 0; max-width: none; font-size: 11pt; } nav { display: none; }
  .card, .sheet, .pairs figure, tr, .verdict { break-inside: avoid; } h2, h3 { break-after: avoid; }
  .cards { grid-template-columns: repeat(3, 1fr); } * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
