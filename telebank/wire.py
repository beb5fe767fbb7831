"""Messages between the node and its media workers, over a Unix seqpacket socket.

One message a packet, MessagePack by msgspec, tagged by class name. Every message names the worker's
channel and a sequence number of its sender; `Hello` carries the version, and a worker of another
version is refused. Audio positions are samples at 8000 a second in a prompt bank: 0 is
the one that a worker begins with, and others are opened and left while it runs.
"""

from typing import Literal

import msgspec

VERSION = 7
MAX_SEGMENTS = 2_000
"""Clips and pauses in one `Play`, which stays under the largest message of a link."""
MAX_RECORDED = 8_000 * 60
"""Samples, and octets, of one `Record` at most: 60 seconds."""
RECORDED_PART = 32_000
"""Octets in one `Recorded` at most."""
MAX_CALL_RECORDED_S = 4 * 3_600
"""Seconds of one `RecordCall` at most."""
IDENTITIES = 2
"""Certificates of ours that a worker knows: the last, and that of legs from before."""
MAX_BANKS = 8
"""Prompt banks that a worker has open at once, the first one included."""
MAX_JUDGED = 32
"""Channels of a worker of which it is judged at once who answered."""
MAX_JUDGED_MS = 60_000
"""Milliseconds of one `Judge` at most."""
Who = Literal["person", "machine", "silence", "fax", "busy", "congestion", "tone", "unsure"]
"""Who answered, as far as sound tells; `busy`, `congestion` and `tone` are an exchange's."""


