"""A call's way from speech to fax and back: who offers what, and what a refusal leads to.

T.38 first, and where that is refused or declined the same call goes on with fax over G.711 (ITU-T
T.38 Annex D; T.30 over clear audio). The terminal itself, and the voice, are somebody else's: this
machine only says when they run.
"""

from telebank.sip.events import (
    CallAnswered,
    CallConfirmed,
    CallEnded,
    CallOffered,
    CallRefused,
    OfferAnswered,
    OfferReceived,
    OfferRefused,
)
from telebank.sip.fax_events import (
    ASKING,
    MOVES,
    AnswerOffer,
    FaxEnded,
    FaxNegotiated,
    FaxPorts,
    FaxState,
    FaxWanted,
    Finished,
    HangUp,
    Offer,
    Offered,
    RefuseOffer,
    Speak,
    SwitchCommand,
    SwitchEvent,
    SwitchTimes,
    T38Way,
    ToneHeard,
    Withdraw,
)
from telebank.sip.fax_media import FaxMedia
from telebank.sip.negotiation import Negotiation
from telebank.sip.sdp import Answer, Refused, SessionDescription
from telebank.sip.statuses import DEAD_DIALOG, GLARE
from telebank.sip.t38 import T38Agreed
from telebank.sip.transaction import IllegalTransition

_S = FaxState

ENDED_THERE = "the other side ended the fax"


