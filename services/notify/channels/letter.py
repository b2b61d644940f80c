"""The mail of a delivery: text and HTML from its template's folder (RFC 5322, RFC 2046).

Nothing a person wrote reaches a header but the address, which is parsed first; in the HTML part everything is escaped.
"""

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from services.notify.channels.outcome import Refused
from services.notify.domain.delivery import Delivery

TEMPLATES = Path(__file__).parents[1] / "templates"
# What an address must quote (RFC 5322, 3.2.3); nobody registers with a quoted one.
_SPECIALS = frozenset('()<>[]:;@\\,"')

_texts = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def compose(delivery: Delivery, sender: str) -> EmailMessage:
    """The mail, the same at every attempt. Raises Refused when the recipient's address is none."""
    letter = EmailMessage(policy=SMTP)
    letter["Message-ID"] = delivery.message_id
    letter["Date"] = delivery.created_at
    letter["From"] = sender
    letter["To"] = _recipient(delivery.recipient)
    letter["Subject"] = _text(delivery, "subject.txt").strip()
    letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's out-of-office answers it
    letter.set_content(_text(delivery, "body.txt"), cte="quoted-printable")
    letter.add_alternative(_text(delivery, "body.html"), subtype="html", cte="quoted-printable")
    return letter


def _text(delivery: Delivery, part: str) -> str:
    return _texts.get_template(f"{delivery.template.value}/{part}").render(delivery.values)


def _recipient(address: str) -> Address:
    # Address's own parser knows no local part beyond ASCII (RFC 6531).
    local_part, _, domain = address.rpartition("@")
    if not local_part or not domain or not all(map(_in_atom, local_part + domain)):
        raise Refused("the address is none")
    return Address(username=local_part, domain=domain)


def _in_atom(sign: str) -> bool:
    return sign.isprintable() and not sign.isspace() and sign not in _SPECIALS
