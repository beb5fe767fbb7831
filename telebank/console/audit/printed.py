"""A story on paper: A4 in the reports' typeface, one at a time."""

import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from reportlab.lib.units import mm
from reportlab.platypus import Spacer

from telebank.console.audit.told import FACTS, Line, Telling, proof_facts
from telebank.reports.paper import WIDTH, Letterhead, Styles, build, table, text
from telebank.reports.words import words_of
from telebank.store.review.story import Story

MAX_LINES = 1_000
"""Lines on paper; of a longer story the first."""
_ONE = threading.Lock()
"""Setting a page is the console's dearest work."""


def printed(
    found: Story,
    rows: Sequence[Mapping[str, str]],
    lines: Sequence[Line],
    t: Telling,
    made_at: datetime,
) -> bytes:
    """The PDF. `made_at` is of the bank's clock."""
    node = found.events[0].event.node if found.events else "–"
    head = Letterhead(words_of(t.language)["bank"], t.w["story"], found.of, node, made_at)
    with _ONE, tempfile.TemporaryDirectory(prefix="telebank-") as folder:
        styles, path = Styles.make(t.language), Path(folder) / "story.pdf"
        build(path, list(_pages(found, rows, lines, t, styles)), head, words_of(t.language), styles)
        return path.read_bytes()


def _pages(
    found: Story,
    rows: Sequence[Mapping[str, str]],
    lines: Sequence[Line],
    t: Telling,
    styles: Styles,
) -> Iterator[Any]:
    for row in rows:
        yield text(f"{row['reference']} · {row['service']}", styles.heading)
        yield _facts([(t.w[name], row[name]) for name in FACTS if row[name]], styles)
    yield text(t.w["proof"], styles.heading)
    yield _facts(proof_facts(found, t), styles)
    yield text(t.w["timeline"], styles.heading)
    yield text(t.w["timeline_hint"], styles.note)
    yield Spacer(1, 2 * mm)
    if found.cut or len(lines) > MAX_LINES:
        yield text(t.w["cut"].format(n=min(len(lines), MAX_LINES)), styles.body)
    head = [t.w["at"], t.w["what"], "", t.w["entry"]]
    shown = [_line(one, t, styles) for one in lines[:MAX_LINES]]
    widths = [0.19 * WIDTH, 0.18 * WIDTH, 0.53 * WIDTH, 0.10 * WIDTH]
    yield table(head, shown, widths, styles)


def _line(one: Line, t: Telling, styles: Styles) -> list[Any]:
    said = f"“{one.said}”" if one.said else ""
    fields = "; ".join(f"{name}: {value}" for name, value in one.fields)
    changed = "" if one.whole else t.w["changed"]
    words = [text(part, styles.cell) for part in (one.text, said, fields, changed) if part]
    return [one.when, text(one.title, styles.cell), words or "", one.entry]


def _facts(facts: Sequence[tuple[str, str]], styles: Styles) -> Any:
    rows = [[name, text(value, styles.cell)] for name, value in facts]
    return table(["", ""], rows, [0.3 * WIDTH, 0.7 * WIDTH], styles)
