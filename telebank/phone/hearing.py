"""Recognising our own clips in received G.711, octet by octet, as they arrive.

A digital path changes no octet, so a clip is known by its first audible octets and then compared
to its end. Of what was transcoded on the way, or is no clip that we have, the ear says `(…)`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from voice_prompts import g711, slow
from voice_prompts.bank import Bank, BankIndex
from voice_prompts.catalogue import Catalogue, Fragment

NO_TEXTS: Mapping[str, str] = MappingProxyType({})
WORD_ID = "word."
"""How the id of a text begins that is spoken inside others."""
START = 24
"""Octets by which the beginning of a clip is known (3 ms)."""
RATE = 8_000
"""Octets in a second of G.711."""
FRAME = 160
"""Octets of a 20 ms packet."""
MAX_GAP_FRAMES = 50
"""Longest loss that a clip is followed across, in packets."""
ENOUGH = 0.5
"""Part of a clip after which it counts as heard, when it is cut short."""
BEGUN = 10 * FRAME
"""Octets after which a prompt is known to have begun (200 ms): enough to tell clips apart."""
UNKNOWN_TEXT = "(…)"
UNKNOWN_S = 0.3
"""Seconds of sound that is no known clip from which on it is taken for speech, not for a remnant
of a clip that a key or a lost packet cut."""
PAUSE_S = 0.5
"""Seconds of silence that end it."""


@dataclass(frozen=True, slots=True)
class ClipHeard:
    """One clip, whole or cut short; `began_at` is when its first packet came (monotonic s).

    Speech that is no known clip has no key, and the text `(…)`.
    """

    key: str
    text: str
    whole: bool
    began_at: float
    corrects: str = ""
    """The key reported for the part before, where that was a part of this prompt all along."""
    shared: bool = False
    """A part that sounds the same in several prompts: what comes later tells which it is."""


@dataclass(frozen=True, slots=True)
class _Clip:
    key: str
    text: str
    audible: bytes
    """From its first to its last octet that is not silence."""


def texts_with_marks(catalogue: Catalogue, index: BankIndex) -> dict[str, str]:
    """What the clips say, with the marks around values: `，账面余额为` instead of `账面余额为`."""
    return {
        key: part.text
        for language, templates in catalogue.texts.items()
        for template in templates.values()
        for part in template.parts
        if isinstance(part, Fragment)
        # Where the texts have changed since the recording, what is heard is the recording.
        and index.texts.get(key := f"{language}/{template.clip(part)}") in {part.words, part.text}
    }


class Lexicon:
    """The clips of a bank by their first audible octets, for one law; shared by many ears."""

    def __init__(self, bank: Bank, law: g711.Law, texts: Mapping[str, str] = NO_TEXTS) -> None:
        """`texts` by clip key are shown instead of the bank's own, which lack marks at values."""
        self.silence = g711.SILENCE[law]
        self._law = law
        self._by_start: dict[bytes, list[_Clip]] = {}
        self._by_sound: dict[bytes, list[str]] = {}
        self._keys: set[str] = set()
        self.learn(bank, texts)

    def learn(self, bank: Bank, texts: Mapping[str, str] = NO_TEXTS) -> None:
        """Know the clips of one more bank too; a key may then have several recordings."""
        octets: NDArray[np.uint8] = bank.laws[self._law]
        self._keys |= bank.index.clips.keys()
        for form, (start, samples) in bank.index.clips.items():
            key = slow.plain(form)  # slowly spoken, it is the same clip
            audible = octets[start : start + samples].tobytes().strip(bytes([self.silence]))
            if len(audible) >= START and key not in self._by_sound.get(audible, ()):
                clip = _Clip(key, texts.get(key, bank.index.texts[key]), audible)
                self._by_start.setdefault(audible[:START], []).append(clip)
                self._by_sound.setdefault(audible, []).append(key)

    def prompts(self) -> set[str]:
        """Ids of the prompts whose clips are known, of both languages."""
        return {key.partition("/")[2].partition("#")[0] for key in self._keys}

    def find(self, start: bytes) -> list[_Clip]:
        """Clips that begin with these octets, longest first."""
        return sorted(self._by_start.get(start, ()), key=lambda clip: -len(clip.audible))

    def before(self, key: str) -> str:
        """The part that comes before `zh/tr.done#2`: #1, or #0 where two values stand side by side
        with nothing said between them. Empty before a first part and before a value."""
        prompt, _, part = key.partition("#")
        earlier = range(int(part or 0) - 1, -1, -1)
        return next((one for n in earlier if (one := f"{prompt}#{n}") in self._keys), "")

    def alike(self, clip: _Clip) -> list[str]:
        """Keys of all clips with the same sound: prompts may share words, and so a recording."""
        return self._by_sound[clip.audible]