class FaxSwitch:
    """Of one leg, from the wish for a fax until speech is back or the call has ended.

    A caller's call begins with `FaxWanted`, a call of ours with its `CallAnswered` (whose INVITE
    held `Negotiation.offer_speech(ports.audio, events=False)`), one that we receive with its
    `CallOffered`. Facts that do not matter are passed over.
    """

    def __init__(
        self,
        negotiation: Negotiation,
        ports: FaxPorts,
        way: T38Way = "auto",
        *,
        receiving: bool,
        codec: str = "",
        times: SwitchTimes | None = None,
    ) -> None:
        """`codec` is the one in use in a caller's call; `receiving`: pages come to us."""
        self.state = FaxState.SPEECH
        self.wake_at: float | None = None
        self._media = FaxMedia(negotiation, ports, codec)
        self._way: T38Way = way
        self._receiving = receiving
        self._times = times or SwitchTimes()
        self._now = 0.0
        self._tries = 0
        self._refused = self._past_b = self._done = False
        self._reason = ""
        self._out: list[SwitchCommand] = []

    def receive(self, event: SwitchEvent, now: float) -> list[SwitchCommand]:
        """Take a fact."""
        self._now = now
        if self.state is not _S.OVER:
            self._take(event)
        elif isinstance(event, OfferReceived):
            self._out.append(RefuseOffer(488))
        return self._give()

    def wake(self, now: float) -> list[SwitchCommand]:
        """Make the offer that is due by `now`."""
        self._now = now
        if self.wake_at is not None and self.wake_at <= now:
            self.wake_at = None
            if self.state is _S.AUDIO and self._media.open is None:
                self._begin(_S.ASKING_T38)
            else:
                self._ask()
        return self._give()

    def _give(self) -> list[SwitchCommand]:
        out, self._out = self._out, []
        return out

    def _take(self, event: SwitchEvent) -> None:
        """Facts of the user agent; all that it says of this leg may come."""
        match event:
            case CallOffered(offer=offer):
                self._theirs(offer)
            case OfferReceived(offer=offer):
                self._asked(offer)
            case CallConfirmed(answer=answer):
                self._confirmed(answer)
            case CallAnswered(answer=answer):
                self._audio_answered(answer)
            case OfferAnswered(answer=answer):
                self._answered(answer)
            case OfferRefused(status=status, sent=sent):
                self._offer_refused(status, sent=sent)
            case CallEnded() | CallRefused():
                self._finish("")
            case _:
                self._told(event)

    def _told(self, event: SwitchEvent) -> None:
        """Of the caller's wish, and of the terminal."""
        match event:
            case FaxWanted():
                self._begin(_S.ASKING_T38 if self._way == "auto" else _S.ASKING_AUDIO)
            case ToneHeard():
                self._heard()
            case FaxNegotiated():
                self._negotiated()
            case FaxEnded():
                self._ended()

    def _negotiated(self) -> None:
        """Terminals that agreed over G.711 stay there: T.38 is asked for no more."""
        self._past_b = True
        if self.state is _S.AUDIO:
            self.wake_at = None
        elif self.state is _S.ASKING_T38 and self._media.audio is not None:
            if self._media.open is None:
                self._move(_S.AUDIO)
            else:
                self._out.append(Withdraw())

    # -- our offers ---------------------------------------------------------------------------

    def _begin(self, state: FaxState) -> None:
        self._move(state)
        self._tries = 0
        self._ask()

    def _ask(self) -> None:
        if self._media.open is not None:
            self._again()
        elif self.state in ASKING:
            self._out.append(Offer(self._session()))

    def _session(self) -> bytes:
        """The offer of what the state is about."""
        return self._media.offer(self._subject(), begins=self.state is _S.SPEECH)

    def _subject(self) -> Offered:
        if self.state in (_S.ASKING_T38, _S.T38):
            return "t38"
        speaks = self._media.voice is not None and self.state in (_S.SPEECH, _S.RETURNING)
        return "speech" if speaks else "audio"

    def _offer_refused(self, status: int, *, sent: bool) -> None:
        if self._media.open is None or status in DEAD_DIALOG:
            return
        self._media.refused(sent=sent)
        if self._done and self.state is not _S.RETURNING:
            self._go_back()
        elif self.state is _S.ASKING_T38 and self._past_b and self._media.audio is not None:
            self._move(_S.AUDIO)
        elif not sent:
            self._again()
        elif status == GLARE and self._tries < self._times.tries:
            self._once_more()
        else:
            self._refused_for_good(status)

    def _refused_for_good(self, status: int) -> None:
        if self.state is _S.ASKING_T38:
            self._no_t38()
        elif self.state is _S.ASKING_AUDIO:
            self._fail(f"fax was refused with {status}")
        elif self._tries == 0:
            self._once_more()
        else:
            self._lost(f"speech was refused with {status} after the fax")

    def _once_more(self) -> None:
        self._tries += 1
        self._again()

    def _again(self) -> None:
        """Later. No try of theirs: what our own agent has open ends by its timers."""
        self.wake_at = self._now + self._times.again_s

    def _no_t38(self) -> None:
        """The other side will not: fax over G.711, in the same call."""
        self._refused = True
        if self._media.audio is not None:
            self._move(_S.AUDIO)
        else:
            self._begin(_S.ASKING_AUDIO)

    def _answered(self, answer: SessionDescription) -> None:
        """To a re-INVITE of ours, or to our offer in the 200 to one that held none."""
        match self._media.answered():
            case "t38":
                self._t38_answered(answer)
            case "audio":
                self._audio_answered(answer)
            case "speech":
                self._speech_answered(answer)

    def _t38_answered(self, answer: SessionDescription) -> None:
        agreed = self._media.session.read_fax(answer)
        if isinstance(agreed, T38Agreed):
            self._run_t38(agreed)
            return
        self._media.gone()  # with our offer
        if self.state is _S.T38:
            self._fail(ENDED_THERE)
        elif self._done:
            self._go_back()
        else:
            self._no_t38()

    def _audio_answered(self, answer: SessionDescription) -> None:
        agreed = self._media.session.read_speech(answer)
        if isinstance(agreed, Refused):
            self._media.speech_agreed = False
            self._fail(agreed.why)
        else:
            self._run_audio(agreed)

    def _speech_answered(self, answer: SessionDescription) -> None:
        agreed = self._media.session.read_speech(answer)
        if isinstance(agreed, Refused):
            self._lost(agreed.why)
        elif self.state is _S.RETURNING:
            self._spoken(agreed)
        else:
            self._out.append(Speak(agreed))
            if self._done:
                self._go_back()

    # -- the other side's offers --------------------------------------------------------------

    def _asked(self, offer: SessionDescription | None) -> None:
        if self.state in ASKING:  # ours waits after a 491, and is to be made anew after theirs
            self._out.append(Withdraw())
            self._media.open = None
            self._again()
        if offer is not None and (again := self._media.session.repeated(offer)):
            self._out.append(AnswerOffer(again))
        else:
            self._theirs(offer)

    def _theirs(self, offer: SessionDescription | None) -> None:
        """An INVITE of theirs, which may leave the offer to us."""
        if offer is None:
            self._out.append(AnswerOffer(self._session()))
        else:
            self._offered(offer)

    def _offered(self, offer: SessionDescription) -> None:
        image = offer.image
        if image is not None and image.port and self._takes_t38():
            agreed = self._media.answer_t38(offer)
            if isinstance(agreed, T38Agreed):
                self._out.append(AnswerOffer(agreed.sdp))
                self._run_t38(agreed)
                return
        audio = offer.audio
        if audio is None or not audio.port:
            self._out.append(RefuseOffer(488))
        else:
            self._speech_offered(offer)

    def _takes_t38(self) -> bool:
        if self._way == "never" or self.state is _S.RETURNING:
            return False
        return self.state is _S.T38 or not self._past_b

    def _speech_offered(self, offer: SessionDescription) -> None:
        """Audio alone: hold, another address, or the way back from T.38."""
        back = self.state in (_S.T38, _S.RETURNING)
        runs = self._media.audio is not None or self.state is _S.AUDIO
        voice = self._media.voice is not None and (back or not runs)
        agreed = self._media.answer_audio(offer, voice=voice)
        if isinstance(agreed, Refused):
            self._out.append(RefuseOffer(agreed.status))
            return
        self._out.append(AnswerOffer(agreed.sdp))
        if back:
            self._reason = self._reason or ENDED_THERE
            self._spoken(agreed)
        elif voice:
            self._media.speech_agreed = True
            self._out.append(Speak(agreed))
        else:
            self._run_audio(agreed)

    def _confirmed(self, answer: SessionDescription | None) -> None:
        """The ACK of a call that we take: from now on we may ask."""
        if answer is not None:
            self._answered(answer)
        if self.state is _S.AUDIO and self._may_ask():
            self.wake_at = self._now + self._times.receiving_s

    # -- what runs ----------------------------------------------------------------------------

    def _run_t38(self, agreed: T38Agreed) -> None:
        if self.state is not _S.T38:
            self._move(_S.T38)
        self._out += self._media.run_t38(agreed, wanted=not self._done)
        if self._done:
            self._go_back()

    def _run_audio(self, agreed: Answer) -> None:
        if self.state not in (_S.AUDIO, _S.ASKING_T38):
            self._move(_S.AUDIO)
            waits = self._may_ask() and not self._receiving
            self.wake_at = self._now + self._times.silence_s if waits else None
        self._out += self._media.run_audio(agreed, wanted=not self._done)
        if self._done and self.state is _S.AUDIO:
            self._go_back()

    def _may_ask(self) -> bool:
        return self._way == "auto" and not (self._refused or self._past_b)

    def _heard(self) -> None:
        """The other fax is there: it has a moment to ask, where that is for it to do."""
        if self.state is not _S.AUDIO or self.wake_at is None:
            return
        wait = 0.0 if self._receiving else self._times.tone_s
        self.wake_at = min(self.wake_at, self._now + wait)

    # -- the end ------------------------------------------------------------------------------

    def _ended(self) -> None:
        """The terminal is through; an offer of ours that is out is waited for first."""
        self._done = True
        if self.state is _S.RETURNING:
            return
        if self._media.open is None or (self.state is _S.SPEECH and self._media.voice is None):
            self._go_back()
        else:
            self._out.append(Withdraw())

    def _fail(self, reason: str) -> None:
        self._reason = reason
        self._go_back()

    def _go_back(self) -> None:
        if self._media.voice is None or self._media.speech_agreed:
            self._finish(self._reason)
        else:
            self._begin(_S.RETURNING)

    def _spoken(self, agreed: Answer) -> None:
        if self._media.voice is not None:
            self._out.append(Speak(agreed))
        self._finish(self._reason)

    def _lost(self, reason: str) -> None:
        self._out.append(HangUp(reason))
        self._finish(self._reason or reason)

    def _finish(self, reason: str) -> None:
        self._move(_S.OVER)
        self._out.append(Finished(reason))

    def _move(self, state: FaxState) -> None:
        if state not in MOVES[self.state]:
            raise IllegalTransition(f"a fax cannot go from {self.state.name} to {state.name}")
        self.state, self.wake_at = state, None
