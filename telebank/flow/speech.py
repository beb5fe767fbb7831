"""From a node's `say` to texts with values, one part for each language in a row."""

from dataclasses import replace
from types import MappingProxyType

from telebank.flow.commands import Spoken
from telebank.flow.memory import Memory
from telebank.flow.options import LANGUAGES, ROW_KEY, ROW_NUMBER
from telebank.flow.state import Part
from telebank.flow.texts import Texts
from transactions.outcome import Value
from transactions.request import Language


def prompt_of(item: str, language: Language) -> tuple[str, Language]:
    """A text's id and language: `id` is spoken in `language`, `id@en` in its own."""
    name, _, other = item.partition("@")
    return name, next((known for known in LANGUAGES if known == other), language)


def parts_of(items: tuple[str, ...], language: Language) -> list[Part]:
    """Group the items of `say` by language, in order."""
    parts: list[Part] = []
    for item in items:
        name, spoken = prompt_of(item, language)
        if parts and parts[-1].language == spoken:
            parts[-1] = Part(spoken, (*parts[-1].prompts, name))
        else:
            parts.append(Part(spoken, (name,)))
    return parts


def row_parts(
    rows: str, prompt: str, count: int, language: Language, first_key: int = 1
) -> list[Part]:
    """One part for each of the `count` rows of variable `rows`, spoken by the text `prompt`."""
    return [
        Part(language, (prompt,), rows, number, number + first_key - 1)
        for number in range(1, count + 1)
    ]


def spoken_of(part: Part, texts: Texts, memory: Memory) -> tuple[Spoken, ...]:
    """The part's texts with their values; a text with a value missing is left out."""
    spoken: list[Spoken] = []
    for prompt in part.prompts:
        text = texts[part.language].get(prompt)
        if text is None:
            continue
        values = {slot.name: _value(part, slot.name, memory) for slot in text.slots}
        known = {name: value for name, value in values.items() if value is not None}
        if len(known) == len(values):
            spoken.append(Spoken(prompt, MappingProxyType(known)))
    return tuple(spoken)


def _value(part: Part, name: str, memory: Memory) -> Value | None:
    """A variable, or in a row one of its columns, its number `n` or its `key`."""
    if part.rows is None:
        return memory.value(name)
    if name == ROW_NUMBER:
        return part.number
    if name == ROW_KEY:
        return part.key
    rows = memory.rows(part.rows)
    return rows[part.number - 1].get(name) if part.number <= len(rows) else None


def speakable(parts: list[Part], texts: Texts, memory: Memory) -> list[Part]:
    """The parts without the texts that a value is missing for."""
    kept = [_speakable(part, texts, memory) for part in parts]
    return [part for part in kept if part.prompts]


def _speakable(part: Part, texts: Texts, memory: Memory) -> Part:
    prompts = tuple(one.prompt_id for one in spoken_of(part, texts, memory))
    return part if prompts == part.prompts else replace(part, prompts=prompts)
