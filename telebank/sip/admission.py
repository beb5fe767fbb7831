"""Admission: what is let in, refused cheaply, or left without an answer, before it is parsed.

Everything but what belongs to live calls and open transactions passes here. Set-ups are counted by
source address, by trunk, of strangers and in all; other requests by source and of strangers, since
who writes ever new addresses into UDP packets is ever a new source. Above a source's limits a 503
with Retry-After is said, of which nothing is kept; above a second limit, and above that of all
strangers for what is no set-up, nothing is. Scanners and sources that only ever fail get nothing
for a time, which what they send meanwhile does not prolong. Sources that showed a password are kept
apart: strangers neither use up what they may nor make that they are forgotten. Tables are bounded.
"""

from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from telebank.sip.failed_attempts import network_of
from telebank.sip.glance import Glance
from telebank.sip.protection import MediaWay
from telebank.sip.trunks import Trunk
from telebank.sip.uri import Hop


@dataclass(frozen=True, slots=True)
class AdmissionOptions:
    """Limits on what comes in, live calls apart; section `[admission]`."""

    strangers: Literal["refuse", "drop", "menu"] = "refuse"
    """Calls from no trunk: 403; silence; or the menus, with the rights of nobody. The machine
    itself is a trunk: `[trunks.loopback]`."""
    setups_per_s: float = 300.0
    """New calls in a second, of all; twice as many at once. Above it 503."""
    strangers_setups_per_s: float = 20.0
    """New calls in a second from all strangers together."""
    stranger_setups_per_s: float = 3.0
    """New calls in a second from one stranger: an IPv4 address, a /64 network of IPv6."""
    others_per_s: float = 30.0
    """OPTIONS, REGISTER and other requests in a second from one source, and of strange responses
    and what cannot be read."""
    strangers_others_per_s: float = 200.0
    """Requests other than INVITE in a second from all strangers together, REGISTER from networks of
    phones apart; above it silence."""
    malformed_per_s: float = 50.0
    """Messages in a second that are not seen to be requests, from all strangers together: malformed
    ones and strange responses; above it silence."""
    registers_per_s: float = 200.0
    """REGISTER in a second from networks of phones, of all that showed no password yet."""
    refusals_per_s: float = 50.0
    """Answers of 503 in a second to one source; above it silence."""
    all_refusals_per_s: float = 2_000.0
    """Answers of 503 in a second, of all."""
    failures: int = 20
    """Failed requests of a stranger who never had any but failed ones, after which it is not
    listened to: malformed ones, unknown methods, scans. Those over UDP, which anybody may send in
    its name, and those over connections count apart. REGISTER from networks of phones is heard all
    the same: the registrar has holds of its own."""
    hold_s: float = 300.0
    """Seconds for which it is not; then its failures are counted anew."""
    forget_s: float = 3_600.0
    """Seconds after which its failures are forgotten."""
    sources: int = 20_000
    """Sources kept in mind. Where they are too many to keep, new ones share one's limits."""
    probes: tuple[str, ...] = ("@1.1.1.1", "sipvicious", "sip:100@0.0.0.0", "nm@nm", "sip:nm")
    """Lower-case pieces of From and To by which scans are known; they get nothing."""
    strangers_media: MediaWay = "any"
    """The media of those that are let in, as `[trunks.NAME] media` says it; keys that come in clear
    signalling are never taken from them."""

    def __post_init__(self) -> None:
        rates = (
            *(self.setups_per_s, self.strangers_setups_per_s, self.stranger_setups_per_s),
            *(self.others_per_s, self.strangers_others_per_s),
            *(self.malformed_per_s, self.registers_per_s),
            *(self.refusals_per_s, self.all_refusals_per_s, self.forget_s, self.hold_s),
        )
        if min(rates) <= 0:
            raise ValueError("rates and times are above 0")
        if self.failures < 1 or self.sources < 16:  # noqa: PLR2004 - a table that is one
            raise ValueError("failures is 1 or more, sources 16 or more")


class Verdict(Enum):
    """What becomes of a request."""

    PASS = "passed"  # noqa: S105 - a word for what was let in
    REFUSE = "refused"
    SILENCE = "silenced"
    HELD = "held"
    SCAN = "scans"


BURST_S = 2.0
"""Seconds' worth that may come at once."""
_SETUP, _OTHER, _REFUSAL = range(3)


