"""`telebank lines`: the node's lines as they are now, live in the terminal."""

import json
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from telebank.calls.line_states import STATES
from telebank.calls.masking import mask_caller
from telebank.commands.common import Unreachable, data_option, json_option
from telebank.commands.control_client import call
from telebank.commands.language import Language, Say, language_option, saying
from telebank.commands.lines_keys import Keys
from telebank.commands.lines_texts import ZH
from telebank.commands.lines_view import LINES, TRUNKS, Board, Row, head, table

ANSWER_S = 5.0
"""Longest wait for the node, in seconds."""
SORTS: Mapping[str, Callable[[Row], Any]] = {
    "time": lambda row: -row["seconds"],
    "mos": lambda row: row.get("mos", 9.0),
    "loss": lambda row: -row.get("loss", -1.0),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be shown."""

    caller: str
    """Part of a caller's number, as it is shown or in clear; empty: every one."""
    states: Sequence[str]
    """Empty: every one."""
    sort: str
    trunks: bool
    say: Say = str
    """Every word in the language of who reads."""

    def of(self, board: Board) -> dict[str, Any]:
        """The board with those lines alone, sorted; equals by reference."""
        found = [row for row in board["lines"] if self._has(row)]
        found.sort(key=lambda row: (SORTS[self.sort](row), row["call"]))
        return {**board, "lines": found}

    def _has(self, row: Row) -> bool:
        shown = str(row["from"])
        named = self.caller in shown or shown == mask_caller(f"sip:{self.caller}@")
        return named and (not self.states or row["state"] in self.states)


@click.command(name="lines", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--caller", default="", help="Only callers whose number has this, or is this.")
@click.option(
    "--state", "states", type=click.Choice(STATES), multiple=True, help="Only these; repeatable."
)
@click.option(
    *("--sort", "sort"),
    type=click.Choice(tuple(SORTS)),
    default="time",
    show_default=True,
    help="What comes first: the longest call, the worst MOS, the most loss.",
)
@click.option("--trunks", is_flag=True, help="Trunks and their peers instead of lines.")
@click.option("--once", is_flag=True, help="Print once and end; so too where no terminal reads.")
@click.option(
    "--every",
    type=click.FloatRange(0.2, 60),
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    help="How often the node is asked, 0.2 to 60.",
)
@language_option
@data_option
@json_option
def command(
    *,
    caller: str,
    states: Sequence[str],
    sort: str,
    trunks: bool,
    once: bool,
    every: float,
    language: Language,
    data: Path,
    as_json: bool,
) -> None:
    """Watch the node's lines live; q or Ctrl-C ends.

    A line is ringing, at a menu, talking (the bank speaks), keying (it waits for an entry),
    thinking (the host is asked), recording, held by its caller, a fax, or ending. MOS is estimated
    from 1.0 to 4.5 with a word: good from 4.0, fair from 3.6, poor from 3.1, else bad. `~` is
    before what is estimated from one packet in 64, `–` where nothing is known yet: the first
    figures come after some 15 seconds. Callers are masked as in `telebank calls`. The lock says
    what is encrypted: the media by `SRTP` (keys of the signalling) or `DTLS`, the signalling by
    `TLS`.

    A narrow terminal gives up columns in this order, and cuts nothing: peer's MOS, language,
    lock, jitter, trunk, loss, caller, place, MOS, time. --json prints one object, once, its words
    in English, as those of --state are. Only the node's own user and root may look. Exit 3: no
    node answers.

    \b
    Examples:
      telebank lines
      telebank lines --state thinking --state held
      telebank lines --sort mos --every 5
      telebank lines --trunks --language zh
      telebank lines --once | grep 01-1-17
      telebank lines --json | jq '.lines | length'
    """
    wanted = Wanted(caller, states, sort, trunks, saying(language, ZH))

    def ask() -> dict[str, Any]:
        return wanted.of(call(data, "GET", "/v1/board", timeout_s=ANSWER_S))

    board = ask()
    console = Console(highlight=False)
    if as_json:
        click.echo(json.dumps(board, ensure_ascii=False))
    elif once or not console.is_terminal:
        width = console.width if console.is_terminal else None
        for line in page(board, wanted, width):
            console.print(line, soft_wrap=True)
    else:
        _watch(console, ask, board, wanted, every)


def page(board: Board, wanted: Wanted, width: int | None) -> list[Text]:
    """All lines of text; `width` None: nobody minds how wide."""
    return [*head(board, width, wanted.say), Text(""), *_body(board, wanted, width)]


def _body(board: Board, wanted: Wanted, width: int | None) -> list[Text]:
    say = wanted.say
    if wanted.trunks:
        trunks = board["trunks"]
        return table(TRUNKS, trunks, width, say) if trunks else [Text(say("no trunks are set"))]
    if board["lines"]:
        return table(LINES, board["lines"], width, say)
    chosen = wanted.caller or wanted.states
    return [Text(say("no such lines now") if chosen else say("no lines in use"))]


def screen(board: Board, wanted: Wanted, size: tuple[int, int], trouble: Text | None) -> list[Text]:
    """What has room: rows that have none are counted in the last line."""
    width, height = size
    lines = [*([] if trouble is None else [trouble]), *page(board, wanted, width)]
    folded = sum(max(1, -(-line.cell_len // width)) for line in lines)
    if folded <= height:
        return lines
    room, used = height - 1, 0
    for number, line in enumerate(lines):
        used += max(1, -(-line.cell_len // width))
        if used > room:
            more = wanted.say("{rest} more below; --state and --caller show fewer")
            return [*lines[:number], Text(more.format(rest=len(lines) - number), "bold")]
    return lines


def _watch(
    console: Console, ask: Callable[[], Board], board: Board, wanted: Wanted, every: float
) -> None:
    """Until q or Ctrl-C. A node that goes away is waited for: its last figures stay, with a
    word."""
    trouble: Text | None = None
    asked = time.monotonic()
    before = signal.signal(signal.SIGTERM, _end)
    try:
        with Keys() as keys, Live(console=console, screen=True, auto_refresh=False) as live:
            while True:
                size = (console.width, console.height)
                live.update(Group(*screen(board, wanted, size, trouble)), refresh=True)
                if _ends(keys, console, size, asked + every):
                    return
                if time.monotonic() < asked + every:
                    continue
                asked = time.monotonic()
                try:
                    board, trouble = ask(), None
                except Unreachable as error:
                    trouble = trouble or _trouble(error, wanted.say)
    except KeyboardInterrupt:
        return
    finally:
        signal.signal(signal.SIGTERM, before)


def _ends(keys: Keys, console: Console, size: tuple[int, int], until: float) -> bool:
    """Wait for the time, a new size of the terminal, or the key that ends (True)."""
    while (left := until - time.monotonic()) > 0 and (console.width, console.height) == size:
        if keys.wait(min(left, 0.2)) in ("q", "Q"):
            return True
    return False


def _trouble(error: Unreachable, say: Say) -> Text:
    at = f"{datetime.now():%H:%M:%S}"  # noqa: DTZ005 - the clock beside the terminal
    told = say("NO ANSWER since {at}, the figures are older: {why}")
    return Text(told.format(at=at, why=error.message), "bold red")


def _end(number: int, frame: FrameType | None) -> NoReturn:
    """SIGTERM: the terminal is put back as it was."""
    del frame
    raise SystemExit(128 + number)
