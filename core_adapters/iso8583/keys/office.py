"""Drives the machine of key exchange: security module, network messages and real time."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from core_adapters.hsm.errors import SecurityModuleError
from core_adapters.hsm.kinds import KeyInfo, KeySpec, Usage
from core_adapters.hsm.port import SecurityModule
from core_adapters.iso8583.codec import Codec
from core_adapters.iso8583.errors import DecodeError, EncodeError
from core_adapters.iso8583.format.mac import NEXT
from core_adapters.iso8583.format.message import Message
from core_adapters.iso8583.keys.change import KeyChange
from core_adapters.iso8583.keys.change_types import (
    FAILED,
    NO_SUCH_KEY,
    Adopt,
    AnswerBlock,
    BlockOffered,
    BlockTaken,
    Command,
    Discard,
    Event,
    KeyEvent,
    KeysRead,
    ModuleFailed,
    Offer,
    OfferAnswered,
    OfferUnanswered,
    Retire,
    RotationAsked,
    Stage,
    TakeBlock,
    Tell,
)
from core_adapters.iso8583.keys.found import found
from core_adapters.iso8583.keys.names import KeyNames, mac_algorithms, pin_algorithms
from core_adapters.iso8583.links.driver_types import CODE, NoReply, Refusal
from core_adapters.iso8583.profile import KeyChangeMap
from transactions.clock import Clock

ANSWER_S: Final = 15.0
"""Seconds to wait for the host's answer to a key of ours."""
LONGEST_SLEEP_S: Final = 600.0
"""The wall clock may step, so what is due is looked at so often."""

Ask = Callable[[str, Mapping[int, str], float], Awaitable[Message | NoReply | Refusal]]