class Bucket:
    """Tokens that come back with time; never more of them taken in any `t` seconds than
    `size + rate * t`."""

    __slots__ = ("_at", "_left", "_rate", "_size")

    def __init__(self, rate: float, now: float) -> None:
        self._rate, self._size = rate, max(1.0, rate * BURST_S)
        self._left, self._at = self._size, now

    def has(self, now: float) -> bool:
        """Whether there is one."""
        if now > self._at:
            self._left = min(self._size, self._left + (now - self._at) * self._rate)
            self._at = now
        return self._left >= 1.0

    def take(self, now: float) -> bool:
        """Take one, if there is one."""
        if not self.has(now):
            return False
        self._left -= 1.0
        return True

    def follow(self, other: "Bucket", now: float) -> None:
        """Have what another of the same size has left."""
        other.has(now)
        self._left, self._at = other._left, now

    def full(self, now: float) -> bool:
        """Whether it is as new."""
        self.has(now)
        return self._left >= self._size


class _Hold:
    """Failures of one source, and until when it is not listened to for them."""

    __slots__ = ("_failures", "_last", "until")

    def __init__(self) -> None:
        self._failures, self._last = 0, 0.0
        self.until = 0.0

    def failed(self, options: AdmissionOptions, now: float) -> None:
        """One more; nothing while it is on hold, or whoever sends in its name would keep it
        there."""
        if now < self.until:
            return
        if now >= self._last + options.forget_s:
            self._failures = 0
        self._failures, self._last = self._failures + 1, now
        if self._failures >= options.failures:
            self._failures, self.until = 0, now + options.hold_s


class _Source:
    """One source."""

    __slots__ = ("buckets", "good", "holds", "proved")

    def __init__(self, setups: float, options: AdmissionOptions, now: float) -> None:
        self.buckets = (
            Bucket(setups, now),
            Bucket(options.others_per_s, now),
            Bucket(options.refusals_per_s, now),
        )
        self.good = self.proved = False
        self.holds = (_Hold(), _Hold())
        """For what came over UDP, and over connections."""

    def held(self, source: Hop, now: float) -> bool:
        """Whether what comes that way is not listened to."""
        return now < self.holds[source.reliable].until

    def idle(self, now: float) -> bool:
        """Whether it may be forgotten: it has its full measure again, and is not on hold."""
        return all(now >= hold.until for hold in self.holds) and all(
            bucket.full(now) for bucket in self.buckets
        )


