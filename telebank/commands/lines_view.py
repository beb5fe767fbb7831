"""What `telebank lines` prints: a head, and a row for each line or trunk, in columns that fit.

`say` gives every word in the reader's language; it is asked with the English one.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len
from rich.text import Text

from telebank.commands.language import Say

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
    """In English."""
    cell: Callable[[Row, Say], Text]
    dropped: int = 0
    right: bool = False
    least: int = 0
    """Cells that it has at least, so that it stands still while its words change."""


def _lock(row: Row, _: Say) -> Text:
    """What of a call nobody on the way can hear, or read."""
    words = [row.get("media_lock"), row.get("signalling_lock")]
    return Text(" ".join(word for word in words if word) or UNKNOWN)


def _text(key: str) -> Callable[[Row, Say], Text]:
    return lambda row, _: Text(str(row.get(key) or UNKNOWN))


def _state(row: Row, say: Say) -> Text:
    word = str(row["state"])
    return Text(say(word), style=_STYLES.get(word, ""))


def _time(row: Row, _: Say) -> Text:
    minutes, seconds = divmod(int(row["seconds"]), 60)
    return Text(f"{minutes}:{seconds:02d}")


def _loss(row: Row, _: Say) -> Text:
    loss = row.get("loss")
    return Text(UNKNOWN if loss is None else f"{_guess(row)}{100 * loss:.1f}")


def _jitter(row: Row, _: Say) -> Text:
    jitter = row.get("jitter_ms")
    return Text(UNKNOWN if jitter is None else f"{jitter:.1f}")


def graded(mos: float | None, say: Say, guess: str = "") -> Text:
    """A MOS with its word: never told by colour alone."""
    if mos is None:
        return Text(UNKNOWN)
    word, style = next(((word, style) for least, word, style in GRADES if mos >= least), BAD)
    return Text(f"{guess}{mos:.1f} {say(word)}", style=style)


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
    Column("MOS", lambda row, say: graded(row.get("mos"), say, _guess(row)), dropped=2, least=9),
    Column("peer's MOS", lambda row, say: graded(row.get("peer_mos"), say), dropped=10),
)


def trunk_state(trunk: Row) -> str:
    """`up` while a peer of it answers, or none is called over it; `partly` where some do not."""
    well = [bool(peer["well"]) for peer in trunk["peers"]]
    if all(well):
        return "up"
    return "partly" if any(well) else "DOWN"


def _trunk_state(trunk: Row, say: Say) -> Text:
    word = trunk_state(trunk)
    return Text(say(word), style={"up": "green", "partly": "yellow"}.get(word, "bold red"))


def _peers(trunk: Row, say: Say) -> Text:
    told = (f"{peer['peer']} {say('up' if peer['well'] else 'DOWN')}" for peer in trunk["peers"])
    return Text(", ".join(told) or say("none: calls come in only"))


TRUNKS = (
    Column("trunk", _text("trunk")),
    Column("state", _trunk_state),
    Column("calls in", lambda trunk, _: Text(str(trunk["calls_in"])), dropped=1, right=True),
    Column("calls out", lambda trunk, _: Text(str(trunk["calls_out"])), dropped=2, right=True),
    Column("peers", _peers, dropped=3),
)


def table(
    columns: Sequence[Column], rows: Sequence[Row], width: int | None, say: Say = str
) -> list[Text]:
    """A heading and a line for each row. Columns are given up until all fits in `width` cells
    (None: any width does); what is in a column is never cut."""
    made = [(column, [column.cell(row, say) for row in rows]) for column in columns]
    wide = {column.name: _width(column, cells, say(column.name)) for column, cells in made}
    while width is not None and _total(wide[column.name] for column, _ in made) > width:
        worst = max(made, key=lambda each: each[0].dropped)
        if not worst[0].dropped:
            break
        made.remove(worst)
    heads = [_padded(Text(say(one.name), "bold"), wide[one.name], one) for one, _ in made]
    lines = [_joined(heads)]
    for number in range(len(rows)):
        cells = (_padded(cells[number], wide[column.name], column) for column, cells in made)
        lines.append(_joined(cells))
    return lines


def _width(column: Column, cells: Iterable[Text], heading: str) -> int:
    return max(column.least, cell_len(heading), *(cell.cell_len for cell in cells))


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


def head(board: Board, width: int | None, say: Say = str) -> list[Text]:
    """The node at a glance, in as many lines as `width` asks for (None: one line)."""
    lines: list[Text] = []
    parts = (*_calls(board, say), _trunks(board, say), _phones(board, say), *_workers(board, say))
    for part in parts:
        if lines and (width is None or lines[-1].cell_len + 3 + part.cell_len <= width):
            lines[-1] = Text.assemble(lines[-1], " · ", part)
        else:
            lines.append(Text.assemble(part))  # its style is its own, not of the line
    return lines


def _calls(board: Board, say: Say) -> list[Text]:
    busy = len(board["lines"]) + board["faxes"]
    parts = [Text(say("node {node}").format(node=board["node"]), "bold")]
    if board["draining"]:
        parts.append(Text(say("draining: no new calls"), "bold yellow"))
    told = say("{busy} of {capacity} lines").format(busy=busy, capacity=board["capacity"])
    if board["faxes"]:
        told += say(", {faxes} of them faxes beside menus").format(faxes=board["faxes"])
    parts.append(Text(told))
    parts.append(Text(say("{rate:.1f} set-ups/s").format(rate=board["setups_per_s"])))
    refused = [_refused(name, many, say) for name, many in board["refused"].items() if many]
    words = say("refused {told}").format(told=", ".join(refused) or 0)
    parts.append(Text(words, "yellow" if refused else ""))
    return parts


def _refused(name: str, many: int, say: Say) -> str:
    if name.isdigit():
        return say("{many} with {status}").format(many=many, status=name)
    return say("{many} {why}").format(many=many, why=say(name))


def _trunks(board: Board, say: Say) -> Text:
    trunks = board["trunks"]
    if not trunks:
        return Text(say("no trunks set"))
    states = [trunk_state(trunk) for trunk in trunks]
    told = [
        say("{many} {state}").format(many=states.count(word), state=say(word))
        for word in ("up", "partly", "DOWN")
        if word in states
    ]
    ill = [t["trunk"] for t, word in zip(trunks, states, strict=True) if word != "up"]
    names = f" ({', '.join(ill)})" if ill else ""
    words = say("trunks {told}").format(told=", ".join(told) + names)
    return Text(words, "bold red" if ill else "")


def _phones(board: Board, say: Say) -> Text:
    return Text(say("phones {registered} of {phones} registered").format(**board["phones"]))


def _workers(board: Board, say: Say) -> list[Text]:
    workers = board["workers"]
    up = [worker for worker in workers if worker["up"]]
    told = say("media {up} of {workers} up").format(up=len(up), workers=len(workers))
    parts = [Text(told, "" if up == workers else "bold red")]
    late = [w["tick_late_p99_ms"] for w in up if "tick_late_p99_ms" in w]
    if late:
        each = " ".join(f"{one:.1f}" for one in late)
        parts.append(Text(say("ticks late by {told} ms (p99)").format(told=each)))
    return parts
