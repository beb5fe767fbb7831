"""The ear knows our clips in what it receives."""

import random

import numpy as np
import pytest

from telebank.phone.hearing import Ear, Lexicon
from telebank.phone.report import CallReport
from voice_prompts import g711
from voice_prompts.bank import Bank, BankIndex

FRAME = 160


def make_bank(lengths: dict[str, int], seed: int = 7) -> Bank:
    """Clips of noise with silent edges, as real ones have."""
    chance = np.random.default_rng(seed)
    clips, pieces, at = {}, [], 0
    for key, length in lengths.items():
        body = chance.integers(0, 256, length, np.uint8)
        body[:40] = body[-60:] = g711.SILENCE["pcma"]
        clips[key] = (at, length)
        pieces.append(body)
        at += length
    octets = np.concatenate(pieces)
    texts = {key: f"words of {key}" for key in lengths}
    return Bank(BankIndex(clips, texts), {"pcma": octets, "pcmu": octets})


BANK = make_bank({"zh/a#0": 4_000, "zh/unit:x": 1_111, "zh/b#0": 2_345, "en/c#0": 9_000})


def packets(*parts: bytes) -> list[bytes]:
    stream = b"".join(parts)
    padded = stream + b"\xd5" * (-len(stream) % FRAME)
    return [padded[i : i + FRAME] for i in range(0, len(padded), FRAME)]


def clip(key: str) -> bytes:
    start, samples = BANK.index.clips[key]
    return BANK.laws["pcma"][start : start + samples].tobytes()


def listen(frames: list[tuple[int, bytes]]) -> list[tuple[str, bool]]:
    ear = Ear(Lexicon(BANK, "pcma"))
    heard = []
    for sequence, payload in frames:
        heard += ear.hear(sequence & 0xFFFF, payload, sequence * 0.02)
    return [(c.key, c.whole) for c in heard + ear.finish()]


def quiet(milliseconds: int) -> bytes:
    return b"\xd5" * (8 * milliseconds)


def test_clips_joined_at_any_sample_are_all_heard() -> None:
    stream = packets(quiet(50), clip("zh/a#0"), quiet(150), clip("zh/unit:x"), clip("zh/b#0"))
    assert listen(list(enumerate(stream, 65_530))) == [
        ("zh/a#0", True),
        ("zh/unit:x", True),
        ("zh/b#0", True),
    ]


def test_a_prompt_cut_by_a_key_is_heard_as_cut_and_the_next_whole() -> None:
    cut = packets(clip("en/c#0"))[:40]
    stream = cut + packets(clip("zh/a#0"))
    assert listen(list(enumerate(stream))) == [("en/c#0", False), ("zh/a#0", True)]


def test_little_of_a_prompt_is_not_heard() -> None:
    stream = packets(clip("en/c#0"))[:10] + packets(clip("zh/b#0"))
    assert listen(list(enumerate(stream))) == [("zh/b#0", True)]


def test_a_prompt_begins_with_its_first_clip_and_then_counts_even_if_cut_at_once() -> None:
    ear = Ear(Lexicon(BANK, "pcma"))
    begun = []
    for sequence, payload in enumerate(packets(clip("en/c#0"))[:14], 1):
        assert ear.hear(sequence, payload, float(sequence)) == []
        begun.append(ear.begins("c", 0.0))
    assert (begun[0], begun[-1]) == (False, True)
    assert not ear.begins("a", 0.0)
    assert not ear.begins("c", 2.0), "it began before the keys"
    heard = [one for n, p in enumerate(packets(clip("zh/b#0")), 15) for one in ear.hear(n, p, 9.0)]
    assert [(one.key, one.whole) for one in heard] == [("en/c#0", False), ("zh/b#0", True)]


@pytest.mark.parametrize("seed", range(5))
def test_lost_packets_inside_a_clip_do_not_hide_it(seed: int) -> None:
    chance = random.Random(seed)
    frames = list(enumerate(packets(clip("en/c#0"))))
    kept = [f for f in frames if f[0] in (0, len(frames) - 1) or chance.random() > 0.05]
    assert [key for key, _ in listen(kept)] == ["en/c#0"]


def test_repeated_and_late_packets_are_left_out() -> None:
    frames = list(enumerate(packets(clip("zh/a#0"))))
    doubled = [f for frame in frames for f in (frame, frame)]
    assert listen(doubled) == [("zh/a#0", True)]


def noise(milliseconds: int) -> bytes:
    return np.random.default_rng(1).integers(0, 256, 8 * milliseconds, np.uint8).tobytes()


def test_unknown_sound_is_speech_where_it_is_long_enough() -> None:
    assert listen(list(enumerate(packets(noise(200), quiet(1_000), noise(200))))) == []
    said = [noise(1_000), quiet(300), noise(100), quiet(600), noise(400)]
    assert listen(list(enumerate(packets(*said)))) == [("", True), ("", True)]


