"""How soon a caller who knows the keys hears what he called for: the first sample of an amount.

A call is played on the machine itself: every key `KEY_S` after the one before, from the answer on,
nothing listened to that a key stops, prompts as long as their recordings, answers after a stated
time. What the caller is not yet told, such as the result of a call before, is not there.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal

from telebank.flow import keymap
from telebank.flow.check.budget import Seconds
from telebank.flow.commands import Command, HangUp, Say, Submit
from telebank.flow.events import Event, KeyPressed, PlayEnded, ServiceAnswered, Started
from telebank.flow.model import Finding, Menu
from telebank.flow.options import LANGUAGES, FlowOptions
from telebank.flow.release import Release
from telebank.flow.session import Session
from transactions.contract import Kind, Service
from transactions.money import Money
from transactions.outcome import Value
from transactions.request import Language

KEY_S = 0.3
"""Seconds between two keys."""
OWN_S = 0.05
"""Seconds of an answer out of our own records."""
TYPED = {"CARD": "6227000000000000003", "PIN": "246813"}
"""What is typed for an entry: the longest card number, a PIN of the usual length. Fictional."""
MAX_EVENTS = 500

Lead = Callable[[str, str, Language], float]
"""Seconds of a text (its id) before the value of a slot begins."""


@dataclass(frozen=True, slots=True)
class Quick:
    """`seconds` from the answer to the first sample of the value; infinite if it never comes."""

    language: Language
    keys: tuple[str, ...]
    seconds: float


def estimated_lead(release: Release, seconds: Seconds) -> Lead:
    """As much of the text's time as there are characters before the slot."""

    def lead(prompt: str, slot: str, language: Language) -> float:
        text = release.texts[language][prompt].text
        at = max(text.find(f"{{{slot}"), 0)
        return seconds(prompt, language) * at / max(len(text), 1)

    return lead


def quick_calls(
    release: Release, options: FlowOptions, seconds: Seconds, lead: Lead
) -> Iterator[Quick]:
    """One call in each language, where the menus lead to the service that is looked at."""
    ways = [
        route.keys for route in keymap.routes(release) if route.service == options.quick_service
    ]
    if not ways:
        return
    way = min(ways, key=len)
    for language in LANGUAGES:
        keys = (_language_key(release, language) or way[0], *way[1:])
        call = _Call(release, options, seconds, lead, language)
        yield Quick(language, keys, call.run(keys))


def too_slow(
    release: Release, options: FlowOptions, seconds: Seconds, lead: Lead
) -> Iterator[Finding]:
    """A value that comes later than the budget, or that no way leads to."""
    calls = list(quick_calls(release, options, seconds, lead))
    if options.quick_service in release.contracts:
        yield from _unreached(release, options, reached=bool(calls))
    for call in calls:
        if call.seconds > options.quick_budget_s:
            flow = release.flows["main"]
            what = f"{options.quick_output} of {options.quick_service}"
            problem = (
                f"{what} begins {call.seconds:.1f} s after the answer ({call.language}, "
                f"keys {' '.join(call.keys)}), over {options.quick_budget_s:g} s"
            )
            mend = "bring it nearer, let keys stop what comes before, or raise quick_budget_s"
            yield Finding(flow.file, 1, "quick", problem, mend)


def _unreached(release: Release, options: FlowOptions, *, reached: bool) -> Iterator[Finding]:
    """No way to the service, or not all ways looked at: then nobody knows how soon it is told."""
    file = release.flows["main"].file
    if keymap.cut_short(release):
        problem = (
            f"the menus have more than {keymap.MAX_PLACES} places, and only these are looked at"
        )
        yield Finding(file, 1, "quick", problem, "enter fewer sub-flows from one another")
    elif not reached:
        problem = f"no keys lead to {options.quick_service}, which is to be told quickly"
        mend = "lead a menu to it, or name another service in quick_service"
        yield Finding(file, 1, "quick", problem, mend)


