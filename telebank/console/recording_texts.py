"""Words of the page of recordings, in both languages."""

from collections.abc import Mapping

from telebank.console.desk.texts import Pairs, columns
from telebank.console.texts import Language

_PAGE: Pairs = {
    "title": ("录音", "Recordings"),
    "own": ("我的录音", "My recordings"),
    "everybody": ("全部座席", "All seats"),
    "of_seat": ("{seat} 的录音", "Recordings of {seat}"),
    "of_call": ("通话 {call}", "call {call}"),
    "seat": ("座席", "Seat"),
    "seat_hint": ("留空为全部", "empty: all"),
    "day": ("日期", "Day"),
    "day_hint": ("留空为最近 31 天", "empty: the last 31 days"),
    "look": ("查看", "Show"),
    "began": ("时间", "Began"),
    "queue": ("队列", "Queue"),
    "caller": ("主叫", "Caller"),
    "length": ("时长", "Length"),
    "by": ("由谁开始", "Started by"),
    "by_rule": ("队列规则", "the queue's rule"),
    "by_self": ("本人", "myself"),
    "act": ("操作", "Act"),
    "play": ("播放", "Play"),
    "play_one": ("播放 {began} {caller} 的录音", "Play the recording of {began}, {caller}"),
    "none": ("没有录音", "No recordings"),
    "cut": ("不完整", "cut short"),
    "running": ("录音中", "being recorded"),
    "failed": ("未完成", "not finished"),
    "loading": ("正在打开并核对…", "Opening and checking…"),
    "playing": ("正在播放：{began} · {caller}", "Playing: {began} · {caller}"),
    "player": ("播放器", "Player"),
    "hint": (
        "空格键播放或暂停，左右键快退快进。左声道为客户，右声道为客户所听到的。输入密码的部分没有声音。每次播放都记入日志，录音不会存入这台电脑。",
        "Space plays and pauses, arrow keys go back and on. Left is the customer, right what he "
        "heard. PIN entries are silent. Each playing is in the log; nothing is kept in this "
        "browser.",
    ),
    "script": ("此页面需要 JavaScript。", "This page needs JavaScript."),
    "no_unknown_recording": (
        "没有这个录音，或者不是您的。",
        "There is no such recording, or it is another's.",
    ),
    "no_running": (
        "这个通话还在录音，请在结束后再听。",
        "This call is still being recorded: wait for its end.",
    ),
    "no_no_file": (
        "录音文件不在这个节点上，请联系技术人员。",
        "The file of this recording is not at this node: tell IT.",
    ),
    "no_damaged": (
        "录音文件已损坏或被改动，没有播放；请报告技术人员（telebank recordings check）。",
        "The file was damaged or changed and is not played: tell IT (telebank recordings check).",
    ),
    "no_too_large": ("录音太长，不能在这里播放。", "This recording is too long to be played here."),
    "no_busy": ("正在播放的人太多，请稍后再试。", "Too many are playing: try again soon."),
    "no_not_allowed": ("您没有这项权限。", "You have no right to do this."),
    "no_away": ("节点没有应答，请再试一次。", "The node does not answer: try again."),
    "no_sound": ("浏览器不能播放这个录音。", "This browser cannot play this recording."),
    "no_old_form": ("页面太旧，请重新打开。", "The page is too old: load it anew."),
    "no_other": ("没有播放：{error}", "Not played: {error}"),
}
RECORDING_WORDS: Mapping[Language, Mapping[str, str]] = columns(_PAGE)
"""Of `/recordings`."""
