"""Somebody who has only the spoken menus finds each family of services by listening alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from support.corehost_process import CoreHostProcess
from support.menu_ears import MENUS_MOST, Newcomer
from support.menu_people import APPROVER
from support.quiet_line import House
from transactions.request import Language


@dataclass(frozen=True)
class Family:
    """What somebody wants, and the words that he listens for, the best one first."""

    name: str
    services: Sequence[str]
    """Any of them, or a text in quotation marks, shows that he is there."""
    zh: Sequence[str]
    en: Sequence[str]
    company: bool = False

    def words(self, language: Language) -> Sequence[str]:
        """The words of a language."""
        return self.zh if language == "zh" else self.en


FAMILIES = (
    Family("balance", ["card.balance"], ["卡余额"], ["card balance"]),
    Family("today's entries", ["card.today"], ["今日"], ["today"]),
    Family("points", ["card.points"], ["积分"], ["points"]),
    Family("a cheque", ["“chq.number”"], ["支票"], ["cheque"]),
    Family("a difficult question", ["“enq.difficult”"], ["疑难"], ["difficult"]),
    Family("a transfer", ["“tr.payee”"], ["其他卡", "转账"], ["another card", "transfers"]),
    Family("a payee of his", ["payee.list"], ["已登记", "转账"], ["registered payee", "transfers"]),
    Family(
        "a transfer later", ["“tr.scheduled”"], ["预约", "转账"], ["scheduled", "transfers"]
    ),
    Family("a deposit", ["“place.time”"], ["定期", "卡转存款", "存款"],
           ["time deposit", "into a deposit", "deposits"]),
    Family("a bill", ["“bill.number”"], ["水费", "缴费"], ["water", "bills"]),
    Family("a loan", ["loan.list"], ["我的贷款", "贷款"], ["your loans", "loans"]),
    Family("bonds", ["bond.list"], ["我的国债", "国债", "投资"],
           ["your bonds", "bonds", "investments"]),
    Family("foreign exchange", ["“fx.rates”"], ["汇率", "外汇", "投资"],
           ["exchange rates", "foreign exchange", "investments"]),
    Family("securities", ["sec.balance"], ["证券资金余额", "证券", "投资"],
           ["securities balance", "securities", "investments"]),
    Family("a lost card", ["“loss.card”"], ["挂失"], ["lost"]),
    Family("a new PIN", ["“pin.old”"], ["密码"], ["PIN"]),
    Family("a card locked", ["“crd.days”"], ["临时锁卡", "卡片"],
           ["lock your card", "cards"]),
    Family("payees registered", ["payee.list"], ["我的收款人", "收款人", "设置"],
           ["your payees", "payees", "settings"]),
    Family("his ceiling", ["ceiling.tell"], ["转账限额", "限额", "设置"],
           ["transfer limit", "limits", "settings"]),
    Family("slow speech", ["“pace.menu”"], ["语速", "其他服务"], ["speech", "other services"]),
    Family("telephone banking opened", ["customer.identify"], ["开通", "其他服务"],
           ["open telephone", "other services"]),
    Family("deposit rates", ["info.deposit_rates"], ["存款利率", "利率"],
           ["deposit rates", "rates"]),
    Family("branches", ["“info.area”"], ["营业网点", "网点"], ["branches"]),
    Family("fees", ["info.fees"], ["收费", "信息"], ["fees", "information"]),
    Family("a company's balances", ["corp.balance"], ["企业", "余额"], ["companies", "balances"],
           company=True),
    Family("a company's payment", ["corp.rights"], ["企业", "不同名", "付款"],
           ["companies", "another account", "payments"], company=True),
    Family("a payment to approve", ["corp.waiting"], ["企业", "审批付款", "审批"],
           ["companies", "approve payments", "approvals"], company=True),
)  # fmt: skip


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_each_family_is_found_by_listening_alone(
    house: House, host: CoreHostProcess, language: Language
) -> None:
    lost: list[str] = []
    for number, family in enumerate(FAMILIES):
        who = APPROVER if family.company else host.cards[number]
        guest = Newcomer(house.call(), language, family.words(language), who)
        if not await guest.find(family.services) or guest.menus > MENUS_MOST + 1:
            lost.append(f"{family.name}: {guest.keys}, {guest.call.said[-1:]}")
    assert not lost, "\n".join(lost)
