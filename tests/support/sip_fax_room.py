"""One leg with a fax switch on it: a real user agent, a peer of raw messages, a fake clock."""

import re
from dataclasses import dataclass, field

from support.sip_line import Line
from telebank.sip import (
    AnswerOffer,
    CallOffered,
    Command,
    FaxPorts,
    FaxSwitch,
    Finished,
    HangUp,
    Move,
    Negotiation,
    Offer,
    RefuseOffer,
    RunAudio,
    RunT38,
    SendDatagram,
    SipOptions,
    Speak,
    SwitchCommand,
    SwitchEvent,
    Withdraw,
)

HEAD = "v=0\r\no=- 1 {version} IN IP4 192.0.2.20\r\ns=-\r\nc=IN IP4 192.0.2.20\r\nt=0 0\r\n"
AUDIO, NO_AUDIO = "m=audio 40000 RTP/AVP 8", "m=audio 0 RTP/AVP 8"
IMAGE, NO_IMAGE = "m=image 6000 udptl t38", "m=image 0 udptl t38"
T38, G711 = "RunT38 192.0.2.20:6000", "RunAudio 192.0.2.20:40000 PCMA"
AUDIO_PORT, T38_PORT, SPEECH_PORT = 30002, 30004, 30000


def sdp(*lines: str, version: int = 2) -> str:
    return HEAD.format(version=version) + "".join(f"{line}\r\n" for line in lines)


@dataclass
class Room:
    """One leg with a fax switch on it; every method returns what was done, in words."""

    way: str = "auto"
    receiving: bool = False
    speech: bool = True
    line: Line = field(default_factory=lambda: Line(SipOptions(max_glare_retries=2)))
    unacked: int = 0
    """CSeq of the peer's INVITE without a session whose 200 it has not acknowledged."""
    hung_up: bool = False
    """The switch wanted the call ended."""

    def __post_init__(self) -> None:
        self.negotiation = Negotiation("192.0.2.10")
        ports = FaxPorts(AUDIO_PORT, T38_PORT, SPEECH_PORT if self.speech else None)
        self.switch = FaxSwitch(
            self.negotiation, ports, self.way, receiving=self.receiving,  # type: ignore[arg-type]
            codec="PCMA" if self.speech else "",
        )  # fmt: skip

    # -- the world ----------------------------------------------------------------------------

    def tell(self, event: SwitchEvent) -> list[str]:
        return self._do(self.switch.receive(event, self.line.now))

    def hears(self, raw: str) -> list[str]:
        self.line.hears(raw)
        return self._facts()

    def wait(self, seconds: float) -> list[str]:
        end, done = self.line.now + seconds, []
        while True:
            times = [at for at in (self.line.agent.wake_at, self.switch.wake_at) if at is not None]
            if not times or min(times) > end:
                break
            self.line.now = max(self.line.now, min(times))
            self.line.did(self.line.agent.wake(self.line.now))
            done += self._facts()
            done += self._do(self.switch.wake(self.line.now))
        self.line.now = end
        return done

    def _facts(self) -> list[str]:
        """What the agent did just now; its facts go to the switch."""
        commands, self.line.commands = self.line.commands, []
        done: list[str] = []
        for command in commands:
            done += self._sent(command)
            if not isinstance(command, SendDatagram):
                done += self.tell(command)
        return done

    def _sent(self, command: Command) -> list[str]:
        if not isinstance(command, SendDatagram):
            return []
        first, _, rest = command.data.decode().partition("\r\n")
        word = first.split(" ")[1 if first.startswith("SIP/2.0") else 0]
        media = re.findall(r"^m=(\w+ \d+)", rest, re.MULTILINE)
        return [" ".join([">", word, *(item for item in media if not item.endswith(" 0"))])]

    def _do(self, commands: list[SwitchCommand]) -> list[str]:
        return [text for command in commands for text in self._one(command)]

    def _one(self, command: SwitchCommand) -> list[str]:
        agent, leg, now = self.line.agent, self.line.leg, self.line.now
        match command:
            case Offer():
                self.line.did(agent.reoffer(leg, command.sdp, now))
            case AnswerOffer():
                self.line.did(agent.answer(leg, command.sdp, now))
            case RefuseOffer():
                self.line.did(agent.refuse(leg, command.status, now))
            case Withdraw():
                self.line.did(agent.withdraw(leg, now))
            case HangUp():
                self.hung_up = True
                self.line.did(agent.hang_up(leg, now))
            case RunT38():
                size = f" max {command.max_datagram}" if command.max_datagram else ""
                return [f"RunT38 {command.remote[0]}:{command.remote[1]}{size}"]
            case RunAudio():
                return [f"RunAudio {command.remote[0]}:{command.remote[1]} {command.codec}"]
            case Move():
                return [f"Move {command.remote[0]}:{command.remote[1]}"]
            case Speak():
                return [f"Speak {command.agreed.remote[1]}"]
            case Finished():
                return [f"Finished {command.reason}".strip()]
        return self._facts()

    # -- the peer -----------------------------------------------------------------------------

    def live(self) -> None:
        """A caller in his menus."""
        line = self.line
        line.hears(line.invite())
        offered = next(c for c in line.commands if isinstance(c, CallOffered))
        assert offered.offer is not None
        agreed = self.negotiation.answer_speech(offered.offer, SPEECH_PORT)
        line.did(line.agent.answer(line.leg, getattr(agreed, "sdp", b""), line.now))
        line.hears(line.request("ACK"))
        line.commands.clear()

    def answers(self, *lines: str) -> list[str]:
        """200 to our re-INVITE."""
        return self.hears(self._reply(200, sdp(*lines)))

    def refuses(self, status: int) -> list[str]:
        return self.hears(self._reply(status, ""))

    def _reply(self, status: int, body: str) -> str:
        ours = next(m for m in reversed(self.line.sent) if m.startswith(b"INVITE"))
        return self.line.reply(ours, status, body=body)

    def offers(self, *lines: str, version: int = 2, body: str | None = None) -> list[str]:
        """A re-INVITE of the peer, and its ACK where it is accepted."""
        self.line.cseq += 1
        text = sdp(*lines, version=version) if body is None else body
        done = self.hears(self.line.request("INVITE", body=text))
        if any(word.startswith("> 200") for word in done):
            done += self.hears(self.line.request("ACK"))
        return [word for word in done if word != "> 100"]

    def re_invites(self) -> list[str]:
        """Without a session: ours is to be offered in the 200. What `acks` brings is its answer."""
        self.line.cseq += 1
        done = [word for word in self.hears(self.line.request("INVITE")) if word != "> 100"]
        if any(word.startswith("> 200") for word in done):
            self.unacked = self.line.cseq
        return done

    def acks(self, *lines: str) -> list[str]:
        cseq, self.unacked = self.unacked, 0
        return self.hears(self.line.request("ACK", body=sdp(*lines), cseq=cseq))

    def bye(self) -> list[str]:
        self.line.cseq += 1
        return self.hears(self.line.request("BYE"))


def taken(room: Room, body: str) -> list[str]:
    """A call of theirs, and its ACK."""
    done = room.hears(room.line.invite(body))
    return [*done, *room.hears(room.line.request("ACK"))]
