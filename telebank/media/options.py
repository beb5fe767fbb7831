"""Options of the media room; `telebank.settings` fills them from the section `media`."""

from dataclasses import dataclass, replace
from math import ceil
from typing import Self

from telebank.workers.ports import good_range

MAX_WORKERS = 64
MAX_CHANNELS = 10_000
LINES_EACH = 500
"""Calls that take a worker about a fifth of a core (docs/benchmarks.md)."""
MIN_SILENT_S = 1.0
"""A worker that is only late, on a machine that is busy for a moment, is not replaced."""


@dataclass(frozen=True, slots=True)
class MediaOptions:
    """Limits and times of the media workers."""

    workers: int = 0
    """Worker processes, 64 at most. 0: one for each 500 of the node's lines, but no more than the
    machine has cores beside the node's own; in any case as many as have channels for the lines."""
    channels: int = 1_000
    """Most channels open in one worker; further ones get `OpenFailed`."""
    port_low: int = 0
    """First UDP port of the RTP range, even; 0: the system chooses each port."""
    port_high: int = 0
    """Last UDP port of the RTP range; unused when `port_low` is 0."""
    media_timeout_s: float = 30.0
    """Seconds without a packet from the peer, after the answer, until `MediaLost`; 0: never.

    A latched peer is seen by one packet in 64, so each 1.3 seconds: give five or more.
    """
    learn_source: bool = True
    """Whether a peer whose packets come from elsewhere than its SDP says may be learnt: from the
    host that its signalling comes from, and no other."""
    learn_after_s: float = 1.0
    """Seconds after the answer in which only the agreed address can become the source."""
    open_timeout_s: float = 2.0
    """Seconds the node waits for a worker's answer to `Open`, and for its end at `Shutdown`."""
    handshake_s: float = 15.0
    """Seconds from the answer until `SecurityFailed` where the peer agrees no keys by DTLS."""
    silent_s: float = 15.0
    """Seconds without a word of a worker after which it is killed and replaced, 1 at least; it
    says something three times as often."""
    music_file: str = ""
    """Music on hold: a WAV or FLAC file of 8000 samples a second, 5 minutes at most; empty: a
    calm piece of our own."""

    def __post_init__(self) -> None:
        if not 0 <= self.workers <= MAX_WORKERS:
            raise ValueError(
                f"media.workers is {self.workers}: give 1 to {MAX_WORKERS}, or 0 for as many as "
                "lines and cores suggest"
            )
        if not 1 <= self.channels <= MAX_CHANNELS:
            raise ValueError(f"media.channels is {self.channels}: give 1 to {MAX_CHANNELS}")
        if self.media_timeout_s < 0 or self.learn_after_s < 0 or self.open_timeout_s <= 0:
            raise ValueError("media: times are seconds and not negative; open_timeout_s above 0")
        if not self.handshake_s > 0:
            raise ValueError(f"media: handshake_s is {self.handshake_s:g}: give seconds above 0")
        if not self.silent_s >= MIN_SILENT_S:
            raise ValueError(f"media: silent_s is {self.silent_s:g}: give {MIN_SILENT_S:g} or more")
        if not good_range(self.port_low, self.port_high):
            raise ValueError(
                f"media ports {self.port_low}-{self.port_high}: give an even first port from 1024 "
                "and a higher last port, or 0 for ports chosen by the system"
            )

    def sized(self, lines: int, cores: int) -> Self:
        """With a number of workers, for a node of so many lines on so many cores."""
        if self.workers:
            return self
        wanted, least = ceil(lines / LINES_EACH), ceil(lines / self.channels)
        return replace(self, workers=min(max(least, min(wanted, cores - 1)), MAX_WORKERS))
