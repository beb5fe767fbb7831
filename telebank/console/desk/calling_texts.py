"""Words of calls out, kept places and calling a number, in Chinese and English."""

from collections.abc import Mapping

CALLS: Mapping[str, tuple[str, str]] = {
    "way_in": ("呼入", "Incoming"),
    "way_out": ("呼出", "Outgoing"),
    "way_back": ("回电", "Called back"),
    "way_kept": ("回电，自 {since} 起等候", "Called back, waited since {since}"),
    "place_kept": ("已挂机，保留排队，等待回电", "Hung up, place kept: to be called back"),
    "call_calling": ("正在呼叫", "Calling"),
    "call_calling_back": ("正在回电", "Calling back"),
    "last_try": ("上次回电：{why}", "Last try: {why}"),
    "reached_no_answer": ("无人接听", "no answer"),
    "reached_busy": ("占线", "engaged"),
    "reached_declined": ("拒接", "declined"),
    "reached_unreachable": ("无法接通", "could not be reached"),
    "reached_machine": ("应答机，无人按键", "answering machine: nobody pressed a key"),
    "reached_fax": ("传真机应答", "a fax answered"),
    "reached_congestion": ("线路忙音", "the line is congested"),
    "reached_own_phone": ("您的电话没有接起", "your own telephone was not answered"),
    "reached_trunk_down": ("外呼线路中断", "the trunk is down"),
    "reached_cancelled": ("客户取消了回电", "cancelled by the customer"),
}
"""Of calls, for everybody who sees them."""
DIAL: Mapping[str, tuple[str, str]] = {
    "dial": ("拨打", "Call"),
    "dial_number": ("拨打号码", "Call a number"),
    "dial_hint": (
        "先响您的电话，接起后再呼叫对方。",
        "Your own telephone rings first, then theirs.",
    ),
    "dial_no_unknown_target": (
        "本行的外呼规则不允许拨打这个号码。",
        "No rule of the bank's for calls out allows this number.",
    ),
    "dial_no_wrong_state": (
        "现在不能拨打：先示闲或示忙，并结束手上的通话。",
        "Not now: be ready or busy, and have no call in hand.",
    ),
    "dial_no_bad_request": (
        "这不是电话号码：3 位以上数字，可有空格和连字符。",
        "This is no telephone number: three digits or more; blanks and dashes may stand between.",
    ),
    "dial_failed": (
        "{caller} 没有接通：您或对方未接、占线、拒接，或今日外呼次数、话费已用完。",
        "{caller} was not reached: not answered here or there, engaged, declined, or today's calls"
        " out are used up.",
    ),
    "dial_failed_why": ("{caller} 没有接通（{why}）。", "{caller} was not reached ({why})."),
    "limit_near": ("一分钟内将因限额挂断：{why}", "Ends within a minute by a limit: {why}"),
    "dial_kept": (
        "{caller} 没有接通（{why}），排队位置保留，稍后再试。",
        "{caller} was not reached ({why}); the place is kept for another try.",
    ),
    "said_calling": ("正在呼叫 {caller}。", "Calling {caller}."),
    "said_back": (
        "回电 {caller}，{queue}。请接起电话。",
        "Call-back to {caller}, {queue}. Take up your telephone.",
    ),
    "calling_title": ("正在呼叫 {caller}", "Calling: {caller}"),
}
"""Of the form of a desk, and what is heard and said of such a call there."""
