"""One party of a call: its SIP dialog, its media channel, and what the two agreed on."""

from typing import Literal

from telebank import wire
from telebank.calls.services import CallServices
from telebank.media.client import MediaChannel
from telebank.sip import Answer, Refused, SessionDescription, answer_audio

Role = Literal["caller", "teller", "supervisor", "fax"]
CODECS = ("PCMA", "PCMU")


class Leg:
    """Negotiates one audio stream (RFC 3264) and steers its channel.

    Methods that take an offer return what to answer the INVITE or re-INVITE with; the channel is
    changed by `apply`, once the answer is on its way.
    """

    def __init__(self, role: Role, sip: str, shell: CallServices) -> None:
        self.role: Role = role
        self.sip = sip
        self.channel: MediaChannel | None = None
        self.agreed: Answer | None = None
        self._shell = shell
        self._version = 0

    @property
    def codec(self) -> str:
        """The codec in use, or empty."""
        return self.agreed.codec if self.agreed is not None else ""

    def answer(self, offer: SessionDescription) -> Answer | Refused:
        """Answer an offer, staying with the codec in use where the offer still has it."""
        assert self.channel is not None
        self._version += 1
        preferred = sorted(CODECS, key=lambda codec: codec != self.codec)
        return answer_audio(
            offer,
            self._shell.advertised,
            self.channel.port,
            preferred,
            session_id=self.channel.number + 1,
            version=self._version,
        )

    def offer(self) -> bytes:
        """Our own offer, for an INVITE or re-INVITE that came without one."""
        assert self.channel is not None
        self._version += 1
        return self._shell.offer(self.channel.port, self.channel.number + 1, self._version)

    def read_answer(self, answer: SessionDescription) -> Answer | Refused:
        """What the peer made of our last offer."""
        assert self.channel is not None
        return self._shell.read_answer(self.channel.port, answer)

    def apply(self, agreed: Answer) -> None:
        """Let the media follow what was agreed."""
        self.agreed = agreed
        if self.channel is None:
            return
        self.channel.hold(agreed.hold)
        self.channel.set_remote(
            wire.SetRemote(
                address=agreed.remote[0],
                port=agreed.remote[1],
                codec=agreed.codec,
                payload_type=agreed.payload_type,
                event_type=agreed.event_payload_type,
                ptime_ms=agreed.ptime_ms,
                direction=agreed.direction,
                rtcp_mux=agreed.rtcp_mux,
            )
        )

    def close(self) -> None:
        """Give the media channel back."""
        if self.channel is not None:
            self.channel.close()
            self.channel = None
