"""Words of the console in both languages."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Language = Literal["zh", "en"]


@dataclass(frozen=True, slots=True)
class Words:
    """What a page says, and what it calls the names that flows and services give.

    Flows are data: a name that is not here is shown as it is.
    """

    page: Mapping[str, str]
    nodes: Mapping[str, str]
    services: Mapping[str, str]
    exits: Mapping[str, str]


_PAGE = {
    "title": ("电话银行 · 通话", "Telebank · calls"),
    "bank": ("电话银行", "Telebank"),
    "heading": ("通话", "Calls"),
    "live": ("实时更新", "Live"),
    "stale": ("与服务器的连接中断，正在重试", "The server does not answer; trying again"),
    "call": ("通话号", "Call"),
    "started": ("开始", "Started"),
    "from": ("主叫", "From"),
    "speaks": ("语言", "Language"),
    "keys": ("按键", "Keys"),
    "services": ("业务与结果", "Services and outcomes"),
    "length": ("时长", "Length"),
    "state": ("状态", "State"),
    "talking": ("通话中", "Live"),
    "over": ("已结束", "Ended"),
    "broken": ("已中断", "Cut off"),
    "broken_why": ("节点在通话中停止", "The node stopped during the call"),
    "waiting": ("办理中", "waiting"),
    "zh": ("中文", "Chinese"),
    "en": ("英文", "English"),
    "none": (
        "还没有通话。拨打电话银行，通话就会显示在这里。",
        "No calls yet. Ring the bank and the call appears here.",
    ),
    "hint": (
        "只读页面。卡号、密码和金额的按键显示为圆点，不会保存。",
        "Read only. Keys of card numbers, PINs and amounts are shown as dots and never kept.",
    ),
    "switch": ("English", "中文"),
    "switch_to": ("en", "zh"),
    "language": ("语言", "Language"),
}
_NODES = {
    "lang": ("语言", "language"),
    "front": ("首页", "front"),
    "menu": ("主菜单", "main menu"),
    "card": ("卡号", "card"),
    "pin": ("密码", "PIN"),
    "identity": ("证件", "identity"),
    "payee": ("收款卡", "payee"),
    "amount": ("金额", "amount"),
    "confirm": ("确认", "confirm"),
    "confirm_again": ("再次确认", "confirm again"),
    "after": ("办完", "after"),
    "after_stored": ("办完", "after"),
    "after_stale": ("办完", "after"),
}
_SERVICES = {
    "pin.verify": ("验证密码", "PIN check"),
    "notice.next": ("未告知的结果", "Untold results"),
    "card.balance": ("余额", "Balance"),
    "transfer.quote": ("转账试算", "Transfer quote"),
    "transfer.card_to_card": ("转账", "Transfer"),
    "card.report_loss": ("挂失", "Loss report"),
    "card.confirm_loss": ("书面挂失确认", "Loss confirmed"),
    "card.lift_loss": ("解除挂失", "Loss lifted"),
    "pin.change": ("修改密码", "PIN change"),
    "card.savings_balance": ("储蓄余额", "Savings balance"),
    "card.today": ("今日明细", "Today's entries"),
    "card.recent": ("近期明细", "Recent entries"),
    "card.unposted": ("未入账", "Not yet posted"),
    "card.points": ("积分", "Points"),
    "deposit.list": ("存款列表", "Deposits"),
    "deposit.place_quote": ("存入试算", "Deposit quote"),
    "deposit.place": ("存入", "Deposit"),
    "deposit.draw_quote": ("支取试算", "Withdrawal quote"),
    "deposit.draw": ("支取", "Withdrawal"),
    "bill.enquiry": ("账单查询", "Bill enquiry"),
    "bill.breakdown": ("费用明细", "Bill details"),
    "bill.pay": ("缴费", "Bill payment"),
    "loan.list": ("贷款列表", "Loans"),
    "loan.interest": ("应还利息", "Interest due"),
    "loan.open_quote": ("贷款试算", "Loan quote"),
    "loan.open": ("贷款", "Loan"),
    "loan.repay_quote": ("还款试算", "Repayment quote"),
    "loan.repay": ("还款", "Repayment"),
    "bond.issues": ("国债发行", "Bond issues"),
    "bond.list": ("国债列表", "Bonds"),
    "bond.buy_quote": ("国债购买试算", "Bond quote"),
    "bond.buy": ("国债购买", "Bond purchase"),
    "bond.redeem_quote": ("国债兑付试算", "Redemption quote"),
    "bond.redeem": ("国债兑付", "Bond redemption"),
    "fx.rate": ("汇率", "Exchange rate"),
    "fx.balance": ("外币余额", "Foreign balances"),
    "fx.deposits": ("外币存款", "Foreign deposits"),
    "fx.quote": ("外汇报价", "Exchange quote"),
    "fx.deal": ("外汇交易", "Exchange"),
    "fx.order_quote": ("挂盘试算", "Order quote"),
    "fx.order": ("挂盘", "Order at a rate"),
    "fx.orders": ("挂盘列表", "Orders"),
    "fx.cancel_quote": ("撤盘试算", "Cancellation quote"),
    "fx.cancel": ("撤盘", "Cancellation"),
    "fx.merge_quote": ("合并试算", "Merger quote"),
    "fx.merge": ("合并", "Merger"),
    "fx.roll_quote": ("转期试算", "Renewal quote"),
    "fx.roll": ("转期", "Renewal"),
    "sec.balance": ("证券资金", "Securities balance"),
    "sec.in_quote": ("银转证试算", "Quote to securities"),
    "sec.in": ("银转证", "To securities"),
    "sec.out_quote": ("证转银试算", "Quote from securities"),
    "sec.out": ("证转银", "From securities"),
    "sec.today": ("今日银证", "Today's securities"),
    "corp.balance": ("企业余额", "Company balances"),
    "corp.entries": ("企业明细", "Company entries"),
    "corp.remittances": ("企业汇款", "Company remittances"),
    "info.deposit_rates": ("存款利率", "Deposit rates"),
    "info.loan_rates": ("贷款利率", "Loan rates"),
    "info.fx_deposit_rates": ("外币利率", "Foreign deposit rates"),
    "info.fx_rates": ("外汇牌价", "Exchange rates"),
    "info.fees": ("收费", "Fees"),
    "info.branches": ("网点", "Branches"),
    "info.merchants": ("商户", "Merchants"),
    "account.name": ("账户名称", "Account name"),
    "card.activate": ("激活卡", "Card activation"),
    "card.block": ("暂停用卡", "Card pause"),
    "card.unblock": ("恢复用卡", "Card resumed"),
    "ceiling.set": ("设置转账限额", "New daily ceiling"),
    "ceiling.tell": ("查询转账限额", "Daily ceiling"),
    "cheque.order": ("购买支票", "Cheque book order"),
    "cheque.status": ("支票状态", "Cheque status"),
    "cheque.stop": ("支票挂失", "Cheque stop"),
    "code.send": ("发送验证码", "Code sent"),
    "code.verify": ("核对验证码", "Code check"),
    "corp.pay": ("企业付款", "Company payment"),
    "corp.pay_quote": ("企业付款试算", "Company payment quote"),
    "corp.propose": ("提交付款", "Payment proposed"),
    "corp.recall": ("调出待批付款", "Proposed payment"),
    "corp.reject": ("拒绝付款", "Payment rejected"),
    "corp.rights": ("企业操作权限", "Operator's rights"),
    "corp.waiting": ("待批付款", "Payments to approve"),
    "customer.identify": ("核对身份", "Identity check"),
    "customer.mobile": ("登记的手机号", "Registered mobile"),
    "enrol.verify": ("核对开通验证码", "Enrolment code check"),
    "factor.kind": ("第二重验证方式", "Second factor"),
    "hours.state": ("营业时间", "Opening hours"),
    "order.cancel": ("取消预约转账", "Scheduled transfer cancelled"),
    "order.change": ("修改预约转账", "Scheduled transfer changed"),
    "order.list": ("预约转账列表", "Scheduled transfers"),
    "order.make": ("预约转账", "Scheduled transfer"),
    "payee.add": ("登记收款人", "Payee added"),
    "payee.check": ("核对收款人", "Payee check"),
    "payee.limit": ("收款人限额", "Payee ceiling"),
    "payee.list": ("收款人列表", "Payees"),
    "payee.remove": ("删除收款人", "Payee removed"),
    "payee.use": ("选用收款人", "Payee chosen"),
    "pin.enrol": ("设置电话银行密码", "First PIN"),
    "settings.get": ("读取客户设置", "Customer's settings"),
    "settings.set": ("保存客户设置", "Setting kept"),
    "token.verify": ("核对动态口令", "Token check"),
    "usage.top": ("常用业务", "Most used services"),
}
_EXITS = {
    "ok": ("成功", "done"),
    "none": ("无", "none"),
    "stored": ("已受理，待送达", "stored, to be delivered"),
    "wrong_pin": ("密码不正确", "wrong PIN"),
    "locked": ("已锁定", "locked"),
    "bad_card": ("卡号不正确", "bad card"),
    "lost": ("已挂失", "reported lost"),
    "insufficient": ("余额不足", "not enough money"),
    "over_limit": ("超过限额", "over the limit"),
    "bad_payee": ("收款卡不正确", "bad payee"),
    "pending": ("同一笔正在确认", "the same is pending"),
    "repeated": ("十分钟内重复", "repeated"),
    "refused": ("未接受", "refused"),
    "in_doubt": ("未确认", "in doubt"),
    "not_done": ("未办理", "not done"),
    "not_matched": ("不相符", "no match"),
    "stale": ("银行离线，报上次余额", "host away, last known balance"),
    "no_account": ("无账户", "no account"),
    "unavailable": ("暂不可用", "unavailable"),
    "posted": ("已入账", "posted"),
    "not_posted": ("未入账", "not posted"),
    "open": ("仍未确认", "still open"),
    "last": ("成功", "done"),
    "weak_pin": ("密码过于简单", "weak PIN"),
    "bad_term": ("期限不符", "bad term"),
    "bad_amount": ("金额不符", "bad amount"),
    "bad_number": ("号码不正确", "bad number"),
    "bad_rate": ("汇率不符", "bad rate"),
    "not_due": ("未到期", "not due"),
    "nothing_owed": ("无欠费", "nothing owed"),
    "nothing_to_merge": ("无可合并", "nothing to merge"),
    "not_on_sale": ("不发售", "not on sale"),
    "market_closed": ("休市", "market closed"),
    "no_pair": ("不能兑换", "no such pair"),
    "no_order": ("不能撤消", "no such order"),
    "not_permitted": ("无权限", "not permitted"),
    "already": ("已经办过", "already"),
    "bad_date": ("日期不符", "bad date"),
    "closed": ("已关闭", "closed"),
    "enrolled": ("已经开通", "enrolled before"),
    "exists": ("已经存在", "exists"),
    "expired": ("已过期", "expired"),
    "first_use": ("首次使用", "first use"),
    "full": ("已满", "full"),
    "holiday": ("节假日", "holiday"),
    "no_cheque": ("无此支票", "no such cheque"),
    "no_payee": ("无此收款人", "no such payee"),
    "not_blocked": ("未暂停", "not paused"),
    "over_bank": ("超过银行上限", "over the bank's limit"),
    "own": ("本人提交", "own proposal"),
    "paid": ("已付款", "paid"),
    "prove": ("需要第二重验证", "second factor needed"),
    "too_many": ("次数过多", "too many"),
    "wrong_code": ("验证码错误", "wrong code"),
}


def _column(table: Mapping[str, tuple[str, str]], column: int) -> Mapping[str, str]:
    return MappingProxyType({name: words[column] for name, words in table.items()})


def _words(column: int) -> Words:
    return Words(*(_column(table, column) for table in (_PAGE, _NODES, _SERVICES, _EXITS)))


WORDS: Mapping[Language, Words] = MappingProxyType({"zh": _words(0), "en": _words(1)})

GOOD = frozenset({"ok", "last", "none", "stored", "posted"})
"""Exits that are shown as well."""
GRAVE = frozenset({"in_doubt", "open", "lost", "locked", "unavailable"})
"""Exits that somebody may have to look at."""
