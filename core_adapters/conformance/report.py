"""The report of a certification: one HTML file, Chinese and English, that needs nothing else."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from core_adapters.conformance.kit import FAILED, INAPPLICABLE, PASSED, SKIPPED, Outcome, Result
from core_adapters.conformance.seal import Seal, verified
from core_adapters.conformance.transcript import Line

WORDS = {
    PASSED: "通过 passed",
    FAILED: "未通过 failed",
    SKIPPED: "未试 not tried",
    INAPPLICABLE: "不适用 not applicable",
}
FACTS = {
    "profile": "配置 profile",
    "profile_sha256": "配置散列 profile SHA-256",
    "services_sha256": "服务合同散列 services SHA-256",
    "scenarios_sha256": "场景散列 scenarios SHA-256",
    "host": "主机 host",
    "warning": "注意 warning",
    "versions": "版本 versions",
    "seed": "种子 seed",
    "times": "时限 times",
    "began": "开始 began",
    "seconds": "秒 seconds",
    "by": "执行人 carried out by",
}
MEANING_ZH = (
    "每个场景之后另查：无未决记录；报文发出前已落账；请求只发一次；主机资金与流水一致；"
    "告知客户的与事实一致。卡号、密码、磁道均已屏蔽。不适用的场景不计入通过。"
)
MEANING_EN = (
    "After each scenario this is looked at as well: no row is left open, each message's row was "
    "durable before its first byte, no request went twice, the money at the host is as the journal "
    "says, the caller was told nothing else. Card numbers, PINs and tracks are masked. What is not "
    "applicable is not counted as passed."
)
NAMED = 10
"""Scenarios named for each kind of recovery."""
SIGNERS = ("执行 carried out by", "复核 reviewed by", "批准 approved by")
STYLE = """
body{font:15px/1.5 system-ui,"Noto Sans CJK SC",sans-serif;margin:2rem auto;max-width:70rem;
padding:0 1rem;color:#1b1f24;background:#fff}
table{border-collapse:collapse;width:100%;margin:.5rem 0}
td,th{border:1px solid #d0d7de;padding:.2rem .5rem;text-align:left;vertical-align:top}
code,pre{font:13px/1.4 ui-monospace,monospace}pre{overflow-x:auto;background:#f6f8fa;padding:.5rem}
.passed{color:#116329}.failed{color:#a40e26;font-weight:600}.not_tried{color:#6e5a00}
.not_applicable{color:#57606a}.verdict{font-size:1.3rem;border:2px solid;padding:.5rem 1rem}
.counts td{font-size:1.2rem;text-align:right}td.num{text-align:right}tr.line td{height:2.2rem}
summary{cursor:pointer}details{border-top:1px solid #d0d7de;padding:.3rem 0}
@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}pre{background:#161b22}
td,th,details{border-color:#30363d}.passed{color:#56d364}.failed{color:#ff7b72}
.not_tried{color:#d29922}.not_applicable{color:#8b949e}}
@media print{details,tr{break-inside:avoid}h2{break-after:avoid}body{font-size:11px;max-width:none}}
"""
BEGIN, END = "<!--report-->", "<!--/report-->"
_PAYLOAD = re.compile(r'<script type="application/json" id="certificate">(.*?)</script>', re.S)
_SIGNATURE = re.compile(r'<script type="text/plain" id="signature">(.*?)</script>', re.S)


class LeakError(Exception):
    """A card number or PIN stood in the report; it was not written."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the report says of the run beside its results; keys as in `FACTS`."""

    values: Mapping[str, str]


def summary(outcome: Outcome, facts: Facts) -> dict[str, Any]:
    """The run for programs: facts, counts, and each scenario with what differed."""
    return {
        **facts.values,
        "passed": outcome.count(PASSED),
        "failed": outcome.count(FAILED),
        "not_tried": outcome.count(SKIPPED),
        "not_applicable": outcome.count(INAPPLICABLE),
        "verdict": "passed" if outcome.passed else "failed",
        "scenarios": [_row(result) for result in outcome.results],
    }


def _row(result: Result) -> dict[str, Any]:
    row: dict[str, Any] = {"id": result.scenario.id, "verdict": result.verdict}
    row["seconds"] = round(result.seconds, 2)
    wrong = [
        {"check": one.name, "expected": one.expected, "seen": one.seen}
        for one in result.checks
        if not one.ok
    ]
    return row | ({"wrong": wrong} if wrong else {}) | ({"why": result.why} if result.why else {})


def render(outcome: Outcome, facts: Facts, seal: Seal, secrets: Sequence[str]) -> bytes:
    """The signed report; raises `LeakError` where one of `secrets` stands in it."""
    body = "".join(_body(outcome, facts))
    digest = hashlib.sha256(body.encode()).hexdigest()
    content = summary(outcome, facts) | {"report_sha256": digest, "public_key": seal.public}
    payload = json.dumps(content, ensure_ascii=False, sort_keys=True).replace("</", "<\\/")
    page = (
        '<!doctype html><html lang="zh"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>核心主机一致性报告 Host conformance report</title><style>{STYLE}</style></head>"
        f"<body>{BEGIN}{body}{END}{_signed(seal)}"
        f'<script type="application/json" id="certificate">{payload}</script>'
        f'<script type="text/plain" id="signature">{seal.sign(payload.encode())}</script>'
        "</body></html>\n"
    )
    if any(secret in page for secret in secrets):
        raise LeakError("a card number or PIN stands in the report; it is not written")
    return page.encode()


def check_report(page: str, public: str) -> list[str]:
    """What is wrong with a report's embedded signature; empty where nothing is."""
    payload, signature = _PAYLOAD.search(page), _SIGNATURE.search(page)
    start, end = page.find(BEGIN), page.find(END)
    if payload is None or signature is None or start < 0 or end < 0:
        return ["no certificate in this file"]
    if not verified(public, payload[1].encode(), signature[1]):
        return ["the signature is not of this key, or the certificate was changed"]
    digest = hashlib.sha256(page[start + len(BEGIN) : end].encode()).hexdigest()
    if json.loads(payload[1])["report_sha256"] != digest:
        return ["the report's text was changed after it was signed"]
    return []


def _body(outcome: Outcome, facts: Facts) -> Iterator[str]:
    yield "<h1>核心主机一致性报告<br>Host conformance report</h1>"
    yield from _warning(facts)
    yield from _conclusion(outcome)
    yield "<h2>2 环境 Environment</h2><table>"
    for key, text in facts.values.items():
        if not text:
            continue
        yield f"<tr><th>{escape(FACTS.get(key, key))}</th><td><code>{escape(text)}</code></td></tr>"
    yield "</table>"
    yield from _coverage(outcome)
    yield from _results(outcome)
    yield "<h2>5 场景 Scenarios</h2>"
    for result in outcome.results:
        if result.verdict != INAPPLICABLE:
            yield from _scenario(result)


def _warning(facts: Facts) -> Iterator[str]:
    """Above everything: what the report must not be taken for."""
    if "warning" in facts.values:
        yield f'<p class="verdict failed">{escape(facts.values["warning"])}</p>'


def _conclusion(outcome: Outcome) -> Iterator[str]:
    verdict = PASSED if outcome.passed else FAILED
    tried = outcome.count(PASSED) + outcome.count(FAILED) + outcome.count(SKIPPED)
    yield "<h2>1 结论 Conclusion</h2>"
    yield f'<p class="verdict {verdict}"><b>{WORDS[verdict]}</b>: '
    yield f"{outcome.count(PASSED)} / {tried} 个适用场景 applicable scenarios</p>"
    yield '<table class="counts"><tr>'
    yield "".join(f"<th>{word}</th>" for word in WORDS.values()) + "</tr><tr>"
    counts = {one: outcome.count(one) for one in WORDS}
    yield "".join(f'<td class="{one if n else ""}">{n}</td>' for one, n in counts.items())
    yield "</tr></table>"
    yield f"<p>{MEANING_ZH}</p><p>{MEANING_EN}</p>"


def _results(outcome: Outcome) -> Iterator[str]:
    """One line each: what was tried, and how it ended."""
    yield "<h2>4 结果 Results</h2><table><tr><th>场景 scenario</th><th>内容 what is tried</th>"
    yield "<th>结果 result</th><th>s</th></tr>"
    for result in outcome.results:
        one, verdict = result.scenario, result.verdict
        mark = f'<span class="{verdict}">{WORDS[verdict]}</span>'
        name = f"<code>{escape(one.id)}</code>"
        if verdict != INAPPLICABLE:
            name = f'<a href="#{escape(one.id)}">{name}</a>'
        why = f"<br>{escape(result.why)}" if result.why else ""
        yield f"<tr><td>{name}</td><td>{escape(one.zh)}<br>{escape(one.en)}</td>"
        yield f'<td>{mark}{why}</td><td class="num">{result.seconds:.2f}</td></tr>'
    yield "</table>"


def _coverage(outcome: Outcome) -> Iterator[str]:
    """Services, code classes and faults with how many scenarios tried each; recoveries."""
    untried = (SKIPPED, INAPPLICABLE)
    tried = [one.scenario for one in outcome.results if one.verdict not in untried]
    groups = {
        "服务 services": [one.service for one in tried if one.service],
        "应答码类别 code classes": [f.kind for one in tried for f in one.faults if f.kind],
        "故障 faults": [f"{f.on} {f.do}" for one in tried for f in one.faults],
    }
    yield "<h2>3 覆盖 Coverage</h2><table>"
    for name, words in groups.items():
        counts = {word: words.count(word) for word in sorted(set(words))}
        text = ", ".join(f"{word} ×{count}" for word, count in counts.items()) or "–"
        yield f"<tr><th>{name}</th><td>{escape(text)}</td></tr>"
    yield f"<tr><th>恢复方式 recovery</th><td>{'<br>'.join(_recoveries(outcome))}</td></tr>"
    yield "</table>"


def _recoveries(outcome: Outcome) -> Iterator[str]:
    """Each kind of recovery, and which scenarios came to it."""
    used = [one for one in outcome.results if _recovered(one)]
    for kind in sorted({one.recovery for one in used}):
        ids = [one.scenario.id for one in used if one.recovery == kind]
        links = ", ".join(f'<a href="#{escape(i)}">{escape(i)}</a>' for i in ids[:NAMED])
        more = f" … ×{len(ids)}" if len(ids) > NAMED else ""
        yield f"<b>{kind}</b>: {links}{more}"


def _recovered(result: Result) -> bool:
    """Whether it came to the service's recovery: a row was unknown, a read was asked again."""
    return "UNKNOWN" in result.states or result.scenario.id == "recovery.none"


def _scenario(result: Result) -> Iterator[str]:
    one = result.scenario
    opened = " open" if result.verdict == FAILED else ""
    yield f'<details{opened} id="{escape(one.id)}"><summary>'
    yield f'<span class="{result.verdict}">{WORDS[result.verdict]}</span> '
    yield f"<code>{escape(one.id)}</code> {escape(one.zh)} · {escape(one.en)}"
    yield f" ({result.seconds:.2f} s)</summary>"
    if result.why:
        yield f"<p>{escape(result.why)}</p>"
    if one.faults:
        faults = "; ".join(fault.text for fault in one.faults)
        yield f"<p>故障 faults: <code>{escape(faults)}</code></p>"
    if result.states:
        yield f"<p>状态 states: <code>{escape(' → '.join(result.states))}</code></p>"
    if result.checks:
        yield "<table><tr><th>检查 check</th><th>预期 expected</th><th>所见 seen</th></tr>"
        for check in result.checks:
            style = PASSED if check.ok else FAILED
            yield f'<tr class="{style}"><td>{escape(check.name)}</td>'
            yield f"<td>{escape(check.expected)}</td><td>{escape(check.seen)}</td></tr>"
        yield "</table>"
    yield from _transcript(result.lines)
    yield "</details>"


def _transcript(lines: Sequence[Line]) -> Iterator[str]:
    if not lines:
        return
    yield f"<details><summary>报文 messages ({len(lines)})</summary><pre>"
    start = lines[0].at
    for line in lines:
        arrow = "→" if line.way == "out" else "←"
        head = f"{line.at - start:8.3f} {arrow} {line.mti or '????'} {line.role} {line.size} bytes"
        note = f"   [{line.note}]" if line.note else ""
        yield escape(f"{head}{note}\n")
        for view in line.views:
            yield escape(f"           {view}\n")
    yield "</pre></details>"


def _signed(seal: Seal) -> str:
    rows = "".join(
        f'<tr class="line"><th>{who}</th><td></td><td></td><td></td></tr>' for who in SIGNERS
    )
    return (
        "<h2>6 签名 Signature</h2><p>Ed25519, 公钥 public key "
        f"<code>{seal.public}</code>. 验证 verify: "
        "<code>telebank host verify FILE --key certify.ed25519.pub</code></p>"
        "<table><tr><th></th><th>姓名 name</th><th>日期 date</th><th>签字 signature</th></tr>"
        f"{rows}</table>"
    )
