"""Kamailio as a proxy between callers and the bank, and as a trunk of the bank.

It is at an address of its own, stays in the path of every call (Record-Route), asks the bank for
OPTIONS each second, and where it is told of an rtpengine has the media relayed by it.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.interop_programs import Program, free_place, needed, program

HOST = "127.0.0.2"
"""Where it is; callers and the bank are on 127.0.0.1."""
UP, DOWN = "the bank is well", "the bank is not well"
_CONFIG = """\
#!KAMAILIO
debug=2
log_stderror=yes
log_facility=LOG_LOCAL0
fork=yes
children=2
tcp_children=2
auto_aliases=no
dns=no
rev_dns=no
user_agent_header="User-Agent: kamailio"
server_signature=no
listen=udp:{host}:{port}
listen=tcp:{host}:{port}
tcp_source_ipv4={host}
enable_tls=no

loadmodule "kex.so"
loadmodule "tm.so"
loadmodule "tmx.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "sdpops.so"
loadmodule "xlog.so"
loadmodule "dispatcher.so"
{rtpengine}
modparam("rr", "enable_double_rr", 1)
modparam("tm", "fr_timer", 5000)
modparam("dispatcher", "list_file", "{folder}/dispatcher.list")
modparam("dispatcher", "ds_ping_interval", 1)
modparam("dispatcher", "ds_ping_from", "sip:kamailio@{host}:{port}")
modparam("dispatcher", "ds_probing_mode", 1)
modparam("dispatcher", "ds_probing_threshold", 2)
modparam("dispatcher", "ds_ping_reply_codes", "class=2")

request_route {{
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (is_method("OPTIONS") && !has_totag()) {{
        xlog("L_NOTICE", "asked for OPTIONS by $si:$sp\\n");
        sl_send_reply("200", "OK");
        exit;
    }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
    if (has_totag()) {{
        if (loose_route()) {{ route(RELAY); exit; }}
        if (is_method("ACK")) {{ if (t_check_trans()) t_relay(); exit; }}
        sl_send_reply("481", "Not Here");
        exit;
    }}
    if (t_precheck_trans()) {{ t_check_trans(); exit; }}
    t_check_trans();
    if (!is_method("INVITE")) {{ sl_send_reply("405", "Method Not Allowed"); exit; }}
    record_route();
    if ($si == "{bank_host}" && $rU =~ "^[0-9]+$") {{
        $du = "sip:{callee}";
    }} else {{
        if (!ds_select_dst("1", "4")) {{ sl_send_reply("503", "No Bank"); exit; }}
    }}
    route(RELAY);
}}

route[RELAY] {{
{media}
    if (!t_relay()) sl_reply_error();
}}

onreply_route[MEDIA] {{
{media_reply}
    return;
}}

event_route[dispatcher:dst-up] {{ xlog("L_NOTICE", "{up}\\n"); }}
event_route[dispatcher:dst-down] {{ xlog("L_NOTICE", "{down}\\n"); }}
"""
_RTPENGINE = """\
loadmodule "rtpengine.so"
modparam("rtpengine", "rtpengine_sock", "udp:{place}")
"""
_MEDIA = """\
    if (is_method("INVITE|UPDATE") && sdp_content()) rtpengine_offer("replace-origin");
    if (is_method("ACK") && sdp_content()) rtpengine_answer("replace-origin");
    if (is_method("BYE|CANCEL")) rtpengine_delete();
    t_on_reply("MEDIA");
    t_on_failure("GONE");
"""
_MEDIA_REPLY = """\
    if (sdp_content() && is_method("INVITE|UPDATE")) rtpengine_answer("replace-origin");
"""
_FAILURE = """
failure_route[GONE] { rtpengine_delete(); }
"""


@dataclass(frozen=True, slots=True)
class Kamailio:
    """A running one."""

    program: Program
    place: str
    """Where it takes SIP over UDP and TCP."""


@contextmanager
def kamailio(
    folder: Path,
    bank: str,
    *,
    towards: str = "udp",
    callee: str = "127.0.0.1:9",
    place: tuple[str, int] | None = None,
    rtpengine: str = "",
) -> Iterator[Kamailio]:
    """Run it before `bank` (`address:port`), with which it speaks over `towards`; numbers that the
    bank calls are at `callee`; `rtpengine` is where that one is told of calls."""
    binary = needed("kamailio", "kamailio")
    host, port = place or free_place(HOST)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dispatcher.list").write_text(f"1 sip:{bank};transport={towards} 9\n")
    config = _CONFIG.format(
        host=host, port=port, folder=folder, callee=callee, up=UP, down=DOWN,
        bank_host=bank.partition(":")[0],
        rtpengine=_RTPENGINE.format(place=rtpengine) if rtpengine else "",
        media=_MEDIA if rtpengine else "", media_reply=_MEDIA_REPLY if rtpengine else "",
    )  # fmt: skip
    (folder / "kamailio.cfg").write_text(config + (_FAILURE if rtpengine else ""))
    with tempfile.TemporaryDirectory(prefix="kamailio") as run:
        words = [binary, "-DD", "-E", "-f", str(folder / "kamailio.cfg"), "-m", "32", "-M", "4"]
        words += ["-Y", run, "-P", f"{run}/pid"]
        with program(words, folder / "kamailio.log") as running:
            running.until_said(UP)
            yield Kamailio(running, f"{host}:{port}")
