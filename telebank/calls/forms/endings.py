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
