"""One party of a call: its SIP dialog, its media channel, and what the two agreed on."""

from collections.abc import Sequence
from typing import Literal

from telebank import wire
from telebank.calls.security import told
from telebank.calls.services import MediaPlace
from telebank.media.client import MediaChannel
from telebank.sip import Answer, Direction, Negotiation, Refused, SessionDescription
from telebank.sip.protection import DtlsSecurity, Protection

Role = Literal["caller", "teller", "supervisor", "fax"]
Lock = Literal["", "SRTP", "DTLS"]
"""How the audio of a leg is encrypted now; empty: it is not, or not yet."""
CODECS = ("PCMA", "PCMU")


class Leg:
    """Negotiates one audio stream (RFC 3264) and steers its channel.

    Methods that take an offer return what to answer the INVITE or re-INVITE with; the channel is
    changed by `apply`, once the answer is on its way.
    """

    def __init__(
        self,
        role: Role,
        sip: str,
        place: MediaPlace,
        codecs: Sequence[str] = CODECS,
        ptime_ms: int = 20,
        *,
        protection: Protection | None = None,
        learn_from: str = "",
    ) -> None:
        """`codecs` in preference, the packet time of our own offers and `protection` (None: plain
        RTP) are its trunk's; `learn_from`: the host that its signalling comes from."""
        self.role: Role = role
        self._codecs, self._ptime_ms = codecs, ptime_ms
        self.sip = sip
        self.learn_from = learn_from
        self.channel: MediaChannel | None = None
        self.agreed: Answer | None = None
        self.place = place
        self.negotiation = Negotiation(place.advertised, protection)
        self._proved = False
        """The handshake of DTLS is done."""

    @property
    def codec(self) -> str:
        """The codec in use, or empty."""
        return self.agreed.codec if self.agreed is not None else ""

    @property
    def lock(self) -> Lock:
        """How its audio is encrypted."""
        security = self.agreed.security if self.agreed is not None else None
        if isinstance(security, DtlsSecurity):
            return "DTLS" if self._proved else ""
        return "" if security is None else "SRTP"

    def secured(self) -> None:
        """The peer proved its certificate."""
        self._proved = True

    @property
    def silent(self) -> str:
        """Why no offer can be made first; empty: it can."""
        return self.negotiation.protection.policy.silent

    def answer(self, offer: SessionDescription) -> Answer | Refused:
        """Answer an offer, staying with the codec in use where the offer still has it."""
        preferred = sorted(self._codecs, key=lambda codec: codec != self.codec)
        return self._negotiation().answer_speech(offer, self._port, preferred, rtcp_mux=True)

    def offer(self) -> bytes:
        """Our own offer, for an INVITE or re-INVITE that came without one."""
        return self._negotiation().offer_speech(self._port, self._codecs, ptime_ms=self._ptime_ms)

    def read_answer(self, answer: SessionDescription) -> Answer | Refused:
        """What the peer made of our last offer."""
        return self.negotiation.read_speech(answer)

    def read_moved(self, offer: SessionDescription, answer: SessionDescription) -> Answer | Refused:
        """What the peer answers to a refresh, which is a description of ours that is in force."""
        return self.negotiation.read_moved(offer, answer)

    def _negotiation(self) -> Negotiation:
        assert self.channel is not None
        if self.negotiation.fresh:
            self.negotiation.session_id = self.channel.number + 1
        return self.negotiation

    @property
    def _port(self) -> int:
        assert self.channel is not None
        return self.channel.port

    def apply(self, agreed: Answer) -> None:
        """Let the media follow what was agreed."""
        before, self.agreed = self.agreed, agreed
        if before is None or before.security != agreed.security:
            self._proved = False
        if self.channel is not None:
            if before is not None or agreed.hold:  # a channel begins unheld
                self.channel.hold(agreed.hold)
            self._direct(self.channel, agreed, agreed.direction)

    def park(self) -> None:
        """Something else has the call: the channel stays, silent, deaf and without a time-out."""
        if self.channel is not None and self.agreed is not None:
            self.channel.hold(True)
            self._direct(self.channel, self.agreed, "inactive")

    def resume(self) -> None:
        """The call is the channel's again, as it was agreed before."""
        if self.agreed is not None:
            self.apply(self.agreed)

    def _direct(self, channel: MediaChannel, agreed: Answer, direction: Direction) -> None:
        channel.set_remote(
            wire.SetRemote(
                address=agreed.remote[0],
                port=agreed.remote[1],
                codec=agreed.codec,
                payload_type=agreed.payload_type,
                event_type=agreed.event_payload_type,
                ptime_ms=agreed.ptime_ms,
                direction=direction,
                rtcp_mux=agreed.rtcp_mux,
                rtcp_port=agreed.rtcp_port,
                learn_from=self.learn_from,
                security=told(agreed.security, self.negotiation.protection.policy.fingerprint),
            )
        )

    def close(self) -> None:
        """Give the media channel back."""
        if self.channel is not None:
            self.channel.close()
            self.channel = None
