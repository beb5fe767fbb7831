"""No completion code of the library is without words, in both languages."""

import re

from fax.reasons import COMPLETIONS, UNKNOWN_CODE, completion
from fax.words import Language
from support.fax_lines import spandsp

LANGUAGES: tuple[Language, ...] = ("zh", "en")
MOST = 255
"""Codes are asked for well beyond the last one that 0.0.6 has."""


def _heard() -> dict[int, str]:
    library = spandsp()
    told = {
        code: library.ffi.string(library.lib.t30_completion_code_to_str(code)).decode()
        for code in range(MOST)
    }
    return {code: text for code, text in told.items() if text != UNKNOWN_CODE}


def test_every_code_of_the_library_has_words() -> None:
    assert {code: one.heard for code, one in COMPLETIONS.items()} == _heard()
    assert len(COMPLETIONS) == 62
    for code, one in COMPLETIONS.items():
        for language in LANGUAGES:
            words = one.words.said(language)
            assert words, code
            assert words != one.heard
            told = bool(one.todo.said(language))
            assert told is (code != 0), "whoever reads it is told what to do"


def test_they_are_found_by_what_is_kept_and_are_plain() -> None:
    for code, one in COMPLETIONS.items():
        assert completion(one.heard) == one, code
        jargon = ("timer", "dcn", "dis", "dcs", "hdlc", "tiff", "ecm", "mcf", "phase")
        en, zh = one.words.en, one.words.zh
        assert not set(en.lower().replace(",", "").split()) & set(jargon), en
        assert len(en) <= 72, "it stands in a line with the rest"
        assert re.search("[A-Za-z]", zh) is None, zh
        assert len(zh) <= 30
    unknown = completion(UNKNOWN_CODE)
    assert unknown is not None
    assert "call ended" in unknown.words.en
    assert "通话" in unknown.words.zh
    assert completion("busy") is None