class Admission:
    """Decides on requests that belong to nothing yet. `now` is monotonic seconds."""

    def __init__(self, options: AdmissionOptions, scanners: tuple[str, ...] = ()) -> None:
        self.options = options
        self._scanners = tuple(name.encode() for name in scanners)
        self._probes = tuple(name.encode() for name in options.probes)
        self._sources: OrderedDict[tuple[str, str], _Source] = OrderedDict()
        self._proved: OrderedDict[tuple[str, str], _Source] = OrderedDict()
        """Those that showed a password, the one that did longest ago first."""
        self._all = Bucket(options.setups_per_s, 0.0)
        self._strangers = Bucket(options.strangers_setups_per_s, 0.0)
        self._others = Bucket(options.strangers_others_per_s, 0.0)
        self._malformed = Bucket(options.malformed_per_s, 0.0)
        self._registers = Bucket(options.registers_per_s, 0.0)
        self._refusals = Bucket(options.all_refusals_per_s, 0.0)
        self._rest: dict[str, _Source] = {}
        """Of each trunk, and of strangers: those whom the table has no room for."""
        self.totals = dict.fromkeys((verdict.value for verdict in Verdict), 0)
        """Requests by what became of them."""

    def judge(
        self, seen: Glance, source: Hop, trunk: Trunk | None, now: float, *, registers: bool = False
    ) -> Verdict:
        """What becomes of a request outside live calls that is no repeat of one let in.
        `registers`: it is a REGISTER from where phones may be."""
        verdict = self._judge(seen, source, trunk, now, registers)
        self.totals[verdict.value] += 1
        return verdict

    def hears(self, source: Hop, trunk: Trunk | None, now: float) -> bool:
        """Whether something that takes a whole look gets it: strange responses, what is not seen
        to be a request. Counted with other requests of its source."""
        found = self._source(source, trunk, now)
        if trunk is None and found.held(source, now):
            self.totals[Verdict.HELD.value] += 1
            return False
        known = trunk is not None or found.proved
        if found.buckets[_OTHER].take(now) and (known or self._malformed.take(now)):
            return True
        self.totals[Verdict.SILENCE.value] += 1
        return False

    def failed(self, source: Hop, trunk: Trunk | None, now: float) -> None:
        """A request that was let in was malformed, unknown or not allowed."""
        if trunk is not None:
            return  # who sends in its name must not shut it out
        found = self._source(source, trunk, now)
        if not found.good and found is not self._rest.get(""):
            found.holds[source.reliable].failed(self.options, now)

    def succeeded(self, source: Hop, trunk: Trunk | None, now: float) -> None:
        """It made a call: it is not put on hold for what fails while it is kept in mind."""
        self._source(source, trunk, now).good = True

    def proved(self, source: Hop, trunk: Trunk | None, now: float) -> None:
        """It showed a password: it is never put on hold, has nothing to do with the limits of all
        strangers, and is kept however many others come."""
        found = self._source(source, trunk, now)
        if found is self._rest.get(_name_of(trunk)):
            found = self._new(trunk, now)
        found.good = found.proved = True
        found.holds = (_Hold(), _Hold())
        key = _key(source, trunk)
        self._sources.pop(key, None)
        self._proved[key] = found
        self._proved.move_to_end(key)
        if len(self._proved) > self.options.sources:
            self._proved.popitem(last=False)

    def has_proved(self, source: Hop) -> bool:
        """Whether somebody from no trunk showed a password from there."""
        return _key(source, None) in self._proved

    def counts(self) -> dict[str, int]:
        """What is kept."""
        return {"sources": len(self._sources), "proved": len(self._proved)}

    def _judge(
        self, seen: Glance, source: Hop, trunk: Trunk | None, now: float, registers: bool
    ) -> Verdict:
        found = self._source(source, trunk, now)
        if trunk is None and not registers and found.held(source, now):
            return Verdict.HELD
        if self._scans(seen):
            self.failed(source, trunk, now)
            return Verdict.SCAN
        if seen.method == "INVITE":
            room = self._room(found, trunk, now)
        elif room := found.buckets[_OTHER].has(now):
            if registers:
                room = found.proved or self._registers.take(now)  # a flood is of others
            elif trunk is None and not found.proved and not self._others.take(now):
                return Verdict.SILENCE  # by their addresses they are many: each would get its 503
            room = room and found.buckets[_OTHER].take(now)
        if room:
            return Verdict.PASS
        if found.buckets[_REFUSAL].take(now) and self._refusals.take(now):
            return Verdict.REFUSE
        return Verdict.SILENCE

    def _room(self, found: _Source, trunk: Trunk | None, now: float) -> bool:
        """Take a set-up from each count, or from none."""
        counts = [found.buckets[_SETUP], self._all]
        if trunk is None and not found.proved:
            counts.append(self._strangers)
        if not all(count.has(now) for count in counts):
            return False
        for count in counts:
            count.take(now)
        return True

    def _scans(self, seen: Glance) -> bool:
        agent = seen.agent.lower()
        if agent and any(name in agent for name in self._scanners):
            return True
        who = (seen.from_ + seen.to).lower()
        return any(piece in who for piece in self._probes)

    def _source(self, source: Hop, trunk: Trunk | None, now: float) -> _Source:
        name, key = _name_of(trunk), _key(source, trunk)
        if (found := self._proved.get(key)) is not None:
            return found
        found = self._sources.get(key)
        if found is not None:
            self._sources.move_to_end(key)
            return found
        if len(self._sources) >= self.options.sources:
            oldest_key, oldest = next(iter(self._sources.items()))
            if not oldest.idle(now):
                # None is forgotten who would then begin anew: newcomers share one's limits.
                return self._rest.get(name) or self._rest.setdefault(name, self._new(trunk, now))
            del self._sources[oldest_key]
        found = self._sources[key] = self._new(trunk, now)
        if (rest := self._rest.get(name)) is not None:
            for bucket, shared in zip(found.buckets, rest.buckets, strict=True):
                bucket.follow(shared, now)  # it may have had a part of that
        return found

    def _new(self, trunk: Trunk | None, now: float) -> _Source:
        options = self.options
        rate = options.stranger_setups_per_s if trunk is None else trunk.options.setups_per_s
        return _Source(rate, options, now)


def _name_of(trunk: Trunk | None) -> str:
    return "" if trunk is None else trunk.name


def _key(source: Hop, trunk: Trunk | None) -> tuple[str, str]:
    """What a source is counted by."""
    host = source.host
    return _name_of(trunk), network_of(host) if ":" in host else host
