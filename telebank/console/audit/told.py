"""A story as lines of a page: when, what, in words; keys pressed in a row are one line."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from typing import Any

from telebank.calls.forms.labels import title_of
from telebank.console.audit.heard import Spoken, Spot
from telebank.console.fax_rows import clock
from telebank.console.texts import WORDS, Language
from telebank.store.eventlog import LoggedEvent
from telebank.store.review.search import Found
from telebank.store.review.story import Faxed, Message, Recorded, Story, Talk, Written
from transactions.money import Money, currency

HEX = 12
"""Characters of a token that are shown beside a name."""
FACTS = (
    *("at", "state", "amount", "customer", "token", "payee", "channel", "level"),
    *("result", "reason", "settled", "call"),
)
"""What stands at the top of a story, of a `row`."""
MOST_NAMED = 20
"""Changed entries that are named."""
Words = Mapping[str, str]
_QUIET = frozenset(
    {
        *("service", "flow", "node", "reference", "release", "from_masked", "digit"),
        *("attempt", "field7", "version", "exit"),
    }
)
"""Details that a line says in words of its own, or that stand at the top."""
_SAYING = frozenset({"why", "reason", "text"})
"""Details that are sentences."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened."""

    at: datetime
    what: str
    """Kind of line: `key`, `said`, `host`, `step`, `beside`, `other`; for its look."""
    title: str
    text: str = ""
    said: str = ""
    """What the caller heard."""
    fields: Sequence[tuple[str, str]] = ()
    entry: str = ""
    """Audit entry: `01-4711`."""
    whole: bool = True
    """It is what was hashed when it was written."""
    mine: bool = False
    """It is of the transaction itself."""
    link: str = ""
    when: str = ""
    spot: Spot = ("", "")


@dataclass(frozen=True, slots=True)
class Telling:
    """What a story is told with."""

    w: Words
    language: Language
    zone: tzinfo
    spoken: Spoken = field(default_factory=Spoken)

    def time(self, at: datetime | None) -> str:
        """On the bank's clock."""
        return "–" if at is None else clock(at, self.zone)

    def flow(self, name: str) -> str:
        """What a flow is called."""
        zh, en = self.spoken.titles.get(name, (name, name))
        return zh if self.language == "zh" else en

    def service(self, name: str) -> str:
        """What a service is called."""
        title = title_of(name)
        own = title.zh if self.language == "zh" else title.en
        return WORDS[self.language].services.get(name, name) if own == name else own


def spots(story: Story) -> set[Spot]:
    """Places of the menus that it passed."""
    entered = (one.event for one in story.events if one.event.kind == "node.entered")
    return {(_said(one, "flow"), _said(one, "node")) for one in entered}


def release_of(story: Story) -> str:
    """Hash of the release that its call had; empty where it had none."""
    started = (one.event for one in story.events if one.event.kind == "call.started")
    return next((_said(one, "release") for one in started), "")


def lines(story: Story, t: Telling) -> list[Line]:
    """All of it, in time's order."""
    found = list(_events(story, t))
    went: dict[str, datetime] = {}
    for one in story.events:  # the first that names it: the next is of its answer
        went.setdefault(_said(one.event, "stan"), one.event.at)
    found += [line for sent in story.messages for line in _message(sent, t, went.get(sent.stan))]
    found += [_talk(one, t) for one in story.talks]
    found += [_recording(one, t) for one in story.recordings]
    found += [_fax(one, t) for one in story.faxes]
    found.sort(key=lambda line: line.at)  # stable: what was written at once stays as it is
    return [replace(line, when=t.time(line.at)) for line in found]


def way(story: Story, t: Telling) -> list[str]:
    """The path through the menus: each flow once in a row."""
    names: list[str] = []
    for one in story.events:
        if one.event.kind == "node.entered":
            name = t.flow(_said(one.event, "flow"))
            if not names or names[-1] != name:
                names.append(name)
    return names


def row(one: Found, t: Telling) -> dict[str, str]:
    """A request for a list, a sheet, or the top of its story."""
    w, named = t.w, f"channel_{one.channel}"
    teller = f" {one.actor}" if one.channel == "teller" else ""
    return {
        "reference": one.reference,
        "at": t.time(one.at),
        "service": t.service(one.service),
        "state": w.get(f"state_{one.state}", one.state),
        "look": one.state,
        "amount": amount(one.amount, one.currency),
        "customer": one.payer_masked or (one.customer[:HEX] if one.customer else w["not_proved"]),
        "token": one.customer,
        "payee": one.payee_masked,
        "channel": f"{w.get(named, one.channel)}{teller}",
        "call": one.call,
        "level": w.get(f"auth_{one.auth}", one.auth),
        "result": one.outcome,
        "reason": one.reason,
        "settled": t.time(one.settled_at),
    }


def proof_facts(story: Story, t: Telling) -> list[tuple[str, str]]:
    """What is proved, as names and values."""
    w, p = t.w, story.proof
    whole = w["hashes_good"].format(n=len(story.events))
    bad = w["hashes_bad"].format(numbers=", ".join(story.changed[:MOST_NAMED]))
    hashes = (w["hashes"], bad if story.changed else whole)
    if p is None:
        return [(w["proof_state"], w["proof_none"]), hashes]
    point = w["proof_size"].format(size=p.size, at=t.time(p.at)) if p.size else "–"
    return [
        (w["entry"], f"{p.node}-{p.sequence}"),
        (w["proof_leaf"], str(p.leaf)),
        (w["proof_point"], point),
        (w["proof_state"], w[f"proof_{p.standing}"].format(why=p.why)),
        (w["proof_again"], f"telebank audit prove {p.sequence} --node {p.node}"),
        hashes,
    ]


