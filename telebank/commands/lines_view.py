"""What `telebank lines` prints: a head, and a row for each line or trunk, in columns that fit."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.text import Text

Row = Mapping[str, Any]
Board = Mapping[str, Any]
GAP = "  "
UNKNOWN = "–"
GRADES = ((4.0, "good", "green"), (3.6, "fair", "yellow"), (3.1, "poor", "red"))
"""Lowest MOS, word and colour: ITU-T G.107 Annex B has users satisfied from 4.03, some dissatisfied
from 3.60, many from 3.10."""
BAD = ("bad", "bold red")
_STYLES = {"ringing": "cyan", "thinking": "yellow", "held": "magenta", "ending": "dim"}


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `dropped` says how early a narrow terminal gives it up: the highest first, 0
    never."""

    name: str
    cell: Callable[[Row], Text]
    dropped: int = 0
    right: bool = False
    least: int = 0
    """Cells that it has at least, so that it stands still while its words change."""


def _lock(row: Row) -> Text:
    """What of a call nobody on the way can hear, or read."""
    words = [row.get("media_lock"), row.get("signalling_lock")]
    return Text(" ".join(word for word in words if word) or UNKNOWN)


def _text(key: str) -> Callable[[Row], Text]:
    return lambda row: Text(str(row.get(key) or UNKNOWN))


def _state(row: Row) -> Text:
    word = str(row["state"])
    return Text(word, style=_STYLES.get(word, ""))


def _time(row: Row) -> Text:
    minutes, seconds = divmod(int(row["seconds"]), 60)
    return Text(f"{minutes}:{seconds:02d}")


def _loss(row: Row) -> Text:
    loss = row.get("loss")
    return Text(UNKNOWN if loss is None else f"{_guess(row)}{100 * loss:.1f}")


def _jitter(row: Row) -> Text:
    jitter = row.get("jitter_ms")
    return Text(UNKNOWN if jitter is None else f"{jitter:.1f}")


def graded(mos: float | None, guess: str = "") -> Text:
    """A MOS with its word: never told by colour alone."""
    if mos is None:
        return Text(UNKNOWN)
    word, style = next(((word, style) for least, word, style in GRADES if mos >= least), BAD)
    return Text(f"{guess}{mos:.1f} {word}", style=style)


def _guess(row: Row) -> str:
    """Before what is estimated from one packet in 64."""
    return "~" if row.get("sampled") else ""


LINES = (
    Column("call", _text("call")),
    Column("state", _state, least=9),
    Column("caller", _text("from"), dropped=4),
    Column("trunk", _text("trunk"), dropped=6),
    Column("lang", _text("language"), dropped=9),
    Column("lock", _lock, dropped=8),
    Column("at", _text("place"), dropped=3),
    Column("time", _time, dropped=1, right=True),
    Column("loss %", _loss, dropped=5, right=True),
    Column("jitter ms", _jitter, dropped=7, right=True),
    Column("MOS", lambda row: graded(row.get("mos"), _guess(row)), dropped=2, least=9),
    Column("peer's MOS", lambda row: graded(row.get("peer_mos")), dropped=10),
)


def trunk_state(trunk: Row) -> str:
    """`up` while a peer of it answers, or none is called over it; `partly` where some do not."""
    well = [bool(peer["well"]) for peer in trunk["peers"]]
    if all(well):
        return "up"
    return "partly" if any(well) else "DOWN"


def _trunk_state(trunk: Row) -> Text:
    word = trunk_state(trunk)
    return Text(word, style={"up": "green", "partly": "yellow"}.get(word, "bold red"))


def _peers(trunk: Row) -> Text:
    told = (f"{peer['peer']} {'up' if peer['well'] else 'DOWN'}" for peer in trunk["peers"])
    return Text(", ".join(told) or "none: calls come in only")


TRUNKS = (
    Column("trunk", _text("trunk")),
    Column("state", _trunk_state),
    Column("calls in", lambda trunk: Text(str(trunk["calls_in"])), dropped=1, right=True),
    Column("calls out", lambda trunk: Text(str(trunk["calls_out"])), dropped=2, right=True),
    Column("peers", _peers, dropped=3),
)