def test_unknown_sound_is_heard_where_it_came_among_clips() -> None:
    ear, report = Ear(Lexicon(BANK, "pcma")), CallReport("sip:bank@127.0.0.1")
    heard = []
    stream = packets(clip("zh/a#0"), noise(800), clip("zh/b#0"), noise(400))
    for sequence, payload in enumerate(stream):
        heard += ear.hear(sequence, payload, sequence * 0.02)
    for one in heard + ear.finish():
        report.add(one, one.began_at)
    told = [(one.prompt, one.words) for one in report.prompts]
    unknown = ("", "(…)")
    assert told == [("a", "words of zh/a#0"), unknown, ("b", "words of zh/b#0"), unknown]
    assert heard[1].began_at == pytest.approx(0.5, abs=0.03)


def test_a_lexicon_knows_what_it_learns_beside_what_it_knew() -> None:
    more = make_bank({"zh/a#0": 3_000, "zh/new": 2_000}, seed=8)
    lexicon = Lexicon(BANK, "pcma")
    lexicon.learn(more, {"zh/a#0": "other words"})
    ear, octets = Ear(lexicon), more.laws["pcma"].tobytes()
    heard = []
    for sequence, payload in enumerate(packets(octets, clip("zh/a#0"))):
        heard += ear.hear(sequence, payload, sequence * 0.02)
    assert [(one.key, one.text) for one in heard + ear.finish()] == [
        ("zh/a#0", "other words"),
        ("zh/new", "words of zh/new"),
        ("zh/a#0", "words of zh/a#0"),
    ]


def test_when_a_clip_began_is_the_time_of_its_first_packet() -> None:
    ear = Ear(Lexicon(BANK, "pcma"))
    heard = []
    for sequence, payload in enumerate(packets(quiet(100), clip("zh/b#0"))):
        heard += ear.hear(sequence, payload, float(sequence))
    assert heard[0].began_at == 5.0


def test_silence_is_what_came_not_how_long_nothing_came() -> None:
    ear = Ear(Lexicon(BANK, "pcma"))
    stream = packets(clip("zh/a#0"), quiet(400))
    frames = list(enumerate(stream))
    for sequence, payload in frames[:10]:
        ear.hear(sequence, payload, 0.0)
    assert (ear.sounded, ear.silent_s) == (True, 0.0)
    for sequence, payload in frames[10:]:  # the machine was busy for a minute
        ear.hear(sequence, payload, 60.0)
    assert ear.silent_s == pytest.approx(0.4, abs=0.02)
    ear.hear(len(frames), clip("zh/a#0")[:FRAME], 60.0)
    assert ear.silent_s == 0.0


def test_a_recording_that_two_prompts_share_is_the_prompt_being_said() -> None:
    names = ("zh/later#0", "zh/later#1", "zh/now#0", "zh/now#1", "zh/new#0", "zh/new#1")
    names += ("zh/side#0", "zh/side#2", "zh/side#3")  # two values stand side by side
    bank = make_bank({name: 2_000 + 100 * index for index, name in enumerate(names)})
    octets = bank.laws["pcma"].copy()
    clips = dict(bank.index.clips)
    clips["zh/now#0"] = clips["zh/new#0"] = clips["zh/later#1"]
    clips["zh/side#2"] = clips["zh/later#1"]
    bank = Bank(BankIndex(clips, bank.index.texts), {"pcma": octets, "pcmu": octets})

    def say(*keys: str) -> list[str]:
        ear, report = Ear(Lexicon(bank, "pcma")), CallReport("sip:bank@127.0.0.1")
        spans = [clips[key] for key in keys]
        parts = [octets[at : at + samples].tobytes() for at, samples in spans]
        for sequence, payload in enumerate(packets(*parts)):
            for heard in ear.hear(sequence, payload, sequence * 0.02):
                report.add(heard, 0.0)
        return [one.prompt for one in report.prompts]

    assert say("zh/now#0", "zh/now#1") == ["now"]
    assert say("zh/new#0", "zh/new#1", "zh/now#0", "zh/now#1") == ["new", "now"]
    assert say("zh/later#0", "zh/later#1", "zh/new#0", "zh/new#1") == ["later", "new"]
    assert say("zh/side#0", "zh/side#2", "zh/side#3", "zh/new#0", "zh/new#1") == ["side", "new"]


def test_a_word_belongs_to_the_prompt_that_it_is_said_in() -> None:
    bank = make_bank({"zh/in#0": 4_000, "zh/word.kind.time#0": 2_345, "zh/in#1": 3_333})
    ear, report = Ear(Lexicon(bank, "pcma")), CallReport("sip:bank@127.0.0.1")
    octets = bank.laws["pcma"].tobytes()
    for sequence, payload in enumerate(packets(octets)):
        for heard in ear.hear(sequence, payload, sequence * 0.02):
            report.add(heard, 0.0)
    assert [one.prompt for one in report.prompts] == ["in"]
    assert report.prompts[0].words.count("words of") == 3
