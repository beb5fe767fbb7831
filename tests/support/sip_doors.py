"""An agent with everything at its doors: trunks with and without a password, admission, phones."""

from support.sip_line import US, tokens
from support.sip_phones import ACCOUNTS, NETWORKS, REALM
from telebank.sip import Hop, SipOptions, UserAgent
from telebank.sip.admission import AdmissionOptions
from telebank.sip.digest import Account, Algorithm
from telebank.sip.registering import PhoneOptions
from telebank.sip.trunks import TrunkOptions, Trunks

TRUNK = Hop("192.0.2.20", 5062)
"""Trusted, so that it is believed who calls."""
SIGNING = Hop("192.0.2.30", 5060)
"""A trunk that is asked for its password."""
DESK = Hop("192.0.2.40", 5064)
"""A phone's address."""
STRANGER = Hop("203.0.113.7", 5060)
SOURCES = (TRUNK, SIGNING, DESK, STRANGER, TRUNK._replace(transport="tcp"))
WIDE = AdmissionOptions(
    setups_per_s=1e6, strangers_setups_per_s=1e6, stranger_setups_per_s=1e6, others_per_s=1e6,
    failures=1_000_000,
)  # fmt: skip
"""Admission whose limits nobody reaches."""
SECRET = Account.of_password("trunk", REALM, "a trunk's secret", (Algorithm.SHA_256,))
TRUNKS = Trunks(
    {
        "here": TrunkOptions(
            addresses=(TRUNK.host,), peers=(f"{TRUNK.host}:{TRUNK.port}",), trusted=True
        ),
        "signing": TrunkOptions(
            addresses=(SIGNING.host,), realm=REALM, user="trunk", secret_file="x", challenge=True
        ),
    },
    {"signing": SECRET},
)
PHONES = PhoneOptions(REALM, NETWORKS, registrations_per_s=1e6)


def doors(options: SipOptions | None = None, admission: AdmissionOptions = WIDE) -> UserAgent:
    """The agent at US."""
    agent = UserAgent(US, options or SipOptions(), tokens("t"), TRUNKS, admission, phones=PHONES)
    agent.use_phones(ACCOUNTS)
    return agent


def message(method: str, source: Hop, body: str = "", **lines: str) -> bytes:
    """A request outside calls; `lines` come in, or take the usual one's place: `call_id="x"`."""
    usual = {
        "via": f"SIP/2.0/{source.transport.upper()} {source.host}:{source.port};branch=z9hG4bK1",
        "max_forwards": "70",
        "from": f"<sip:1001@{REALM}>;tag=p",
        "to": f"<sip:1001@{REALM}>",
        "call_id": "one@peer",
        "cseq": f"1 {method}",
        "contact": f"<sip:1001@{source.host}>",
        "content_type": "application/sdp",
        "content_length": str(len(body)),
    }
    head = "".join(
        f"{name.replace('_', '-')}: {text}\r\n" for name, text in (usual | lines).items()
    )
    return f"{method} sip:95500@{REALM} SIP/2.0\r\n{head}\r\n{body}".encode()
