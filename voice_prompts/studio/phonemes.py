"""Text to the model's phonemes, Mandarin and English, with the readings a bank needs."""

import re
from functools import cache
from typing import Any

from voice_prompts.studio.tools import tool

PHRASES = {
    "还款": "huán kuǎn",
    "应还": "yīng huán",
    "未还": "wèi huán",
    "重置": "chóng zhì",
    "重新": "chóng xīn",
    "重听": "chóng tīng",
    "重复": "chóng fù",
    "重试": "chóng shì",
    "重拨": "chóng bō",
    "为": "wéi",
    "划出": "huà chū",
    "相符": "xiāng fú",
    "尽快": "jǐn kuài",
    "朝阳": "cháo yáng",
    "支行": "zhī háng",
    "分行": "fēn háng",
    "银行": "yín háng",
    "本行": "běn háng",
    "我行": "wǒ háng",
    "他行": "tā háng",
    "转账": "zhuǎn zhàng",
    "转出": "zhuǎn chū",
    "转入": "zhuǎn rù",
    "转接": "zhuǎn jiē",
    "为您": "wèi nín",
    "井号键": "jǐng hào jiàn",
    "星号键": "xīng hào jiàn",
    "更多": "gèng duō",
    "更改": "gēng gǎi",
    "角": "jiǎo",
    "便士": "biàn shì",
    "幺": "yāo",
    "点": "diǎn",
    "分": "fēn",
    "期": "qī",
    "位": "wèi",
}
"""Polyphones whose usual reading would be wrong here (pinyin by syllable)."""

KEYS = str.maketrans(
    {**dict(zip("0123456789", "零一二三四五六七八九", strict=True)), "#": "井", "*": "星"}
)
PUNCTUATION = {
    **dict.fromkeys("，、,", ", "),
    **dict.fromkeys("。.", ". "),
    **dict.fromkeys("；;", "; "),
    **dict.fromkeys("：:", ": "),
    **dict.fromkeys("！!", "! "),
    **dict.fromkeys("？?", "? "),
}
ENGLISH_REPAIRS = (("ɹɹ", "ɹ"), ("wˌʌn", "wˈʌn"), ("jˈuən", "juˈɑn"))
"""What eSpeak NG says otherwise: a doubled r between words, an unstressed `one` for a key, yuan."""

NO_CHANGE_AFTER = "第十零按拨百千点"
"""一 keeps its first tone after these (ordinals, digits, keys)."""
NO_CHANGE_BEFORE = "十月日号键二三四五六七八九零一"


def phonemes(text: str, language: str) -> str:
    """The phonemes of one sentence without final punctuation."""
    return _mandarin(text) if language == "zh" else _english(text)


def _mandarin(text: str) -> str:
    text = text.translate(KEYS)
    words: list[str] = []
    for run in re.findall(r"[\u4e00-\u9fff]+|[^\u4e00-\u9fff]+", text):
        if re.match(r"[\u4e00-\u9fff]", run):
            words.append(_words(run))
        else:
            words.append("".join(PUNCTUATION.get(each, "") for each in run))
    return re.sub(r" +", " ", "".join(words)).strip(" ,.;:!?")


def _words(run: str) -> str:
    misaki = tool("misaki.zh").ZHG2P
    pinyin: list[str] = []
    lengths: list[int] = []
    for word in _jieba().lcut(run):
        syllables = _pinyin().lazy_pinyin(
            word, style=_pinyin().Style.TONE3, neutral_tone_with_five=True
        )
        pinyin.extend(syllables)
        lengths.append(len(syllables))
    pinyin = _tone_changes(run, pinyin)
    spoken, at = [], 0
    for length in lengths:
        syllables = pinyin[at : at + length]
        spoken.append("".join(misaki.py2ipa(each) for each in syllables).replace(chr(815), ""))
        at += length
    return " ".join(spoken)


def _tone_changes(run: str, pinyin: list[str]) -> list[str]:
    """一 and 不 take the second tone before a fourth, and 一 the fourth before the others."""
    out = list(pinyin)
    for index, each in enumerate(run):
        if each not in "一不":
            continue
        after = pinyin[index + 1][-1] if index + 1 < len(run) else ""
        if each == "不":
            out[index] = "bu2" if after == "4" else "bu4"
            continue
        kept = (index > 0 and run[index - 1] in NO_CHANGE_AFTER) or (
            not after or run[index + 1] in NO_CHANGE_BEFORE
        )
        out[index] = "yi1" if kept else "yi2" if after in "45" else "yi4"
    return out


@cache
def _pinyin() -> Any:
    pypinyin = tool("pypinyin")
    pypinyin.load_phrases_dict(
        {phrase: [[each] for each in said.split()] for phrase, said in PHRASES.items()}
    )
    pypinyin.load_single_dict(
        {ord(phrase): said for phrase, said in PHRASES.items() if len(phrase) == 1}
    )
    return pypinyin


@cache
def _jieba() -> Any:
    jieba = tool("jieba")
    jieba.setLogLevel("ERROR")
    for phrase in PHRASES:
        if len(phrase) > 1:
            jieba.add_word(phrase, freq=10**6)
    return jieba


@cache
def _espeak() -> Any:
    return tool("misaki.espeak").EspeakFallback(british=False)


class _Token:
    """What misaki asks of a token."""

    def __init__(self, text: str) -> None:
        self.text = text


def _english(text: str) -> str:
    said, _ = _espeak()(_Token(text.replace("PIN", "pin")))
    out = str(said or "").replace(".", "").strip(" ,;:!?—")
    for usual, wanted in ENGLISH_REPAIRS:
        out = out.replace(usual, wanted)
    verb = text.startswith("Transfer")
    return out.replace("tɹˈænsfɜɹ", "tɹænsfˈɜɹ", 1) if verb else out
