"""The browser of a teller by hand: it offers as browsers do, checks, agrees its keys, and talks.

page = Browser("li", hertz=900.0)
ear = await page.opens(scene.room)        # its line is up; `scene.ears` is to have it
"""

from dataclasses import dataclass, field

import numpy as np

from support.media_bridge import FRAME, Samples, tone
from support.media_dtls import DtlsPeer
from support.teller_scene import Ear
from telebank.calls.tellers.browser_phone import OfferRefused
from telebank.calls.tellers.room import TellerRoom
from telebank.rtp import MalformedRtp, build, is_rtcp, parse
from telebank.sip import SessionDescription
from voice_prompts import g711

UFRAG = "page"
OFFER = (
    "v=0\r\no=- 46117 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF {formats}\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n"
    "a=ice-ufrag:" + UFRAG + "\r\na=ice-pwd:0123456789abcdef0123456789\r\na=ice-options:trickle\r\n"
    "a=fingerprint:sha-256 {fingerprint}\r\na=setup:actpass\r\na=mid:0\r\n{direction}"
    "a=rtcp-mux\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
    "a=rtpmap:126 telephone-event/8000\r\n"
)


def offer(
    fingerprint: str = ":".join(["AB"] * 32),
    formats: str = "0 126",
    direction: str = "a=sendrecv\r\n",
) -> str:
    """As a page of ours makes it."""
    return OFFER.format(fingerprint=fingerprint, formats=formats, direction=direction)


class DtlsTalker(DtlsPeer):
    """A `support.media_bridge.Talker` over DTLS-SRTP, PCMU."""

    def __init__(self) -> None:
        super().__init__(1)
        self.payload_type = 0
        self.sound: Samples = tone(400.0)
        self.heard: list[bytes] = []
        self._at = 0

    def say(self, sound: Samples) -> None:
        whole = len(sound) // FRAME * FRAME
        self.sound, self._at = sound[:whole], 0

    def speak(self) -> None:
        frame = self.sound[self._at : self._at + FRAME]
        self._at = (self._at + FRAME) % len(self.sound)
        self.timestamp += FRAME
        self.send(build(self.packet(0, g711.encode(frame, "pcmu").tobytes())))

    def listen(self) -> None:
        while True:
            try:
                data = self.socket.recv(2_048)
            except BlockingIOError:
                return
            if data[0] < 128 or is_rtcp(data):
                continue
            try:
                self.heard.append(parse(self.into.unprotect(data)).payload)
            except MalformedRtp:
                continue

    @property
    def audio(self) -> Samples:
        """All that was heard, in samples."""
        return g711.decode(np.frombuffer(b"".join(self.heard), np.uint8), "pcmu")


@dataclass
class Browser:
    """Of one seat."""

    seat: str
    hertz: float
    legs: list[DtlsTalker] = field(default_factory=list)

    async def offers(self, room: TellerRoom) -> DtlsTalker:
        """A new connection, which is answered; nothing is checked yet."""
        leg = DtlsTalker()
        leg.say(tone(self.hertz))
        answer = await room.offer(self.seat, offer(leg.fingerprint), "127.0.0.1")
        assert not isinstance(answer, OfferRefused), answer
        said = SessionDescription.parse(answer.encode())
        assert said.audio is not None
        leg.to = ("127.0.0.1", said.audio.port)
        attributes = dict(said.media[0].attributes)
        leg.ufrag, leg.theirs = UFRAG, attributes["ice-ufrag"]
        leg.password = attributes["ice-pwd"]
        self.legs.append(leg)
        return leg

    async def opens(self, room: TellerRoom) -> Ear:
        """A new connection that is up."""
        leg = await self.offers(room)
        await leg.nominate()
        await leg.shake()
        return Ear(leg, self.hertz)  # type: ignore[arg-type]  # a Talker in all but its base

    def close(self) -> None:
        """All its sockets."""
        for leg in self.legs:
            leg.close()
