"""One table of words for every reason that a fax can have: what happened, and what to do, in both
languages, for commands, pages and mails.

A reason is kept as the node's own name (`busy`), as a refusal of the call (`refused_407`), as a
rule of `[outbound]`, or as the text of the fax library (`fax.reasons`). What is none of them is a
sentence already, of our own programs or of a mail server, and is said as it is.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from fax.reasons import completion
from fax.texts import LINE, NOTHING, OTHER_END, PRINT, RING, SENDER, Reason, Text
from telebank.store.fax_mails import WAY as MAIL
from telebank.store.fax_views import FaxSeen

LATER = Text(
    "无需处理：稍后会自动发送；如属本行业务，可提高限额",
    "nothing: it goes by itself later; raise the limit if it is the bank's business",
)
BY_ITSELF = Text("无需处理：系统会自动重试", "nothing: it is tried again by itself")
RULE = Text(
    "如属本行业务，请修改规则后重新发送",
    "change the rule if it is the bank's business, then send it again",
)
AGAIN = Text("请重新发送", "send it again")
AGAIN_LATER = Text("请稍后重新发送", "send it again later")
CHECK = Text("请核对号码后重新发送", "check the number, then send it again")
TRUNK = Text(
    "请联系线路运营商；telebank events --kind fax 可查到各次拨打的时间",
    "ask the trunk's people; telebank events --kind fax has the times",
)
CREDENTIALS = Text(
    "请让网关或中继允许本节点地址免密码呼出",
    "have this node's address let in by the gateway or trunk without a password",
)
LOOK_AT_PAPER = Text(
    "再次发送前，请先向对方核实收到了哪几页",
    "ask the other end which pages came before you send anything again",
)
LOOK_AT_CAME = Text(
    "请检查收到的内容：对方可能以为发送得更多",
    "look at what came: the sender may hold more for delivered",
)
LOOK_AT_MAIL = Text(
    "再次发送前，请先向客户核实是否收到邮件",
    "ask the customer whether it came before you send anything again",
)


def _of(zh: str, en: str, todo: Text = NOTHING) -> Reason:
    return Reason(Text(zh, en), todo)


_NO_LINE = _of(
    "网关没有空闲线路",
    "the gateway has no line",
    Text("请稍后重新发送，或增加线路", "send it again later, or more lines"),
)
_CIRCLE = Text("请检查 [outbound] gateway 和中继", "look at [outbound] gateway and the trunk")
_TRUNK_DOWN = Text(
    "请查看 `telebank lines --trunks`，联系线路运营商，恢复后重新发送",
    "look at `telebank lines --trunks`, ask the trunk's people, then send it again",
)
_MAKERS = Text("请将日志内容告知开发方", "tell the makers what the log says")
WORDS: Mapping[str, Reason] = MappingProxyType(
    {
        "busy": _of("对方占线", "the number is busy", AGAIN_LATER),
        "no_answer": _of("无人接听", "nobody answered", RING),
        "no_such_number": _of("空号", "there is no such number", CHECK),
        "no_line": _NO_LINE,
        "media_srtp": _of(
            "该线路只允许加密媒体，而传真不加密",
            "the trunk takes encrypted media alone, and faxes are not encrypted",
            Text("请让传真走另一条中继", "give faxes another trunk"),
        ),
        "forbidden": _of("网关不允许此呼叫", "the gateway forbids it", TRUNK),
        "declined": _of("对方拒接", "the other side declines it", RING),
        "hung_up": _of("对方挂断", "the other side hung up", RING),
        "fax_refused": _of(
            "对方不接收传真",
            "the other side takes no fax",
            Text(
                "请核实该号码是否为传真号码；如是，可试设 [fax] t38",
                "check that the number is a fax's; else try [fax] t38",
            ),
        ),
        "took_too_long": _of(
            "用时过长",
            "it took too long",
            Text(
                "请减少每次发送的页数；参见 watchdog_s", "send fewer pages at once; see watchdog_s"
            ),
        ),
        "fax_process_lost": _of("传真进程中断", "the fax process died", AGAIN),
        "interrupted": _of("节点中途停止", "the node stopped meanwhile", AGAIN),
        "node_stops": _of("节点已停止", "the node was stopped", AGAIN),
        "cancelled": _of("已有人取消", "somebody stopped it"),
        "store_unavailable": _of(
            "数据库不可用",
            "the store was away",
            Text("请检查数据库，然后重新发送", "look at the database; send it again"),
        ),
        "not_held": _of(
            "已由另一节点接管",
            "another node took it over",
            Text("请查看 `telebank events --kind fax`", "look at `telebank events --kind fax`"),
        ),
        "contradiction": _of(
            "通话信息前后矛盾",
            "the call said what cannot be after what it said before",
            Text(
                "请将日志中 `fax.contradiction` 的内容告知开发方",
                "tell the makers what `fax.contradiction` says in the log",
            ),
        ),
        "failed": _of("程序故障", "a fault in this program", _MAKERS),
        "nothing": _of("没有收到任何内容", "nothing came"),
        "number_unreadable": _of(
            "号码无法解密：缺少密钥",
            "its number cannot be read: a key is missing",
            Text("请恢复 DATA/keys 中的密钥", "bring back the key in DATA/keys"),
        ),
        "gave_up": _of(
            "超过发送时限",
            "its time was over",
            Text(
                "请重新发送；参见 [fax] patience_hours", "send it again; see [fax] patience_hours"
            ),
        ),
        "denied": _of("规则禁止此号码（[outbound] deny）", "[outbound] deny forbids it", RULE),
        "is_gateway": _of(
            "此 SIP 地址就是网关（[outbound] gateway）或中继的地址",
            "this SIP address is [outbound] gateway or a trunk's",
            Text("请改为只填电话号码，然后重新发送", "give the number alone, and send it again"),
        ),
        "not_allowed": _of(
            "规则未准许此号码（[outbound] allow）", "[outbound] allow does not have it", RULE
        ),
        "no_gateway": _of(
            "没有中继承载此号码，也未设置网关（[outbound] gateway）",
            "no trunk carries it, and [outbound] gateway is not set",
            Text("请设置中继或网关后重新发送", "set one of them, then send it again"),
        ),
        "no_price": _of(
            "此号码在其中继的费率表（[trunks.*] tariff）中没有价格",
            "the tariff of its trunk has no price for it",
            Text("请补充费率后重新发送", "add the price, then send it again"),
        ),
        "spend_daily": _of(
            "已达其中继的当日费用上限（[trunks.*] spend_daily）",
            "spend_daily of its trunk is reached",
            LATER,
        ),
        "too_long": _of("号码过长", "its number is too long", CHECK),
        "no_number": _of(
            "号码不符合 [outbound] 的编号方案",
            "its number is none of [outbound]'s numbering plan",
            CHECK,
        ),
        "no_address": _of("不是 SIP 地址", "it is no SIP address", CHECK),
        "staff_only": _of("只有员工可以向 SIP 地址发送", "only staff may send to a SIP address"),
        "not_available": _of(
            "本节点不能收发传真：缺少 libspandsp2",
            "no faxes here: libspandsp2 is missing",
            Text("请安装后重启", "install it, restart"),
        ),
        "calls_hourly": _of(
            "已达每小时呼叫上限（[outbound] calls_hourly）",
            "[outbound] calls_hourly is reached",
            LATER,
        ),
        "per_number_daily": _of(
            "此号码已达当日上限（[outbound] per_number_daily）",
            "[outbound] per_number_daily is reached",
            LATER,
        ),
        "customer_daily": _of(
            "该客户已达当日上限（[outbound] customer_daily）",
            "[outbound] customer_daily is reached",
            LATER,
        ),
        "seconds_daily": _of(
            "已达当日通话时长上限（[outbound] seconds_daily）",
            "[outbound] seconds_daily is reached",
            LATER,
        ),
        "no page came": _of("对方来电，但没有发送页面", "the other side called and sent no page"),
        "the other side ended the fax": _of(
            "对方中止了传真", "the other side ended the fax", OTHER_END
        ),
        "the last page was refused": _of("最后一页被拒收", "the last page was refused", LINE),
        "a page was given up, damaged": _of(
            "一页已损坏，放弃传输", "a page was given up, damaged", LINE
        ),
        "the file has fewer pages than the fax": _of(
            "文件中缺少传真的页面", "pages are not in its file", PRINT
        ),
    }
)
"""By the node's own names, and its own sentences that ask for something to be done."""
REFUSALS: Mapping[int, Reason] = MappingProxyType(
    {
        300: _of("该号码目前对应多个地址", "the number is at several places now", CHECK),
        301: _of("该号码已永久变更", "the number has moved for good", CHECK),
        302: _of("该号码的来电已转移", "calls to the number are sent elsewhere", CHECK),
        305: _of("该号码须经其自己的代理", "the number is behind a proxy of its own", TRUNK),
        380: _of("该号码只提供其他服务", "the number offers another service only", RING),
        400: _of("对方无法识别此呼叫", "the other side does not understand the call", TRUNK),
        401: _of("对方要求密码", "the other side wants a password", CREDENTIALS),
        402: _of("对方要求付费", "the other side wants to be paid", TRUNK),
        403: _of("网关不允许此呼叫", "the gateway forbids it", TRUNK),
        404: _of("空号", "there is no such number", CHECK),
        405: _of("对方不接受呼叫", "the other side takes no calls", TRUNK),
        406: _of("对方不接受此类呼叫", "the other side takes no such call", TRUNK),
        407: _of("网关要求密码", "the gateway wants a password", CREDENTIALS),
        408: _of("无人接听", "nobody answered", RING),
        410: _of("该号码已停用", "the number is gone for good", CHECK),
        413: _of("呼叫信息过大，对方无法接收", "the call is too large for the other side", TRUNK),
        414: _of("地址过长，对方无法接收", "the address is too long for the other side", CHECK),
        415: _of("对方不接收传真", "the other side takes no fax", RING),
        416: _of("对方不识别此类地址", "the other side does not know such addresses", CHECK),
        420: _of("对方不支持此呼叫所需的功能", "the other side lacks what the call needs", TRUNK),
        421: _of("对方要求本系统没有的功能", "the other side wants what we do not have", TRUNK),
        422: _of("对方要求更长的会话定时", "the other side wants longer session timers", TRUNK),
        423: _of("对方要求更长的时间", "the other side wants a longer time", TRUNK),
        433: _of(
            "对方不接受匿名呼叫",
            "the other side takes no calls without a number",
            Text("请设置 [outbound] caller", "set [outbound] caller"),
        ),
        480: _of("该号码暂时无法接通", "the number cannot be reached now", RING),
        481: _of("对方丢失了此呼叫", "the other side lost the call", LINE),
        482: _of("呼叫出现环路", "the call went in a circle", _CIRCLE),
        483: _of("呼叫经过的转接过多", "the call went through too many hands", TRUNK),
        484: _of("号码不完整", "the number is not complete", CHECK),
        485: _of("号码有歧义", "the number may be several", CHECK),
        486: _of("对方占线", "the number is busy", AGAIN_LATER),
        487: _of("呼叫在接通前被结束", "the call was ended before it was answered", RING),
        488: _of("对方不接收传真", "the other side takes no fax", RING),
        489: _of("对方不识别此类事件", "the other side does not know such an event", TRUNK),
        491: _of("双方同时提出请求", "both sides asked at once", AGAIN),
        493: _of("对方无法解读此呼叫", "the other side cannot read the call", TRUNK),
        500: _of("网关故障", "the gateway has a fault", TRUNK),
        501: _of("网关不支持此操作", "the gateway cannot do that", TRUNK),
        502: _of("网关后端应答有误", "what is behind the gateway answers wrongly", TRUNK),
        503: _NO_LINE,
        504: _of("网关后端没有应答", "what is behind the gateway does not answer", TRUNK),
        505: _of("网关的 SIP 版本不同", "the gateway speaks another SIP", TRUNK),
        513: _of("呼叫信息过大，网关无法接收", "the call is too large for the gateway", TRUNK),
        580: _of("网关无法为其预留线路", "the gateway cannot keep a line free for it", TRUNK),
        600: _of("该号码所有线路均占线", "the number is busy everywhere", AGAIN_LATER),
        603: _of("对方拒接", "the other side declines it", RING),
        604: _of("任何地方都没有此号码", "there is no such number anywhere", CHECK),
        606: _of("对方不接收传真", "the other side takes no fax", RING),
        607: _of("对方不接受本行来电", "the other side wants no calls from here", TRUNK),
        608: _of(
            "呼叫在途中被当作骚扰来电拒绝", "the call was rejected on its way, as unwanted", TRUNK
        ),
    }
)
"""By status of SIP (RFC 3261, section 21, and the registry of its extensions)."""
CLASSES: Mapping[int, Reason] = MappingProxyType(
    {
        3: _of("该号码的来电已转移", "calls to the number are sent elsewhere", CHECK),
        4: _of("对方拒绝此呼叫", "the other side refuses the call", TRUNK),
        5: _of("网关故障", "the gateway has a fault", TRUNK),
        6: _of("该号码处处拒绝此呼叫", "the number refuses the call everywhere", TRUNK),
    }
)
"""By the first digit of a status that is not in `REFUSALS`."""


