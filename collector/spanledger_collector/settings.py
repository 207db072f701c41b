"""What a collector is started with: flags, then SPANLEDGER_* variables, then defaults that fit one machine."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from spanledger_collector.access import NO_TOKENS, Tokens
from spanledger_collector.tls import BadCertificate, Tls

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_KEEP_DAYS: Final = 3_650  # a TTL is reckoned in 32-bit seconds, which end in 2106: past that all rows would go
MAX_PORT: Final = 65_535
_TABLE: Final = re.compile(r"\w+(\.\w+)?")
MIN_LOG_BYTES: Final = 64 * 2**20  # room for two of the largest requests


class BadSetting(ValueError):
    """A setting cannot be used; the text names it, its value and the remedy."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a listener binds; port 0 takes a free one."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """From HOST:PORT, [IPV6]:PORT or a port alone. Raises BadSetting."""
        host, colon, port = text.rpartition(":")
        host = host.strip("[]") if colon else "127.0.0.1"
        if not port.isdigit() or int(port) > MAX_PORT or not host:
            raise BadSetting(f"{text!r} is no listening address: use HOST:PORT, for example 127.0.0.1:4318")
        return cls(host, int(port))

    @property
    def is_loopback(self) -> bool:
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Settings:
    """Of one collector process."""

    data: Path
    dsn: str
    otlp_http: Address = Address("127.0.0.1", 4318)
    otlp_grpc: Address = Address("127.0.0.1", 4317)
    api: Address = Address("127.0.0.1", 4319)
    tokens: Tokens = NO_TOKENS
    cluster: str = ""  # of ClickHouse servers, on all of which tables are made
    tls: Tls | None = None
    agent: bool = False  # keep no ledger: pass everything on
    follow: str = ""  # a ClickHouse server whose `otel_traces` is read in place; `#table` for another one
    forward: str = ""  # base URL of another OTLP/HTTP backend
    forward_headers: tuple[tuple[str, str], ...] = ()
    prices: Path | None = None
    allocation: Path | None = None
    alert_environment: tuple[tuple[str, str], ...] = field(default=(), repr=False)  # SPANLEDGER_ALERT_*, secrets too
    review_environment: tuple[tuple[str, str], ...] = field(default=(), repr=False)  # SPANLEDGER_REVIEW*, secrets too
    log_bytes: int = 2**30
    disk_budget_bytes: int = 0  # 0: none
    keep_spans_days: int = 0  # 0: for ever
    keep_calls_days: int = 0
    drain_seconds: float = 20.0
    demo: bool = False

    @property
    def is_embedded(self) -> bool:
        """Whether the store is inside this process, so that nobody else writes to it."""
        return self.dsn.startswith("chdb:")

    @property
    def listeners(self) -> tuple[tuple[str, str, Address], ...]:
        """Name, flag and address of each."""
        return (
            ("OTLP/HTTP", "--otlp-http", self.otlp_http),
            ("OTLP/gRPC", "--otlp-grpc", self.otlp_grpc),
            ("API", "--api", self.api),
        )

    def check(self) -> None:
        """Raises BadSetting for what must not be started."""
        for name, flag, address in self.listeners:
            if not address.is_loopback and not self.tokens:
                raise BadSetting(
                    f"{name} at {address} would be open to the network without a token: set SPANLEDGER_TOKEN to a "
                    "secret that senders and readers show, or bind to this machine only "
                    f"({flag} 127.0.0.1:{address.port})"
                )
        self._check_tokens()
        self._check_retention()
        self._check_tls()
        if self.cluster and self.is_embedded:
            raise BadSetting(f"--cluster {self.cluster} needs ClickHouse servers: give the address of one with --dsn")
        if self.agent and not self.forward:
            raise BadSetting("--agent keeps no ledger and needs somebody to send to: add --forward URL")
        self._check_follow()
        if self.log_bytes < MIN_LOG_BYTES:
            raise BadSetting(
                f"--log-limit {self.log_bytes // 2**20} is too small: use at least {MIN_LOG_BYTES // 2**20} (MiB)"
            )
        if self.forward and urlsplit(self.forward).scheme not in ("http", "https"):
            raise BadSetting(
                f"--forward {self.forward!r} is no URL: use the base of an OTLP/HTTP endpoint, http(s)://..."
            )

    def _check_follow(self) -> None:
        url, _, table = self.follow.partition("#")
        if self.follow and (urlsplit(url).scheme not in ("http", "https") or not _TABLE.fullmatch(table or "x")):
            raise BadSetting(
                "--follow is no address of a table: use http(s)://user:password@host:8443/database, and #NAME behind "
                "it where the table is not called otel_traces"
            )
        if self.follow and self.agent:
            raise BadSetting("--follow reads into the ledger, and --agent keeps none: give one of them")

    def _check_tokens(self) -> None:
        if self.tokens and not self.tokens.covers("ingest"):
            raise BadSetting(
                "SPANLEDGER_READ_TOKEN is set, but no token lets senders in: set SPANLEDGER_INGEST_TOKEN, or "
                "SPANLEDGER_TOKEN for everything"
            )

    def _check_retention(self) -> None:
        for flag, days in (("--keep-spans", self.keep_spans_days), ("--keep-calls", self.keep_calls_days)):
            if not 0 <= days <= MAX_KEEP_DAYS:
                raise BadSetting(f"{flag} {days} is no number of days: use 1 to {MAX_KEEP_DAYS}, or 0 to keep all")

    def _check_tls(self) -> None:
        try:
            if self.tls:
                self.tls.check()
        except BadCertificate as error:
            raise BadSetting(str(error)) from error


def default_data(environ: Mapping[str, str] = os.environ) -> Path:
    """$SPANLEDGER_DATA, or spanledger/ under $XDG_DATA_HOME, by default ~/.local/share."""
    if chosen := environ.get("SPANLEDGER_DATA"):
        return Path(chosen)
    base = environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "spanledger"


def embedded_dsn(data: Path) -> str:
    """The store inside the collector process, in its data directory."""
    return f"chdb://{data.resolve() / 'store'}"


def parse_headers(text: str) -> tuple[tuple[str, str], ...]:
    """From KEY=VALUE,KEY=VALUE as in OTEL_EXPORTER_OTLP_HEADERS. Raises BadSetting, without repeating a secret."""
    pairs = [item.partition("=") for item in text.split(",") if item.strip()]
    if any(not equals or not key.strip() for key, equals, _ in pairs):
        raise BadSetting("SPANLEDGER_FORWARD_HEADERS is not KEY=VALUE,KEY=VALUE")
    return tuple((key.strip(), value.strip()) for key, _, value in pairs)
