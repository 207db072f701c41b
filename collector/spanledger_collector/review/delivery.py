"""Who a finished review is told to: a Slack channel by its webhook, people by mail."""

from __future__ import annotations

import mimetypes
import smtplib
import ssl
import urllib.request
from dataclasses import dataclass
from email.message import EmailMessage
from http.client import HTTPException
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import unquote, urlsplit

from spanledger_collector.review import page, slack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from spanledger_collector.review.pack import Pack

HOOK, TO, FROM, SERVER = (f"SPANLEDGER_REVIEW_{name}" for name in ("SLACK", "MAIL_TO", "MAIL_FROM", "SMTP"))
_TIMEOUT_S: Final = 20.0
_PORTS: Final = {"smtp": 587, "smtps": 465}


class Undelivered(Exception):
    """It was not told; the text says why, without a secret."""


class Told(Protocol):
    """A channel. ``tell`` raises Undelivered."""

    @property
    def name(self) -> str: ...

    def tell(self, pack: Pack, files: Sequence[Path]) -> None: ...


@dataclass(frozen=True, slots=True)
class Slack:
    url: str
    name: str = "slack"

    @classmethod
    def configured(cls, environment: Mapping[str, str]) -> Slack | None:
        url = environment.get(HOOK, "").strip()
        if url and urlsplit(url).scheme not in {"http", "https"}:
            raise ValueError(f"{HOOK} is not an http(s) address; give the incoming webhook's")
        return cls(url) if url else None

    def tell(self, pack: Pack, files: Sequence[Path]) -> None:  # noqa: ARG002 - a webhook takes no files
        headers = {"Content-Type": "application/json"}
        try:
            request = urllib.request.Request(self.url, slack.message(pack).encode(), headers, method="POST")  # noqa: S310
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S):  # noqa: S310 - checked in ``configured``
                return
        except (OSError, HTTPException, ValueError) as error:
            raise Undelivered(f"{type(error).__name__}: {error}") from error


@dataclass(frozen=True, slots=True)
class Mail:
    """``server`` is smtp://user:password@host:587 (STARTTLS where it has a user) or smtps://..."""

    to: str
    sender: str
    server: str
    name: str = "mail"

    @classmethod
    def configured(cls, environment: Mapping[str, str]) -> Mail | None:
        to, sender, server = (environment.get(name, "").strip() for name in (TO, FROM, SERVER))
        if not to:
            return None
        if urlsplit(server).scheme not in _PORTS or not urlsplit(server).hostname:
            raise ValueError(f"{TO} needs {SERVER}: give smtp://host:port or smtps://user:password@host")
        if not sender:
            raise ValueError(f"{TO} needs {FROM}: give the address the mail comes from")
        return cls(to, sender, server)

    def tell(self, pack: Pack, files: Sequence[Path]) -> None:
        try:
            self._send(self._message(pack, files))
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise Undelivered(f"{type(error).__name__}: {error}") from error

    def _message(self, pack: Pack, files: Sequence[Path]) -> EmailMessage:
        message = EmailMessage()
        message["Subject"], message["From"], message["To"] = f"LLM spend review, {pack.period}", self.sender, self.to
        message.set_content(page.page(pack))
        for file in files:
            main, _, sub = (mimetypes.guess_type(file.name)[0] or "application/octet-stream").partition("/")
            message.add_attachment(file.read_bytes(), maintype=main, subtype=sub, filename=file.name)
        return message

    def _send(self, message: EmailMessage) -> None:
        parts = urlsplit(self.server)
        host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        secure = ssl.create_default_context()
        if parts.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=_TIMEOUT_S, context=secure)
        else:
            server = smtplib.SMTP(host, port, timeout=_TIMEOUT_S)
        with server:
            if parts.username:
                if parts.scheme == "smtp":
                    server.starttls(context=secure)
                server.login(unquote(parts.username), unquote(parts.password or ""))
            server.send_message(message)
