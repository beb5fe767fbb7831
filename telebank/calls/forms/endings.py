"""How services end, in words for all of them: where the telephone has none of its own."""

from collections.abc import Mapping

from telebank.calls.forms.model import Pair
from transactions.service import Effect

_MONEY: Mapping[str, Pair] = {
    "ok": Pair("已办妥。", "It is done."),
    "refused": Pair(
        "银行没有受理。款项没有变动。", "The bank did not accept it. No money has moved."
    ),
    "in_doubt": Pair(
        "结果还没有确认。请不要重办；客户下次来电时会首先告知结果。",
        "It is not confirmed yet. Do not do it again: the customer is told the result first when he"
        " next calls.",
    ),
    "not_done": Pair("没有办理，款项没有变动。", "It was not done. No money has moved."),
}
_READ: Mapping[str, Pair] = {
    "ok": Pair("查询结果如下。", "This is what the bank says."),
    "last": Pair("查询结果如下，没有更多。", "This is what the bank says, and all of it."),
}
_ANY: Mapping[str, Pair] = {
    "ok": Pair("已办妥。", "It is done."),
    "stored": Pair("已受理，稍后送达银行主机。", "It is taken, and goes to the bank's host later."),
    "refused": Pair("银行没有受理。", "The bank did not accept it."),
    "none": Pair("没有记录。", "There is nothing."),
    "stale": Pair(
        "主机暂时不通，以下是最近一次的结果。", "The host is away: this is what it told last."
    ),
    "unavailable": Pair("暂时不能办理，请稍后再试。", "This cannot be done now. Try again later."),
    "insufficient": Pair("余额不足。", "There is not enough money."),
    "over_limit": Pair("超过限额。", "It is over the limit."),
    "over_bank": Pair("超过银行规定的限额。", "It is over the limit of the bank."),
    "bad_payee": Pair("收款卡号不对。", "The payee's card number is not correct."),
    "bad_amount": Pair("金额不对。", "This amount cannot be taken."),
    "bad_number": Pair("用户号码不对。", "That customer number is not correct."),
    "bad_term": Pair("没有这个存期。", "There is no such term."),
    "bad_rate": Pair("价格不对。", "This rate cannot be taken."),
    "bad_date": Pair("日期不对。", "This date cannot be taken."),
    "bad_card": Pair("卡号不对。", "The card number is not correct."),
    "pending": Pair(
        "同样的业务还在确认中，请不要重办。",
        "The same is still being confirmed. Do not do it again.",
    ),
    "prove": Pair(
        "金额需要第二重验证，没有办理：请重新核对，由客户用密码和验证码确认。",
        "This amount needs a second factor, and nothing was done: check it anew, and let the"
        " customer confirm it with PIN and code.",
    ),
    "no_account": Pair("没有这个账户。", "There is no such account."),
    "nothing_owed": Pair("没有欠费。", "There is nothing to pay."),
    "not_matched": Pair("卡号和证件号不符。", "Card number and identity number do not match."),
    "not_due": Pair("还没有到期。", "It is not due yet."),
    "not_on_sale": Pair("没有在售。", "It is not on sale."),
    "market_closed": Pair("现在不是交易时间。", "The market is closed."),
    "no_pair": Pair("没有这个货币对。", "These currencies are not dealt in."),
    "no_order": Pair("没有这笔委托。", "There is no such order."),
    "no_cheque": Pair("没有这张支票。", "There is no such cheque."),
    "no_payee": Pair("没有这个收款人。", "There is no such payee."),
    "nothing_to_merge": Pair("没有可以合并的账户。", "There is nothing to merge."),
    "not_permitted": Pair("没有这项权限。", "He has no right to this."),
    "already": Pair("已经办过了。", "It was so already."),
    "not_blocked": Pair("卡片没有锁定。", "The card is not locked."),
    "paid": Pair("支票已付款。", "A cheque was paid already."),
    "exists": Pair("已经登记过。", "It is registered already."),
    "full": Pair("已满，不能再登记。", "No more can be registered."),
    "too_many": Pair("次数太多，今天不能再办。", "Too many: no more today."),
    "locked": Pair("已锁定。", "It is locked."),
    "lost": Pair("卡片已挂失。", "The card is reported lost."),
}


def general(effect: Effect, exit_name: str) -> Pair:
    """Words for an exit; for one that this table does not know, that it was not done."""
    own = {"money": _MONEY, "read": _READ}.get(effect, {})
    return own.get(exit_name) or _ANY.get(exit_name) or _ANY["unavailable"]


_LOOK = Pair(
    "请与客户核对后修改，再重新核对。", "Go through it with the customer, change it, check it anew."
)
_ADVICE: Mapping[str, Pair] = {
    "insufficient": Pair(
        "请改小金额，或请客户先存入款项，再重新核对。",
        "Write a smaller amount, or let the customer pay in first; then check it anew.",
    ),
    "over_limit": Pair(
        "请改小金额；“转账限额查询”可查到客户自己的限额。",
        "Write a smaller amount; *Transfer limit* tells what the customer lets go a day.",
    ),
    "over_bank": Pair("请填写不超过银行限额的金额。", "Write an amount within the bank's limit."),
    "bad_payee": Pair(
        "请与客户逐位核对收款卡号；不能是客户自己的卡。",
        "Go through the payee's card number digit by digit: it cannot be the customer's own card.",
    ),
    **dict.fromkeys(("bad_amount", "bad_number", "bad_date", "bad_rate", "bad_term"), _LOOK),
    "no_account": Pair(
        "这张卡没有这个账户：请核对客户的卡，或请他到网点办理。",
        "This card has no such account: is it the right card? If it is, a branch can help him.",
    ),
    "pending": Pair(
        "请不要重办：客户下次来电时会首先听到结果。",
        "Do not do it again: the customer hears first how it ended when he next calls.",
    ),
    "refused": Pair(
        "银行没有说明原因：请不要反复尝试，请客户到网点查询。",
        "The bank gives no reason: do not try again and again; a branch can look at his account.",
    ),
    "in_doubt": Pair(
        "请不要重办。请告诉客户：结果未明，他下次来电时会首先听到。",
        "Do not do it again. Tell the customer that it is not known, and that he hears it first"
        " when he next calls.",
    ),
    "not_done": Pair(
        "没有办理：可以重新核对，再由客户确认。",
        "Nothing was done: it may be checked anew, and confirmed by the customer.",
    ),
    "unavailable": Pair(
        "没有办理：请稍后重新核对；一直如此请告知技术人员。",
        "Nothing was done: check it anew in a while, and tell IT where it stays so.",
    ),
}
_UNSURE = Pair(
    "不能确定是否已办：请先查询，再决定是否重办。",
    "It is not known whether it was done: look how it stands before you do it again.",
)


def advice(effect: Effect, exit_name: str) -> Pair:
    """What the teller does next, for him alone; empty where the words say it."""
    if effect == "state" and exit_name == "unavailable":
        return _UNSURE  # an answer that was lost ends so too
    return _ADVICE.get(exit_name, Pair("", ""))
