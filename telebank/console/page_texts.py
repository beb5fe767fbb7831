"""Words of every page's frame, of the login and of errors, in both languages."""

from collections.abc import Mapping
from types import MappingProxyType

from telebank.console.texts import Language

_FRAME = {
    "bank": ("电话银行", "Telebank"),
    "calls": ("通话", "Calls"),
    "faxes": ("传真", "Faxes"),
    "desk": ("柜员台", "Desk"),
    "floor": ("班长台", "Floor"),
    "wall": ("大屏", "Wall"),
    "matters": ("事项", "Matters"),
    "audit": ("审计", "Audit"),
    "knowledge": ("知识库", "Knowledge"),
    "recordings": ("录音", "Recordings"),
    "running": ("运行统计", "Run"),
    "pages": ("页面", "Pages"),
    "skip": ("跳到正文", "Skip to the content"),
    "live": ("实时更新", "Live"),
    "stale": ("与服务器的连接中断，正在重试", "The server does not answer; trying again"),
    "switch": ("English", "中文"),
    "switch_to": ("en", "zh"),
    "language": ("语言", "Language"),
    "bank_clock": ("时间为银行时间（{zone}）。", "Times are the bank's ({zone})."),
    "logout": ("退出登录", "Log out"),
    "logged_in": ("已登录", "Logged in"),
    "teller": ("柜员", "teller"),
    "supervisor": ("主管", "supervisor"),
    "administrator": ("管理员", "administrator"),
    "auditor": ("审计员", "auditor"),
    "it": ("技术人员", "IT"),
}
_LOGIN = {
    "login": ("登录", "Log in"),
    "name": ("用户名", "Name"),
    "password": ("密码", "Password"),
    "code": ("动态验证码", "Code"),
    "code_hint": ("手机验证器显示的六位数字", "the six digits that your authenticator shows"),
    "no_login": (
        "用户名、密码或验证码不正确，或者验证码已经用过。连续输错多次后，该用户名锁定半小时，管理员可以解锁。",
        "Name, password or code is wrong, or the code was used before. After too many wrong tries "
        "a name is locked for half an hour; an administrator can unlock it.",
    ),
    "busy": (
        "正在登录的人太多，请过一分钟再试。",
        "Too many people are logging in at once: try again in a minute.",
    ),
    "store": (
        "节点的数据库暂时不可用，现在不能登录。",
        "The node's store is away: nobody can log in now.",
    ),
    "away": (
        "节点没有应答，现在不能登录；请技术人员查看。",
        "The node does not answer: nobody can log in now. IT can see why.",
    ),
    "not_understood": ("填写的内容无法识别，请重填。", "This cannot be read: fill it in anew."),
    "ended_form": (
        "您的登录已结束。没有发送任何内容。重新登录后，表单会带着号码、时间和语言重新打开；请再选一次文件。",
        "Your login ended. Nothing was sent. Log in and the form comes back with number, time and "
        "language; choose the file again.",
    ),
    "ended_act": (
        "您的登录已结束。没有办理任何事项。",
        "Your login ended. Nothing was done.",
    ),
    "ended_login": (
        "您的登录已结束：很久没有操作、在别处登录过，或者节点重新启动了"
        "（这时通话也已中断，可以回拨客户）。请重新登录。",
        "Your login ended: nothing was done for long, you logged in elsewhere, or the node was"
        " started again, which cut calls off: call those people back. Log in again.",
    ),
    "left_alone": (
        "此浏览器已退出登录。节点没有应答：那里的登录在十五分钟后自行失效。",
        "This browser is logged out. The node does not answer: there the login ends by itself "
        "after fifteen minutes.",
    ),
    "idle_hint": (
        "十五分钟没有操作即自动退出。页面自行刷新不算操作。",
        "A login ends after fifteen minutes without an act; pages that refresh by themselves are "
        "none.",
    ),
}
_ERRORS = {
    "error": ("无法完成", "Not done"),
    "old_form": (
        "这张表单已经过期，或者不是从本站提交的。没有办理任何事项；请重新打开页面再填一次。",
        "This form is too old, or was not sent from here. Nothing was done: open the page anew and "
        "fill it in again.",
    ),
    "too_large": (
        "文件太大：一份 PDF 最多 20 MB。没有发送任何内容。",
        "The file is too large: a PDF has at most 20 MB. Nothing was sent.",
    ),
    "bad_request": (
        "没有收到完整的内容，没有办理任何事项；请再试一次。",
        "Not all of it arrived, and nothing was done: try again.",
    ),
    "nothing_here": ("这里没有页面。", "There is no page here."),
    "wrong_way": ("此地址不能这样使用。", "This address cannot be used like that."),
    "no_fax": (
        "没有这份传真，或者已过保存期。",
        "There is no such fax, or its days are over.",
    ),
    "no_node": (
        "节点没有应答。请看传真列表，再决定是否重新操作。",
        "The node does not answer. Look at the list of faxes before you do it again.",
    ),
    "no_node_desk": (
        "节点没有应答，现在不能使用。本页会自动重试。"
        "节点恢复后，通话若已中断，请重新签入并按需回拨客户。",
        "The node does not answer, and nothing can be done here now. This page tries again by"
        " itself. When it is back, sit down again, and call back who was cut off.",
    ),
    "no_node_form": (
        "节点没有应答，没有发送任何内容。您填写的号码、时间和语言已保留：稍后重新打开表单即可，"
        "文件请再选一次。",
        "The node does not answer, and nothing was sent. Number, time and language are kept: open"
        " the form again in a while, and choose the file again.",
    ),
    "again": ("重新打开", "Open again"),
    "no_right": (
        "您的角色没有这项权限。",
        "Your role has no right to this.",
    ),
    "refused": ("节点拒绝了这项操作：", "The node refused it:"),
    "broken": ("服务器出错，已记入日志。", "The server failed; its log has why."),
    "back": ("返回传真", "Back to the faxes"),
}
_ALL = _FRAME | _LOGIN | _ERRORS


def _column(column: int) -> Mapping[str, str]:
    return MappingProxyType({name: words[column] for name, words in _ALL.items()})


FRAME: Mapping[Language, Mapping[str, str]] = MappingProxyType({"zh": _column(0), "en": _column(1)})
