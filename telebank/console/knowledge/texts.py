"""Words of the knowledge page and of its panel at the desk, in both languages."""

from collections.abc import Mapping
from types import MappingProxyType

from telebank.console.texts import Language

_WORDS = {
    "title": ("知识库", "Knowledge"),
    "search": ("按主题词查询", "Search by words"),
    "hint": (
        "可以输入中文或英文；不要输入卡号或客户的资料。",
        "Chinese or English words; no card numbers, nothing of a customer.",
    ),
    "keys": (
        "按 / 到查询框，上下键选择，回车打开。",
        "/ goes to the search, arrow keys choose, Enter opens.",
    ),
    "business": ("业务种类", "Kind of business"),
    "all": ("全部业务", "All kinds"),
    "go": ("查询", "Search"),
    "results": ("查询结果", "Results"),
    "found": ("找到 {n} 条", "{n} found"),
    "about": ("{kind}：{n} 条", "{kind}: {n}"),
    "none": (
        "没有符合的条目。请换个词，或选“全部业务”。",
        "Nothing fits. Try another word, or all kinds of business.",
    ),
    "numbers": (
        "看起来是一个号码，没有查询。请只输入主题词。",
        "That looks like a number, and was not looked for. Type words only.",
    ),
    "other": ("English", "中文"),
    "updated": ("更新于 {day}", "Updated {day}"),
    "until": ("有效至 {day}", "Valid until {day}"),
    "forms": ("可以代客户办理", "What the desk does for it"),
    "subjects": ("主题词", "Subjects"),
    "print": ("打印", "Print"),
    "back": ("返回列表", "Back to the list"),
    "choose": (
        "选择左边的一条，答案显示在这里。",
        "Choose one on the left; the answer is shown here.",
    ),
    "gone": ("没有这一条，或已过有效期。", "There is no such article, or its days are over."),
    "broken": (
        "知识库文件有错误，显示的是之前的内容。请技术人员运行 telebank knowledge check。",
        "The articles' files are wrong, and what is shown is older. IT: telebank knowledge check.",
    ),
    "close": ("关闭", "Close"),
    "open_page": ("整页打开", "Whole page"),
    "away": ("查询没有应答，请再试一次。", "No answer: try again."),
}


def _column(column: int) -> Mapping[str, str]:
    return MappingProxyType({name: words[column] for name, words in _WORDS.items()})


KNOWLEDGE_WORDS: Mapping[Language, Mapping[str, str]] = MappingProxyType(
    {"zh": _column(0), "en": _column(1)}
)