class Message(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Base: `channel` is the worker's number for a leg's media (0: the worker itself)."""

    channel: int = 0
    sequence: int = 0


# -- node to worker ---------------------------------------------------------------------------


class SdesKeys(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """SRTP with keys that the descriptions carried (RFC 4568)."""

    suite: str
    """A name of `telebank.sip.sdes.SUITES`."""
    send: bytes
    """Master key and salt of what we send."""
    receive: bytes
    """Master key and salt of what the peer sends."""

    def __repr__(self) -> str:
        return f"SdesKeys(suite={self.suite!r})"


class DtlsKeys(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """SRTP with keys agreed by DTLS on the media's port (RFC 5764), behind ICE-lite (RFC 8445)."""

    fingerprint: str
    """SHA-256 of the peer's certificate as hexadecimal octets with colons (RFC 8122)."""
    active: bool
    """We begin the handshake (a=setup:active); else we wait for the peer's."""
    shown: str = ""
    """SHA-256 of our certificate, one of the last two of `Identify`; empty: the last."""
    ufrag: str = ""
    """Ours; empty: the peer speaks no ICE, and RTP goes to the address of `SetRemote`."""
    password: str = ""
    """Ours, of the checks that the peer sends."""
    peer_ufrag: str = ""

    def __repr__(self) -> str:
        return f"DtlsKeys(active={self.active!r}, ufrag={self.ufrag!r})"


class Identify(Message, frozen=True, tag=True, kw_only=True):
    """Of the worker (channel 0): a certificate and its key, both PEM, that DTLS shows from now on;
    the one before stays for legs that began with it."""

    certificate: bytes
    key: bytes

    def __repr__(self) -> str:
        return "Identify()"


class Open(Message, frozen=True, tag=True, kw_only=True):
    """Open a channel numbered by the node; the worker binds a UDP port on `address`."""

    address: str
    direction: str = "sendrecv"
    beside: int = 0
    """A channel of the same worker that this one is to be joined with; 0: none."""


class SetRemote(Message, frozen=True, tag=True, kw_only=True):
    """Where to send and what, from the answer. `event_type` None: the peer sends no RFC 4733."""

    address: str
    port: int
    codec: str
    """`PCMA` or `PCMU`."""
    payload_type: int
    event_type: int | None
    ptime_ms: int = 20
    direction: str = "sendrecv"
    rtcp_mux: bool = False
    rtcp_port: int = 0
    """Where the peer's RTCP is, at `address`, as long as its RTP comes from where it says; 0: on
    the port after that of RTP."""
    learn_from: str = ""
    """The host that the peer's signalling comes from: its media may come from there instead, from
    any port (address translation). Empty: from `address` and `port` alone."""
    security: SdesKeys | DtlsKeys | None = None
    """None: plain RTP. Given again unchanged, it goes on as it was: no counter begins anew."""


class Play(Message, frozen=True, tag=True, kw_only=True):
    """Play segments `(start, samples)` of a bank; `(-1, samples)` is silence.

    A key in `stop_keys` stops it in the worker within one frame; `PlayEnded` carries `token`.
    A new `Play` replaces a running one, whose `PlayEnded` says `replaced`.
    """

    segments: tuple[tuple[int, int], ...]
    stop_keys: str
    token: int
    bank: int = 0


class OpenBank(Message, frozen=True, tag=True, kw_only=True):
    """Map the bank in `folder` under a number of its own; `BankOpened` answers."""

    bank: int
    folder: str


class LeaveBank(Message, frozen=True, tag=True, kw_only=True):
    """Nothing is played from this bank any more: unmap it."""

    bank: int


class Stop(Message, frozen=True, tag=True, kw_only=True):
    """Stop playing; `PlayEnded` says `stopped`."""


class Collect(Message, frozen=True, tag=True, kw_only=True):
    """Mark the leg's keys secret (or not) before the prompt that asks for them."""

    secret: bool


class Record(Message, frozen=True, tag=True, kw_only=True):
    """Record what the peer says from now on, at most `most` samples; `Recorded` brings it.

    A new `Record` replaces a running one, of which nothing is told.
    """

    token: int
    most: int = MAX_RECORDED


class StopRecord(Message, frozen=True, tag=True, kw_only=True):
    """End the recording: the peer has finished."""


class Join(Message, frozen=True, tag=True, kw_only=True):
    """Hear and be heard in a mixer, by the role's rights (`media.mixer.ROLES`), from the next frame
    on; again for another role. What a leg plays goes before what it hears there.

    All legs of a mixer are of one worker, opened `beside` each other. `JoinFailed` comes where it
    cannot be; else nothing.
    """

    mixer: int
    role: str = "party"
    toward: int = 0
    """The channel that a `whisper` is for."""
    sound: str = ""
    """What a leg of role `music` or `tone` hears: a name of `media.tones`."""


class Leave(Message, frozen=True, tag=True, kw_only=True):
    """Out of the mixer; nothing happens where it is in none."""


class KeepSound(Message, frozen=True, tag=True, kw_only=True):
    """Of the worker (channel 0): a clip of a bank is a sound of this name, music on hold say."""

    name: str
    bank: int
    start: int
    samples: int


class RecordCall(Message, frozen=True, tag=True, kw_only=True):
    """Record what the peer says (left) and is sent (right) into a sealed file: `media.recording`.

    `CallRecorded` comes at its end, before `Closed`. A channel has one recording at a time.
    """

    path: str
    """Absolute; nothing is overwritten."""
    key: bytes
    """32 octets, of this recording alone; made and wrapped by the node."""
    wrapped: str
    """The key as the keyring wrapped it, for the file's header."""
    begun: str
    """UTC, ISO 8601."""
    note: str = ""
    """For the file's header, in the clear."""
    most_s: int = MAX_CALL_RECORDED_S

    def __repr__(self) -> str:
        return f"RecordCall(channel={self.channel}, path={self.path!r})"


class PauseRecord(Message, frozen=True, tag=True, kw_only=True):
    """Silence in the recording from the next frame on; the file lists from when to when."""


class ResumeRecord(Message, frozen=True, tag=True, kw_only=True):
    """Record again."""


class StopRecordCall(Message, frozen=True, tag=True, kw_only=True):
    """End the recording."""


class Judge(Message, frozen=True, tag=True, kw_only=True):
    """Say who answered, by what is heard from the next frame on: `Answered` comes once, within
    `most_ms`, and at once as `unsure` where `MAX_JUDGED` are judged.

    After a verdict of `machine` its beep is waited for, `Beeped`, for the rest of that time. A new
    `Judge` begins anew.
    """

    most_ms: int = MAX_JUDGED_MS


class StopJudging(Message, frozen=True, tag=True, kw_only=True):
    """It matters no more; nothing is told."""


class KeysBy(Message, frozen=True, tag=True, kw_only=True):
    """The leg's keys come another way (`info`): those of its media are reported no more."""

    method: str


class Hold(Message, frozen=True, tag=True, kw_only=True):
    """The peer put us on hold (or took us off): media time-out off while held."""

    held: bool


class Close(Message, frozen=True, tag=True, kw_only=True):
    """Close the channel; a last `Stats` comes back, then `Closed`."""


class Shutdown(Message, frozen=True, tag=True, kw_only=True):
    """Close every channel and exit 0."""


# -- worker to node ---------------------------------------------------------------------------


class Hello(Message, frozen=True, tag=True, kw_only=True):
    """First packet from a worker."""

    version: int
    pid: int


class BankOpened(Message, frozen=True, tag=True, kw_only=True):
    """A bank can be played from, or why not."""

    bank: int
    error: str = ""


class Opened(Message, frozen=True, tag=True, kw_only=True):
    """The channel's UDP port, on the address asked for."""

    port: int


class OpenFailed(Message, frozen=True, tag=True, kw_only=True):
    """The channel was not opened (no port, no descriptor, too many channels)."""

    reason: str


class Key(Message, frozen=True, tag=True, kw_only=True):
    """One key press, once, at its first event packet. `token` is the `Play` that it met, or 0.

    `at` is monotonic seconds of the host at which the packet came. `secret` repeats the mark of
    `Collect`, so that no reader of this message writes the digit down. `method`: `events` (RFC
    4733) or `inband`; of a leg that uses both, only those of the one seen first are reported.
    """

    digit: str
    at: float
    token: int
    secret: bool
    method: str = "events"

    def __repr__(self) -> str:
        return f"Key(channel={self.channel}, digit=?, token={self.token}, method={self.method!r})"


class PlayEnded(Message, frozen=True, tag=True, kw_only=True):
    """A `Play` ended: `done`, `key`, `stopped`, `replaced`; `played` is its samples sent.

    `refused`: a segment lies outside the worker's bank; nothing of it was played.
    """

    token: int
    reason: str
    played: int
    first_packet_at: float = 0.0
    """Monotonic seconds at which the first packet of this play went out."""


class Recorded(Message, frozen=True, tag=True, kw_only=True):
    """A part of a recording in `codec`, in order; `last` ends it. What was lost is silence."""

    token: int
    codec: str
    octets: bytes
    last: bool


class Answered(Message, frozen=True, tag=True, kw_only=True):
    """The verdict of `media.amd`. A guess: what follows must be harmless."""

    who: Who
    at_ms: int
    """Since `Judge`."""
    greeting_ms: int
    """Of speech with its pauses, by then."""


class Beeped(Message, frozen=True, tag=True, kw_only=True):
    """The beep of what was judged a machine is over."""

    at_ms: int
    """Since `Judge`."""
    hertz: int


class JoinFailed(Message, frozen=True, tag=True, kw_only=True):
    """A `Join` was refused; the channel is where it was."""

    mixer: int
    reason: str


class CallRecorded(Message, frozen=True, tag=True, kw_only=True):
    """A `RecordCall` is over. `cut` where it ends before it should, and `error` why; what there is
    can be opened: at `path`, which is the one ordered, or at `path` and `.part`."""

    path: str
    seconds: float
    sha256: str
    """Of the FLAC file inside."""
    sealed_sha256: str
    """Of the file as it lies there."""
    size: int
    marks: tuple[tuple[str, int, int], ...] = ()
    """What is not in it: `paused`, `secret` or `lost`, from and to in samples."""
    cut: bool = False
    error: str = ""

    @classmethod
    def failed(cls, channel: int, path: str, why: str) -> "CallRecorded":
        """Nothing is known of what there is."""
        return cls(
            channel=channel,
            path=path,
            seconds=0.0,
            sha256="",
            sealed_sha256="",
            size=0,
            cut=True,
            error=why,
        )


class Secured(Message, frozen=True, tag=True, kw_only=True):
    """The peer proved its certificate, and SRTP runs by this suite (DTLS; SDES needs no word)."""

    suite: str


class SecurityFailed(Message, frozen=True, tag=True, kw_only=True):
    """No keys were agreed (another certificate, no suite in common, no handshake in time): nothing
    is sent to the peer and nothing heard of it; the call is to be ended."""

    reason: str


class MediaLost(Message, frozen=True, tag=True, kw_only=True):
    """Nothing came from the peer for the time-out, in seconds."""

    seconds: float


class Stats(Message, frozen=True, tag=True, kw_only=True):
    """Figures of a channel: each 15 seconds or so, and a last time before `Closed`.

    None where nothing is known. `sampled` is True where loss is estimated from one packet in 64;
    jitter is measured only while audio is listened to, and the last value stays.
    """

    packets_sent: int
    packets_received: int
    lost: int
    sampled: bool
    keys: int
    dropped_foreign: int
    keys_dropped: int = 0
    """Keys that came faster than anybody presses, and were not told."""
    discarded: int = 0
    """Packets that came too late to be heard, while audio is listened to; they count in `mos`."""
    loss: float = 0.0
    """Part of the peer's packets lost, 0 to 1, since the call began."""
    jitter_ms: float | None = None
    rtt_ms: float | None = None
    """Round-trip time, from the peer's reports (RTCP)."""
    mos: float | None = None
    """Estimated quality of what comes from the peer (ITU-T G.107), 1.0 to 4.5."""
    peer_loss: float | None = None
    """Part of our packets that the peer lost of late, as it reports."""
    peer_mos: float | None = None
    """Quality of what the peer hears: as it reports, or estimated from its loss."""


class WorkerStats(Message, frozen=True, tag=True, kw_only=True):
    """The worker's own figures, each ten seconds and at shutdown.

    `tick_late_p99_ms` is from a tick's due time to its last packet sent; `rss_mb` is PSS.
    """

    channels: int
    cpu_seconds: float
    ticks: int
    tick_late_p99_ms: float
    rss_mb: float


class Closed(Message, frozen=True, tag=True, kw_only=True):
    """The channel is gone; its number may be used again. `error`: what failed in it; empty where
    the node closed it."""

    error: str = ""


ToWorker = (
    Open
    | SetRemote
    | Play
    | OpenBank
    | LeaveBank
    | Stop
    | Collect
    | Record
    | StopRecord
    | Join
    | Leave
    | KeepSound
    | RecordCall
    | PauseRecord
    | ResumeRecord
    | StopRecordCall
    | Judge
    | StopJudging
    | KeysBy
    | Hold
    | Close
    | Identify
    | Shutdown
)
FromWorker = (
    Hello
    | BankOpened
    | Opened
    | OpenFailed
    | Key
    | PlayEnded
    | Recorded
    | Answered
    | Beeped
    | JoinFailed
    | CallRecorded
    | Secured
    | SecurityFailed
    | MediaLost
    | Stats
    | WorkerStats
    | Closed
)
