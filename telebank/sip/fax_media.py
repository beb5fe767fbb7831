"""What one leg of a fax has agreed on: the voice, fax over T.38 or fax over G.711, one after the
other; our offers of them, and what runs by the last agreement. A fax goes in the clear, by either
way: who may not have that is not sent one (`[trunks.NAME] media`)."""

from telebank.sip.fax_events import FaxPorts, Move, Offered, RunAudio, RunT38
from telebank.sip.negotiation import CODECS, Negotiation
from telebank.sip.sdp import NOWHERE, Answer, Refused, SessionDescription
from telebank.sip.t38 import T38Agreed

Run = RunT38 | RunAudio | Move


class FaxMedia:
    """Who asks for what and when is the switch's to know."""

    def __init__(self, session: Negotiation, ports: FaxPorts, codec: str) -> None:
        """`codec` is the one in use, empty where none is yet."""
        self.session = session
        self.voice = ports.speech
        """Port of the voice that the call goes back to, if it does."""
        self.open: Offered | None = "speech" if session.awaits else None
        """Our offer that has no answer yet, in a re-INVITE of ours or in a 200: until then no
        other is made."""
        self.speech_agreed = ports.speech is not None
        self.audio: RunAudio | None = None
        """What fax over G.711 runs with."""
        self._ports = ports
        self._codecs: tuple[str, ...] = (codec,) if codec else CODECS
        self._t38: RunT38 | None = None

    def offer(self, about: Offered, *, begins: bool) -> bytes:
        """Our offer; `begins`: of a call that has no fax yet."""
        self.open = about
        if about == "t38":
            return self.session.offer_fax(self._ports.t38)
        if about == "speech" and self.voice is not None:
            return self.session.offer_speech(self.voice)
        codecs = self._codecs if begins else self._codecs[:1]
        return self.session.offer_speech(self._ports.audio, codecs, events=False, clear=True)

    def refused(self, *, sent: bool) -> None:
        """Our offer agrees to nothing; see `Negotiation.refused`."""
        self.open = None
        self.session.refused(sent=sent)

    def answered(self) -> Offered | None:
        """What the offer of ours was about that has its answer now."""
        offered, self.open = self.open, None
        return offered

    def answer_t38(self, offer: SessionDescription) -> T38Agreed | Refused:
        """Take the T.38 of their offer."""
        return self.session.answer_fax(offer, self._ports.t38)

    def answer_audio(self, offer: SessionDescription, *, voice: bool) -> Answer | Refused:
        """Take the audio of their offer, for the voice or for a fax: that has one codec from its
        beginning on."""
        if voice and self.voice is not None:
            return self.session.answer_speech(offer, self.voice, CODECS)
        return self.session.answer_speech(offer, self._ports.audio, self._codecs, clear=True)

    def gone(self) -> None:
        """No audio is agreed any more: it has to be offered anew."""
        self.speech_agreed, self.audio = False, None

    def run_t38(self, agreed: T38Agreed, *, wanted: bool) -> list[Run]:
        """What to run now that T.38 is agreed, where a terminal is `wanted` still."""
        self.gone()
        before, now = self._t38, RunT38(agreed.remote, agreed.max_datagram)
        if not wanted or (before is not None and before.remote == now.remote):
            return []
        self._t38 = now
        return [now if before is None else Move(now.remote)]

    def run_audio(self, agreed: Answer, *, wanted: bool) -> list[Run]:
        """The same of G.711. Who has nowhere to send to does not begin: a call on hold (c=0.0.0.0)
        waits for the offer that ends the hold."""
        self.speech_agreed, self._codecs = False, (agreed.codec,)
        before, now = self.audio, RunAudio(agreed.remote, agreed.codec)
        if not wanted or agreed.remote[0] in NOWHERE or now == before:
            return []
        self.audio = now
        return [now if before is None else Move(now.remote)]
