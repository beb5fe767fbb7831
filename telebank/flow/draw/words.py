"""Words of the pictures in both languages; services and exits get theirs from whoever draws."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from transactions.request import Language


@dataclass(frozen=True, slots=True)
class Wording:
    """What a picture calls things. A name that is not here is shown as it is."""

    language: Language
    services: Mapping[str, str]
    exits: Mapping[str, str]

    def say(self, key: str, **values: object) -> str:
        """A word of the picture's own."""
        zh, en = _WORDS[key]
        return (zh if self.language == "zh" else en).format(**values)

    def service(self, name: str) -> str:
        """A service in people's words."""
        return self.services.get(name, name)

    def exit(self, name: str) -> str:
        """An outcome, or how a sub-flow ended."""
        own = _EXITS.get(name)
        if own is not None:
            return own[0] if self.language == "zh" else own[1]
        return self.exits.get(name, name)

    def faxed(self, name: str) -> str:
        """What came of a fax."""
        own = _FAXED.get(name)
        return self.exit(name) if own is None else own[0] if self.language == "zh" else own[1]

    def value(self, reading: str) -> str:
        """What stands for a value inside a text."""
        zh, en = _VALUES.get(reading, ("内容", "value"))
        return f"〔{zh}〕" if self.language == "zh" else f"[{en}]"


_WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "menu": ("选择", "Choice"),
        "collect": ("输入", "Entry"),
        "secret": ("保密输入", "Secret entry"),
        "confirm": ("复述并确认", "Read back, then confirm"),
        "say": ("播报", "Says"),
        "call": ("查询", "Asks"),
        "state": ("办理", "Changes"),
        "money": ("资金办理", "Moves money"),
        "enter": ("进入", "Goes to"),
        "branch": ("按内容分流", "By"),
        "pace": ("语速和等候时间", "Speed and patience"),
        "return": ("本页结束", "End of this page"),
        "queue": ("转人工", "To a teller"),
        "fax": ("发传真", "Sends a fax"),
        "exit": ("挂机", "Hangs up"),
        "rows": ("逐条播报：", "Each row: "),
        "filler": ("等候时：", "While waiting: "),
        "digits": ("{range} 位数字", "{range} digits"),
        "fixed": ("{range} 位数字，满位即止", "{range} digits"),
        "luhn": ("，校验卡号", ", checked as a card number"),
        "amount": ("金额 {low} 至 {high}，* 为小数点，# 结束", "{low} to {high}, * is the point"),
        "rate": ("比率 {low} 至 {high}，* 为小数点，# 结束", "{low} to {high}, * is the point"),
        "date": ("八位日期", "date, eight digits"),
        "time": ("四位时间", "time, four digits"),
        "chosen": ("所选内容", "what was chosen"),
        "way_here": ("本次通话中接收", "in this call"),
        "way_back": ("另行发送", "in a call of its own"),
        "way_later": ("预约发送", "at a set time"),
        "way_mail": ("发送邮件", "by mail"),
        "same": ("须与前一次输入相同", "must be the same as before"),
        "usual": ("常用业务用 {first} 起的键", "What he uses most has keys from {first}"),
        "key": ("按 {of}", "press {of}"),
        "only": ("{keys} 键：能发送时才有", "{keys}: only where it can be sent"),
        "proved_at_desk": ("是否已在坐席处通过验证", "Proved himself to a teller?"),
        "fax_here": ("能否在通话中发传真", "Can a fax go in this call?"),
        "fax_out": ("能否另行发传真", "Can faxes go out?"),
        "mail_out": ("能否发邮件", "Can it go by mail?"),
        "in_writing": ("能否书面发送", "Can it be sent at all?"),
        "yes": ("能", "yes"),
        "row": ("选其中一条", "a row's number"),
        "over": ("次数已满", "too often"),
        "exhausted": ("多次无按键或按错", "no valid key, again and again"),
        "default": ("没有选择", "nothing chosen"),
        "other": ("其他", "otherwise"),
        "to": ("» {number}", "» {number}"),
        "everywhere": ("各步通用：", "At every step: "),
        "pages": ("第 {number} 页，共 {count} 页", "Page {number} of {count}"),
        "index": ("电话银行菜单图", "Menus of the telephone bank"),
        "keys": ("按键：", "Keys: "),
        "legend_money": (
            "资金办理：必须经本页的复述和确认",
            "Moves money: only after its read-back",
        ),
        "legend_state": ("办理：改变客户的设置或状态", "Changes something for the customer"),
        "legend_link": ("另见该页", "Has a page of its own"),
        "legend_number": ("“» 3” 指本页第 3 框", "“» 3” is box 3 of this page"),
        "page": ("页", "Page"),
        "release": ("版本 {hash}", "Release {hash}"),
    }
)
_EXITS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "ok": ("成功", "done"),
        "done": ("办完", "finished"),
        "back": ("返回", "back"),
        "failed": ("未通过", "failed"),
        "none": ("没有", "none"),
        "last": ("最后一页", "last page"),
        "prove": ("需要第二重验证", "second factor needed"),
        "not_on_duty": ("坐席不在岗", "nobody there"),
        "full": ("等候人数已满", "the queue is full"),
        "not_available": ("不能发", "not available"),
        "first_use": ("首次使用", "first use"),
        "unchanged": ("未更改", "unchanged"),
        "amount": ("另输金额", "another amount"),
        "first": ("另选日期", "another date"),
        "again": ("重新输入", "enter it again"),
    }
)
_FAXED: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "sent": ("已发送", "sent"),
        "partial": ("只送到一部分", "only some pages"),
        "unconfirmed": ("没有得到确认", "not confirmed"),
        "failed": ("没有发出去", "not sent"),
        "none": ("没有内容", "nothing to send"),
        "busy": ("线路都忙", "all lines busy"),
        "not_available": ("不能发", "not available"),
        "accepted": ("已受理", "accepted"),
        "no_number": ("没有登记号码", "no number registered"),
        "no_address": ("没有登记邮箱", "no address registered"),
        "refused": ("不能发到这个号码", "number refused"),
    }
)
_VALUES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "money": ("金额", "amount"),
        "money_size": ("金额", "amount"),
        "digits": ("号码", "number"),
        "tail": ("末四位", "last four"),
        "number": ("数", "number"),
        "ordinal": ("序数", "number"),
        "count": ("次数", "count"),
        "percent": ("百分比", "per cent"),
        "rate": ("汇率", "rate"),
        "date": ("日期", "date"),
        "month": ("月份", "month"),
        "weekday": ("星期", "day"),
        "time": ("时间", "time"),
        "word": ("名称", "name"),
    }
)
