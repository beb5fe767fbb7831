"""What `telebank lines` prints, in Chinese."""

from collections.abc import Mapping
from types import MappingProxyType

ZH: Mapping[str, str] = MappingProxyType(
    {
        # columns
        "call": "通话",
        "state": "状态",
        "caller": "主叫",
        "trunk": "中继",
        "lang": "语言",
        "lock": "加密",
        "at": "位置",
        "time": "时长",
        "loss %": "丢包 %",
        "jitter ms": "抖动 ms",
        "MOS": "MOS",
        "peer's MOS": "对端 MOS",
        "calls in": "呼入",
        "calls out": "呼出",
        "peers": "对端",
        # states of a line
        "ringing": "振铃",
        "menu": "菜单",
        "talking": "播报",
        "keying": "输入",
        "thinking": "处理中",
        "recording": "录音",
        "held": "保持",
        "fax": "传真",
        "waiting": "等待人工",
        "teller": "人工",
        "ending": "结束中",
        # how good a line sounds
        "good": "好",
        "fair": "中",
        "poor": "差",
        "bad": "劣",
        # states of a trunk and of its peers
        "up": "正常",
        "partly": "部分中断",
        "DOWN": "中断",
        "none: calls come in only": "无：只呼入",
        # the head
        "node {node}": "节点 {node}",
        "draining: no new calls": "正在停止：不接新呼叫",
        "{busy} of {capacity} lines": "线路 {busy}/{capacity}",
        ", {faxes} of them faxes beside menus": "（其中单独的传真 {faxes}）",
        "{rate:.1f} set-ups/s": "每秒呼入 {rate:.1f}",
        "refused {told}": "已拒绝 {told}",
        "{many} {why}": "{why} {many}",
        "{many} with {status}": "{status} 应答 {many}",
        "busy": "线路全忙",
        "admission": "准入限制",
        "silenced": "不予应答",
        "no trunks set": "未设中继",
        "trunks {told}": "中继 {told}",
        "{many} {state}": "{state} {many}",
        "phones {registered} of {phones} registered": "话机已注册 {registered}/{phones}",
        "media {up} of {workers} up": "媒体进程 {up}/{workers}",
        "ticks late by {told} ms (p99)": "节拍延迟 {told} ms (p99)",
        # instead of rows, and around them
        "no trunks are set": "未设置中继",
        "no lines in use": "当前没有通话",
        "no such lines now": "没有符合条件的通话",
        "{rest} more below; --state and --caller show fewer": (
            "下面还有 {rest} 行；可用 --state、--caller 筛选"
        ),
        "NO ANSWER since {at}, the figures are older: {why}": (
            "自 {at} 起无应答，以下是之前的数据：{why}"
        ),
    }
)
