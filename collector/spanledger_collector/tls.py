"""Certificates of the listeners: one pair for all, and for mutual TLS the authority that signs the clients'."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import grpc


class BadCertificate(ValueError):
    """A certificate file cannot be used; the text names it and the remedy."""


@dataclass(frozen=True, slots=True)
class Tls:
    """Paths of PEM files. Without `client_ca` clients need no certificate."""

    certificate: Path
    key: Path
    client_ca: Path | None = None

    def check(self) -> None:
        """Raises BadCertificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            context.load_cert_chain(self.certificate, self.key)
            if self.client_ca:
                context.load_verify_locations(self.client_ca)
        except (OSError, ssl.SSLError) as error:
            files = ", ".join(str(path) for path in (self.certificate, self.key, self.client_ca) if path)
            raise BadCertificate(
                f"the TLS files {files} cannot be used ({error}): give PEM files that belong together and that this "
                "user may read with --tls-cert, --tls-key and --tls-client-ca"
            ) from error

    def of_uvicorn(self) -> dict[str, Any]:
        """Arguments of uvicorn.Config."""
        return {
            "ssl_certfile": self.certificate,
            "ssl_keyfile": self.key,
            "ssl_ca_certs": self.client_ca,
            "ssl_cert_reqs": ssl.CERT_REQUIRED if self.client_ca else ssl.CERT_NONE,
        }

    def of_grpc(self) -> grpc.ServerCredentials:
        import grpc

        pairs = [(self.key.read_bytes(), self.certificate.read_bytes())]
        authority = self.client_ca.read_bytes() if self.client_ca else None
        return grpc.ssl_server_credentials(pairs, authority, require_client_auth=authority is not None)
