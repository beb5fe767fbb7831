"""Words of a browser that is a teller's telephone, in Chinese and English."""

from collections.abc import Mapping

LINES: Mapping[str, tuple[str, str]] = {
    "line_lost": ("没有声音", "No audio"),
    "by_browser": ("浏览器", "browser"),
}
"""Of a seat's line, for everybody who sees the seat."""
PHONE: Mapping[str, tuple[str, str]] = {
    "kind": ("用什么通话", "Talk by"),
    "kind_phone": ("桌上话机", "a desk telephone"),
    "kind_browser": ("这个浏览器（耳机和麦克风）", "this browser (headset and microphone)"),
    "browser_hint": (
        "浏览器会请求使用麦克风：请选择允许。页面须保持打开。",
        "The browser asks for the microphone: allow it. Keep this page open.",
    ),
    "line_wanted": ("正在接通声音…", "Connecting the audio…"),
    "line_connecting": ("正在接通声音…", "Connecting the audio…"),
    "line_up": ("声音已接通", "Audio is up"),
    "line_refused": ("不能通话", "No audio possible"),
    "line_again": ("再试一次", "Try again"),
    "level_own": ("我的音量", "My level"),
    "mute": ("静音", "Mute"),
    "unmute": ("取消静音", "Unmute"),
    "muted": ("麦克风已静音：对方听不到您。", "Muted: nobody hears you."),
    "unmuted": ("麦克风已打开。", "The microphone is on."),
    "phone_insecure": (
        "浏览器只在 HTTPS 页面上允许使用麦克风：请用 https:// 打开本页，或改用桌上话机。",
        "Browsers give the microphone to pages over HTTPS alone: open this page by https://, or"
        " take a desk telephone.",
    ),
    "phone_no_webrtc": (
        "这个浏览器不能通话：请更新浏览器，或改用桌上话机。",
        "This browser cannot make calls: take a newer one, or a desk telephone.",
    ),
    "phone_not_allowed": (
        "没有得到麦克风的使用许可：请在地址栏的权限设置中允许，再试一次。",
        "The microphone was not allowed: allow it beside the address of the page, then try again.",
    ),
    "phone_no_microphone": (
        "没有找到麦克风：请接上耳机，再试一次。",
        "There is no microphone: plug in the headset, then try again.",
    ),
    "phone_microphone_busy": (
        "麦克风打不开，可能正被其他程序使用：请关闭该程序，再试一次。",
        "The microphone cannot be opened: another program may have it. Close that, then try again.",
    ),
    "phone_no_way": (
        "声音没有到达节点，正在重试：请检查网络，UDP 端口可能被拦截。",
        "No audio gets to the node; trying again. Look at the network: UDP may be blocked.",
    ),
    "phone_node_away": (
        "没有连上银行；恢复后声音会自动重新接通。",
        "The bank cannot be reached; audio comes back by itself with it.",
    ),
    "node_away": (
        "节点自 {since} 起没有应答，正在重试。显示的是之前的情况，按钮暂时不起作用。",
        "The node does not answer since {since}; trying again. What is shown is older, and buttons"
        " do nothing meanwhile.",
    ),
    "call_here": (
        "听不到客户时，通话就是断了。",
        "If you hear nothing, your call is cut off.",
    ),
    "call_by_phone": (
        "您的通话在话机上：听得到客户，通话就还在。",
        "Your call is at your telephone: while you hear the customer, it goes on.",
    ),
    "phone_touch": (
        "浏览器要求先按任意键或点一下页面，才播放声音。",
        "The browser plays no sound before you press a key or touch the page.",
    ),
    "no_bad_offer": (
        "节点不能接受这个浏览器的通话参数：请更新浏览器，或改用桌上话机。",
        "The node cannot talk with this browser: take a newer one, or a desk telephone.",
    ),
    "no_too_many_offers": (
        "重连太频繁：请等一分钟，再试一次。",
        "Connected anew too often: wait a minute, then try again.",
    ),
    "no_one_offer": ("正在接通，请稍候。", "Connecting already: wait a moment."),
    "no_media": (
        "节点的媒体服务暂时不可用，正在重试。",
        "No media worker of the node takes it now; trying again.",
    ),
}
