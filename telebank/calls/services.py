"""What every call on a node shares, handed to it whole."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from telebank import wire
from telebank.calls.endpoint import Endpoint
from telebank.calls.options import CallOptions
from telebank.calls.recorder import Recorder
from telebank.flow.commands import Say
from telebank.flow.load import Release
from telebank.media.client import MediaWorkers
from telebank.sip import Answer, Refused, SessionDescription, make_offer, read_answer
from transactions.answer import Answer as ServiceAnswer
from transactions.card import CardNumber, CardVault, SealedCard
from transactions.contract import Contracts
from transactions.outcome import Value
from transactions.request import Request
from transactions.secret import Secret
from voice_prompts.speaker import MissingClips, Speaker
from voice_prompts.values import ReadingError

ROW_GAP = 8 * 700
"""Silence after a row that was read out, in samples: two rows are never heard as one."""
SENTENCE_GAP = 8 * 250
"""Silence between two prompts said together or in a row, in samples."""


class Unspeakable(Exception):  # noqa: N818 - reads as what it is
    """A value of the host, or a text, that cannot be said; names the prompt, never the value."""


class RequestProcessor(Protocol):
    """The processor as a call sees it."""

    async def submit(self, request: Request) -> ServiceAnswer:
        """Ask for a service; the work goes on when the caller goes away."""
        ...

    async def told(self, request_id: str, exit_name: str) -> None:
        """The caller has heard the result."""
        ...


class SipActs:
    """The user agent's acts on one leg, carried out at once."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def answer(self, leg: str, sdp: bytes) -> None:
        """200 with an answer or an offer."""
        self._endpoint.perform(self._endpoint.agent.answer(leg, sdp, self._endpoint.now()))

    def refuse(self, leg: str, status: int) -> None:
        """A final refusal of an INVITE or re-INVITE."""
        self._endpoint.perform(self._endpoint.agent.refuse(leg, status, self._endpoint.now()))

    def hang_up(self, leg: str, reason: str = "") -> None:
        """BYE, or what the leg's state asks for instead."""
        now = self._endpoint.now()
        self._endpoint.perform(self._endpoint.agent.hang_up(leg, now, reason=reason))


@dataclass(slots=True)
class CallServices:
    """One node's parts as its calls use them."""

    node_id: str
    options: CallOptions
    endpoint: Endpoint
    act: SipActs
    media: MediaWorkers
    speaker: Speaker
    processor: RequestProcessor
    contracts: Contracts
    vault: CardVault
    recorder: Recorder
    release: Release
    advertised: str
    """Address in our SDP."""
    media_address: str
    """Address that media sockets bind."""
    forget: Callable[[str], None]
    """Takes the SIP leg of a call that is over."""
    told: Callable[[str, str], None]
    media_stats: Callable[[str, wire.Stats], None]

    def segments(self, say: Say) -> tuple[tuple[int, int], ...]:
        """The clips and pauses of everything said at once.

        Raises `Unspeakable` where a value has no reading or one `Play` cannot carry it all.
        """
        joined: list[tuple[int, int]] = []
        for spoken in say.prompts:
            if joined:
                joined.append((-1, SENTENCE_GAP))
            values = {name: _speakable(value) for name, value in spoken.values.items()}
            try:
                said = self.speaker.render(spoken.prompt_id, values, say.language)
            except (ReadingError, MissingClips) as error:
                raise Unspeakable(f"{spoken.prompt_id}: {type(error).__name__}") from error
            joined += said.segments
        if say.more:
            joined.append((-1, ROW_GAP))
        if len(joined) > wire.MAX_SEGMENTS:
            raise Unspeakable(f"{say.prompts[0].prompt_id}: {len(joined)} clips and pauses")
        return tuple(joined)

    def offer(self, port: int, session_id: int = 1, version: int = 1) -> bytes:
        """Our own offer, for an INVITE or re-INVITE that came without one."""
        return make_offer(self.advertised, port, session_id=session_id, version=version)

    def read_answer(self, port: int, answer: SessionDescription) -> Answer | Refused:
        """What the peer made of that offer."""
        return read_answer(SessionDescription.parse(self.offer(port)), answer)


def _speakable(value: Value) -> Value:
    """A card number is spoken from its masked form; nothing secret is ever spoken."""
    assert not isinstance(value, Secret)
    return value.masked if isinstance(value, CardNumber | SealedCard) else value
