"""Why a fax ended, in plain words: each completion code of libspandsp 0.0.6, and what to do.

The library says it in English and in the terms of ITU-T T.30 ("Timer T2 expired while waiting for
RR command"); that text is what is kept and logged. People read these words instead.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from fax.texts import (
    FINE,
    IDENT,
    LET_IN,
    LINE,
    MEMORY,
    NEVER_ASKED,
    NOTHING,
    OPEN_NUMBER,
    OTHER_END,
    OTHER_NUMBER,
    PRINT,
    RING,
    SENDER,
    Reason,
    Text,
)


@dataclass(frozen=True, slots=True)
class Completion(Reason):
    """A completion code of T.30 as libspandsp 0.0.6 has it."""

    heard: str
    """The library's own text for it, which is what is kept of it."""


def _of(heard: str, zh: str, en: str, todo: Text) -> Completion:
    return Completion(Text(zh, en), todo, heard)


UNKNOWN_CODE = "???"
"""The library's text for a number that is no code: the call ended before T.30 did."""
CUT_SHORT = Reason(
    Text("双方传真机尚未完成，通话就已结束", "the call ended before the two machines were done"),
    OTHER_END,
)

COMPLETIONS: Mapping[int, Completion] = MappingProxyType(
    {
        0: _of("OK", "传真正常完成", "all went well", NOTHING),
        1: _of(
            "The CED tone exceeded 5s",
            "对方的应答音一直不停",
            "the other side whistled without end",
            RING,
        ),
        2: _of(
            "Timed out waiting for initial communication",
            "对方没有传真机应答",
            "no fax machine answered there",
            RING,
        ),
        3: _of(
            "Timed out waiting for the first message",
            "对方传真机没有发出任何信号",
            "the other machine did not say a word",
            RING,
        ),
        4: _of(
            "Timed out waiting for procedural interrupt",
            "对方传真机要求人工接听，但无人响应",
            "the other machine asked for a person and nobody came",
            OTHER_END,
        ),
        5: _of(
            "The HDLC carrier did not stop in a timely manner",
            "对方传真机的信号音一直不停",
            "the other machine's tone did not stop",
            LINE,
        ),
        6: _of(
            "Failed to train with any of the compatible modems",
            "线路质量太差，任何速率都无法通信",
            "the line is too bad for any speed",
            LINE,
        ),
        7: _of(
            "Operator intervention failed",
            "对方操作人员中止了传真",
            "the person at the other machine ended it",
            RING,
        ),
        8: _of(
            "Far end is not compatible",
            "对方传真机与本系统不兼容",
            "the other machine can do nothing that ours can",
            OTHER_NUMBER,
        ),
        9: _of(
            "Far end is not able to receive",
            "对方传真机目前不能接收：可能缺纸，或只能发送",
            "the other machine takes no fax now: no paper, or it only sends",
            RING,
        ),
        10: _of(
            "Far end is not able to transmit",
            "对方传真机没有可发送的内容",
            "the other machine has nothing to send",
            SENDER,
        ),
        11: _of(
            "Far end cannot receive at the resolution of the image",
            "对方传真机不支持精细分辨率",
            "the other machine takes no fine print",
            FINE,
        ),
        12: _of(
            "Far end cannot receive at the size of image",
            "对方传真机不能接收此幅面的页面",
            "the other machine takes no page of this size",
            OTHER_NUMBER,
        ),
        13: _of(
            "Unexpected message received",
            "对方传真机发来了意外的信号",
            "the other machine said what has no place here",
            LINE,
        ),
        14: _of(
            "Received bad response to DCS or training",
            "协商速率时，对方传真机应答有误",
            "the other machine answered wrongly as the speed was agreed",
            LINE,
        ),
        15: _of(
            "Received a DCN from remote after sending a page",
            "一页发完后，对方传真机未确认就挂断",
            "the other machine hung up after a page instead of confirming it",
            OTHER_END,
        ),
        16: _of(
            "Invalid ECM response received from receiver",
            "对方传真机对一页的应答有误",
            "the other machine answered a page wrongly",
            OTHER_END,
        ),
        17: _of(
            "Received a DCN while waiting for a DIS",
            "对方传真机未说明接收能力就挂断",
            "the other machine hung up before it said what it can do",
            RING,
        ),
        18: _of(
            "Invalid response after sending a page",
            "对方传真机对一页的应答有误",
            "the other machine answered a page wrongly",
            OTHER_END,
        ),
        19: _of(
            "Received other than DIS while waiting for DIS",
            "对方传真机开始通信的方式无法识别",
            "the other machine began in a way that ours does not know",
            RING,
        ),
        20: _of(
            "Received no response to DCS or TCF",
            "协商速率时，对方传真机没有应答",
            "the other machine did not answer as the speed was agreed",
            LINE,
        ),
        21: _of(
            "No response after sending a page",
            "对方传真机没有确认一页",
            "the other machine did not confirm a page",
            LINE,
        ),
        22: _of(
            "Timed out waiting for receiver ready (ECM mode)",
            "对方传真机处理一页时一直忙",
            "the other machine stayed busy with a page",
            OTHER_END,
        ),
        23: _of(
            "Invalid ECM response received from transmitter",
            "发送方传真机应答有误",
            "the sending machine answered wrongly",
            SENDER,
        ),
        24: _of(
            "DCS received while waiting for DTC",
            "双方传真机都要发送",
            "both machines wanted to send",
            NEVER_ASKED,
        ),
        25: _of(
            "Unexpected command after page received",
            "一页收完后，发送方传真机的后续信号有误",
            "the sending machine went on wrongly after a page",
            SENDER,
        ),
        26: _of(
            "Carrier lost during fax receive",
            "接收页面时线路中断",
            "the line was lost while a page was coming",
            SENDER,
        ),
        27: _of(
            "Timed out while waiting for EOL (end Of line)",
            "一页在传输途中停止",
            "a page stopped coming in the middle",
            SENDER,
        ),
        28: _of(
            "Timed out while waiting for first line",
            "一页迟迟没有开始传输",
            "a page did not begin to come",
            SENDER,
        ),
        29: _of(
            "Timer T2 expired while waiting for DCN",
            "对方传真机没有发出结束信号",
            "the other machine did not say that it ends",
            SENDER,
        ),
        30: _of(
            "Timer T2 expired while waiting for phase D",
            "一页收完后，再没有收到任何信号",
            "nothing came after a page",
            SENDER,
        ),
        31: _of(
            "Timer T2 expired while waiting for fax page",
            "页面没有按时到达",
            "no page came in time",
            SENDER,
        ),
        32: _of(
            "Timer T2 expired while waiting for next fax page",
            "下一页没有按时到达",
            "the next page did not come in time",
            SENDER,
        ),
        33: _of(
            "Timer T2 expired while waiting for RR command",
            "一页收完后，发送方传真机不再应答",
            "the sending machine fell silent after a page",
            SENDER,
        ),
        34: _of(
            "Timer T2 expired while waiting for NSS, DCS or MCF",
            "对方传真机不再应答",
            "the other machine fell silent",
            LINE,
        ),
        35: _of(
            "Unexpected DCN while waiting for DCS or DIS",
            "尚未商定速率，对方传真机就已挂断",
            "the other machine hung up before a speed was agreed",
            RING,
        ),
        36: _of(
            "Unexpected DCN while waiting for image data",
            "发送方传真机在发送页面之前挂断",
            "the sending machine hung up before its page",
            SENDER,
        ),
        37: _of(
            "Unexpected DCN while waiting for EOM, EOP or MPS",
            "发送方传真机在一页结束时挂断",
            "the sending machine hung up at the end of a page",
            SENDER,
        ),
        38: _of(
            "Unexpected DCN after EOM or MPS sequence",
            "发送方传真机在两页之间挂断",
            "the sending machine hung up between two pages",
            SENDER,
        ),
        39: _of(
            "Unexpected DCN after RR/RNR sequence",
            "本方传真机处理一页时，发送方传真机挂断",
            "the sending machine hung up while ours was busy with a page",
            SENDER,
        ),
        40: _of(
            "Unexpected DCN after requested retransmission",
            "要求重发一页时，发送方传真机挂断",
            "the sending machine hung up when asked to repeat a page",
            SENDER,
        ),
        41: _of(
            "TIFF/F file cannot be opened",
            "页面文件无法打开",
            "the file of its pages cannot be opened",
            PRINT,
        ),
        42: _of("TIFF/F page not found", "页面文件中缺少一页", "a page is not in its file", PRINT),
        43: _of(
            "TIFF/F format is not compatible",
            "页面文件已损坏",
            "the file of its pages is damaged",
            PRINT,
        ),
        44: _of(
            "TIFF/F page number tag missing",
            "页面文件已损坏",
            "the file of its pages is damaged",
            PRINT,
        ),
        45: _of(
            "Incorrect values for TIFF/F tags",
            "页面文件已损坏",
            "the file of its pages is damaged",
            PRINT,
        ),
        46: _of(
            "Bad TIFF/F header - incorrect values in fields",
            "页面文件已损坏",
            "the file of its pages is damaged",
            PRINT,
        ),
        47: _of(
            "Cannot allocate memory for more pages",
            "本节点内存不足，无法处理更多页面",
            "this node has no memory for more pages",
            MEMORY,
        ),
        48: _of(
            "Disconnected after permitted retries",
            "多次请求后，对方传真机仍没有应答",
            "the other machine did not answer though it was asked again and again",
            LINE,
        ),
        49: _of(
            "The call dropped prematurely",
            "传真尚未完成，通话就已中断",
            "the call broke off before the fax was through",
            LINE,
        ),
        50: _of(
            "Poll not accepted",
            "对方传真机拒绝被轮询",
            "the other machine refuses to be polled",
            NEVER_ASKED,
        ),
        51: _of(
            "Ident not accepted",
            "对方传真机不接受本方的标识",
            "the other machine does not take our identification",
            IDENT,
        ),
        52: _of(
            "Sub-address not accepted", "子地址被拒绝", "the sub-address was refused", NEVER_ASKED
        ),
        53: _of(
            "Selective polling address not accepted",
            "轮询地址被拒绝",
            "the polling address was refused",
            NEVER_ASKED,
        ),
        54: _of(
            "Polled sub-address not accepted",
            "轮询子地址被拒绝",
            "the polled sub-address was refused",
            NEVER_ASKED,
        ),
        55: _of(
            "Sender identification not accepted",
            "对方传真机不接收本行号码发来的传真",
            "the other machine does not take faxes from our number",
            LET_IN,
        ),
        56: _of(
            "Password not accepted",
            "对方传真机要求密码",
            "the other machine wants a password",
            OPEN_NUMBER,
        ),
        57: _of(
            "Transmitting subscriber internet address not accepted",
            "本方互联网地址被拒绝",
            "our internet address was refused",
            NEVER_ASKED,
        ),
        58: _of(
            "Internet routing address not accepted",
            "互联网路由地址被拒绝",
            "the internet routing address was refused",
            NEVER_ASKED,
        ),
        59: _of(
            "Calling subscriber internet address not accepted",
            "主叫方互联网地址被拒绝",
            "the calling internet address was refused",
            NEVER_ASKED,
        ),
        60: _of(
            "Internet selective polling address not accepted",
            "互联网轮询地址被拒绝",
            "the internet polling address was refused",
            NEVER_ASKED,
        ),
        61: _of(
            "Called subscriber internet address not accepted",
            "被叫方互联网地址被拒绝",
            "the called internet address was refused",
            NEVER_ASKED,
        ),
    }
)
"""By completion code (`Result.code`)."""
_HEARD: Mapping[str, Reason] = MappingProxyType(
    {one.heard: one for one in COMPLETIONS.values()} | {UNKNOWN_CODE: CUT_SHORT}
)


def completion(heard: str) -> Reason | None:
    """Words for what the library said; None where it is not the library's."""
    return _HEARD.get(heard)
