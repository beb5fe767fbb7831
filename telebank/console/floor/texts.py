"""Words of the supervisor's screen and of the wallboard, in both languages."""

from collections.abc import Mapping

from telebank.console.desk.texts import ALL, DESK, Pairs, columns
from telebank.console.floor.today_texts import TODAY
from telebank.console.texts import Language

_FLOOR: Pairs = {
    "title": ("班长台", "Floor"),
    "wall_title": ("大屏", "Wallboard"),
    "seats": ("座席", "Seats"),
    "no_seats": ("没有人签入", "Nobody is signed in"),
    "find_seat": ("筛选", "Filter"),
    "find_hint": (
        "按 / 输入：姓名、分机、状态、队列或主叫；Esc 清除",
        "press / and type: name, extension, state, queue or caller; Esc clears",
    ),
    "order": ("排序", "Sort by"),
    "order_state": ("状态", "state"),
    "order_queue": ("队列", "queue"),
    "order_name": ("姓名", "name"),
    "order_time": ("状态时长", "time in state"),
    "found": ("{n} / {of} 个座席", "{n} of {of} seats"),
    "no_queue": ("无队列", "no queue"),
    "group": ("{name}：{n}", "{name}: {n}"),
    "swipe": ("⇆ 左右滑动看全图", "⇆ swipe to see all of it"),
    "queues": ("队列", "Queues"),
    "callers": ("等候的客户", "Callers waiting"),
    "no_callers": ("没有客户等候", "Nobody waits"),
    "abandoned": ("放弃", "Abandoned"),
    "answered": ("已接", "Answered"),
    "service": ("服务水平", "Service level"),
    "figures": ("此刻和今日", "Now and today"),
    "of_now": ("此刻", "now"),
    "of_day": ("今日 0:00 起", "today since 00:00"),
    "half_hour": ("最近 30 分钟", "last 30 minutes"),
    "half_span": ("今日 0:00 起的 {n} 分钟", "the {n} minutes since 00:00"),
    "periods": (
        "“此刻”是本节点的实时数字；“今日”是全行各节点从 0:00（银行时间 {zone}）到现在的累计。",
        "“Now” is live, of this node; “today” counts all the bank's nodes since 00:00 by the "
        "bank's clock ({zone}).",
    ),
    "colon": ("：", ": "),
    "service_hint": (
        "按时接听 /（接听 + 放弃）；5 秒内挂机的不算放弃",
        "answered in time / (answered + abandoned); who hangs up within 5 s is not counted",
    ),
    "in": ("在座", "In"),
    "pick_seat": ("选择一个座席，查看和操作。", "Choose a seat to see its day and to act."),
    "day": ("今日通话", "Calls today"),
    "my_phone": ("我的分机", "My extension"),
    "my_phone_hint": (
        "监听时会呼叫这部话机。",
        "It is rung when you listen in.",
    ),
    "monitor": ("监听", "Monitor"),
    "whisper": ("耳语", "Whisper"),
    "barge": ("强插", "Barge in"),
    "intercept": ("接管", "Intercept"),
    "stop": ("停止监听", "Stop"),
    "record_on": ("开始录音", "Record"),
    "record_off": ("停止录音", "Stop recording"),
    "force_ready": ("强制示闲", "Force ready"),
    "force_out": ("强制签出", "Force out"),
    "sure": ("确认", "Confirm"),
    "sure_intercept": (
        "接管 {name} 的客户？{name} 将进入话后处理，客户由您接听。",
        "Take {name}'s caller? {name} goes to wrap-up, and the caller is yours.",
    ),
    "sure_out": (
        "强制签出 {name}？此后不再分配来电。",
        "Sign {name} off? No more calls go there.",
    ),
    "watched": ("{name} 正在监听", "{name} listens"),
    "away_page": ("页面离开", "page gone"),
    "done_act": ("已发出：{act}", "Sent: {act}"),
    "seat_gone": ("此座席已签出", "This seat is signed off"),
    "ended_teller": ("柜员挂机", "teller hung up"),
    "seats_by_state": ("座席状态", "Seats by state"),
    "longest_wait": ("最长等候", "Longest wait"),
    "lines_used": ("占用线路", "Lines in use"),
    "faxes_used": ("传真中", "Faxes"),
    "trunks_well": ("正常中继", "Trunks well"),
    "n_of": ("{n} / {of}", "{n} of {of}"),
    "all_queues": ("全部队列", "All queues"),
}
FLOOR_WORDS: Mapping[Language, Mapping[str, str]] = columns(ALL, DESK, _FLOOR, TODAY)
"""Of `/floor` and `/wall`."""
