"""Which role somebody has who signed in at an OpenID Connect provider: by what the provider says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Role = Literal["admin", "reader"]
ADMIN: Final = "admin"
READER: Final = "reader"
_EVERYBODY: Final = "*"


def of(claims: Mapping[str, Any], rules: Mapping[str, Sequence[str]]) -> Role | None:
    """By the lists ``admins`` and ``readers``; None for somebody in neither."""
    if any(_fits(claims, entry) for entry in rules.get("admins", ())):
        return ADMIN
    return READER if any(_fits(claims, entry) for entry in rules.get("readers", ())) else None


def _fits(claims: Mapping[str, Any], entry: str) -> bool:
    """``*``, ``ada@example.com``, ``@example.com``, or ``claim=value`` such as ``groups=finops``."""
    name, is_claim, value = entry.partition("=")
    if is_claim:
        held = claims.get(name.strip())
        return value.strip() in ([str(each) for each in held] if isinstance(held, (list, tuple)) else [str(held)])
    # An address that the provider did not verify is one that anybody can claim.
    email = str(claims.get("email", "")).lower() if claims.get("email_verified") is True else ""
    wanted = entry.strip().lower()
    if wanted == _EVERYBODY:
        return True
    return bool(email) and wanted in (email, email[email.rfind("@") :])
