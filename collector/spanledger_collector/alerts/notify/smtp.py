"""Mail, one thread for each incident: the resolution answers the message that told of it."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from spanledger_collector.alerts.notify import Delivery
from spanledger_collector.alerts.notify.text import lines, title

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from urllib.parse import SplitResult

    from spanledger_collector.alerts.state import Alert

URL: Final = "SPANLEDGER_ALERT_SMTP"
SENDER: Final = "SPANLEDGER_ALERT_SMTP_FROM"
RECEIVERS: Final = "SPANLEDGER_ALERT_SMTP_TO"
_TIMEOUT_S: Final = 10.0
_PORTS: Final = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
_TEMPORARY: Final = range(400, 500)  # SMTP: 4yz is "not now", 5yz is "never"


class Smtp:
    """``smtp://``, ``smtp+starttls://`` or ``smtps://``, with user and password where the server asks for them."""

    name = "smtp"

    def __init__(self, server: SplitResult, sender: str, receivers: tuple[str, ...]) -> None:
        self._server, self._sender, self._receivers = server, sender, receivers

    def send(self, alert: Alert) -> Delivery:
        return self.send_together([alert])

    def send_together(self, alerts: Sequence[Alert]) -> Delivery:
        try:
            with self._connected() as connection:
                refused = connection.send_message(self._message(alerts))
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            return Delivery(ok=False, retryable=any(code in _TEMPORARY for code in codes), detail=f"refused: {codes}")
        except smtplib.SMTPResponseException as error:
            detail = f"SMTP {error.smtp_code} {error.smtp_error!r}"
            return Delivery(ok=False, retryable=error.smtp_code in _TEMPORARY, detail=detail)
        except smtplib.SMTPNotSupportedError as error:
            return Delivery(ok=False, retryable=False, detail=str(error))
        except (OSError, smtplib.SMTPException) as error:  # refused, unreachable, timed out, cut off
            return Delivery(ok=False, retryable=True, detail=f"{type(error).__name__}: {error}")
        taken = len(self._receivers) - len(refused)
        return Delivery(ok=True, retryable=False, detail=f"taken for {taken} of {len(self._receivers)} receivers")

    def _connected(self) -> smtplib.SMTP:
        host, scheme = self._server.hostname or "", self._server.scheme
        port, context = self._server.port or _PORTS[scheme], ssl.create_default_context()
        if scheme == "smtps":
            connection: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=_TIMEOUT_S, context=context)
        else:
            connection = smtplib.SMTP(host, port, timeout=_TIMEOUT_S)
        try:
            if scheme == "smtp+starttls":
                connection.starttls(context=context)
            if self._server.username:
                connection.login(unquote(self._server.username), unquote(self._server.password or ""))
        except BaseException:
            connection.close()
            raise
        return connection

    def _message(self, alerts: Sequence[Alert]) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"] = title(*alerts).replace("\n", " ")
        mail["From"], mail["To"] = self._sender, ", ".join(self._receivers)
        threads = [f"<{alert.fingerprint}.{alert.since:%Y%m%dT%H%M%S}@spanledger>" for alert in alerts]
        is_new = alerts[0].state == "firing"
        mail["Message-ID"] = threads[0] if is_new else threads[0].replace("@", ".resolved@")
        if not is_new:
            mail["In-Reply-To"], mail["References"] = threads[0], " ".join(threads)
        mail.set_content("\n".join(lines(*alerts)) + "\n")
        return mail


def from_environment(environment: Mapping[str, str]) -> Smtp | None:
    url = environment.get(URL, "").strip()
    if not url:
        return None
    server = urlsplit(url)
    if server.scheme not in _PORTS or not server.hostname:
        raise ValueError(f"{URL} is not an address of a mail server; give one like smtp+starttls://user:pass@host:587")
    receivers = tuple(one.strip() for one in environment.get(RECEIVERS, "").split(",") if one.strip())
    sender = environment.get(SENDER, "").strip()
    if not receivers or not sender:
        raise ValueError(f"{URL} is set, but {SENDER if not sender else RECEIVERS} is not: give an address of mail")
    return Smtp(server, sender, receivers)
