"""A data directory as one tar file, with a manifest at its end: what each file must hash to, what each table holds."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tarfile
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, cast

from spanledger._version import __version__
from spanledger_collector.custody.held import CustodyFault, held
from spanledger_collector.custody.inspect import Inspection, inspect
from spanledger_collector.wal.disk import sync_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MANIFEST: Final = "spanledger-manifest.json"
FORMAT: Final = 1
# Of the process that had the directory open, or left by it: no part of what it keeps.
_LEFT_OUT: Final = ("wal/owner", "store/status", "store/tmp", "store/shadow")
_PIECE: Final = 2**20


@dataclass(frozen=True, slots=True)
class Manifest:
    """`files` has the SHA-256 of each file, `links` the target of each symbolic link, by path in the directory."""

    format: int
    version: str
    made: str
    files: dict[str, str]
    links: dict[str, str]
    holds: dict[str, Any]


def back_up(data: Path, file: Path) -> Manifest:
    """Write `data` to a new `file`, whole or not at all. Raises CustodyFault."""
    if file.exists():
        raise CustodyFault(f"{file} is there already: a back-up is never written over; give another name")
    with held(data), _part(file) as part:
        holds = inspect(data)
        if holds.faults:
            raise CustodyFault(f"{data} is not sound, so it is not backed up as if it were: {'; '.join(holds.faults)}")
        with tarfile.open(part, "w") as archive:
            files = {name: _added(archive, data / name, name) for name in _files(data)}
            links = {name: str((data / name).readlink()) for name in _links(data)}
            made = datetime.now(timezone.utc).isoformat(timespec="seconds")
            manifest = Manifest(FORMAT, __version__, made, files, links, asdict(holds))
            _add_bytes(archive, MANIFEST, json.dumps(asdict(manifest), indent=1).encode())
    return manifest


def verify(file: Path, keep: Callable[[str, IO[bytes]], str] | None = None) -> Manifest:
    """Read a back-up to its end and compare every file with the manifest; `keep` gets each by name and content, and
    returns its hash. Raises CustodyFault.
    """
    seen: dict[str, str] = {}
    manifest = None
    try:
        with tarfile.open(file, "r|") as archive:
            for member in archive:
                content = cast("IO[bytes]", archive.extractfile(member))
                if member.name == MANIFEST:
                    manifest = Manifest(**json.loads(content.read()))
                else:
                    seen[member.name] = (keep or _hashed)(member.name, content)
    except (OSError, tarfile.TarError, ValueError, TypeError, AttributeError) as error:
        raise CustodyFault(f"{file} cannot be read as a back-up: {error}") from error
    if manifest is None or manifest.format != FORMAT:
        raise CustodyFault(f"{file} is no whole back-up of this format: its manifest is missing or of another one")
    if wrong := sorted(name for name in {*seen, *manifest.files} if seen.get(name) != manifest.files.get(name)):
        raise CustodyFault(f"{file} is damaged: {len(wrong)} files are not what was backed up, {wrong[0]} is the first")
    return manifest


def restore(file: Path, data: Path) -> Inspection:
    """Make `data` anew from a back-up: it appears whole and verified, or not at all. Raises CustodyFault."""
    if data.exists() and any(data.iterdir()):
        raise CustodyFault(f"{data} is not empty: restore into a directory that is not there, or move this one away")
    staging = data.with_name(f".{data.name}.restoring")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True, mode=0o700)
    try:
        manifest = verify(file, lambda name, content: _kept(_inside(staging, name), content))
        for name, target in manifest.links.items():
            _link(staging, name, target)
        (staging / "wal").mkdir(exist_ok=True, mode=0o700)
        found = inspect(staging)
        if json.loads(json.dumps(asdict(found))) != manifest.holds:
            raise CustodyFault(f"what {file} restores to is not what was backed up: {manifest.holds} became {found}")
        if data.exists():
            data.rmdir()
        staging.rename(data)
        sync_directory(data.parent)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return found


def _files(data: Path) -> Iterator[str]:
    return (name for name in _entries(data) if not (data / name).is_symlink() and (data / name).is_file())


def _links(data: Path) -> Iterator[str]:
    return (name for name in _entries(data) if (data / name).is_symlink())


def _entries(data: Path) -> Iterator[str]:
    """Every file and link below `data`, by relative path, in order."""
    for folder, folders, files in os.walk(data):
        folders.sort()
        linked = [name for name in folders if (Path(folder) / name).is_symlink()]
        for name in sorted([*files, *linked]):
            relative = (Path(folder) / name).relative_to(data).as_posix()
            if not any(relative == left or relative.startswith(f"{left}/") for left in _LEFT_OUT):
                yield relative


def _added(archive: tarfile.TarFile, path: Path, name: str) -> str:
    member = archive.gettarinfo(str(path), name)
    member.type, member.linkname = tarfile.REGTYPE, ""  # parts share files by hard links; each is kept by itself
    member.size = path.stat().st_size
    with path.open("rb") as content:
        digest = _hashed(name, content)
        content.seek(0)
        archive.addfile(member, content)
    return digest


def _add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def _hashed(_name: str, content: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while piece := content.read(_PIECE):
        digest.update(piece)
    return digest.hexdigest()


def _kept(path: Path, content: IO[bytes]) -> str:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest = hashlib.sha256()
    with path.open("xb") as file:
        while piece := content.read(_PIECE):
            digest.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def _link(staging: Path, name: str, target: str) -> None:
    link = _inside(staging, name)
    _inside(link.parent, target, staging)
    link.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    link.symlink_to(target)


def _inside(folder: Path, name: str, staging: Path | None = None) -> Path:
    """`name` of `folder`, within `staging`. Raises CustodyFault: nothing leads outside, whatever an archive says."""
    path = Path(os.path.normpath(folder / name))
    if (staging or folder) not in path.parents:
        raise CustodyFault(f"the back-up names {name!r}, which lies outside its directory: it is not restored")
    return path


class _part:  # noqa: N801 - reads as a function
    """The file under another name until it is whole and on the medium."""

    def __init__(self, file: Path) -> None:
        self._file, self._part = file, file.with_name(f".{file.name}.part")

    def __enter__(self) -> Path:
        try:
            self._part.unlink(missing_ok=True)
            self._part.touch(0o600)
        except OSError as error:
            raise CustodyFault(f"{self._file} cannot be written: {error.strerror}") from error
        return self._part

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            self._part.unlink(missing_ok=True)
            return
        with self._part.open("rb+") as file:
            os.fsync(file.fileno())
        self._part.rename(self._file)
        sync_directory(self._file.absolute().parent)
