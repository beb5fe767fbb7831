"""Words of the pages of faxes in both languages: states, refusals, the form. Why a fax ended and
what to do are in `telebank.calls.faxes.reasons`."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from telebank.console.texts import Language


@dataclass(frozen=True, slots=True)
class FaxWords:
    """What pages of faxes say."""

    language: Language
    page: Mapping[str, str]
    states: Mapping[str, str]
    came: Mapping[str, str]
    """States of one that came."""
    mailed: Mapping[str, str]
    """States of a paper that goes by mail."""
    refusals: Mapping[str, str]
    """Why a form was not sent, by the code of the node or of `telebank.console.sending`."""


_PAGE = {
    "title": ("传真", "Faxes"),
    "new": ("发送传真", "Send a fax"),
    "going": ("发出", "Going out"),
    "came": ("收到", "Came in"),
    "state": ("状态", "State"),
    "fax": ("传真号", "Fax"),
    "to": ("发往", "To"),
    "from": ("来自", "From"),
    "what": ("内容", "What"),
    "pages": ("页数", "Pages"),
    "pages_of": ("{confirmed} / {pages} 页已确认", "{confirmed} of {pages} confirmed"),
    "pages_came": ("{pages} 页", "{pages} pages"),
    "page_came": ("1 页", "1 page"),
    "made": ("创建", "Made"),
    "arrived": ("收到时间", "Arrived"),
    "changed": ("最近变化", "Changed"),
    "due": ("不早于", "Not before"),
    "by": ("经办", "By"),
    "acts": ("操作", "Acts"),
    "attempt": ("第 {attempt} 次，共 {tries} 次", "attempt {attempt} of {tries}"),
    "why": ("原因", "Why"),
    "todo": ("处理办法", "What to do"),
    "unknown": ("未知号码", "unknown"),
    "in_call": ("通话中当场发送", "in the call"),
    "send_to": ("向 {number} 发送传真", "Send a fax to {number}"),
    "cancel": ("取消", "Cancel"),
    "cancel_one": ("取消传真 {fax}", "Cancel fax {fax}"),
    "stopping": ("正在停止", "being stopped"),
    "none_out": ("还没有发出的传真。", "No fax has been sent yet."),
    "none_in": ("还没有收到传真。", "No fax has come in yet."),
    "hint": (
        "号码只显示一部分。点击号码，即可向该号码发送传真；完整号码不会显示在页面上。时间为银行时间（{zone}）。",
        "Numbers are masked. A click on a number sends a fax to it; the page never has the whole "
        "number. Times are the bank's ({zone}).",
    ),
    "file": ("PDF 文件", "PDF file"),
    "file_hint": (
        "最多 20 MB、200 页；不能有密码。",
        "At most 20 MB and 200 pages, without a password.",
    ),
    "file_again": (
        "请重新选择文件：浏览器不会保留它。",
        "Choose the file again: the browser does not keep it.",
    ),
    "number": ("传真号码或 SIP 地址", "Fax number or SIP address"),
    "number_hint": (
        "例如 020 5555 0000、+86 20 5555 0000 或 sip:fax@192.0.2.7",
        "such as 020 5555 0000, +86 20 5555 0000 or sip:fax@192.0.2.7",
    ),
    "like_out": ("传真 {fax} 的号码", "the number of fax {fax}"),
    "like_in": ("传真 {fax} 的发送方", "who sent fax {fax}"),
    "at": ("何时发送", "When"),
    "at_hint": (
        "留空即立即发送。银行时间（{zone}），最迟三十天后。",
        "Empty: now. The bank's time ({zone}), at most thirty days ahead.",
    ),
    "language": (
        "重发页上所印文字的语言",
        "Language of what is stamped on pages that are sent again",
    ),
    "zh": ("中文", "Chinese"),
    "en": ("英文", "English"),
    "send": ("发送", "Send"),
    "send_hint": (
        "点击一次即发送；再次点击或刷新不会重复发送。",
        "One click sends it; a second click or a reload does not send it again.",
    ),
    "wrong": ("没有发送：", "Not sent:"),
    "new_form": ("打开新表单", "Open a new form"),
    "missing": (
        "此节点现在不能发送传真；请技术人员查看节点的日志。",
        "No fax can go from this node now.",
    ),
    "progress": ("已确认的页数", "pages confirmed"),
    "calls": ("拨打记录", "Calls placed"),
    "seconds": ("{seconds} 秒", "{seconds} s"),
    "all": ("全部传真", "All faxes"),
}
_STATES = {
    "queued": ("等待发送", "queued"),
    "dialling": ("正在拨号", "dialling"),
    "negotiating": ("已接通，尚无页面", "answered, no page yet"),
    "sending": ("正在发送", "sending"),
    "done": ("已送达", "done"),
    "failed": ("未送达", "failed"),
    "cancelled": ("已取消", "cancelled"),
    "unconfirmed": ("未确认", "not confirmed"),
}
_CAME = {
    "done": ("已收齐", "received"),
    "failed": ("不完整", "not whole"),
    "unconfirmed": ("中途断开", "broken off"),
    "coming": ("正在接收", "coming"),
}
_MAILED = {
    "queued": ("等待邮寄", "to be mailed"),
    "sending": ("正在发邮件", "being mailed"),
    "done": ("邮件已交付服务器", "mailed"),
    "failed": ("邮件未发出", "not mailed"),
    "cancelled": ("已取消", "cancelled"),
    "unconfirmed": ("邮件可能已发出", "may have been mailed"),
}
_REFUSALS = {
    "form": (
        "这张表单无法识别，请重新打开。",
        "This form cannot be read: open it anew.",
    ),
    "no_file": ("请选择一个 PDF 文件。", "Choose a PDF file."),
    "empty": (
        "这个文件是空的（0 字节）：请重新保存，或选择另一个。",
        "The file is empty (0 bytes): save it anew, or choose another.",
    ),
    "too_big": ("文件太大：一份 PDF 最多 20 MB。", "The file is too large: at most 20 MB."),
    "no_pdf": (
        "这不是可以读取的 PDF：请用阅读器打开，另存为 PDF。",
        "This is no PDF that can be read: open it in a viewer and save it anew as PDF.",
    ),
    "locked": (
        "此 PDF 有密码：请另存为没有密码的文件。",
        "The PDF is locked with a password: save it without one.",
    ),
    "too_many": (
        "页数不对：一次发送 1 至 200 页。",
        "The PDF has too many pages, or none: send 1 to 200 at a time.",
    ),
    "page": (
        "此 PDF 有一页无法转成传真：请用阅读器打开，按 A4 另存为 PDF。",
        "A page of this PDF cannot be drawn as a fax: open it in a viewer and save it anew, as A4.",
    ),
    "pdf": (
        "此 PDF 不能作为传真发送：请分成几份，或另存为 PDF 再发。",
        "This PDF cannot be faxed:",
    ),
    "disk": ("文件无法保存，请技术人员查看磁盘。", "The file cannot be kept:"),
    "busy": (
        "正在处理的文件太多，请过一分钟再点发送。",
        "Too many papers are being drawn: send it again in a minute.",
    ),
    "bad_number": (
        "这不是号码：例如 02055550000、+862055550000，或 sip: 开头的地址。",
        "This is no number: such as 02055550000, +862055550000, or an address that begins sip:",
    ),
    "bad_time": ("这不是时间：例如 2026-11-23T22:30。", "This is no time: 2026-11-23T22:30."),
    "far_time": (
        "时间应在现在至三十天之内。",
        "Give a time from now to thirty days ahead.",
    ),
    "role": (
        "您的角色不能发送传真；柜员、主管和管理员可以。",
        "Your role may not send faxes; a teller, a supervisor or an administrator may.",
    ),
    "request_id_used": (
        "这张表单已经发送过，内容与现在不同。请看传真列表；要再发一份，请打开新表单。",
        "This form was sent before, with other content. Look at the list; for another fax, open a "
        "new form.",
    ),
    "none": ("那份传真已经没有了，请填写号码。", "That fax is gone: give its number."),
    "no_number": (
        "这个号码不能拨打：请写上区号，或以 + 和国家代码开头；不要加运营商前缀。",
        "This number cannot be called: write it with its area code, or with + and the country "
        "code, and without a carrier's prefix.",
    ),
    "number_unreadable": (
        "那份传真的号码无法解密，请填写号码。",
        "The number of that fax cannot be read: give it.",
    ),
    "no_address": (
        "这不是 SIP 地址：应为 sip:用户@IP 地址，需要时加 :端口，后面没有其他内容。",
        "This is no SIP address: give sip:USER@ADDRESS, with :PORT where one is needed, and "
        "nothing more.",
    ),
    "denied": ("规则禁止拨打此号码。", "The rules forbid this number ([outbound] deny)."),
    "not_allowed": (
        "此号码不在允许之列（[outbound] allow）。",
        "The rules do not allow this number ([outbound] allow).",
    ),
    "is_gateway": (
        "此 SIP 地址就是网关或中继，请只填电话号码。",
        "This SIP address is the gateway or a trunk: give the telephone number alone.",
    ),
    "moved": (
        "此传真的状态刚刚变化，请再点一次取消。",
        "This fax is just being moved: cancel it once more.",
    ),
    "no_gateway": (
        "没有设置网关，不能拨打号码（[outbound] gateway）。",
        "No gateway is set: no number can be called ([outbound] gateway).",
    ),
    "full": ("等待的传真太多，请稍后再试。", "As many faxes wait as may: try again later."),
    "not_available": (
        "此节点现在不能发送传真；请技术人员查看节点的日志。",
        "No fax can go from this node:",
    ),
    "away": (
        "节点没有应答，不知是否已收下。请先看传真列表；再点发送也不会重复。",
        "The node does not answer; whether it took the fax is not known. Look at the list; sending "
        "this form again makes no second fax.",
    ),
    "refused": ("节点拒绝：", "The node refused it:"),
}
TOLD: Mapping[Language, frozenset[str]] = MappingProxyType(
    {
        "zh": frozenset({"refused"}),
        "en": frozenset({"pdf", "disk", "not_available", "refused"}),
    }
)
"""Refusals behind which stands what the machine says, which is English."""


def _column(table: Mapping[str, tuple[str, str]], column: int) -> Mapping[str, str]:
    return MappingProxyType({name: words[column] for name, words in table.items()})


def _words(language: Language, column: int) -> FaxWords:
    tables = (_PAGE, _STATES, _CAME, _MAILED, _REFUSALS)
    return FaxWords(language, *(_column(table, column) for table in tables))


FAX_WORDS: Mapping[Language, FaxWords] = MappingProxyType(
    {"zh": _words("zh", 0), "en": _words("en", 1)}
)
