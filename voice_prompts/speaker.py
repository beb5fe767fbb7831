"""From a prompt and its values to what is played: clips and silences, and the words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from voice_prompts import slow
from voice_prompts.bank import BankIndex
from voice_prompts.catalogue import (
    PAUSES,
    SENTENCE_END,
    WORD,
    Catalogue,
    Fragment,
    Template,
    Variable,
)
from voice_prompts.readings import LANGUAGES, read, units
from voice_prompts.sound import RATE
from voice_prompts.values import Reading, ReadingError

GAP_BEFORE_VALUE = 150
GAP_AFTER_VALUE = 80
GAP_BETWEEN_VALUES = 500
GAP_SENTENCE = 400
"""Milliseconds before a value, after one, between two with no word between them (so that the digits
of one are not heard as the other's), and between sentences (menu items)."""

SILENCE = -1
"""Takes the place of a start sample in a segment of silence."""

CHARACTERS_PER_SECOND = {"zh": 4.5, "en": 15.0}
"""How fast the voices speak, for estimates where there is no audio."""

Segment = tuple[int, int]


class MissingClips(Exception):  # noqa: N818  (a list of what is missing, not a failure of ours)
    """Clips that the texts need and the bank has not; `clips` lists all of them."""

    def __init__(self, clips: tuple[str, ...]) -> None:
        super().__init__(f"{len(clips)} clips are not in the voice bank: {', '.join(clips)}")
        self.clips = clips


@dataclass(frozen=True, slots=True)
class Utterance:
    """What one prompt plays.

    `segments` are (first sample, samples) in the bank, or (-1, samples) of silence; `clips` the
    plain keys of the clips in order; `text` the words, values included. Without audio there are no
    segments.
    """

    segments: tuple[Segment, ...]
    text: str
    clips: tuple[str, ...]

    @property
    def samples(self) -> int:
        """Length at 8 kHz."""
        return sum(samples for _, samples in self.segments)


@dataclass(frozen=True, slots=True)
class _Step:
    """A clip, and the milliseconds of silence before it."""

    gap: int
    clip: str


@dataclass(frozen=True, slots=True)
class _Word:
    """A code: the clip of its text, and the text."""

    clip: str
    text: str


class Speaker:
    """Renders prompts. Raises MissingClips at once if the bank lacks any clip a text may need;
    with no bank index it renders words only."""

    def __init__(self, catalogue: Catalogue, index: BankIndex | None) -> None:
        self._catalogue = catalogue
        self._index = index
        self._fixed: dict[tuple[str, str, bool], Utterance] = {}
        """Of prompts that have no values, once spoken: by prompt, language, and whether slowly."""
        if index is not None:
            missing = [key for key in needed(catalogue) if key not in index.clips]
            if missing:
                raise MissingClips(tuple(missing))

    def render(
        self,
        prompt: str,
        values: Mapping[str, object],
        language: str,
        *,
        slowly: bool = False,
        to_last_value: bool = False,
    ) -> Utterance:
        """Speak `prompt` with `values` by name, or `to_last_value` and no further; ReadingError
        where one is missing or unfit."""
        known = self._fixed.get((prompt, language, slowly))
        if known is not None:
            return known
        template = self._catalogue.template(prompt, language)
        if to_last_value and template.variables:
            template = template.to_last_value()
        readings = {
            name: self._read(template, name, kind, values)
            for name, kind in template.variables.items()
        }
        steps = tuple(_steps(template, readings))
        text = "".join(
            part.text if isinstance(part, Fragment) else readings[part.name].text
            for part in _spaced(template)
        )
        said = _utterance(steps, text, self._index, slowly=slowly)
        if not template.variables:
            self._fixed[prompt, language, slowly] = said
        return said

    def _read(
        self, template: Template, name: str, kind: str, values: Mapping[str, object]
    ) -> "Reading | _Word":
        if name in values and kind.startswith(WORD):
            word = self._catalogue.word(kind.removeprefix(WORD), values[name], template.language)
            return _Word(f"{word.id}#0", word.text)
        return _read(template, name, kind, values)

    def seconds(
        self, prompt: str, values: Mapping[str, object], language: str, *, slowly: bool = False
    ) -> float:
        """How long `prompt` lasts; estimated from its words where there is no audio."""
        utterance = self.render(prompt, values, language, slowly=slowly)
        if self._index is None:
            return len(utterance.text) / CHARACTERS_PER_SECOND[language]
        return utterance.samples / RATE

    @property
    def catalogue(self) -> Catalogue:
        """The texts that it speaks."""
        return self._catalogue

    def seconds_before(
        self, prompt: str, variable: str, values: Mapping[str, object], language: str
    ) -> float:
        """How long `prompt` has lasted when the value of `variable` begins; 0 without audio."""
        template = self._catalogue.template(prompt, language)
        at = [part.name if isinstance(part, Variable) else "" for part in template.parts]
        until = template.parts[: at.index(variable)]
        utterance = self.render(prompt, values, language)
        spoken = [part for part in until if isinstance(part, Fragment) and part.spoken]
        if self._index is None or not spoken:
            return 0.0
        last = utterance.clips.index(f"{language}/{template.clip(spoken[-1])}")
        clips = [at for at, (start, _) in enumerate(utterance.segments) if start != SILENCE]
        before = utterance.segments[: clips[min(last + 1, len(clips) - 1)]]
        return sum(samples for _, samples in before) / RATE


def speak(reading: Reading, language: str, index: BankIndex | None) -> Utterance:
    """One value alone; MissingClips names the units that the bank has not."""
    return _utterance(tuple(_value_steps(reading, language, 0)), reading.text, index)


def speak_word(word: Template, index: BankIndex | None) -> Utterance:
    """The text of one word alone; MissingClips where the bank has it not."""
    return _utterance((_Step(0, f"{word.language}/{word.id}#0"),), word.text, index)


def _utterance(
    steps: tuple[_Step, ...], text: str, index: BankIndex | None, *, slowly: bool = False
) -> Utterance:
    """Spoken slowly, by the clips' slow forms and with longer pauses."""
    clips = tuple(step.clip for step in steps)
    if index is None:
        return Utterance((), text, clips)
    missing = [clip for clip in clips if clip not in index.clips]
    if missing:
        raise MissingClips(tuple(dict.fromkeys(missing)))
    segments: list[Segment] = []
    for step in steps:
        if step.gap and segments:
            gap = step.gap * RATE // 1000
            segments.append((SILENCE, slow.pause(gap) if slowly else gap))
        segments.append(_form(index, step.clip, slowly=slowly))
    return Utterance(tuple(segments), text, clips)


def _form(index: BankIndex, clip: str, *, slowly: bool) -> Segment:
    """The clip, or its slow form where there is one."""
    plain = index.clips[clip]
    return index.clips.get(slow.key_of(clip), plain) if slowly else plain


def needed(catalogue: Catalogue) -> Iterator[str]:
    """The key of every clip that the texts and the values of all languages may need."""
    for language in LANGUAGES:
        for template in catalogue.texts[language].values():
            for part in template.parts:
                if isinstance(part, Fragment) and part.spoken:
                    yield f"{language}/{template.clip(part)}"
        for unit in sorted(units(language)):
            yield f"{language}/unit:{unit}"


def _read(template: Template, name: str, kind: str, values: Mapping[str, object]) -> Reading:
    if name not in values:
        raise ReadingError(f"{template.id}: no value for {name!r}")
    try:
        return read(kind, values[name], template.language)
    except ReadingError as error:
        raise ReadingError(f"{template.id}: {name}: {error}") from None


def _spaced(template: Template) -> Iterator[Fragment | Variable]:
    """The parts with the spaces that English puts between them."""
    for index, part in enumerate(template.parts):
        spaced = index and template.language == "en"
        if spaced and not (isinstance(part, Fragment) and part.text[0] in SENTENCE_END + PAUSES):
            yield Fragment(-1, " ")
        yield part


def _steps(template: Template, readings: Mapping[str, Reading | _Word]) -> Iterator[_Step]:
    gap, value_before = 0, False
    for part in template.parts:
        if isinstance(part, Variable):
            reading = readings[part.name]
            if isinstance(reading, _Word):
                clip = f"{template.language}/{reading.clip}"
                yield _Step(max(gap, GAP_BEFORE_VALUE), clip)
            else:
                before = GAP_BETWEEN_VALUES if value_before else GAP_BEFORE_VALUE
                yield from _value_steps(reading, template.language, max(gap, before))
            gap, value_before = GAP_AFTER_VALUE, not isinstance(reading, _Word)
            continue
        gap = max(gap, _pause(part.text[0])) if gap else 0
        if part.spoken:
            yield _Step(gap, f"{template.language}/{template.clip(part)}")
            gap, value_before = 0, False
        gap = max(gap, _pause(part.text[-1]))


def _pause(mark: str) -> int:
    if mark in SENTENCE_END:
        return GAP_SENTENCE
    return GAP_BEFORE_VALUE if mark in PAUSES else 0


def _value_steps(reading: Reading, language: str, gap: int) -> Iterator[_Step]:
    gaps = (gap, *reading.gaps)
    for unit, before in zip(reading.units, gaps, strict=True):
        yield _Step(before, f"{language}/unit:{unit}")
