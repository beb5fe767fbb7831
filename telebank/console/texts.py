"""Words of the console in both languages."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

Language = Literal["zh", "en"]

TEXTS: Mapping[Language, Mapping[str, str]] = MappingProxyType(
    {
        "zh": MappingProxyType(
            {
                "title": "电话银行 · 通话",
                "heading": "通话",
                "live": "实时",
                "stale": "与服务器的连接中断，正在重试",
                "call": "通话号",
                "started": "开始（UTC）",
                "from": "主叫",
                "keys": "按键",
                "services": "业务与结果",
                "seconds": "时长（秒）",
                "state": "状态",
                "talking": "通话中",
                "over": "已结束",
                "none": "还没有通话。拨打电话银行，通话就会显示在这里。",
                "hint": "保密按键显示为圆点。",
                "switch": "English",
                "switch_to": "en",
                "language": "语言",
            }
        ),
        "en": MappingProxyType(
            {
                "title": "Telebank · calls",
                "heading": "Calls",
                "live": "live",
                "stale": "The server does not answer; trying again",
                "call": "Call",
                "started": "Started (UTC)",
                "from": "From",
                "keys": "Keys",
                "services": "Services and outcomes",
                "seconds": "Seconds",
                "state": "State",
                "talking": "talking",
                "over": "over",
                "none": "No calls yet. Ring the bank and the call appears here.",
                "hint": "Secret keys are shown as dots.",
                "switch": "中文",
                "switch_to": "zh",
                "language": "Language",
            }
        ),
    }
)
