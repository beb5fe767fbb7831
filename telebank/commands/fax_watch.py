"""How a fax goes, told until it has ended: a live line at a terminal, else a line for each news."""

import time
from collections.abc import Callable
from datetime import datetime, tzinfo
from pathlib import Path

import click
from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Column
from sqlalchemy import Engine

from telebank.commands.common import Unreachable
from telebank.commands.control_client import node_runs
from telebank.commands.fax_words import ENDS, next_try, said
from telebank.store.fax_views import FaxSeen, fax

LOOK_S = 0.5
"""How often a fax that goes is looked at, in seconds."""
NODE_S = 10.0
"""How often it is asked whether the node still runs, in seconds."""


def watch(
    data: Path, engine: Engine, zone: tzinfo, id_: str, pages: int, *, quiet: bool
) -> FaxSeen:
    """Tell how it goes, on standard error, until it ended; `quiet` tells nothing. Disposes of
    `engine`. Raises `Unreachable` where the node is gone, and `ClickException` at Ctrl-C."""
    err = Console(stderr=True, highlight=False)
    live = err.is_terminal and not quiet
    with Progress(*_columns(), console=err, transient=True, disable=not live) as progress:
        line = _Live(progress, id_, pages, zone)
        log = _Log(err, id_, zone)
        tell = _nothing if quiet else line.tell if live else log.tell
        try:
            return _until_ended(data, engine, id_, tell)
        except KeyboardInterrupt:
            hint = f"the fax goes on; `telebank fax show {id_}`, `telebank fax cancel {id_}`"
            raise click.ClickException(hint) from None
        finally:
            engine.dispose()


def _until_ended(data: Path, engine: Engine, id_: str, tell: Callable[[FaxSeen], None]) -> FaxSeen:
    asked = time.monotonic()
    while True:
        with engine.connect() as connection:
            one = fax(connection, id_)
        if one is None:
            raise Unreachable(f"{id_} is gone: it ended and its days are over")
        tell(one)
        if one.state in ENDS:
            return one
        if time.monotonic() - asked > NODE_S:
            asked = time.monotonic()
            if not node_runs(data):
                raise Unreachable(f"the node is gone; `telebank fax show {id_}` later")
        time.sleep(LOOK_S)


def _nothing(_one: FaxSeen) -> None:
    """For programs: they are told how it ended."""


class _Live:
    """The line at a terminal."""

    def __init__(self, progress: Progress, id_: str, pages: int, zone: tzinfo) -> None:
        self._progress = progress
        self._id = id_
        self._zone = zone
        self._bar: TaskID = progress.add_task(f"{id_} queued", total=pages)
        self._state = "queued"

    def tell(self, one: FaxSeen) -> None:
        """It stands so now."""
        now = datetime.now(self._zone)
        if one.state not in (self._state, *ENDS):  # the clock is of the state that it is in
            self._progress.reset(self._bar)
            self._state = one.state
        self._progress.update(
            self._bar,
            description=f"{self._id} {_words(one, now)}",
            total=one.pages,
            completed=one.confirmed,
            alone=one.state in ENDS or _waits(one, now),
        )


class _Log:
    """A line for each news where there is no terminal: that less time is left until the next try
    is none."""

    def __init__(self, err: Console, id_: str, zone: tzinfo) -> None:
        self._err = err
        self._id = id_
        self._zone = zone
        self._told = ""

    def tell(self, one: FaxSeen) -> None:
        """It stands so now."""
        news = f"{said(one)} {one.due_at}"
        if news != self._told:
            self._told = news
            words = _words(one, datetime.now(self._zone))
            self._err.print(f"{self._id} {words}", soft_wrap=True, markup=False)


def _waits(one: FaxSeen, now: datetime) -> bool:
    """Whether it waits for a time, and not for a moment's attention."""
    return one.state == "queued" and (one.attempt > 0 or one.due_at > now)


def _words(one: FaxSeen, now: datetime) -> str:
    return f"{said(one)}; {next_try(one, now)}" if _waits(one, now) else said(one)


class _WhileUp(ProgressColumn):
    """A column that gives its room to the words where a fax waits for a try or has ended."""

    def __init__(self, column: ProgressColumn) -> None:
        super().__init__()
        self._column = column

    def render(self, task: Task) -> RenderableType:
        return "" if task.fields.get("alone") else self._column(task)


def _columns() -> tuple[ProgressColumn, ...]:
    """The live line: its words are wrapped on a narrow terminal, never cut."""
    return (
        TextColumn("{task.description}", markup=False, table_column=Column(overflow="fold")),
        _WhileUp(TextColumn("for")),
        _WhileUp(TimeElapsedColumn()),
        _WhileUp(BarColumn(bar_width=12)),
        _WhileUp(TextColumn("{task.completed:.0f} of {task.total:.0f} pages confirmed")),
    )