def amount(minor: int | None, code: str | None) -> str:
    """`1000.00 CNY`; empty where none is."""
    return "" if minor is None or code is None else str(Money(minor, currency(code)))


def _events(story: Story, t: Telling) -> Iterator[Line]:
    held: Line | None = None
    for one in story.events:
        line = _event(one, story, t)
        again = held is not None and line.what == held.what == "key" and line.spot == held.spot
        if held is not None and again:
            held = replace(held, text=held.text + line.text, whole=held.whole and line.whole)
            continue
        if held is not None:
            yield held
        held = line
    if held is not None:
        yield held


def _event(one: Written, story: Story, t: Telling) -> Line:
    event = one.event
    flow, node = _said(event, "flow"), _said(event, "node")
    kind = f"kind_{event.kind.replace('.', '_')}"
    line = Line(
        event.at,
        "other",
        t.w.get(kind, event.kind),
        _plain(event, t),
        entry=one.number,
        whole=one.whole,
        mine=event.request in story.ids,
        spot=(flow, node),
    )
    if event.kind == "key":
        return replace(line, what="key", text=_said(event, "digit") or "•")
    if event.kind == "node.entered":
        zh, en = t.spoken.said.get((flow, node), ("", ""))
        said = zh if t.language == "zh" else en
        place = f"{t.flow(flow)} · {node.replace('_', ' ')}"
        return replace(line, what="said", text=place, said=said)
    if event.kind == "request.state":
        state = t.w.get(f"state_{event.outcome}", event.outcome)
        return replace(line, what="step", text=_joined(state, line.text, ": "))
    if event.kind.startswith("service."):
        exit_ = WORDS[t.language].exits.get(event.outcome, event.outcome)
        text = _joined(t.service(_said(event, "service")), exit_, " → ")
        return replace(line, what="step", text=_joined(text, line.text, "; "))
    return replace(line, text=_joined(_outcome(event, t), line.text, "; "))


def _outcome(event: LoggedEvent, t: Telling) -> str:
    by = ""
    if event.role in ("teller", "supervisor", "administrator", "auditor", "it"):
        by = t.w["by"].format(actor=event.actor)
    masked = _said(event, "from_masked")
    return " ".join(filter(None, (masked, event.outcome, by)))


def _plain(event: LoggedEvent, t: Telling) -> str:
    """The rest of its detail as it stands there; long hexadecimal values by their beginning."""
    told = {key: value for key, value in event.detail.items() if key not in _QUIET}
    return ", ".join(
        _short(value) if key in _SAYING else f"{t.w.get(f'detail_{key}', key)} {_short(value)}"
        for key, value in told.items()
        if value != ""
    )


def _short(value: Any) -> str:
    text = str(value)
    return f"{text[:HEX]}…" if len(text) == 64 else text  # noqa: PLR2004 - a token or a hash


def _message(one: Message, t: Telling, kept: datetime | None) -> Iterator[Line]:
    """`kept`: when the journal had it, which is before it went, whatever its own time says."""
    w, sent = t.w, max(one.sent_at, kept or one.sent_at)
    fields = [
        (w["field_mti"], one.mti),
        (w["field_3"], one.processing_code),
        (w["field_4"], one.amount),
        (w["field_7"], one.field7),
        (w["field_11"], one.stan),
        (w["field_32"], one.field32),
        (w["field_37"], one.field37),
        (w["field_41"], one.field41),
        (w["link"], one.link),
    ]
    role = f"{w.get(f'role_{one.role}', one.role)} {one.attempt + 1}"
    shown = [pair for pair in fields if pair[1]]
    yield Line(sent, "host", w["host_sent"], role, fields=shown, mine=True)
    if one.reply_at is None:
        yield Line(sent, "host", w["host_reply"], f"{role}: {w['host_none']}", mine=True)
        return
    answer = [(w["field_39"], one.reply39 or "–"), (w["field_11"], one.stan)]
    if one.settled_on is not None:
        answer.append((w["field_15"], one.settled_on.isoformat()))
    yield Line(one.reply_at, "host", w["host_reply"], role, fields=answer, mine=True)


def _talk(one: Talk, t: Telling) -> Line:
    text = t.w["talk_words"].format(
        seat=one.seat,
        queue=one.queue or "–",
        answered=t.time(one.answered),
        ended=t.time(one.ended),
        how=one.how_ended or "…",
    )
    return Line(one.began, "beside", t.w["talk"], text)


def _recording(one: Recorded, t: Telling) -> Line:
    seconds, sha = round(one.milliseconds / 1_000), one.sealed_sha256[:HEX]
    text = t.w["recording_words"].format(name=one.name, seconds=seconds, sha=sha)
    return Line(one.began, "beside", t.w["recording"], text)


def _fax(one: Faxed, t: Telling) -> Line:
    text = t.w["fax_words"].format(
        title=one.title or one.document,
        confirmed=one.confirmed,
        pages=one.pages,
        number=one.number_masked,
    )
    return Line(one.made_at, "beside", t.w["fax"], f"{one.id}: {text} ({one.state})", link=one.id)


def _joined(first: str, second: str, between: str) -> str:
    return between.join(filter(None, (first, second)))


def _said(event: LoggedEvent, key: str) -> str:
    return str(event.detail.get(key) or "")
