"""The fax switch, whatever both sides do and in whatever order: it finishes once."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from support.sip_fax_room import AUDIO, IMAGE, NO_AUDIO, NO_IMAGE, SPEECH_PORT, Room, sdp, taken
from support.sip_line import NOTHING, SDP
from telebank.sip import (
    FaxEnded,
    FaxNegotiated,
    FaxState,
    FaxWanted,
    SwitchEvent,
    ToneHeard,
)

# -- whatever they do -------------------------------------------------------------------------

SAID = {
    "image": (NO_AUDIO, IMAGE), "declined": (NO_AUDIO, NO_IMAGE), "audio": (AUDIO, NO_IMAGE),
    "hold": (AUDIO, "a=sendonly"), "moved": ("m=audio 40010 RTP/AVP 8", "m=image 6010 udptl t38"),
    "odd": ("m=video 5 RTP/AVP 31",),
}  # fmt: skip
TOLD: dict[str, SwitchEvent] = {
    "ended": FaxEnded(), "negotiated": FaxNegotiated(), "tone": ToneHeard("V21"),
}  # fmt: skip
ANSWERS = [f"200 {what}" for what in SAID] + [f"{status} no" for status in (488, 491, 500)]
ACTS = [
    *ANSWERS, *(f"re {what}" for what in SAID), "re none", "re-INVITE",
    *(f"ACK {what}" for what in SAID), "wait 0.6", "wait 1", "wait 5", *TOLD,
]  # fmt: skip


def act(room: Room, name: str) -> list[str]:
    verb, _, what = name.partition(" ")
    if verb in TOLD:
        return room.tell(TOLD[verb])
    if verb == "wait":
        return room.wait(float(what))
    if verb == "re":
        lines = SAID.get(what, ())
        return room.offers(body=sdp(*lines, version=room.line.cseq) if lines else "")
    if verb == "re-INVITE":
        return room.re_invites()
    return answer(room, verb, what)


def answer(room: Room, verb: str, what: str) -> list[str]:
    if verb == "ACK":
        return room.acks(*SAID[what]) if room.unacked else []
    if not any(message.startswith(b"INVITE") for message in room.line.sent):
        return []  # nothing to answer yet
    return room.answers(*SAID[what]) if verb == "200" else room.refuses(int(verb))


def refuses_speech(room: Room, name: str) -> bool:
    """Whether an act says no to the voice that we offered last."""
    verb, _, what = name.partition(" ")
    ours = b"SIP/2.0 200" if verb == "ACK" else b"INVITE"
    sent = [message for message in room.line.sent if message.startswith(ours)]
    no = what not in ("audio", "hold", "moved") and (verb == "ACK" or verb.isdigit())
    return no and bool(sent) and b"m=audio %d " % SPEECH_PORT in sent[-1]


def go(room: Room, acts: list[str]) -> list[str]:
    """A fax is begun, and all that follows; the call is ended by us where speech is refused, and
    for nothing else."""
    done: list[str] = []
    if room.speech:
        room.live()
        done += room.tell(FaxWanted())
    else:
        done += taken(room, SDP)
    for name in acts:
        refused, before = refuses_speech(room, name), room.hung_up
        done += act(room, name)
        assert refused or room.hung_up == before
    return done


WORLDS = st.sampled_from(("auto", "never", "peer")), st.booleans()


@settings(max_examples=200, deadline=None)
@given(*WORLDS, st.lists(st.sampled_from(ACTS), max_size=14))
@example("auto", True, ["200 image", "re-INVITE", "ended", "ACK image"])
@example("auto", True, ["491 no", "re-INVITE", "ACK declined", *["wait 5"] * 3, "200 audio"])
def test_no_order_of_things_breaks_it_and_it_finishes_once(
    way: str, speech: bool, acts: list[str]
) -> None:
    room = Room(way, receiving=not speech, speech=speech)
    done = go(room, acts)
    done += room.tell(FaxEnded())
    if speech and room.switch.state is FaxState.OVER and "> BYE" not in done:
        heard = [word for word in done if word.startswith(("Run", "Speak"))]
        assert not heard or heard[-1].startswith("Speak")  # the caller hears his menus again
    if room.line.agent.counts()["legs"]:
        done += room.bye()
    done += room.wait(400)
    done += room.tell(FaxEnded())
    assert sum(word.startswith("Finished") for word in done) == 1
    assert room.switch.wake_at is None
    room.line.hears(room.line.reply(room.line.sent[-1], 200)) if is_bye(room) else None
    assert room.line.quiet(800) == NOTHING


LATE = [f"{verb} {what}" for verb in ("ACK", "200") for what in ("image", "declined", "audio")]


@settings(max_examples=150, deadline=None)
@given(*WORLDS, st.lists(st.sampled_from(["re-INVITE", "491 no", "wait 0.6", *TOLD, *LATE])))
def test_offers_in_a_200_cross_with_everything_else(
    way: str, speech: bool, acts: list[str]
) -> None:
    """The same, most of it re-INVITEs without a session; a peer that takes what we offer has his
    menus again when the fax has ended."""
    room = Room(way, receiving=not speech, speech=speech)
    go(room, acts)
    before = room.hung_up
    room.tell(FaxEnded())
    for _ in range(30):
        if room.switch.state is FaxState.OVER:
            break
        takes(room)
        room.wait(1)
    assert room.switch.state is FaxState.OVER
    assert room.hung_up == before
    if speech and room.line.agent.counts()["legs"]:
        assert not room.negotiation.awaits  # another fax may begin


def takes(room: Room) -> None:
    """The peer says yes to whatever offer of ours is open."""
    verb = "ACK" if room.unacked else "200"
    ours = b"SIP/2.0 200" if room.unacked else b"INVITE"
    last = next((m for m in reversed(room.line.sent) if m.startswith(ours)), b"")
    act(room, f"{verb} {'audio' if b'm=audio 3' in last else 'image'}")


def is_bye(room: Room) -> bool:
    return room.line.sent[-1].startswith(b"BYE")
