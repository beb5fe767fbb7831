"""What `telebank queue` prints, in Chinese."""

from collections.abc import Mapping
from types import MappingProxyType

ZH: Mapping[str, str] = MappingProxyType(
    {
        # erlang
        "seats": "坐席",
        "occupancy": "占用率",
        "waits": "需等待",
        "mean wait": "平均等待",
        "in time": "及时接听",
        "gives up": "放弃",
        "without end": "无限增长",
        "{calls} calls an hour of {handling} s are {offered} erlangs.": (
            "每小时 {calls} 通、每通 {handling} 秒，话务量为 {offered} 爱尔兰。"
        ),
        "{seats} seats answer {level} % within {within} s.": (
            "{within} 秒内接听 {level} %，需要 {seats} 个坐席。"
        ),
        "Callers give up after {patience} s on average (Erlang A).": (
            "来电者平均等待 {patience} 秒后放弃（Erlang A）。"
        ),
        # simulate
        "queue": "队列",
        "came": "来电",
        "answered": "接听",
        "sent away": "未受理",
        "90 % within": "九成在",
        "told": "报时",
        "waited/told": "实际/报时",
        "all": "合计",
        "{hours} hours were played; seats worked {occupancy} % of their time.": (
            "模拟 {hours} 小时；坐席占用率 {occupancy} %。"
        ),
        "{count} callers were taken by no queue: nobody was on duty for them.": (
            "{count} 名来电者没有队列受理：无人值班。"
        ),
        "Mean wait by seed: {least} to {most} s.": "各随机种子的平均等待：{least} 至 {most} 秒。",
        "{kept} % of those who were told a wait waited no longer than the minutes said.": (
            "听到等待时间的来电者中，{kept} % 的实际等待未超过所报分钟数。"
        ),
        # today
        "name": "名称",
        "from": "时间",
        "gave up": "放弃",
        "at once": "立即挂机",
        "call-backs": "回电",
        "closed": "非服务时间",
        "full": "队列已满",
        "nobody": "无人在座",
        # check
        "queues are fine": "队列配置无误",
        "warning": "警告",
        "{file}: {count} queues": "{file}：{count} 个队列",
        # compare
        "load": "负载",
        "seed": "种子",
        "played": "模拟",
        "computed": "计算",
        "difference": "相差",
    }
)