@dataclass(slots=True)
class _Following:
    candidates: list[_Clip]
    position: int
    began_at: float
    matched: int
    counts: bool = False
    """Reported however little of it comes: somebody has acted on its having begun."""


@dataclass(slots=True)
class _Unknown:
    """Sound of no known clip, since the last clip or pause."""

    began_at: float = 0.0
    seconds: float = 0.0

    def add(self, seconds: float, now: float) -> None:
        """So much more of it came."""
        self.began_at = self.began_at if self.seconds else now
        self.seconds += seconds

    def end(self) -> Iterator[ClipHeard]:
        """It is over: speech where it was long enough."""
        if self.seconds >= UNKNOWN_S:
            yield ClipHeard("", UNKNOWN_TEXT, whole=True, began_at=self.began_at)
        self.seconds = 0.0


class Ear:
    """Listens to one stream: `hear` packets in, clips out."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._silence = bytes([lexicon.silence])
        self._pending = b""
        self._following: _Following | None = None
        self._unknown = _Unknown()
        self._expected: int | None = None
        self._last: list[str] = []
        """The prompt's part heard last, and every other part that sounds the same."""
        self._came = (0.0, 0.0, 0)
        self.sounded = False
        """Whether anything but silence has come."""
        self.silent_s = 0.0
        """Seconds of silence received since the last sound. By what the stream holds, not by the
        clock: packets that a busy machine brings late are no pause of the bank."""

    def hear(self, sequence: int, payload: bytes, now: float) -> list[ClipHeard]:
        """Take one packet's payload; late and repeated packets are left out."""
        heard: list[ClipHeard] = []
        if self._expected is not None:
            lost = (sequence - self._expected) & 0xFFFF
            if lost >= 0x8000:  # noqa: PLR2004 - behind us, modulo 2^16
                return heard
            if lost:
                heard += self._skip(lost)
        self._expected = (sequence + 1) & 0xFFFF
        if payload.strip(self._silence):
            self.sounded, self.silent_s = True, 0.0
        else:
            self.silent_s += len(payload) / RATE
        # When the packet before and this one came, and how much of what is pending is this one's.
        self._came = (self._came[1], now, len(payload))
        self._pending += payload
        heard += self._consume()
        return [*self._no_clip(payload, now, known=bool(heard)), *heard]

    def _no_clip(self, payload: bytes, now: float, *, known: bool) -> Iterator[ClipHeard]:
        """Keep account of sound that belongs to no clip."""
        if known or self._following is not None or self.silent_s >= PAUSE_S:
            yield from self._unknown.end()
        elif payload.strip(self._silence):
            self._unknown.add(len(payload) / RATE, now)

    @property
    def following(self) -> tuple[str, float] | None:
        """The clip that seems to be playing, and when its first packet came (monotonic s)."""
        following = self._following
        return None if following is None else (following.candidates[0].key, following.began_at)

    def begins(self, prompt: str, since: float) -> bool:
        """Whether this prompt's first clip is playing for certain, begun at `since` or later.

        Once that is told, the clip is reported even if a key cuts it short at once.
        """
        following = self._following
        if following is None or following.matched < BEGUN or following.began_at < since:
            return False
        named = (clip.key.partition("/")[2] for clip in following.candidates)
        if any(name not in {prompt, f"{prompt}#0"} for name in named):
            return False
        following.counts = True
        return True

    def finish(self) -> list[ClipHeard]:
        """The stream ended: what was being followed was cut short."""
        return [*self._give_up(), *self._unknown.end()]

    def _consume(self) -> Iterator[ClipHeard]:
        while self._pending:
            if self._following is not None:
                ended = self._follow()
                if ended is None:
                    return
                yield from ended
                continue
            self._pending = self._pending.lstrip(self._silence)
            if len(self._pending) < START:
                return
            candidates = self._lexicon.find(self._pending[:START])
            if candidates:
                before, now, fresh = self._came
                began_at = now if len(self._pending) <= fresh else before
                self._following = _Following(candidates, 0, began_at, 0)
            else:
                self._pending = self._pending[1:]

    def _follow(self) -> list[ClipHeard] | None:
        """Compare what is pending; None while more is needed, else what came to an end."""
        following = self._following
        assert following is not None
        at, chunk = following.position, self._pending
        going = [c for c in following.candidates if c.audible[at : at + len(chunk)] == chunk]
        if going and len(going[0].audible) > at + len(chunk):
            following.candidates = going
            following.position += len(chunk)
            following.matched += len(chunk)
            self._pending = b""
            return None
        return self._end(following, at, chunk)

    def _end(self, following: _Following, at: int, chunk: bytes) -> list[ClipHeard]:
        best, agreed = max(
            ((c, _agreement(c.audible[at:], chunk)) for c in following.candidates),
            key=lambda pair: (
                at + pair[1] == len(pair[0].audible),
                pair[1],
                self._likely(pair[0].key),
            ),
        )
        self._following = None
        whole = at + agreed == len(best.audible)
        # A prompt is cut at a packet's edge, so what breaks off begins anew with its packet; octets
        # that agree by chance belong to what follows.
        self._pending = chunk[agreed:] if whole else chunk[0 if at else 1 :]
        if whole or following.counts or following.matched >= ENOUGH * len(best.audible):
            return [self._heard(best, whole, following.began_at)]
        return []

    def _heard(self, clip: _Clip, whole: bool, began_at: float) -> ClipHeard:
        corrects, before, shared = "", self._lexicon.before(clip.key), False
        if "#" in clip.key and f"/{WORD_ID}" not in clip.key:
            shared = len({one.partition("#")[0] for one in self._lexicon.alike(clip)}) > 1
            if before in self._last[1:]:
                corrects = self._last[0]
            self._last = [clip.key, *self._lexicon.alike(clip)]
        return ClipHeard(clip.key, clip.text, whole, began_at, corrects, shared)

    def _likely(self, key: str) -> int:
        """Of parts that sound the same: the next of the prompt being said, or else a first one."""
        before = self._lexicon.before(key)
        if before in self._last:
            return 2 + (before == self._last[0])
        return int(not before)

    def _skip(self, frames: int) -> Iterator[ClipHeard]:
        following = self._following
        if following is None or frames > MAX_GAP_FRAMES:
            yield from self._give_up()
            return
        following.position += frames * FRAME
        longest = max(following.candidates, key=lambda clip: len(clip.audible))
        if following.position >= len(longest.audible):
            yield from self._give_up()

    def _give_up(self) -> Iterator[ClipHeard]:
        following, self._following = self._following, None
        self._pending = b""
        if following is not None:
            clip = following.candidates[0]
            if following.counts or following.matched >= ENOUGH * len(clip.audible):
                yield ClipHeard(clip.key, clip.text, whole=False, began_at=following.began_at)


def _agreement(left: bytes, right: bytes) -> int:
    """How many octets two runs have in common from their beginning."""
    size = min(len(left), len(right))
    if left[:size] == right[:size]:
        return size
    differs = np.frombuffer(left[:size], np.uint8) != np.frombuffer(right[:size], np.uint8)
    return int(differs.argmax())
