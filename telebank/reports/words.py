"""Words of the reconciliation report in both languages."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeVar

from transactions.reconcile_values import Kind, Severity

Language = Literal["zh", "en"]
K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Words:
    """What a report says in one language. Services are data: one not named here stays as it is."""

    language: Language
    plain: Mapping[str, str]
    severities: Mapping[Severity, str]
    kinds: Mapping[Kind, str]
    advice: Mapping[Kind, str]
    names: Mapping[str, str]
    """States, host's states, services."""

    def __getitem__(self, key: str) -> str:
        return self.plain[key]

    def name(self, word: str) -> str:
        """A state or service as people call it."""
        return self.names.get(word, word)


_PLAIN = {
    "title": ("日终对账报告", "Daily reconciliation"),
    "bank": ("电话银行", "Telephone banking"),
    "date": ("账务日期", "Business date"),
    "node": ("节点", "Node"),
    "made": ("生成时间", "Made"),
    "page": ("第 {page} 页，共 {pages} 页", "Page {page} of {pages}"),
    "inner": ("内部资料，卡号已遮盖", "Internal; card numbers are masked"),
    "overall_agreed": ("对账一致", "All sides agree"),
    "overall_explained": ("对账一致，有可说明事项", "No differences; some explained"),
    "overall_unchecked": ("已核对部分一致，尚未逐笔核对", "Agreed as far as it was compared"),
    "overall_difference": ("对账有差异", "Differences found"),
    "transactions": ("交易笔数", "Transactions"),
    "no_totals": (
        "没有主机总账，未核对总额。",
        "The host's totals are missing; sums were not checked.",
    ),
    "no_file": (
        "没有主机对账文件，未逐笔核对。",
        "The host's file is missing; transactions were not checked one by one.",
    ),
    "figures": ("各币种合计", "Sums by currency"),
    "journal": ("本系统流水", "Journal"),
    "totals": ("主机总账", "Host's totals"),
    "file": ("主机对账文件", "Host's file"),
    "totals_less": ("总账差额", "Totals less journal"),
    "file_less": ("文件差额", "File less journal"),
    "posted": ("入账笔数", "Posted"),
    "posted_minor": ("入账金额", "Posted, amount"),
    "reversed": ("冲正笔数", "Reversed"),
    "reversed_minor": ("冲正金额", "Reversed, amount"),
    "credits": ("贷记净笔数", "Credits, net"),
    "credits_minor": ("贷记净额", "Credits, net amount"),
    "net": ("有效笔数", "Net"),
    "net_minor": ("有效金额", "Net amount"),
    "fees": ("手续费", "Fees"),
    "findings": ("逐项说明", "Findings"),
    "nothing": ("三方一致，没有需要处理的事项。", "All sides agree; nothing is to be done."),
    "nothing_seen": (
        "已核对的部分没有差异；取得主机对账文件后请再对一次账。",
        "Nothing differs in what was compared; reconcile again with the host's file.",
    ),
    "more": (
        "本报告列出 {shown} 项，其余 {left} 项见 CSV 文件。",
        "{shown} findings are listed here; {left} more are in the CSV file.",
    ),
    "to_do": ("处理", "What to do"),
    "advice": ("处理：{advice}", "What to do: {advice}"),
    "reference": ("流水号", "Reference"),
    "amount": ("金额", "Amount"),
    "ours": ("本系统", "Journal"),
    "theirs": ("主机", "Host"),
    "card": ("付款卡", "Card"),
    "payee": ("收款方", "Payee"),
    "currency": ("币种", "Currency"),
    "kind": ("类别", "Finding"),
    "code": ("代码", "Code"),
    "severity": ("程度", "Severity"),
    "service": ("业务", "Service"),
    "state": ("本系统状态", "Our state"),
    "their_state": ("主机状态", "Host's state"),
    "line": ("文件行", "Line of file"),
    "row": ("行", "Line"),
    "sum": ("{count} 笔，{amount} {currency}", "{count}, {amount} {currency}"),
    "sum_fees": ("{sum}，手续费 {fees}", "{sum}, fees {fees}"),
    "figure": ("项目", "Figure"),
    "absent": ("无", "none"),
    "prepared": ("经办", "Prepared by"),
    "checked": ("复核", "Checked by"),
    "signed_on": ("日期", "Date"),
}
_SEVERITIES = {
    Severity.AGREED: ("一致", "agreed"),
    Severity.EXPLAINED: ("可说明", "explained"),
    Severity.UNCHECKED: ("未逐笔核对", "not checked"),
    Severity.DIFFERENCE: ("有差异", "difference"),
}
_KINDS = {
    Kind.ONLY_IN_JOURNAL: ("仅本系统有", "Only in the journal"),
    Kind.ONLY_AT_HOST: ("仅主机有", "Only at the host"),
    Kind.AMOUNT_DIFFERS: ("金额不符", "Amount differs"),
    Kind.FEE_DIFFERS: ("手续费不符", "Fee differs"),
    Kind.CURRENCY_DIFFERS: ("币种不符", "Currency differs"),
    Kind.STATE_DIFFERS: ("状态不符", "State differs"),
    Kind.DATE_DIFFERS: ("日期不符", "Date differs"),
    Kind.DUPLICATE_AT_HOST: ("主机重复入账", "Twice at the host"),
    Kind.STILL_OPEN: ("尚未了结", "Still open"),
    Kind.ROW_UNREADABLE: ("文件行无法识别", "Row cannot be read"),
    Kind.TOTALS_DIFFER_FROM_FILE: ("总账与文件不符", "Totals differ from the file"),
    Kind.TOTALS_DIFFER_FROM_JOURNAL: ("总账与流水不符", "Totals differ from the journal"),
}
_ADVICE = {
    Kind.ONLY_IN_JOURNAL: (
        "客户已听到“成功”，主机没有入账。先查下一账务日的文件；仍没有，请主机方按流水号补账或书面答复。",
        "The customer heard “done”, and the host did not post it. Look in the next date's file "
        "first; if it is not there, have the host post it by its reference, or answer in writing.",
    ),
    Kind.ONLY_AT_HOST: (
        "主机已入账，本系统没有这笔请求。请主机方说明来源终端；可能需要退款。",
        "The host posted what we never asked for. Ask the host which terminal it came from; money "
        "may have to be given back.",
    ),
    Kind.AMOUNT_DIFFERS: (
        "以客户确认的金额（本系统）为准，请主机方调账。",
        "What the customer confirmed (journal) holds; have the host correct its posting.",
    ),
    Kind.FEE_DIFFERS: (
        "以客户确认的手续费（本系统）为准，请主机方退补差额。",
        "What the customer agreed to (journal) holds; have the host give back or take the rest.",
    ),
    Kind.CURRENCY_DIFFERS: (
        "请主机方冲正，并按正确币种重新入账。",
        "Have the host reverse it and post it in the right currency.",
    ),
    Kind.STATE_DIFFERS: (
        "客户听到的结果与账务不同。与主机方核实；需要更改时由两人处理，并通知客户。",
        "What the customer was told is not what the books say. Find out with the host which is "
        "right, mend the other by two people, and tell the customer.",
    ),
    Kind.DATE_DIFFERS: (
        "“可说明”的是日切前后的交易，计入主机日期，无需处理；“有差异”的请主机方核对账务日期。",
        "“Explained” went over at the cut-over and counts on the host's date: nothing to do. For a "
        "“difference” ask the host under which date it counts.",
    ),
    Kind.DUPLICATE_AT_HOST: (
        "同一流水号在主机入账两次。请主机方冲正其中一笔。",
        "One reference was posted twice. Have the host reverse one of the two.",
    ),
    Kind.STILL_OPEN: (
        "结果未定，系统仍在处理。待人工处理的用 telebank host unknown 查看，"
        "由两人用 telebank host resolve 了结。",
        "Its outcome is not settled yet. Those for a person: telebank host unknown lists them, "
        "and two people settle them with telebank host resolve.",
    ),
    Kind.ROW_UNREADABLE: (
        "请主机方更正该行后重新发送文件，或修改主机配置 host_file，再对一次账。",
        "Have the host mend the row and send the file again, or mend host_file of the profile; "
        "then reconcile again.",
    ),
    Kind.TOTALS_DIFFER_FROM_FILE: (
        "主机自己的总账与文件不一致。请主机方查明；很可能文件不完整。",
        "The host's own totals and file disagree. Have the host find out; the file may be "
        "incomplete.",
    ),
    Kind.TOTALS_DIFFER_FROM_JOURNAL: (
        "差额来自上面逐笔列出的交易；没有文件时，请向主机索取当日文件后再对账。",
        "The transactions listed make the difference; without a file, ask the host for the date's "
        "file and reconcile again.",
    ),
}
_NAMES = {
    "RECORDED": ("已登记", "recorded"),
    "SENT": ("已发送", "sent"),
    "APPROVED": ("成功", "approved"),
    "DECLINED": ("被拒绝", "declined"),
    "NOT_SENT": ("未发送", "not sent"),
    "UNKNOWN": ("结果不明", "unknown"),
    "REVERSING": ("冲正中", "reversing"),
    "REVERSED": ("已冲正", "reversed"),
    "REPEATING": ("重发中", "repeating"),
    "QUERYING": ("查询中", "querying"),
    "MANUAL": ("待人工处理", "for a person"),
    "CLOSED_POSTED": ("人工确认已入账", "closed as posted"),
    "CLOSED_NOT_POSTED": ("人工确认未入账", "closed as not posted"),
    "posted": ("已入账", "posted"),
    "reversed": ("已冲正", "reversed"),
    "transfer.card_to_card": ("转账", "transfer"),
}


def words_of(language: Language) -> Words:
    """The words of a language; Chinese is the first."""
    column = 0 if language == "zh" else 1
    return Words(
        language=language,
        plain=_side(_PLAIN, column),
        severities=_side(_SEVERITIES, column),
        kinds=_side(_KINDS, column),
        advice=_side(_ADVICE, column),
        names=_side(_NAMES, column),
    )


def _side(table: Mapping[K, tuple[str, str]], column: int) -> Mapping[K, str]:
    return MappingProxyType({key: both[column] for key, both in table.items()})
