"""A form's values and endings in words of both languages, as people read them; cards are masked."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, time

from telebank.calls.edition import Edition
from telebank.calls.forms.endings import general
from telebank.calls.forms.labels import label_of
from telebank.calls.forms.menus import OTHER, Menus
from telebank.calls.forms.model import Form, Pair
from telebank.flow.commands import Spoken
from telebank.flow.options import LANGUAGES
from telebank.flow.release import Release
from telebank.flow.speech import prompt_of
from transactions.card import CardNumber, SealedCard
from transactions.card_text import without_numbers
from transactions.money import Money
from transactions.outcome import Row, Value, Values
from transactions.request import Language
from transactions.secret import Secret
from voice_prompts.values import ReadingError

YUAN = "CNY"


@dataclass(frozen=True, slots=True)
class Line:
    """One value and what it is called."""

    name: str
    label: Pair
    value: Pair


@dataclass(frozen=True, slots=True)
class Table:
    """A list that a service told."""

    columns: tuple[Pair, ...]
    rows: tuple[tuple[Pair, ...], ...]


def lines_of(release: Release, form: Form, names: Iterable[str], values: Values) -> list[Line]:
    """The values that there are, in this order."""
    return [
        Line(name, label_of(form.service, name), pair_of(release, form, name, values[name]))
        for name in names
        if name in values and not isinstance(values[name], tuple)
    ]


def table_of(release: Release, form: Form, rows: tuple[Row, ...]) -> Table | None:
    """A list; None: it is empty."""
    if not rows:
        return None
    names = tuple(dict.fromkeys(name for row in rows for name in row))
    return Table(
        tuple(label_of(form.service, name) for name in names),
        tuple(
            tuple(
                pair_of(release, form, name, row[name]) if name in row else Pair("", "")
                for name in names
            )
            for row in rows
        ),
    )


def pair_of(release: Release, form: Form, name: str, value: Value) -> Pair:
    """One value in both languages."""
    words = form.words.get(name)
    if words and isinstance(value, str):
        return Pair(*(_word(release, words, value, language) for language in LANGUAGES))
    return Pair(_said(value, "zh"), _said(value, "en"))


def aloud(form: Form, lines: Iterable[Line]) -> Pair:
    """What the teller reads to the caller before he confirms."""
    zh = "，".join(f"{line.label.zh} {line.value.zh}" for line in lines)
    en = ", ".join(f"{line.label.en.lower()} {line.value.en}" for line in lines)
    return Pair(f"{form.title.zh}：{zh}。对吗？", f"{form.title.en}: {en}. Is that right?")


def ending(edition: Edition, menus: Menus, service: str, exit_name: str, values: Values) -> Pair:
    """What is said where a service ends so: what the telephone says, else words for all."""
    found = menus.ending(service, exit_name)
    if found is not None:
        use, node = found
        own = {use.variable(name): values[name] for name in use.node.inputs if name in values}
        known = {**values, **own}
        said = [_rendered(edition, node.say, known, language) for language in LANGUAGES]
        if all(said):
            return Pair(*said)
    effect = menus.release.contracts[service].effect
    return general(effect, exit_name)


def _rendered(edition: Edition, items: tuple[str, ...], values: Values, language: Language) -> str:
    """The texts with their values; empty where one has none."""
    texts: list[str] = []
    for item in items:
        prompt, spoken = prompt_of(item, language)
        known = {name: _speakable(value) for name, value in values.items()}
        try:
            texts.append(edition.speaker.render(prompt, known, spoken).text)
        except (ReadingError, KeyError):
            return ""
    return (" " if language == "en" else "").join(texts)


def _speakable(value: Value) -> object:
    return value.masked if isinstance(value, CardNumber | SealedCard) else value


def _word(release: Release, words: str, code: str, language: Language) -> str:
    known = release.texts[language]
    text = known.get(f"word.{words}.{code}") or known.get(f"word.{words}.{OTHER}")
    return code if text is None else text.text


def _said(value: Value, language: Language) -> str:
    if isinstance(value, Money):
        return _amount(value, language)
    if isinstance(value, CardNumber | SealedCard):
        return value.masked
    if isinstance(value, Secret | tuple):
        return ""
    if isinstance(value, date | time):
        return value.isoformat()
    return without_numbers(str(value))


def _amount(money: Money, language: Language) -> str:
    amount = f"{money.decimal:,.{money.currency.exponent}f}"
    if money.currency.code != YUAN:
        return f"{amount} {money.currency.code}"
    return f"{amount} 元" if language == "zh" else f"{amount} yuan"


def spoken_of(menus: Menus, service: str, exit_name: str, values: Values) -> tuple[Spoken, ...]:
    """The texts that the telephone says where a service ends so; none, where one has no value."""
    found = menus.ending(service, exit_name)
    if found is None:
        return ()
    use, node = found
    own = {use.variable(name): values[name] for name in use.node.inputs if name in values}
    known, texts = {**values, **own}, menus.release.texts[LANGUAGES[0]]
    spoken: list[Spoken] = []
    for item in node.say:
        text = texts.get(prompt_of(item, LANGUAGES[0])[0])
        if text is None or any(slot.name not in known for slot in text.slots):
            return ()
        spoken.append(Spoken(text.id, {slot.name: known[slot.name] for slot in text.slots}))
    return tuple(spoken)
