"""Who answered a call of ours: a person, a machine, a fax, a tone, or nobody who speaks.

A person says a word or two and waits; a machine goes on talking, and beeps. So the length of the
first greeting and the silence after it decide, as they do elsewhere; tones are told from speech by
being one steady sinusoid. It is a guess: a person with a long greeting is taken for a machine, a
machine with a short one for a person. What follows must be harmless either way.

Pure: no clock and no I/O. A frame is 160 samples at 8000 a second; times are milliseconds since the
answer. Cost: about 40 µs a frame, for calls out in their first seconds only.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from telebank.media.bank import FRAME
from telebank.media.inband_values import PEAK_0_DBM0
from telebank.wire import Who

FRAME_MS = 20
Samples = NDArray[np.int16]

_POINTS = 1_024
_WINDOW = np.hanning(FRAME)
_TIMES = np.arange(FRAME) / 8_000


@dataclass(frozen=True, slots=True)
class AmdOptions:
    """What decides. Milliseconds, but for levels."""

    speech_dbm0: float = -40.0
    """dBm0 that a frame of speech or tone reaches."""
    least_ms: int = 120
    """Of speech, at least, that is no click."""
    silent_ms: int = 4_000
    """Nothing heard for so long since the answer: `silence`."""
    greeting_ms: int = 1_500
    """A greeting up to this is a person's, once it is over; beyond, a machine's."""
    over_ms: int = 700
    """Silence that ends a greeting."""
    decide_ms: int = 6_000
    """By then it is `unsure` where nothing else was found; after ring-back, counted from the first
    word."""
    pure: float = 0.92
    """Part of a frame's energy in one sinusoid that makes it a tone."""
    steady_hz: float = 20.0
    """By which a tone's frequency may wander from frame to frame."""
    tone_ms: int = 100
    """A tone is one from this length on; shorter is speech."""
    beep_ms: int = 140
    """Shortest beep of a machine."""
    fax_ms: int = 400
    """Of 1100 Hz (CNG) or 2100 Hz (CED, ITU-T T.30) that makes it a fax."""
    dial_ms: int = 2_500
    """Of a tone without pause that is no fax's: `tone`."""


class Answered(NamedTuple):
    """The verdict, once. `greeting_ms` of speech, with its pauses, when it was reached."""

    who: Who
    at_ms: int
    greeting_ms: int


class Beeped(NamedTuple):
    """The machine's beep is over: what is said now is kept."""

    at_ms: int
    hertz: int


Event = Answered | Beeped


class Sounded(NamedTuple):
    """What a frame is: its level, and the frequency where it is one sinusoid, else 0."""

    dbm0: float
    hertz: float


def sounded(frame: Samples, pure: float) -> Sounded:
    """Look at one frame."""
    wave = frame.astype(np.float64)
    wave -= wave.mean()
    energy = float(wave @ wave)
    if energy < 1.0:
        return Sounded(-99.0, 0.0)
    dbm0 = 10 * np.log10(2 * energy / FRAME / PEAK_0_DBM0**2)
    power = np.abs(np.fft.rfft(wave * _WINDOW, _POINTS)) ** 2
    top = int(power[1:-1].argmax()) + 1
    low, mid, high = (np.log(power[top + step] + 1e-9) for step in (-1, 0, 1))
    bend = low - 2 * mid + high
    hertz = (top + (0.5 * (low - high) / bend if bend else 0.0)) * 8_000 / _POINTS
    waves = np.exp(2j * np.pi * hertz * _TIMES)
    share = 2 * abs(np.vdot(waves, wave)) ** 2 / FRAME / energy
    return Sounded(float(dbm0), float(hertz) if share >= pure else 0.0)


