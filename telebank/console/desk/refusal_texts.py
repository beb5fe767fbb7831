"""Why an act was not done, in Chinese and English, by the code of the refusal; `no_` before it is
the word. Every code that a desk or a supervisor can be given stands here, or beside its own screen:
tests/telebank/console/test_desk_words.py."""

from collections.abc import Mapping

REFUSALS: Mapping[str, tuple[str, str]] = {
    "no_seat": ("您还没有签入座席。", "You are not signed in at a desk."),
    "no_call": ("现在没有通话。", "There is no call now."),
    "wrong_state": ("现在的状态不能这样做。", "That cannot be done in this state."),
    "no_phone": (
        "这部分机没有注册到本机：请检查话机，再试一次。",
        "This extension is not registered here: look at the telephone, then try again.",
    ),
    "phone_busy": (
        "这部分机已有人使用。",
        "Somebody else sits at this extension.",
    ),
    "taken": ("对方现在不能接听。", "They cannot take a call now."),
    "unknown_target": ("没有这个去处。", "There is no such place."),
    "not_allowed": ("您没有这项权限。", "You have no right to do this."),
    "full": ("座席已满。", "All desks are taken."),
    "not_set_up": ("本机没有设置柜员排队。", "This node has no queues for tellers."),
    "bad_request": (
        "填写的内容不对，请检查。",
        "This cannot be meant: look at what you filled in.",
    ),
    "note_number": (
        "备注里不能写卡号或账号：请写参考号。备注没有保存。",
        "A note holds no card or account numbers: write the reference. It is not saved.",
    ),
    "note_long": (
        "备注太长：请缩短后再保存。",
        "The note is too long: shorten it, then save it.",
    ),
    "note_not_yours": (
        "您没有参与这个通话：请由通话的坐席写备注。备注没有保存。",
        "You have not talked in this call: who did writes the note. It is not saved.",
    ),
    "old_form": (
        "页面太旧，请重新打开。没有办理任何事项。",
        "The page is too old; nothing was done. Load it anew.",
    ),
    "busy": ("系统忙，请再试一次。", "The node is busy: try again."),
    "away": (
        "节点没有应答，不知道是否办成：请看当前状态再操作。",
        "The node does not answer. Look at the state before you do it again.",
    ),
    "answer": (
        "请拿起话机听筒接听。",
        "Lift the handset of your telephone to answer.",
    ),
    "other": ("没有办成：{error}", "Not done: {error}"),
    "draining": (
        "本机即将停止，不再开始新的通话。",
        "This node is about to stop: no new call begins here.",
    ),
    "gone": ("您已不在员工名册上。", "You are not on the staff any more."),
    "login_needed": ("登录已结束：请重新登录。", "Your login is over: log in again."),
    "request_id_used": (
        "重复的请求，内容不同：请重新打开页面。",
        "The same request came with other content: load the page anew.",
    ),
    "store": (
        "数据库暂时不可用，没有办理：请稍后再试。",
        "The store is away, and nothing was done: try again in a while.",
    ),
    "store_unknown": (
        "数据库没有答复，不知道是否办成：请看当前状态再操作。",
        "The store did not say whether it was done: look at the state before you do it again.",
    ),
    "timeout": (
        "节点没有按时应答，不知道是否办成：请看当前状态再操作。",
        "The node took too long, and it is not known whether it was done: look at the state first.",
    ),
    "unreadable": (
        "节点的答复无法识别：请看当前状态再操作，并告知技术人员。",
        "The node's answer cannot be read: look at the state first, and tell IT.",
    ),
    "calls_hourly": (
        "本小时的外呼次数已用完：请下一小时再拨。",
        "This hour's calls out are used up: call again in the next.",
    ),
    "per_number_daily": (
        "今天已多次呼叫这个号码：请明天再拨。",
        "This number was called often enough today: call it tomorrow.",
    ),
    "seconds_daily": ("今日外呼时长已用完。", "Today's time for calls out is used up."),
    "spend_daily": ("今日外呼话费已用完。", "Today's money for calls out is used up."),
    "no_gateway": (
        "没有可用的外呼线路：请告知技术人员。",
        "No trunk for calls out is up: tell IT.",
    ),
    "no_price": (
        "这个号码没有设定资费，不能呼叫：请告知技术人员。",
        "There is no price for this number, so it is not called: tell IT.",
    ),
}
