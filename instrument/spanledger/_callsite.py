"""The caller's own line: the nearest frame outside installed packages, the standard library and us."""

from __future__ import annotations

import os
import sysconfig
from typing import TYPE_CHECKING, Final

from . import semconv

if TYPE_CHECKING:
    from types import CodeType, FrameType

_DEEPEST: Final = 80  # frames; a deeper caller gets no call site rather than a slow call
_OURS: Final = os.path.join(os.path.dirname(os.path.abspath(__file__)), "")  # noqa: PTH100, PTH118, PTH120
_STANDARD: Final = tuple(
    path + os.sep for path in {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")} if path
)
_INSTALLED: Final = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
_is_users: dict[str, bool] = {}  # by file name; bounded by the files of the program


def find(frame: FrameType | None) -> dict[str, str | int]:
    """`code.*` attributes of the first frame of the user's from `frame` outwards; empty when there is none."""
    for _ in range(_DEEPEST):
        if frame is None:
            break
        code = frame.f_code
        try:
            users = _is_users[code.co_filename]
        except KeyError:
            users = is_users(code.co_filename)
        if users:
            return {
                semconv.CODE_FILE: code.co_filename,
                semconv.CODE_LINE: frame.f_lineno,
                semconv.CODE_FUNCTION: _name(code),
            }
        frame = frame.f_back
    return {}


def _name(code: CodeType) -> str:
    name: str = getattr(code, "co_qualname", code.co_name)  # Python >= 3.11
    return name


def is_users(file: str) -> bool:
    if file not in _is_users:
        _is_users[file] = _belongs_to_user(file)
    return _is_users[file]


def _belongs_to_user(file: str) -> bool:
    if file.startswith("<") and not file.startswith(("<stdin>", "<ipython")):
        return False
    return not file.startswith((_OURS, *_STANDARD)) and not any(part in file for part in _INSTALLED)