def _status(found: re.Match[str], _why: str) -> Reason:
    status = int(found[1])
    return _with(REFUSALS.get(status) or CLASSES[status // 100], f"SIP {status}")


def _with(known: Reason, more: str) -> Reason:
    words = known.words
    return Reason(Text(f"{words.zh}（{more}）", f"{words.en} ({more})"), known.todo)


_PATTERNS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], str], Reason]], ...] = (
    (re.compile(r"refused_([3-6][0-9]{2})"), _status),
    (re.compile(r"fax was refused with ([3-6][0-9]{2})"), _status),
    (
        re.compile(r"trunk_down: (.*)"),
        lambda found, _: _of(
            f"中继 {found[1]} 中断：其对端均无应答",
            f"trunk {found[1]} is down: none of its peers answers",
            _TRUNK_DOWN,
        ),
    ),
    (re.compile(r"failed: (.*)"), lambda found, _: _with(WORDS["failed"], found[1])),
    (
        re.compile(r"the fax took ([0-9.e+]+) s, which is the most"),
        lambda found, why: _of(f"传真用时达到上限 {found[1]} 秒", why),
    ),
    (
        re.compile(r"the fax has more than ([0-9]+) pages"),
        lambda found, why: _of(f"传真超过 {found[1]} 页", why),
    ),
    (
        re.compile(r"not printed: (.*)", re.DOTALL),
        lambda found, why: _of(f"页面未能生成：{found[1]}", why, PRINT),
    ),
    (
        re.compile(r"not as PDF: (.*)", re.DOTALL),
        lambda found, why: _of(f"未能生成 PDF：{found[1]}", why),
    ),
)
"""Reasons that have something of their own in them; `failed` is an exception of ours, by name."""


