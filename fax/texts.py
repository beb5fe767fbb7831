"""What people are told of a fax that ended, in both languages: why, and what they do about it."""

from dataclasses import dataclass

from fax.words import Language


@dataclass(frozen=True, slots=True)
class Text:
    """One thing in both languages."""

    zh: str
    en: str

    def said(self, language: Language) -> str:
        """In one of them."""
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True, slots=True)
class Reason:
    """What happened, and what a person does about it."""

    words: Text
    """Short, as it stands behind `failed: `."""
    todo: Text
    """Empty: nothing."""


NOTHING = Text("", "")
RING = Text(
    "请拨打该号码核实：是否为传真机，是否已开机、有纸",
    "ring the number: is it a fax machine, switched on and with paper?",
)
LINE = Text(
    "请重新发送；如再次发生，请为该号码设置 [fax] t38，或联系线路运营商",
    "send it again; if it happens again, [fax] t38 for this number, or ask the trunk's people",
)
OTHER_END = Text(
    "请重新发送；如再次发生，请对方检查传真机",
    "send it again; if it happens again, ask the other end to look at the machine",
)
PRINT = Text(
    "请检查本节点的 DATA/fax：磁盘是否已满，文件是否被删除；然后重新发送 PDF",
    "look at DATA/fax on this node: disk full, or files removed? Then send the PDF again",
)
SENDER = Text("请发送方重新发送", "ask the sender to send it again")
NEVER_ASKED = Text(
    "请重新发送；对方传真机要求的功能，本系统的传真从不使用",
    "send it again; the other machine wants a service that no fax from here asks for",
)
OTHER_NUMBER = Text("请对方提供其他传真号码", "ask for another fax number")
FINE = Text(
    '请设置 [fax] resolution = "standard"，重启后重新发送',
    'set [fax] resolution = "standard", restart, and send it again',
)
MEMORY = Text("请释放本节点的内存，然后重新发送", "free memory on this node; then send it again")
IDENT = Text(
    "请将 [fax] ident 设为本行传真号码，并请对方准许该号码",
    "set [fax] ident to the bank's fax number, and ask the other end to let it in",
)
LET_IN = Text("请对方准许本行号码", "ask the other end to let the bank's number in")
OPEN_NUMBER = Text("请对方提供无需密码的传真号码", "ask for a fax number without one")
