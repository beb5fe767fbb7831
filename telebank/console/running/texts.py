"""Words of the page of a day's run, in both languages."""

from collections.abc import Mapping

from telebank.console.desk.texts import Pairs, columns
from telebank.console.texts import Language

_PAGE: Pairs = {
    "title": ("运行统计", "The day's run"),
    "day": ("日期", "Day"),
    "show": ("查看", "Show"),
    "before": ("前一天", "The day before"),
    "after": ("后一天", "The day after"),
    "file": ("下载表格（CSV）", "As a table (CSV)"),
    "of_all": (
        "全部节点，银行时间（{zone}）{day} 零点起二十四小时；今天的数字最多旧 {seconds} 秒。",
        "All nodes, from midnight of {day} by the bank's clock ({zone}); today's figures are at "
        "most {seconds} seconds old.",
    ),
    "picture": ("每小时来电", "Calls by hour"),
    "hours": ("按小时", "By hour"),
    "hour": ("时段", "Hour"),
    "calls": ("来电", "Calls"),
    "most": ("同时最多", "At once"),
    "by_caller": ("客户挂机", "Caller ended"),
    "by_bank": ("银行结束", "Bank ended"),
    "lost": ("异常中断", "Cut off"),
    "mean": ("平均时长", "Mean length"),
    "services": ("业务", "Services"),
    "done": ("办成", "Done"),
    "faults": ("出错", "Faults"),
    "all": ("全天", "The day"),
    "by_service": ("按业务", "By service"),
    "service": ("业务", "Service"),
    "count": ("次数", "Times"),
    "exits": ("结果", "Outcomes"),
    "mean_ms": ("平均（毫秒）", "Mean, ms"),
    "slowest_ms": ("最慢（毫秒）", "Slowest, ms"),
    "jobs": ("作业", "Jobs"),
    "job_fax": ("传真", "Faxes"),
    "job_order": ("预约转账", "Scheduled transfers"),
    "job_done": ("完成", "done"),
    "job_received": ("收到", "received"),
    "job_failed": ("失败", "failed"),
    "job_unconfirmed": ("未确认", "not confirmed"),
    "job_open": ("办理中", "in hand"),
    "job_declined": ("被拒绝", "declined"),
    "job_missed": ("错过", "missed"),
    "job_skipped": ("跳过", "skipped"),
    "analysis": ("出错分析", "What went wrong"),
    "fault": ("出错", "Fault"),
    "what": ("说明", "What"),
    "first": ("首次", "First"),
    "last": ("最近", "Last"),
    "node": ("节点", "Node"),
    "last_call": ("最近的通话", "The last call"),
    "no_calls": ("这一天没有来电", "Nobody called on this day"),
    "no_services": ("没有办理业务", "No services were asked"),
    "no_faults": ("没有出错", "Nothing went wrong"),
    "no_jobs": ("没有作业", "No jobs"),
    "wrong_day": (
        "日期应写成 {example}，不晚于今天。",
        "A day is written {example}, and is not after today.",
    ),
    "too_long": (
        "这一天的事件多于 {most} 条，不能在页面上统计；请用 telebank events 按时段查看。",
        "There are more than {most} events of this day, too many for this page: read them by time "
        "with `telebank events`.",
    ),
}
_FAULTS: Pairs = {
    "alarm": ("报警", "Alarm"),
    "alarm.contradiction": ("主机前后回答矛盾", "The host contradicted itself"),
    "alarm.fax": ("传真未送达", "A fax was not delivered"),
    "alarm.mail": ("邮件出错", "Mail failed"),
    "alarm.manual": ("交易待人工处理", "A transaction is for people to settle"),
    "alarm.orders": ("预约转账出错", "A scheduled transfer failed"),
    "alarm.quote": ("一个报价用于两笔请求", "One quote for two requests"),
    "alarm.release": ("发布版本变动", "The release changed"),
    "alarm.told": ("告知未送达", "Somebody was not told"),
    "call.security_failed": ("媒体加密失败", "Media security failed"),
    "call.failed": ("外呼失败", "A call out failed"),
    "fax.failed": ("传真失败", "A fax failed"),
    "fax.unconfirmed": ("传真未确认", "A fax was not confirmed"),
    "fax.not_mailed": ("传真邮件未发出", "A fax was not mailed"),
    "input.exhausted": ("输入多次无效", "No valid entry was made"),
    "host.link": ("主机链路", "Link to the host"),
    "request.state": ("交易结果未知", "A transaction in doubt"),
    "…": ("其他", "Others"),
}
RUNNING_WORDS: Mapping[Language, Mapping[str, str]] = columns(_PAGE)
FAULT_WORDS: Mapping[Language, Mapping[str, str]] = columns(_FAULTS)
"""By kind of event."""
