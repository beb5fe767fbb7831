"""Words of the desk in both languages: states, levels, acts, why not. Scripts have them from the
page, in its language; `{name}` is filled in there."""

from collections.abc import Mapping
from types import MappingProxyType

from telebank.console.desk.calling_texts import CALLS, DIAL
from telebank.console.desk.customer_texts import CUSTOMER
from telebank.console.desk.phone_texts import LINES, PHONE
from telebank.console.desk.refusal_texts import REFUSALS
from telebank.console.desk.service_texts import SERVICES
from telebank.console.texts import Language

Pairs = Mapping[str, tuple[str, str]]
STATES: Pairs = {
    "state_offline": ("未签入", "Signed off"),
    "state_ready": ("空闲待接", "Ready"),
    "state_ringing": ("振铃", "Ringing"),
    "state_talking": ("通话中", "Talking"),
    "state_wrap_up": ("话后处理", "Wrap-up"),
    "state_busy": ("示忙", "Busy"),
    "state_break": ("小休", "Break"),
    "reason_lunch": ("用餐", "lunch"),
    "reason_rest": ("休息", "rest"),
    "reason_training": ("培训", "training"),
    "reason_meeting": ("会议", "meeting"),
    "reason_presence": ("页面已离开", "the page is gone"),
    "reason_full": ("座席已满", "all desks are taken"),
    "reason_entered": ("刚签入", "just signed in"),
    "reason_no_answer": ("来电未接", "a call was not answered"),
    "reason_declined": ("来电拒接", "a call was declined"),
    "reason_unreachable": ("电话无法接通", "the telephone cannot be reached"),
    "reason_listening": ("正在旁听", "listening to another"),
    "reason_call_back": ("正在回电", "calling a customer back"),
    "reason_busy": ("电话占线", "the telephone was engaged"),
    "call_waiting": ("排队", "Waiting"),
    "call_ringing": ("振铃", "Ringing"),
    "call_talking": ("通话中", "Talking"),
    "call_held": ("保持", "On hold"),
    "call_consulting": ("咨询中", "Consulting"),
    "call_three_way": ("三方通话", "Three-way"),
    "call_pin": ("客户正在输入密码", "PIN entry"),
    "call_wrap_up": ("话后处理", "Wrap-up"),
    "level_0": ("未验证身份", "Not proven"),
    "level_1": ("仅验证码", "One-time code only"),
    "level_2": ("密码已验证", "PIN verified"),
    "level_3": ("密码和第二重验证", "PIN and second factor"),
    "lang_zh": ("中文", "Chinese"),
    "lang_en": ("英文", "English"),
    "pin_verified": ("密码正确，客户已验证", "The PIN is right: the customer is proven"),
    "pin_wrong": ("密码不正确", "The PIN is wrong"),
    "pin_locked": ("密码已锁定，不能再试", "The PIN is locked: no more tries"),
    "pin_cancelled": ("已取消输入", "The entry was ended"),
    "pin_given_up": ("客户没有输入完", "The customer did not finish"),
    "pin_first_use": ("初始密码：须先在菜单中修改", "A first PIN: to be changed in the menus"),
    "pin_bad_card": ("卡号不存在", "No such card"),
    "pin_lost": ("此卡已挂失", "The card is reported lost"),
    "pin_code_wrong": ("验证码不正确", "The code is wrong"),
    "pin_code_locked": ("验证码已锁定，不能再试", "Codes are locked: no more tries"),
    "pin_no_factor": ("客户没有登记第二重验证", "No second factor is registered"),
    "pin_unlocked": (
        "今天的锁定已解除：请客户再输一次密码",
        "Today's lock is lifted: ask for his PIN again",
    ),
    "pin_not_matched": ("卡号和证件号码不符", "Card and identity digits do not match"),
    "pin_not_open": ("此卡没有开通电话银行", "Telephone banking is not open for this card"),
    "pin_branch": (
        "只能在网点解锁：请客户带证件和卡",
        "Only a branch unlocks it, with identity card and card",
    ),
    "pin_no_number": (
        "没有登记手机号：请客户带证件到网点",
        "No number is registered: he comes to a branch with his identity card",
    ),
    "pin_spent": (
        "今天不能再解锁：明天再试，或到网点",
        "Not unlocked again today: tomorrow, or at a branch",
    ),
    "pin_refused": ("银行没有接受", "The bank did not accept it"),
    "pin_unavailable": ("暂时不能验证", "Cannot be verified now"),
}
BUSINESS: Pairs = {
    "balance": ("查询余额", "Balance"),
    "transfer": ("转账", "Transfer"),
    "loss": ("挂失", "Loss report"),
    "bills": ("缴费", "Bills"),
    "fx": ("外汇", "Foreign exchange"),
    "deposits": ("存款", "Deposits"),
    "loans": ("贷款", "Loans"),
    "bonds": ("国债", "Bonds"),
    "securities": ("银证转账", "Securities"),
    "enquiries": ("信息查询", "Information"),
    "enrol": ("开通电话银行", "Enrolment"),
    "authenticate": ("身份验证", "Log-in"),
    "company": ("企业服务", "Companies"),
    "complaint": ("投诉建议", "Complaint"),
    "main": ("主菜单", "Main menu"),
    "other": ("其他", "Other"),
}
"""By name of the flow; what else a call may be about is asked for in the wrap-up."""
FRAME: Pairs = {
    "live": ("实时", "Live"),
    "connecting": ("正在连接…", "Connecting…"),
    "stopped": (
        "实时更新自 {since} 起中断，正在重连。所显示的是之前的情况。",
        "Live updates stopped at {since}; trying again. What is shown is older.",
    ),
    "console_stopped": (
        "银行已于 {since} 停止本页面的服务，正在重连。所显示的是之前的情况。",
        "The bank stopped its console at {since}; trying again. What is shown is older.",
    ),
    "node_away": (
        "节点自 {since} 起没有应答，正在重试。所显示的是之前的情况。",
        "The node does not answer since {since}; trying again. What is shown is older.",
    ),
    "taken_over": (
        "这个页面已在另一个标签页打开，这里不再更新。",
        "This screen was opened in another tab and is no longer updated here.",
    ),
    "use_here": ("在这里使用", "Use it here"),
    "too_many": (
        "打开的页面太多，正在重试。",
        "Too many screens are open; trying again.",
    ),
    "script": ("此页面需要 JavaScript。", "This page needs JavaScript."),
    "close": ("关闭", "Close"),
    "cancel": ("取消", "Cancel"),
    "none": ("无", "none"),
    "unknown": ("未知", "unknown"),
    "seconds": ("{n} 秒", "{n} s"),
}
DESK: Pairs = {
    "title": ("柜员台", "Desk"),
    "mine": ("我的状态", "My state"),
    "ready": ("示闲", "Ready"),
    "busy": ("示忙", "Busy"),
    "break": ("小休", "Break"),
    "leave": ("签出", "Sign off"),
    "leave_sure": ("要签出座席吗？", "Sign off from this desk?"),
    "after": ("本次通话后：{state}", "After this call: {state}"),
    "phone": ("分机", "Extension"),
    "not_present": ("页面未应答", "page not seen"),
    "enter": ("签入座席", "Sit down"),
    "enter_hint": (
        "填写您面前话机的分机号；这台电脑会记住。",
        "The extension of the telephone in front of you; this browser remembers it.",
    ),
    "left": ("您已签出座席。", "You have signed off."),
    "left_not_by_me": (
        "您已不在座席上：主管签出了您，或者节点正在停止。可以重新签入。",
        "You are signed off: by a supervisor, or by the node as it stops. Sit down again to go on.",
    ),
    "left_page_away": (
        "您已不在座席上：本页面离开了 15 秒以上。签入后请一直开着本页面。",
        "You are signed off: this page was away for more than 15 s. Keep it open while you sit.",
    ),
    "left_unconnected": (
        "您已不在座席上。现在连不上银行：恢复后请重新签入。",
        "You are signed off. The bank cannot be reached now: sit down again once it is back.",
    ),
    "opens_anew": ("在新页面打开", "opens a new page"),
    "restarted": (
        "节点重新启动过（{since} 恢复）：通话已中断，座席都已签出。"
        "请重新签入；中断的客户可以回拨。",
        "The node was started again (back at {since}): calls were cut off, everybody was signed"
        " off. Sit down again; whoever was cut off can be called back.",
    ),
    "note_left": ("上一次通话的记录已补存。", "The note of the call before was kept."),
    "note_lost": (
        "上一次通话的记录没有存下：{why}原文：{text}",
        "The note of the call before was not kept: {why} It was: {text}",
    ),
    "call": ("通话", "Call"),
    "no_call": ("没有通话", "No call"),
    "no_call_ready": (
        "下一位客户会显示在这里。",
        "The next caller appears here.",
    ),
    "no_call_not_ready": (
        "您现在不接来电。按“示闲”后开始接听。",
        "You get no calls now. Press Ready to take them.",
    ),
    "caller": ("主叫", "Caller"),
    "language": ("语言", "Language"),
    "queue": ("队列", "Queue"),
    "waited": ("已等候", "Waited"),
    "level": ("身份验证", "Verified"),
    "customer": ("客户", "Customer"),
    "business": ("业务", "Business"),
    "about": ("来电事由", "Call about"),
    "in_bank": ("来电时间", "Called at"),
    "path": ("菜单路径", "Way through the menus"),
    "keys": ("按键", "Keys"),
    "with": ("另一方", "With"),
    "recording": ("录音中", "Recording"),
    "not_recording": ("未录音", "Not recorded"),
    "recording_paused": ("录音已暂停", "Recording paused"),
    "acts": ("操作", "Acts"),
    "answer": ("接听", "Answer"),
    "hang_up": ("挂断", "Hang up"),
    "decline": ("拒接", "Decline"),
    "hold": ("保持", "Hold"),
    "resume": ("取消保持", "Resume"),
    "consult": ("咨询", "Consult"),
    "consult_end": ("结束咨询", "Back to caller"),
    "three_way": ("三方", "Three-way"),
    "transfer": ("转接", "Transfer"),
    "hand_over": ("移交客户", "Hand over"),
    "pin": ("输入密码", "PIN entry"),
    "menu": ("退回菜单", "Back to menu"),
    "unlock": ("解锁密码", "Unlock PIN"),
    "unlock_sure": (
        "让客户在话机上输入卡号、证件后四位和短信验证码，解除今天的密码锁定？",
        "Let the customer key card, identity digits and a code by message, to lift today's lock?",
    ),
    "menu_sure": ("把客户退回自动菜单？", "Give the caller back to the menu?"),
    "pin_end": ("结束输入", "End entry"),
    "pin_entry": ("密码输入", "PIN entry"),
    "identity_entry": ("证件号码输入", "Identity entry"),
    "code_entry": ("验证码输入", "Code entry"),
    "tries_left": ("还可试 {n} 次", "{n} tries left"),
    "tries_left_1": ("还可试 1 次", "1 try left"),
    "tries_left_0": ("今天不能再试", "no tries left today"),
    "card_entry": ("卡号输入", "Card entry"),
    "pin_of": ("已输入 {n} 位，共 {of} 位", "{n} of {of} digits"),
    "pin_hint": (
        "客户在自己的话机上输入；您只听到平音，录音已暂停。",
        "The customer keys it himself. You hear a flat tone; the recording is paused.",
    ),
    "note": ("记录", "Note"),
    "wrap": ("话后处理", "Wrap-up"),
    "note_hint": ("不要填写卡号或密码。", "No card numbers or PINs."),
    "save": ("保存记录", "Keep note"),
    "saved": ("已保存", "Kept"),
    "done": ("完成", "Done"),
    "choose": ("请选择", "choose"),
    "queues": ("我的队列", "My queues"),
    "helps": ("{name}（支援）", "{name} (overflow)"),
    "no_queues": (
        "您没有可服务的队列：还没有为您登记相应的技能。请找主管。",
        "You serve no queue: you have no skill that one asks for. Ask a supervisor.",
    ),
    "waiting": ("等候", "Waiting"),
    "longest": ("最长等候", "Longest"),
    "expected": ("预计", "Expected"),
    "free": ("空闲", "Ready"),
    "closed": ("已关闭", "closed"),
    "today": ("今日", "Today"),
    "calls_today": ("接听", "Calls"),
    "talk_today": ("通话时长", "Talk"),
    "average": ("平均", "Average"),
    "history": ("今日通话", "My calls today"),
    "no_history": ("今天还没有通话", "No calls yet today"),
    "tape": ("录音 {length}", "Recording {length}"),
    "tape_running": ("录音中", "Being recorded"),
    "going": ("进行中", "going on"),
    "ended_caller": ("客户挂机", "caller hung up"),
    "ended_teller": ("柜员挂机", "I hung up"),
    "ended_menu": ("退回菜单", "to the menu"),
    "ended_transfer": ("已转接", "transferred"),
    "ended_intercept": ("主管接管", "taken over"),
    "ended_lost": ("中断", "lost"),
    "ended_limit": ("外呼限额用完", "limit of calls out reached"),
    "ended_drain": ("节点停机", "the node stopped"),
    "pick_consult": ("咨询谁？", "Consult whom?"),
    "pick_transfer": ("转接到哪里？", "Transfer to where?"),
    "pick_hint": (
        "输入姓名、队列或号码筛选；上下键选择，回车确认。",
        "Type a name, a queue or a number; arrow keys choose, Enter goes.",
    ),
    "pick_find": ("查找", "Find"),
    "pick_number": ("拨打 {number}", "Number {number}"),
    "pick_none": ("没有符合的去处", "Nothing fits"),
    "seat": ("座席", "Seat"),
    "queue_waiting": ("{n} 人等候", "{n} waiting"),
    "knowledge": ("知识库", "Knowledge"),
    "keys_title": ("快捷键", "Keys"),
    "keys_hint": (
        "点一行，再按新的键。快捷键只保存在这台电脑上；没有任何一个键能直接办理资金业务。",
        "Choose a line and press another key. Kept in this browser only. No key alone moves money.",
    ),
    "keys_reset": ("恢复默认", "As delivered"),
    "keys_press": ("请按键…", "press a key…"),
    "keys_unset": ("未设", "not set"),
    "said_ringing": (
        "来电：{caller}，{queue}，{level}。按 {key} 接听。",
        "Call from {caller}, {queue}, {level}. {key} answers.",
    ),
    "said_state": ("现在：{state}", "Now: {state}"),
    "ringing_title": ("来电 {caller}", "Ringing: {caller}"),
}
ALL: Pairs = {
    **STATES,
    **{f"business_{name}": words for name, words in BUSINESS.items()},
    **{f"no_{name}": words for name, words in REFUSALS.items()},
    **FRAME,
    **LINES,
    **CALLS,
}


def columns(*tables: Pairs) -> Mapping[Language, Mapping[str, str]]:
    """Tables of pairs as words of each language."""
    both = [
        {name: words[column] for table in tables for name, words in table.items()}
        for column in (0, 1)
    ]
    return MappingProxyType({"zh": MappingProxyType(both[0]), "en": MappingProxyType(both[1])})


DESK_WORDS: Mapping[Language, Mapping[str, str]] = columns(
    ALL, DESK, PHONE, DIAL, SERVICES, CUSTOMER
)
"""Of `/desk`."""
