"""An OpenID Connect provider on loopback: discovery, authorization without a question, signed tokens."""

from __future__ import annotations

import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

CLIENT = {"client_id": "spanledger-pages", "client_secret": "only-on-loopback"}


class IdentityProvider:
    """``claims`` is who signs in next."""

    def __init__(self, **claims: Any) -> None:
        self.claims = {"sub": "1", "email": "ada@example.com", "email_verified": True} | claims
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}, auto_kid=False)
        self.asked: dict[str, dict[str, str]] = {}  # code -> what the authorization request said
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def secrets_toml(self, port: int, **roles: list[str]) -> str:
        """What `--sign-in-secrets` names."""
        auth = {
            "redirect_uri": f"http://127.0.0.1:{port}/oauth2callback",
            "cookie_secret": secrets.token_hex(32),
            "server_metadata_url": f"{self.url}/.well-known/openid-configuration",
            **CLIENT,
        }
        sections = {"auth": auth, "spanledger": roles}
        lines = [
            f"[{name}]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in told.items())
            for name, told in sections.items()
        ]
        return "\n".join(lines)

    def discovery(self) -> dict[str, Any]:
        ends = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        plain = {
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }
        return {"issuer": self.url, **{name: f"{self.url}/{path}" for name, path in ends.items()}, **plain}

    def grant(self, asked: dict[str, str]) -> str:
        """Where the browser is sent: straight back, signed in."""
        code = secrets.token_urlsafe(16)
        self.asked[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def tokens(self, code: str) -> dict[str, Any]:
        asked, now = self.asked.pop(code), int(time.time())
        times = {"iss": self.url, "aud": asked["client_id"], "iat": now, "exp": now + 600}
        claims = {**times, "nonce": asked.get("nonce", ""), **self.claims}
        token = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.key)
        return {"access_token": "opaque", "token_type": "Bearer", "expires_in": 600, "id_token": token}


def _handler(provider: IdentityProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == "/authorize":
                asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
                self.send_response(302)
                self.send_header("Location", provider.grant(asked))
                self.end_headers()
            elif parts.path == "/keys":
                self._json({"keys": [provider.key.as_dict(private=False)]})
            else:
                self._json(provider.discovery())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._json(provider.tokens(parse_qs(body)["code"][0]))

        def _json(self, answer: dict[str, Any]) -> None:
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    return Handler
