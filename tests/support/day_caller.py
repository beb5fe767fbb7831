"""A caller of the simulated day: the real menus, keys at human speed, and a temper."""

import asyncio
import random
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from core_adapters.corehost.seed import SeedCard
from telebank.flow import commands, events
from telebank.flow.options import FlowOptions
from telebank.flow.release import Release
from telebank.flow.session import Session
from telebank.flow.state import Phase
from telebank.store.sealing import Keyring
from transactions.answer import Answer
from transactions.processor import Processor
from transactions.request import Request

PROMPT_S = 2.5
"""Seconds that a prompt lasts."""
KEY_S = 0.3
MAX_PROMPTS = 150
"""Prompts after which a caller who presses nothing hangs up."""
END = ""
"""In the place of keys: hang up."""
CODE = "CODE"
"""In the place of keys: the code that was sent to him."""


class House(Protocol):
    """What callers need of the node, and of their mobile telephones."""

    release: Release
    processor: Processor

    @property
    def keyring(self) -> Keyring:
        """The store's keys."""
        ...

    def code_for(self, card: str) -> str:
        """The one-time code that came last for a customer; wrong digits where none came."""
        ...

    def used(self, customer: str, what: str) -> None:
        """Count a service that a customer began."""
        ...

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it beside the call."""
        ...


@dataclass
class Told:
    """What the caller heard of one request."""

    service: str
    exit: str


@dataclass
class DayCaller:
    """One call. `answers` are those of the services, by request id; `told` what he heard of them.

    A caller who hangs up leaves what he asked for to the processor, as on the real line.
    """

    house: House
    who: SeedCard
    ref: str
    chance: random.Random
    answers: dict[str, tuple[str, Answer]] = field(default_factory=dict)
    told: dict[str, Told] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)
    """Service of every request, answered or not."""
    _session: Session = field(init=False)
    _playing: commands.Say | None = None
    _over_at: float = 0.0
    _asked: dict[asyncio.Task[Answer], commands.Submit] = field(default_factory=dict)

    async def ring(self, keys: Sequence[str]) -> None:
        """Press groups of keys, each after what is being said, and hang up after the last one."""
        self._session = Session(self.house.release, self.ref, FlowOptions())
        self._do(self._session.receive(events.Started(), self._now()))
        for group in keys:
            if not await self._press(group):
                break
        else:
            await self._listen()
        self._do(self._session.receive(events.HungUp(), self._now()))
        for task in list(self._asked):  # nobody listens any more
            task.add_done_callback(self._late)

    async def _press(self, group: str) -> bool:
        """Whether the call goes on."""
        if group == END:
            await asyncio.sleep(self.chance.uniform(0.0, 2.0))
            return False
        await self._listen()
        keys = self.house.code_for(self.who.card) if group == CODE else group
        for key in keys:
            await asyncio.sleep(KEY_S)
            self._feed(events.KeyPressed(key))
        return self._session.phase is not Phase.ENDED

    async def _listen(self) -> None:
        """Hear everything until a key is waited for."""
        for _ in range(MAX_PROMPTS):
            if self._session.phase is Phase.ENDED or (not self._playing and not self._asked):
                return
            await self._next()

    async def _next(self) -> None:
        """Let time pass to whatever comes first: the end of a prompt, an answer, a timer."""
        due = [self._over_at] if self._playing else []
        due += [at for at in (self._session.wake_at,) if at is not None]
        wait = max(0.0, min(due) - self._now()) if due else None
        if self._asked:
            await asyncio.wait(self._asked, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
        elif wait is not None:
            await asyncio.sleep(wait)
        for task in [one for one in self._asked if one.done()]:
            self._answered(task)
        if self._playing and self._now() >= self._over_at:
            token, self._playing = self._playing.token, None
            self._feed(events.PlayEnded(token, completed=True))
        elif self._session.phase is not Phase.ENDED:
            self._do(self._session.wake(self._now()))

    def _answered(self, task: asyncio.Task[Answer]) -> None:
        submit = self._asked.pop(task)
        if task.cancelled():
            return
        answer = task.result()
        self.answers[self._id(submit.visit)] = (submit.service, answer)
        self._feed(events.ServiceAnswered(submit.visit, answer.exit, answer.data, answer.reference))

    def _late(self, task: asyncio.Task[Answer]) -> None:
        submit = self._asked.pop(task)
        if not task.cancelled():
            self.answers[self._id(submit.visit)] = (submit.service, task.result())

    # -- the session --------------------------------------------------------------------------

    def _feed(self, event: events.Event) -> None:
        playing = self._playing
        if isinstance(event, events.KeyPressed) and playing and event.digit in playing.stop_keys:
            self._playing = None
        if self._session.phase is not Phase.ENDED:
            self._do(self._session.receive(event, self._now()))

    def _do(self, todo: list[commands.Command]) -> None:
        loop = asyncio.get_running_loop()
        for command in todo:
            match command:
                case commands.Say():
                    self._playing, self._over_at = command, self._now() + PROMPT_S
                case commands.Submit():
                    self.asked[self._id(command.visit)] = command.service
                    task = loop.create_task(self.house.processor.submit(self._request(command)))
                    self._asked[task] = command
                case commands.Enqueue(visit):
                    self._soon(events.QueueAnswered(visit, "not_on_duty"))
                case commands.PrepareFax(visit):
                    self._soon(events.FaxPrepared(visit, "not_available"))
                case commands.SendFax(visit):
                    self._soon(events.FaxAnswered(visit, "not_available"))
                case commands.Used(what, customer):
                    self.house.used(self.house.keyring.token(customer), what)
                case commands.Told(visit, exit_name):
                    self._heard(visit, exit_name)
                case _:
                    pass

    def _heard(self, visit: str, exit_name: str) -> None:
        name = self._id(visit)
        service = self.answers[name][0] if name in self.answers else ""
        self.told[name] = Told(service, exit_name)
        self.house.later(self.house.processor.told(name, exit_name))

    def _soon(self, event: events.Event) -> None:
        asyncio.get_running_loop().call_soon(self._feed, event)

    def _request(self, submit: commands.Submit) -> Request:
        card = submit.authenticated
        token = self.house.keyring.token(card) if card is not None else None
        release = self.house.release
        return Request(
            id=self._id(submit.visit),
            service=submit.service,
            contract_version=release.contracts[submit.service].version,
            inputs=submit.inputs,
            actor=token or "caller",
            call=self.ref,
            language=self._session.language,
            auth=submit.auth,
            authenticated_token=token,
            release=release.hash,
        )

    def _id(self, visit: str) -> str:
        return f"{self.ref}-{visit}"

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
