"""A sheet as one HTML file: nothing is fetched, nothing runs, every name is escaped."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any
from urllib.parse import quote

from common import codec
from common.image import U8, Image
from studio.sheet.items import Item
from studio.sheet.thumbnails import thumbnail

ITEMS_A_PAGE = 200  # about 10 MB of thumbnails
_LONGEST = 480  # px of a thumbnail
_QUALITY = 80
_DECISIONS = {
    "failed": "failed",
    "review": "for review",
    "refused": "refused",
    "original": "original kept",
    "accepted": "accepted",
    "": "no report",
}
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

_STYLE = """
:root { color-scheme: light dark; --line: #8886; --first: #b3261e; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }
article { border-top: 1px solid var(--line); padding: 1rem 0; }
article.first { border-left: 4px solid var(--first); padding-left: 1rem; }
h2 { font-size: 1.1rem; margin: 0 0 .5rem; overflow-wrap: anywhere; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(14rem, 1fr)); gap: 1rem; }
figure { margin: 0; } figure p { border: 1px dashed var(--line); margin: 0; padding: 1rem; }
img { max-width: 100%; height: auto; border: 1px solid var(--line); display: block; }
figcaption { font-size: .875rem; }
.decision { border: 1px solid; border-radius: 1rem; font-size: .875rem; padding: 0 .6rem; }
.first .decision { color: var(--first); font-weight: bold; }
@media (prefers-color-scheme: dark) { :root { --first: #f2b8b5; } }
table { border-collapse: collapse; font-size: .875rem; margin-top: .5rem; }
th, td { border: 1px solid var(--line); padding: .1rem .5rem; text-align: left; }
td.figure { font-variant-numeric: tabular-nums; text-align: right; }
nav a, nav strong { display: inline-block; min-width: 24px; padding: .25rem .5rem; }
""".strip()


def page(items: Sequence[Item], number: int, pages: list[str]) -> bytes:
    """Return a page of the sheet.

    Parameters
    ----------
    number
        Its place among `pages`, the files' names.
    """
    place = f", page {number + 1} of {len(pages)}" if len(pages) > 1 else ""
    first = sum(item.wants_eyes for item in items)
    parts = [
        "<!doctype html>",
        '<html lang="en">',
        '<head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>Results{place}</title><style>{_STYLE}</style></head>",
        f"<body><header><h1>Results{place}</h1>",
        f"<p>{len(items)} here, {first} to look at first.</p></header>",
        _navigation(number, pages),
        "<main>",
        *(_article(item) for item in items),
        "</main>",
        _navigation(number, pages),
        "</body></html>",
    ]
    return "\n".join(part for part in parts if part).encode("utf-8", "replace")


def _navigation(number: int, pages: list[str]) -> str:
    if len(pages) < 2:
        return ""
    links = [
        f'<strong aria-current="page">{place}</strong>'
        if place == number + 1
        else f'<a href="./{_address(name)}">{place}</a>'
        for place, name in enumerate(pages, start=1)
    ]
    return f'<nav aria-label="Pages">{" ".join(links)}</nav>'


def _address(name: str) -> str:
    return escape(quote(name))


# --- one item -------------------------------------------------------------------------------------


def _article(item: Item) -> str:
    kind = ' class="first"' if item.wants_eyes else ""
    decision = _DECISIONS.get(item.decision, item.decision)
    told = f"{decision}; a check fails" if item.fails else decision
    return "\n".join(
        part
        for part in (
            f"<article{kind}><h2>{escape(item.name)}",
            f'<span class="decision">{escape(told)}</span></h2>',
            '<div class="pair">',
            _figure(item, "before", thumbnail(item.before, _LONGEST)),
            _figure(item, "after", thumbnail(item.after, _LONGEST)),
            "</div>",
            _made(item),
            _notes(item),
            _scores(item.scores),
            *(_check(check) for check in item.checks),
            "</article>",
        )
        if part
    )


def _figure(item: Item, which: str, small: U8 | str) -> str:
    caption = f"<figcaption>{which.capitalize()}</figcaption>"
    if isinstance(small, str):
        return f"<figure><p>{escape(small)}</p>{caption}</figure>"
    data = base64.b64encode(codec.encode(Image(small), "jpeg", _QUALITY)).decode()
    height, width = small.shape[:2]
    alt = escape(f"{item.name}, {which}", quote=True)
    return (
        f'<figure><img alt="{alt}" width="{width}" height="{height}" loading="lazy"'
        f' src="data:image/jpeg;base64,{data}">{caption}</figure>'
    )


def _made(item: Item) -> str:
    cost = item.facts.get("cost")
    dollars = cost.get("dollars") if isinstance(cost, Mapping) else None
    told = [str(item.facts[name]) for name in ("operation", "engine") if item.facts.get(name)]
    told += [f"${dollars:.4f}"] if isinstance(dollars, float) and dollars else []
    return f"<p>{escape(', '.join(told))}</p>" if told else ""


def _notes(item: Item) -> str:
    notes = "".join(f"<li>{escape(note)}</li>" for note in item.notes)
    return f"<ul>{notes}</ul>" if notes else ""


def _scores(scores: Mapping[str, float]) -> str:
    if not scores:
        return ""
    names = "".join(f'<th scope="col">{escape(name)}</th>' for name in scores)
    figures = "".join(f'<td class="figure">{value:.3g}</td>' for value in scores.values())
    return f"<table><tr>{names}</tr><tr>{figures}</tr></table>"


def _check(check: Mapping[str, Any]) -> str:
    """Return the rules of a preset that do not hold; nothing where all do."""
    rules = [rule for rule in check.get("rules", ()) if rule.get("passed") is not True]
    rows = "".join(
        f'<tr><th scope="row">{escape(str(rule.get("rule", "")).replace("_", " "))}</th>'
        + "".join(
            f"<td>{escape(str(rule.get(name, '')))}</td>"
            for name in ("level", "measured", "required", "fix")
        )
        + "</tr>"
        for rule in rules
    )
    title = escape(str(check.get("title") or check.get("preset")))
    if not rows:
        return f"<p>{title}: every rule holds.</p>"
    head = "".join(
        f'<th scope="col">{name}</th>' for name in ("rule", "level", "is", "needs", "to mend it")
    )
    return f"<table><caption>{title}</caption><tr>{head}</tr>{rows}</table>"
