"""How viewers sign in, as asked on the command line: checked before the first page, for a page says less than this."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from spanledger_dashboard.client import loopback_host

if TYPE_CHECKING:
    import argparse

_toml: Any = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
MODE_VARIABLE: Final = "SPANLEDGER_SIGN_IN"
SECRETS_VARIABLE: Final = "SPANLEDGER_SIGN_IN_SECRETS"
NONE, TOKEN, OIDC = "none", "token", "oidc"
_NEEDED: Final = {"auth": ("redirect_uri", "cookie_secret"), "spanledger": ("readers",)}


class Refused(Exception):
    """The dashboard cannot start as asked; the text names what, and what to do."""


def add_to(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--sign-in",
        choices=(NONE, TOKEN, OIDC),
        default=os.environ.get(MODE_VARIABLE) or None,
        help=f"how viewers sign in (default: {MODE_VARIABLE}, else none on this machine and token beyond it)",
    )
    parser.add_argument(
        "--sign-in-secrets",
        type=Path,
        default=os.environ.get(SECRETS_VARIABLE) or None,
        metavar="FILE",
        help=f"TOML with the provider and the roles, for --sign-in oidc (default: {SECRETS_VARIABLE})",
    )


def checked(options: argparse.Namespace) -> str:
    """The way of signing in. Raises Refused."""
    mode: str = options.sign_in or (NONE if loopback_host(options.host) else TOKEN)
    if mode not in (NONE, TOKEN, OIDC):
        raise Refused(f"{MODE_VARIABLE}={mode} is no way to sign in: use {NONE}, {TOKEN} or {OIDC}.")
    if mode == OIDC:
        _check_provider(options.sign_in_secrets)
    return mode


def flags(options: argparse.Namespace) -> list[str]:
    """For Streamlit's command."""
    return ["--secrets.files", str(options.sign_in_secrets)] if options.sign_in_secrets else []


def _check_provider(file: Path | None) -> None:
    if importlib.util.find_spec("authlib") is None:
        raise Refused("--sign-in oidc needs Authlib: pip install 'spanledger[oidc]'.")
    if file is None:
        raise Refused(
            "--sign-in oidc needs --sign-in-secrets FILE with [auth] and [spanledger], see docs/dashboard.md."
        )
    told = _read(Path(file))
    for section, names in _NEEDED.items():
        missing = [name for name in names if not told.get(section, {}).get(name)]
        if missing:
            raise Refused(f"{file} has no {' and no '.join(missing)} in [{section}]; see docs/dashboard.md.")


def _read(file: Path) -> dict[str, Any]:
    try:
        return dict(_toml.loads(file.read_text()))
    except (OSError, ValueError) as error:
        raise Refused(f"--sign-in-secrets {file} cannot be read: {error}.") from error