def reason(why: str) -> Reason:
    """Words for `FaxSeen.why`; one that nobody knows is said as it is."""
    known = completion(why) or WORDS.get(why)
    if known is not None:
        return known
    for pattern, told in _PATTERNS:
        found = pattern.fullmatch(why)
        if found is not None:
            return told(found, why)
    return _of(why, why)


_SEND_ZH, _SEND_EN = re.compile("重新发送(?: PDF)?"), re.compile("send (?:it|the PDF) again")
"""What is said of the whole document."""


def _rest(one: FaxSeen, known: Text) -> Text:
    """What to do about a fax of which some pages are on paper: nobody is to get those twice."""
    first, last = one.confirmed + 1, one.pages
    many = first < last
    zh = f"前 {one.confirmed} 页已送达，只需发送第 {first}{f' 至 {last}' if many else ''} 页"
    came = "page 1" if one.confirmed == 1 else f"pages 1 to {one.confirmed}"
    left = f"pages {first} to {last} need" if many else f"page {last} needs"
    en = f"{came} arrived, only {left} sending"
    if known == NOTHING:
        return Text(zh, en)
    zh_more = _SEND_ZH.sub("重新发送其余页", known.zh)
    en_more = _SEND_EN.sub(f"send {'those' if many else 'that one'} again", known.en)
    return Text(f"{zh}：{zh_more}", f"{en}: {en_more}")


def todo(one: FaxSeen) -> Text:
    """What a person does about a fax that waits or failed; empty: nothing, or `look` has it."""
    if one.state == "queued" and one.why:  # a limit, or a try that came to nothing
        found = reason(one.why).todo
        return found if found == LATER else BY_ITSELF
    if one.state != "failed" or one.way == MAIL:
        return NOTHING
    if one.direction == "in":
        return SENDER
    known = reason(one.why).todo
    return _rest(one, known) if 0 < one.confirmed < one.pages else known


def look(one: FaxSeen) -> Text:
    """What a person does before anything else about one that is in doubt; empty: nothing."""
    if one.state != "unconfirmed":
        return NOTHING
    if one.direction == "in":
        return LOOK_AT_CAME
    return LOOK_AT_MAIL if one.way == MAIL else LOOK_AT_PAPER