class AnsweringMachineDetector:
    """One call out, from its answer on."""

    def __init__(self, options: AmdOptions | None = None) -> None:
        self._options = options or AmdOptions()
        self._now = 0
        self._heard_tone = False
        self._began = 0
        """Of the greeting."""
        self._spoke = 0
        """When speech was heard last."""
        self._speech = 0
        """Milliseconds of frames with speech."""
        self._tone: list[float] = []
        """Frequencies of the frames of the tone under way."""
        self._cadence: list[tuple[int, int]] = []
        """Of 450 Hz: when spurts began and ended."""
        self.verdict: Answered | None = None

    def hear(self, frame: Samples) -> list[Event]:
        """The next 20 ms; what is known by then."""
        options, events = self._options, list[Event]()
        found = sounded(frame, options.pure)
        loud = found.dbm0 >= options.speech_dbm0
        steady = not self._tone or abs(found.hertz - self._tone[-1]) <= options.steady_hz
        if self._tone and not (loud and found.hertz and steady):
            events += self._toned()
        self._now += FRAME_MS
        if loud and found.hertz:
            self._tone.append(found.hertz)
        elif loud:
            self._said(FRAME_MS)
        return events + self._judged()

    # -- what was heard -----------------------------------------------------------------------

    def _said(self, ms: int) -> None:
        """So much speech ends now."""
        if not self._speech:
            self._began = self._now - ms
        self._speech += ms
        self._spoke = self._now

    def _toned(self) -> list[Event]:
        """A tone is over: a beep, a spurt of a cadence, or but a vowel."""
        options = self._options
        length, hertz = len(self._tone) * FRAME_MS, float(np.median(self._tone))
        self._tone.clear()
        if length < options.tone_ms:
            self._said(length)
            return []
        self._heard_tone = True
        self._forget_clicks()
        if _near(hertz, 450) and not self._speech:
            self._cadence.append((self._now - length, self._now))
            return []
        if length < options.beep_ms or (not self._speech and self.verdict is None):
            return []
        events: list[Event] = [] if self.verdict else [self._decide("machine")]
        return [*events, Beeped(self._now, round(hertz))]

    def _forget_clicks(self) -> None:
        if self._speech < self._options.least_ms:
            self._speech = 0

    # -- what it means ------------------------------------------------------------------------

    def _judged(self) -> list[Event]:
        if self.verdict is not None:
            return []
        who = self._tone_means() or self._cadence_means() or self._speech_means()
        return [] if who is None else [self._decide(who)]

    def _decide(self, who: Who) -> Answered:
        greeting = self._spoke - self._began if self._speech else 0
        self.verdict = Answered(who, self._now, greeting)
        return self.verdict

    def _tone_means(self) -> Who | None:
        length = len(self._tone) * FRAME_MS
        if not length:
            return None
        hertz = float(np.median(self._tone))
        if length >= self._options.fax_ms and (_near(hertz, 1_100) or _near(hertz, 2_100)):
            return "fax"
        return "tone" if length >= self._options.dial_ms else None

    def _cadence_means(self) -> Who | None:
        """Two spurts and the pauses after them are enough; ring-back goes on waiting."""
        if len(self._cadence) < 3:  # noqa: PLR2004 - two spurts, and the beginning of the next
            return None
        first, second, third = self._cadence[-3:]
        on = second[1] - second[0]
        pauses = (second[0] - first[1], third[0] - second[1])
        if max(pauses) > 2 * on or min(pauses) * 2 < on:
            return None
        return "busy" if on < 500 else "congestion"  # noqa: PLR2004 - 350 and 700 ms (tones.py)

    def _speech_means(self) -> Who | None:
        options, now = self._options, self._now
        if now - self._spoke >= options.over_ms:
            self._forget_clicks()
        if self._speech >= options.least_ms:
            if self._spoke - self._began > options.greeting_ms:
                return "machine"
            if now - self._spoke >= options.over_ms and not self._tone:
                return "person"
        elif not self._heard_tone and not self._tone and now >= options.silent_ms:
            return "silence"
        spoken = self._speech >= options.least_ms
        since = self._began if spoken and self._cadence else 0
        if now - since >= options.decide_ms and (spoken or not self._cadence):
            return "unsure"
        return None


def _near(hertz: float, wanted: float) -> bool:
    return abs(hertz - wanted) <= 0.025 * wanted