class KeyOffice:
    """The keys shared with one host: what it offers, what we offer, what is over."""

    def __init__(
        self,
        codec: Codec,
        module: SecurityModule,
        names: KeyNames,
        *,
        overlap_s: float,
        ask: Ask,
        tell: Callable[[KeyEvent], None],
        clock: Clock,
    ) -> None:
        """`ask` sends a 0800 of ours; `tell` hears what became of a key."""
        profile = codec.profile
        self._codec = codec
        self._module = module
        self._names = names
        self._rules: KeyChangeMap | None = profile.key_change
        self._code = profile.network.key_change
        self._usages = {names.mac: Usage.MAC, names.pin: Usage.PIN}
        self._parts = {"mak": names.mac, "zpk": names.pin}
        wanted = {names.mac: mac_algorithms(profile), names.pin: pin_algorithms(profile)}
        self._machine = KeyChange(wanted, overlap_s)
        self._ask = ask
        self._tell = tell
        self._clock = clock
        self._answer = AnswerBlock(FAILED)
        self._block = ""
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended: dict[str, asyncio.Future[KeyEvent]] = {}
        self._known = tuple(module.list_keys())
        """As they were told of, or found at the start."""

    def start(self) -> None:
        """Take up what an earlier run left: overlaps, keys that were not answered for."""
        self._feed(self._read())

    async def close(self) -> None:
        """Wait for nothing more; what is staged is offered again by the next run."""
        if self._timer is not None:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def reload(self) -> None:
        """See what another process did to the keys, and tell it: every version that is new, has
        another check value, was ended or is gone. Raises `SecurityModuleError`."""
        self._module.reload()
        self._feed(self._read())

    def _read(self, own: str = "") -> KeysRead:
        """What the module holds; what is not our change of `own` is told."""
        infos = tuple(self._module.list_keys())
        for event in found(self._known, infos):
            if not own or event.name not in (own, own + NEXT):
                self._tell(event)
        self._known = infos
        return KeysRead(infos)

    @property
    def exchanged(self) -> tuple[str, ...]:
        """Our names of the keys that this profile exchanges."""
        return tuple(sorted(self._words().values()))

    async def rotate(self, name: str) -> KeyEvent:
        """A new key of ours for `name`, offered to the host; what became of it.

        Raises `LookupError` where the profile has no key exchange or no such key.
        """
        if self._rules is None:
            raise LookupError(f"profile {self._codec.profile.name} has no section key_change")
        if name not in self.exchanged:
            known = ", ".join(self.exchanged)
            raise LookupError(f"{name!r} is not exchanged with this host; {known} are")
        if name in self._ended:
            return KeyEvent(name, "failed", "us", why="a change of it is under way")
        ended: asyncio.Future[KeyEvent] = asyncio.get_running_loop().create_future()
        self._ended[name] = ended
        try:
            self._feed(RotationAsked(name))
            async with asyncio.timeout(ANSWER_S + 1.0):
                return await ended
        except TimeoutError:
            return KeyEvent(name, "open", "us", why="no answer yet; it is offered again")
        finally:
            del self._ended[name]

    def network(self, message: Message) -> Mapping[int, str]:
        """Fields of the 0810 to a key change of the host's (`DriverEvents.network`)."""
        self._answer = AnswerBlock(FAILED)
        if self._rules is None:
            why = f"profile {self._codec.profile.name} has no section key_change"
            self._do([AnswerBlock(NO_SUCH_KEY), Tell(KeyEvent("", "refused", "host", why=why))])
            return {CODE: self._answer.code}
        word, event = self._read_offer(message, self._rules)
        self._feed(event)
        self._block = ""
        answer: dict[int, str] = {CODE: self._answer.code}
        if self._answer.check:
            parts = {self._rules.name: word, self._rules.check: self._answer.check}
            answer[self._rules.carrier] = self._codec.join(self._rules.carrier, parts)
        return answer

    def _read_offer(self, message: Message, rules: KeyChangeMap) -> tuple[str, BlockOffered]:
        """The host's word for the key, and what is in the block; nothing is stored."""
        try:
            parts = self._codec.subfields(message, rules.carrier)
        except DecodeError as error:
            return "", BlockOffered(None, None, problem=str(error))
        word, check = parts.get(rules.name, "").strip(), parts.get(rules.check, "").strip()
        name = self._words().get(word)
        if name is None:
            return word, BlockOffered(None, None, problem="a key name that the profile has not")
        self._block = parts.get(rules.block, "")
        try:
            seen = self._inspect(name)
        except SecurityModuleError as error:
            return word, BlockOffered(name, None, check, str(error))
        return word, BlockOffered(name, seen, check)

    def _inspect(self, name: str) -> KeyInfo:
        usage, under = self._usages[name], self._names.transport
        return self._module.inspect_block(name, usage, self._block, under)

    def _words(self) -> Mapping[str, str]:
        """The host's word for a key to our name."""
        words = self._rules.keys if self._rules is not None else {}
        return {word: self._parts[part] for word, part in words.items() if part in self._parts}

    def _feed(self, event: Event) -> None:
        self._do(self._machine.receive(event, self._now()))

    def _wake(self) -> None:
        self._timer = None
        self._do(self._machine.wake(self._now()))

    def _do(self, commands: list[Command]) -> None:
        for command in commands:
            try:
                self._act(command)
            except SecurityModuleError as error:
                self._failed(command, str(error))
                break
        self._set_timer()

    def _failed(self, command: Command, why: str) -> None:
        name = getattr(command, "name", "")
        if isinstance(command, Retire | Discard):
            # It is tried again; nothing else depends on it.
            self._said(KeyEvent(name, "failed", "us", why=why))
        else:
            self._feed(ModuleFailed(name, why))

    def _act(self, command: Command) -> None:
        match command:
            case AnswerBlock():
                self._answer = command
            case Tell(event=event):
                self._said(event)
            case TakeBlock(name=name):
                self._take(name)
            case Offer(name=name):
                task = asyncio.get_running_loop().create_task(self._offer(name), name="key offer")
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            case Stage() | Adopt() | Discard() | Retire():
                self._change(command)
                self._feed(self._read(own=command.name))

    def _change(self, command: Stage | Adopt | Discard | Retire) -> None:
        name, module = command.name, self._module
        match command:
            case Stage():
                self._stage(name)
            case Adopt():
                block = module.export_key(name + NEXT, self._names.transport)
                kcv = module.check_value(name + NEXT)
                usage, under = self._usages[name], self._names.transport
                module.import_key(name, usage, block, under, rotate=True, kcv=kcv)
                module.discard(name + NEXT)
            case Discard():
                module.discard(name + NEXT)
            case Retire(version=version):
                module.retire(name, version)
                self._said(KeyEvent(name, "retired", "us", version))

    def _stage(self, name: str) -> None:
        """A key like the current one, which may leave; nothing makes anything under it yet."""
        current, staged = self._machine.current(name), name + NEXT
        assert current is not None, "checked when the host was made"
        self._module.check_value(self._names.transport)
        spec = KeySpec(staged, self._usages[name], current.spec.algorithm, exportable=True)
        there = any(info.spec.name == staged for info in self._module.list_keys())
        self._module.generate(spec, rotate=there)

    def _take(self, name: str) -> None:
        usage, under = self._usages[name], self._names.transport
        info = self._module.import_key(name, usage, self._block, under, rotate=True)
        self._feed(self._read(own=name))
        self._feed(BlockTaken(info))

    async def _offer(self, name: str) -> None:
        """Send the staged key and hear what the host says."""
        try:
            fields = self._offer_fields(name)
            end = await self._ask(self._code, fields, ANSWER_S)
        except SecurityModuleError as error:
            self._feed(ModuleFailed(name, str(error)))
            return
        except EncodeError as error:
            self._feed(OfferUnanswered(name, sent=False, why=str(error)))
            return
        match end:
            case Message():
                self._feed(self._heard(name, end))
            case NoReply(reason=why):
                self._feed(OfferUnanswered(name, sent=True, why=why))
            case Refusal(reason=why):
                self._feed(OfferUnanswered(name, sent=False, why=why))

    def _offer_fields(self, name: str) -> Mapping[int, str]:
        assert self._rules is not None, "checked when the rotation was asked for"
        rules = self._rules
        word = next(word for word, ours in self._words().items() if ours == name)
        block = self._module.export_key(name + NEXT, self._names.transport)
        check = self._module.check_value(name + NEXT)
        parts = {rules.name: word, rules.block: block, rules.check: check}
        return {rules.carrier: self._codec.join(rules.carrier, parts)}

    def _heard(self, name: str, reply: Message) -> OfferAnswered:
        assert self._rules is not None, "checked when the rotation was asked for"
        try:
            parts = self._codec.subfields(reply, self._rules.carrier)
        except DecodeError:
            parts = {}
        check = parts.get(self._rules.check, "").strip()
        return OfferAnswered(name, reply.get(CODE) or "", check)

    def _said(self, event: KeyEvent) -> None:
        self._tell(event)
        ended = self._ended.get(event.name)
        if ended is not None and not ended.done() and event.outcome != "retired":
            ended.set_result(event)

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        at = self._machine.wake_at
        if at is not None:
            delay = min(max(0.0, at - self._now()), LONGEST_SLEEP_S)
            self._timer = asyncio.get_running_loop().call_later(delay, self._wake)