def table(columns: Sequence[Column], rows: Sequence[Row], width: int | None) -> list[Text]:
    """A heading and a line for each row. Columns are given up until all fits in `width` cells
    (None: any width does); what is in a column is never cut."""
    made = [(column, [column.cell(row) for row in rows]) for column in columns]
    wide = {column.name: _width(column, cells) for column, cells in made}
    while width is not None and _total(wide[column.name] for column, _ in made) > width:
        worst = max(made, key=lambda each: each[0].dropped)
        if not worst[0].dropped:
            break
        made.remove(worst)
    heads = [_padded(Text(column.name, "bold"), wide[column.name], column) for column, _ in made]
    lines = [_joined(heads)]
    for number in range(len(rows)):
        cells = (_padded(cells[number], wide[column.name], column) for column, cells in made)
        lines.append(_joined(cells))
    return lines


def _width(column: Column, cells: Iterable[Text]) -> int:
    return max(column.least, len(column.name), *(cell.cell_len for cell in cells))


def _total(widths: Iterable[int]) -> int:
    every = list(widths)
    return sum(every) + len(GAP) * (len(every) - 1)


def _padded(cell: Text, width: int, column: Column) -> Text:
    space = " " * (width - cell.cell_len)
    return Text.assemble(space, cell) if column.right else Text.assemble(cell, space)


def _joined(cells: Iterable[Text]) -> Text:
    line = Text(GAP).join(cells)
    line.rstrip()
    return line


# -- the head -------------------------------------------------------------------------------------


def head(board: Board, width: int | None) -> list[Text]:
    """The node at a glance, in as many lines as `width` asks for (None: one line)."""
    lines: list[Text] = []
    for part in (*_calls(board), _trunks(board), _phones(board), *_workers(board)):
        if lines and (width is None or lines[-1].cell_len + 3 + part.cell_len <= width):
            lines[-1] = Text.assemble(lines[-1], " · ", part)
        else:
            lines.append(Text.assemble(part))  # its style is its own, not of the line
    return lines


def _calls(board: Board) -> list[Text]:
    busy = len(board["lines"]) + board["faxes"]
    parts = [Text(f"node {board['node']}", "bold")]
    if board["draining"]:
        parts.append(Text("draining: no new calls", "bold yellow"))
    faxes = f", {board['faxes']} of them faxes beside menus" if board["faxes"] else ""
    parts.append(Text(f"{busy} of {board['capacity']} lines{faxes}"))
    parts.append(Text(f"{board['setups_per_s']:.1f} set-ups/s"))
    refused = board["refused"].items()
    told = [f"{many} {'with ' * name.isdigit()}{name}" for name, many in refused if many]
    parts.append(Text(f"refused {', '.join(told) or 0}", "yellow" if told else ""))
    return parts


def _trunks(board: Board) -> Text:
    trunks = board["trunks"]
    if not trunks:
        return Text("no trunks set")
    states = [trunk_state(trunk) for trunk in trunks]
    told = [f"{states.count(word)} {word}" for word in ("up", "partly", "DOWN") if word in states]
    ill = [t["trunk"] for t, word in zip(trunks, states, strict=True) if word != "up"]
    names = f" ({', '.join(ill)})" if ill else ""
    return Text(f"trunks {', '.join(told)}{names}", "bold red" if ill else "")


def _phones(board: Board) -> Text:
    phones = board["phones"]
    return Text(f"phones {phones['registered']} of {phones['phones']} registered")


def _workers(board: Board) -> list[Text]:
    workers = board["workers"]
    up = [worker for worker in workers if worker["up"]]
    parts = [Text(f"media {len(up)} of {len(workers)} up", "" if up == workers else "bold red")]
    late = [w["tick_late_p99_ms"] for w in up if "tick_late_p99_ms" in w]
    if late:
        told = " ".join(f"{each:.1f}" for each in late)
        parts.append(Text(f"ticks late by {told} ms (p99)"))
    return parts
