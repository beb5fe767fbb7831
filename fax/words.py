"""Words on all papers and pages, in both languages."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

Language = Literal["zh", "en"]


def _of(zh: str, en: str) -> Mapping[Language, str]:
    both: Mapping[Language, str] = MappingProxyType({"zh": zh, "en": en})
    return both


WORDS: Mapping[str, Mapping[Language, str]] = MappingProxyType(
    {
        "bank": _of("电话银行", "Telephone Banking"),
        "reference": _of("编号", "Reference"),
        "made": _of("打印时间", "Printed"),
        "masked": _of("卡号已遮盖", "Card numbers are masked"),
        "page": _of("第 {page} 页，共 {pages} 页", "Page {page} of {pages}"),
        "continued": _of("第 {page} 页，共 {pages} 页（续）", "Page {page} of {pages}, continued"),
        "total": _of("合计", "Total"),
        "rows": _of("共 {count} 笔", "Rows: {count}"),
        "end": _of("共 {count} 笔，以下空白", "Rows: {count}. End of list."),
        "cut": _of(
            "只列出前 {count} 笔，其余请到网点打印",
            "Only the first {count} rows are listed; ask a branch for the rest.",
        ),
        "empty": _of("没有记录", "Nothing to list"),
    }
)


def word(name: str, language: Language) -> str:
    """One of `WORDS`."""
    return WORDS[name][language]