def _language_key(release: Release, language: Language) -> str | None:
    main = release.flows["main"]
    first = main.nodes[main.entry]
    for key, target in first.choices.items() if isinstance(first, Menu) else ():
        if getattr(main.nodes[target], "language", None) == language:
            return key
    return None


class _Call:
    """One call on the machine, with a clock of its own."""

    def __init__(
        self,
        release: Release,
        options: FlowOptions,
        seconds: Seconds,
        lead: Lead,
        language: Language,
    ) -> None:
        self._session = Session(release, "quick", options)
        self._release = release
        self._options = options
        self._seconds = seconds
        self._lead = lead
        self._language = language
        self._playing: tuple[float, Say] | None = None
        """What is being said, and when it ends."""
        self._answers: list[tuple[float, Submit]] = []
        self._told = float("inf")
        self._over = self._answered = False

    def run(self, keys: tuple[str, ...]) -> float:
        """Seconds until the value begins."""
        typed = "".join(_typed(key) for key in keys)
        presses = [(KEY_S * at, key) for at, key in enumerate(typed, 1)]
        self._feed(Started(), 0.0)
        for _ in range(MAX_EVENTS):
            if self._over or self._told < float("inf"):
                break
            if not self._next(presses):
                break
        return self._told

    def _next(self, presses: list[tuple[float, str]]) -> bool:
        """What happens next: an answer, a key, or a prompt's end; False where nothing does."""
        ends = self._playing[0] if self._playing else float("inf")
        answer = self._answers[0][0] if self._answers else float("inf")
        press = presses[0][0] if presses else float("inf")
        now = min(ends, answer, press)
        if now == float("inf"):
            return False
        if now == answer:
            self._answer(*self._answers.pop(0))
        elif now == press:
            self._press(*presses.pop(0))
        else:
            self._end(now, completed=True)
        return True

    def _press(self, now: float, key: str) -> None:
        if self._playing is not None and key in self._playing[1].stop_keys:
            self._playing = None
        self._feed(KeyPressed(key), now)

    def _end(self, now: float, *, completed: bool) -> None:
        assert self._playing is not None
        said, self._playing = self._playing[1], None
        self._feed(PlayEnded(said.token, completed), now)

    def _answer(self, now: float, asked: Submit) -> None:
        service = self._release.contracts[asked.service]
        self._answered = self._answered or service.name == self._options.quick_service
        none = "none" in service.outcomes and service.source != "host"
        data = {} if none else {name: _sample(kind) for name, kind in _plain(service)}
        self._feed(ServiceAnswered(asked.visit, "none" if none else "ok", data), now)

    def _feed(self, event: Event, now: float) -> None:
        for command in self._session.receive(event, now):
            self._perform(command, now)

    def _perform(self, command: Command, now: float) -> None:
        match command:
            case Say():
                self._say(command, now)
            case Submit():
                host = self._release.contracts[command.service].source == "host"
                after = self._options.quick_host_s if host else OWN_S
                self._answers.append((now + after, command))
            case HangUp():
                self._over = True
            case _:
                pass

    def _say(self, say: Say, now: float) -> None:
        at = now
        for spoken in say.prompts:
            if self._answered and self._options.quick_output in spoken.values:
                output = self._options.quick_output
                self._told = at + self._lead(spoken.prompt_id, output, say.language)
                return
            at += self._seconds(spoken.prompt_id, say.language)
        self._playing = (at, say)


def _typed(key: str) -> str:
    name = key.rstrip("#*")
    return TYPED.get(name, name) + key[len(name) :]


def _plain(service: Service) -> list[tuple[str, Kind]]:
    return [(name, kind) for name, kind in service.outputs.items() if name not in service.rows]


def _sample(kind: Kind) -> Value:
    """A value of its kind; words are ones that no branch knows."""
    samples: dict[Kind, Value] = {
        "money": Money.parse("1234.56"),
        "date": date(2026, 1, 20),
        "time": time(8, 30),
        "number": 1,
        "rate": Decimal("1.5"),
        "word": "other",
    }
    return samples.get(kind, "0001")
