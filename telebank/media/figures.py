"""The figures of a channel as the node is told them."""

from dataclasses import dataclass

from telebank import wire
from telebank.media import quality
from telebank.media.packets import TICK_MS
from telebank.media.reception import Counts, Reception
from telebank.media.reports import Reports

PEER_DELAY_MS = 60.0
"""What a telephone's packets and jitter buffer are taken to delay us by."""


@dataclass(frozen=True, slots=True)
class Own:
    """What the channel counts itself."""

    sent: int
    keys: int
    keys_dropped: int
    """Beyond what a channel may tell."""
    foreign: int
    late: int
    """Packets that came too late to be heard."""
    listening: bool
    """Whether its sound is listened to, and losses concealed."""
    buffered_ms: float
    """How long that sound waits for packets that are late."""


def stats(channel: int, own: Own, reception: Reception, reports: Reports) -> wire.Stats:
    """All of them; quality as of `telebank.media.quality`."""
    counts, peer = reception.counts(), reports.peer
    one_way_ms = 500 * (reports.round_trip_s or 0.0)
    delay_ms = one_way_ms + TICK_MS + own.buffered_ms
    mos = quality.mos(_missed(counts, own.late), delay_ms, concealed=own.listening)
    peer_mos = peer.mos
    if peer_mos is None and peer.loss is not None:
        peer_mos = quality.mos(peer.loss, one_way_ms + PEER_DELAY_MS, concealed=True)
    return wire.Stats(
        channel=channel,
        packets_sent=own.sent,
        packets_received=counts.received,
        lost=counts.lost,
        sampled=counts.sampled,
        keys=own.keys,
        keys_dropped=own.keys_dropped,
        dropped_foreign=own.foreign,
        discarded=own.late,
        loss=round(counts.loss, 4),
        jitter_ms=_rounded(reception.jitter_ms),
        rtt_ms=None if reports.round_trip_s is None else round(2 * one_way_ms, 3),
        mos=round(mos, 2) if counts.received else None,
        peer_loss=_rounded(peer.loss),
        peer_mos=_rounded(peer_mos),
    )


def _missed(counts: Counts, late: int) -> float:
    """The part of the peer's packets that could not be heard: those lost and, as G.107 counts what
    a decoder lacks (Ppl), those that came too late."""
    expected = counts.received + counts.lost
    return min(1.0, (counts.lost + late) / expected) if expected else 0.0


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
