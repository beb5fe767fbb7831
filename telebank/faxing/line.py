"""One line of the fax process: its two ports, the fax on one of them, what becomes of it."""

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

from fax import terminal as t30
from telebank.faxing import wire
from telebank.faxing.endpoint import Endpoint
from telebank.faxing.options import FaxingOptions
from telebank.faxing.over_audio import LAWS, OverAudio
from telebank.faxing.over_t38 import OverT38
from telebank.faxing.room import shortage
from telebank.faxing.source import Learning, Source
from telebank.rtp import Address
from telebank.workers.ticker import FRAME_SECONDS

NOT_BEGUN = -1
"""`Ended.code` of a fax that the process did not begin; T.30's own begin at 0."""
MAX_PORT = 65_535
ROOM_FRAMES = 50
"""Frames between two looks at the room for a fax that is being received: a second."""

Report = Callable[[wire.Message], None]


class Line:
    """At most one fax at a time, and one `Ended` for each.

    Another may be begun in its place, as after the switch to T.38, until a page of it was told:
    then it is dropped without a word. Later it ends instead, and the other does not begin, for
    its first pages are over there already.
    """

    def __init__(
        self,
        number: int,
        endpoints: tuple[Endpoint, Endpoint],
        library: t30.Library,
        options: FaxingOptions,
        report: Report,
        *,
        learn_from: str = "",
    ) -> None:
        """`endpoints`: of RTP, and of UDPTL; the line closes them. `learn_from`: a host whose ports
        may be learnt for RTP; empty: none."""
        self.number = number
        self._audio, self._t38 = endpoints
        self._library = library
        self._options = options
        self._send = report
        self._learn_from = learn_from
        self._fax: OverAudio | OverT38 | None = None
        self._into: Path | None = None
        self._paged = False
        self._frames = 0
        self._foreign = self._malformed = 0

    @property
    def busy(self) -> bool:
        """Whether a fax is running, so that time matters."""
        return self._fax is not None

    # -- orders -------------------------------------------------------------------------------

    def begin_audio(self, order: wire.BeginAudio, now: float) -> None:
        """A fax over G.711."""
        if not self._may_begin():
            return None
        if order.codec not in LAWS:
            return self._refuse(f"{order.codec} carries no fax: agree on {' or '.join(LAWS)}")
        try:
            source = self._source(order, self._learn_from, now)
            terminal, tones = self._audio_terminal(order)
        except (ValueError, MemoryError) as error:
            return self._refuse(str(error))
        self._audio.drain()
        return self._begin(OverAudio(terminal, self._audio, source, order.codec, tones))

    def begin_t38(self, order: wire.BeginT38, now: float) -> None:
        """A fax over T.38."""
        if not self._may_begin():
            return None
        peer = t30.T38Peer(max_datagram=order.max_datagram)
        try:
            source = self._source(order, order.address, now)
            terminal = t30.T38Terminal(
                self._library, self._work(order.work), order.calling, order.terminal, peer
            )
        except (ValueError, MemoryError) as error:
            return self._refuse(str(error))
        return self._begin(OverT38(terminal, self._t38, source))

    def move(self, order: wire.Move, now: float) -> None:
        """The peer has another address now; the fax goes on."""
        if self._fax is not None:
            audio = isinstance(self._fax, OverAudio)
            learn_from = self._learn_from if audio else order.address
            self._fax.source = self._source(order, learn_from, now)

    def close(self) -> None:
        """End what is running, give the ports back, and say so."""
        self._end()
        self._audio.close()
        self._t38.close()
        closed = wire.Closed(line=self.number, foreign=self._foreign, malformed=self._malformed)
        self._send(closed)

    # -- time ---------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """20 ms pass."""
        if self._fax is None:
            return
        self._frames += 1
        self._fax.tick(now)
        if isinstance(self._fax, OverAudio):
            for tone in self._fax.heard():
                self._send(wire.Heard(line=self.number, tone=tone))
        pages = self._tell()
        if self._fax.terminal.finished:
            self._end()
        elif why := self._excess(pages):
            self._end(why)

    def leave_out(self, frames: int) -> None:
        """The process was stopped for so many frames more than it makes up for."""
        if isinstance(self._fax, OverAudio):
            self._fax.leave_out(frames)

    def _excess(self, pages: int) -> str:
        """Which limit the fax has come to, with `pages` received; empty if none."""
        options = self._options
        if self._frames * FRAME_SECONDS >= options.max_seconds:
            return f"the fax took {options.max_seconds:g} s, which is the most"
        if pages > options.max_pages:
            return f"the fax has more than {options.max_pages} pages"
        if self._into is not None and self._frames % ROOM_FRAMES == 0:
            return shortage(self._into, options.max_file_mb)
        return ""

    # -- the fax ------------------------------------------------------------------------------

    def _source(
        self, order: wire.BeginAudio | wire.BeginT38 | wire.Move, learn_from: str, now: float
    ) -> Source:
        """`learn_from`: a host whose ports may be learnt; empty: none. ValueError: no address."""
        if not 0 < order.port <= MAX_PORT:
            raise ValueError(f"the peer's port is {order.port}: no UDP port")
        agreed: Address = (str(ip_address(order.address)), order.port)
        host = str(ip_address(learn_from)) if learn_from and self._options.learn_source else ""
        return Source(agreed, Learning(host, now + self._options.learn_after_s))

    def _work(self, work: wire.Work) -> t30.Work:
        """ValueError: there is no room for what would be received."""
        path = Path(work.path)
        if isinstance(work, wire.Pages):
            self._into = None
            return t30.Transmit(path, work.first, work.last)
        if why := shortage(path, self._options.max_file_mb):
            raise ValueError(why)
        self._into = path
        return t30.Accept(path)

    def _audio_terminal(self, order: wire.BeginAudio) -> tuple[t30.AudioTerminal, t30.ToneListener]:
        """Both or neither. ValueError: no room, or a path too long. MemoryError: as it says."""
        work = self._work(order.work)
        tones = t30.ToneListener(self._library)
        try:
            return t30.AudioTerminal(self._library, work, order.calling, order.terminal), tones
        except (ValueError, MemoryError):
            tones.close()
            raise

    def _may_begin(self) -> bool:
        """Whether the way is free; what was running is over after this."""
        free = self._fax is None or not self._paged
        if free:
            self._drop()
        else:
            self._end()
        return free

    def _begin(self, fax: OverAudio | OverT38) -> None:
        self._fax = fax
        self._paged = False
        self._frames = 0

    def _refuse(self, reason: str) -> None:
        nothing = t30.Result(
            code=NOT_BEGUN,
            reason=reason,
            pages=0,
            asked=False,
            bad_rows=0,
            rate=0,
            peer_ident="",
            seconds=0.0,
        )
        self._send(_message(self.number, t30.Ended(nothing)))

    def _tell(self, why: str = "") -> int:
        """Tell what has happened, and `why` we ended it; the pages received, where any came."""
        assert self._fax is not None
        received = 0
        for event in self._fax.terminal.events():
            self._paged |= not isinstance(event, t30.Negotiated | t30.Ended)
            if isinstance(event, t30.PageReceived):
                received = event.pages
            if isinstance(event, t30.Ended) and why:
                event = t30.Ended(replace(event.result, reason=why))  # noqa: PLW2901
            self._send(_message(self.number, event))
        return received

    def _end(self, why: str = "") -> None:
        """End the fax that is running, if any, and tell its end; `why`, if it is ours to say."""
        if self._fax is not None:
            self._fax.terminal.close()
            self._tell(why)
            self._drop()

    def _drop(self) -> None:
        """Forget the fax that is running, and tell nothing."""
        if self._fax is not None:
            self._fax.close()
            self._foreign += self._fax.foreign
            self._malformed += self._fax.malformed
            self._fax = None


def _message(line: int, event: t30.TerminalEvent) -> wire.Message:
    match event:
        case t30.Negotiated(rate, ecm, compression, ident):
            return wire.Negotiated(
                line=line, rate=rate, ecm=ecm, compression=compression, peer_ident=ident
            )
        case t30.PageConfirmed(pages):
            return wire.PageConfirmed(line=line, pages=pages)
        case t30.PageReceived(pages, bad_rows):
            return wire.PageReceived(line=line, pages=pages, bad_rows=bad_rows)
        case t30.PostMessageSent(page):
            return wire.PostMessageSent(line=line, page=page)
        case t30.Ended(result):
            return _ended(line, result)


def _ended(line: int, result: t30.Result) -> wire.Ended:
    return wire.Ended(
        line=line,
        code=result.code,
        reason=result.reason,
        pages=result.pages,
        asked=result.asked,
        bad_rows=result.bad_rows,
        rate=result.rate,
        peer_ident=result.peer_ident,
        seconds=result.seconds,
    )
