"""A caller on the flow machine with a fake clock: presses keys, lets prompts end, sees commands."""

from functools import cache
from typing import TypeVar

from support.flow_bank import BANK
from telebank.flow.commands import Command, Say, Submit, Told
from telebank.flow.events import Event, KeyPressed, PlayEnded, ServiceAnswered, Started
from telebank.flow.options import FlowOptions
from telebank.flow.release import Release, read_release
from telebank.flow.session import Session
from telebank.flow.vault import MemoryVault
from transactions.money import Money
from transactions.outcome import Value

CARD = "6227000000000012"
"""Fictional, and valid by its check digit."""
PIN = "246813579024"
QUOTED = {"fee": Money.parse("2"), "payee": "622700******0020", "quote": "Q1"}
"""What `small_bank` says of a transfer."""

Kind = TypeVar("Kind")


@cache
def small_bank() -> Release:
    """The release of the small bank."""
    return read_release(BANK)


class Caller:
    """Drives one session; `all` is every command so far, `last` those of the last act."""

    def __init__(self, release: Release, options: FlowOptions | None = None) -> None:
        self.release = release
        self.options = options or FlowOptions()
        self.vault = MemoryVault()
        self.session = Session(release, "c1", self.options, vault=self.vault)
        self.now = 100.0
        self.all: list[Command] = []
        self.last: list[Command] = []

    def start(self) -> "Caller":
        """The call is answered."""
        self.feed(Started())
        return self

    def feed(self, event: Event) -> list[Command]:
        """Give the session one event."""
        self.last = self.session.receive(event, self.now)
        self.all += self.last
        return self.last

    def press(self, keys: str) -> None:
        """Press keys a fifth of a second apart."""
        for key in keys:
            self.now += 0.2
            self.feed(KeyPressed(key))

    def listen(self) -> None:
        """Hear the last prompt to its end."""
        self.now += 2.0
        self.feed(PlayEnded(self.saying.token, completed=True))

    def wait(self) -> list[Command]:
        """Keep silent until the session wants to be woken."""
        at = self.session.wake_at
        assert at is not None
        self.now = max(self.now, at)
        self.last = self.session.wake(self.now)
        self.all += self.last
        return self.last

    def answer(self, exit_name: str, **data: Value) -> list[Command]:
        """The last service asked answers."""
        visit = self.of(Submit)[-1].visit
        return self.feed(ServiceAnswered(visit, exit_name, data))

    def of(self, kind: type[Kind]) -> list[Kind]:
        """All commands of one kind so far."""
        return [command for command in self.all if isinstance(command, kind)]

    @property
    def saying(self) -> Say:
        """The last prompt."""
        return self.of(Say)[-1]

    @property
    def heard(self) -> list[str]:
        """The texts of the last prompt."""
        return [spoken.prompt_id for spoken in self.saying.prompts]


def signed_in(caller: Caller) -> Caller:
    """He has proved himself, in the menus of `small_bank`."""
    caller.press(f"1{CARD}#{PIN}")
    caller.answer("ok")
    return caller


def at_confirm(caller: Caller) -> Caller:
    """He hears what he is about to transfer."""
    signed_in(caller).press("100*5#")
    caller.answer("ok", **QUOTED)
    return caller


def told(caller: Caller) -> list[str]:
    """What he was told of the last question."""
    return [
        command.exit for command in caller.of(Told) if command.visit == caller.of(Submit)[-1].visit
    ]
