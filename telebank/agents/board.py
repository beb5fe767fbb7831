"""What desks and wallboards see: rows by key, each with the number of its last change.

A screen takes the whole board, then asks what changed after its `at`. Rows are replaced whole;
`gone` names rows that are no more. `boot` tells a screen that the node was started again.
Masked as everything that people see: no digit of a card or a full calling number is in here.
"""

import msgspec


class Row(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Base: `key` is unique among rows of its kind, `at` the number of its last change."""

    key: str
    at: int = 0


class SeatRow(Row, frozen=True, tag=True, kw_only=True):
    """A person at a desk."""

    name: str
    state: str
    """offline, ready, ringing, talking, wrap_up, busy or break."""
    since: str
    """UTC, ISO 8601 with milliseconds: when this state began."""
    reason: str = ""
    next_state: str = ""
    """What he chose for after this call; empty: ready."""
    call: str = ""
    phone: str = ""
    """Extension of his line; `.browser`: the browser that he sits at."""
    line: str = ""
    """Of a browser: wanted (his page is to offer), connecting, up, lost (no audio)."""
    rings: bool = False
    """His page is to ring: `answer` takes the call."""
    present: bool = True
    """His page was seen within 15 seconds."""
    queues: tuple[str, ...] = ()
    helps: tuple[str, ...] = ()
    """Queues that overflow to him: their callers are his too, once they waited so long."""
    calls_today: int = 0
    talk_today_s: float = 0.0
    not_called: str = ""
    """Why his last call to a number came to nothing, until the next one: `own_phone` (his own
    telephone was not answered), `no_answer`, `busy`, `declined`, `unreachable`, `trunk_down`, or
    the limit of `[outbound]` that is reached, by its name in the settings."""
    watched_by: str = ""
    """Who listens, whispers or barged in; only supervisors' boards have it."""


class QueueRow(Row, frozen=True, tag=True, kw_only=True):
    """A queue now and today."""

    zh: str
    en: str
    waiting: int = 0
    longest_since: str = ""
    """UTC: since when who waits longest does; empty: nobody waits."""
    seats_ready: int = 0
    seats_in: int = 0
    expected_wait_s: float | None = None
    offered_today: int = 0
    answered_today: int = 0
    in_time_today: int = 0
    """Answered within the queue's service time."""
    abandoned_today: int = 0
    soon_today: int = 0
    """Of those, who hung up within five seconds: a wrong number, a change of mind."""
    away_today: int = 0
    """Turned away: full, closed, or nobody there."""
    open: bool = True


class CallRow(Row, frozen=True, tag=True, kw_only=True):
    """A caller who waits for a teller, is ringing at one, or talks."""

    state: str
    """waiting, ringing, talking, held, consulting, three_way, pin, wrap_up."""
    since: str
    """UTC: when this state began."""
    began: str
    """UTC: when the call was answered by the menus."""
    caller: str
    """Masked calling number."""
    language: str
    queue: str = ""
    waited_s: float = 0.0
    """Seconds that he waited in queues before this state."""
    seat: str = ""
    others: tuple[str, ...] = ()
    """Further parties: seats consulted or joined."""
    level: int = 0
    """How far he has proved himself: `transactions.contract.AuthLevel`."""
    customer: str = ""
    """Masked card of who proved himself, or keyed his card."""
    business: str = ""
    """What he was at in the menus when he asked for a person: the flow's name."""
    path: tuple[tuple[str, str], ...] = ()
    """The way through the menus: place in words (zh, en) as keys were pressed."""
    keys: str = ""
    """Keys of that way; those of entries are dots."""
    pin: str = ""
    """While a PIN is entered: `3 of 6`."""
    pin_result: str = ""
    """How the last entry ended: an exit of the flow, or `cancelled`."""
    tries_left: int | None = None
    """After a wrong PIN, or wrong identity digits: how many tries are left today by the node's
    count, during the entry and after it; None: the last was not wrong."""
    step: str = ""
    """What the machine is at with him: `terms`: it reads him what he is asked to sign; `card`,
    `pin`, `code`: he is asked for that; `result`: it tells him how a service ended."""
    recording: bool = False
    direction: str = "in"
    """`out`: we call him, or have called him."""
    call_back: bool = False
    """He has hung up and kept his place: he is called back when it is his turn. `waiting` until
    then, `ringing` while his teller and then he are rung."""
    not_reached: str = ""
    """Of a call-back, what came of the last try: `no_answer`, `busy`, `declined`, `unreachable`, or
    `machine`, where somebody answered and nobody pressed a key."""
    limit: str = ""
    """The limit of `[outbound]` by which a call to somebody whom we called ends within a minute,
    by its name in the settings; empty: none is near."""


AnyRow = SeatRow | QueueRow | CallRow


class Gone(msgspec.Struct, frozen=True):
    """A row that is no more."""

    kind: str
    """`SeatRow`, `QueueRow` or `CallRow`."""
    key: str


class Board(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """All rows that the asker may see."""

    boot: str
    at: int
    rows: tuple[AnyRow, ...]


class Changes(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """What changed since."""

    boot: str
    at: int
    rows: tuple[AnyRow, ...] = ()
    gone: tuple[Gone, ...] = ()
