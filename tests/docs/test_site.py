"""The documentation builds, its links lead somewhere, and the commands it shows exist."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from spanledger.__main__ import COMMANDS, main
from spanledger_collector.configuration import _toml

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
OURS = re.compile(r"^(?:\S+=\S+ )*(?:\.venv/bin/)?spanledger +(\S+)(.*)$", re.MULTILINE)
IN_TEXT = re.compile(r"`(?:\S+=\S+ )?spanledger ([a-z-]+)([^`]*)`")
LINK = re.compile(r"\]\((?!https?://|mailto:|#)([^)#\s]+)")


def names(paths):
    return [path.name for path in paths]


def console(text):
    return "\n".join(re.findall(r"^```(?:console|bash|sh)\n(.*?)^```", text, re.MULTILINE | re.DOTALL))


def test_the_site_builds_with_every_page_and_no_warning(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=env)
    assert built.returncode == 0, built.stderr
    pages = {path.stem for path in tmp_path.glob("*.html")}
    assert {path.stem for path in (ROOT / "docs").glob("*.md")} | {"api-reference", "changelog"} <= pages
    assert "/api/v1/query/totals" in (tmp_path / "api-reference.html").read_text()


def test_the_site_fetches_nothing_from_elsewhere():
    config = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
    assert config["theme"]["font"] is False


@pytest.mark.parametrize("path", PAGES, ids=names(PAGES))
def test_links_to_files_lead_somewhere(path):
    made = {"api-reference.md", "changelog.md"}
    links = [link for link in LINK.findall(path.read_text()) if link not in made]
    assert not [link for link in links if not (path.parent / link).exists()]


@pytest.mark.parametrize("path", PAGES, ids=names(PAGES))
def test_commands_shown_exist(path):
    text = path.read_text()
    shown = [name for name, _ in (*OURS.findall(console(text)), *IN_TEXT.findall(text))]
    assert set(shown) <= {*COMMANDS, "COMMAND", "--version"}


@pytest.mark.parametrize("path", PAGES, ids=names(PAGES))
def test_subcommands_and_flags_shown_are_known(path, capsys):
    """Of what follows a command: words that look like flags must be in the help of it or of what it has below it."""
    text = path.read_text()
    for name, rest in (*OURS.findall(console(text)), *IN_TEXT.findall(text)):
        if name in ("run", "COMMAND", "demo") or name not in COMMANDS:
            continue
        words = rest.partition("#")[0].split()
        below = words[:1] if words and re.fullmatch(r"[a-z][a-z-]+", words[0]) else []
        flags = [word.partition("=")[0] for word in words if re.fullmatch(r"--[a-z][a-z-]+(=\S*)?", word)]
        if flags:
            told = _help(capsys, name, *below) + _help(capsys, name)
            assert not [flag for flag in flags if flag not in told], (name, rest)


def _help(capsys, *words):
    with pytest.raises(SystemExit):
        sys.exit(main([*words, "--help"]))
    said = capsys.readouterr()
    return said.out + said.err


def test_scripts_and_targets_named_are_there():
    text = "".join(path.read_text() for path in PAGES)
    scripts = set(re.findall(r"`(?:\.venv/bin/python )?((?:scripts|benchmarks|deploy)/[\w./-]+)", text))
    assert scripts
    assert not [name for name in scripts if not (ROOT / name.rstrip(".")).exists()]
    makefile = (ROOT / "Makefile").read_text()
    assert all(f"\n{target}:" in makefile for target in set(re.findall(r"`make (\w+)`", text)))


def test_extras_named_are_there():
    extras = _toml.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    text = "".join(path.read_text() for path in PAGES)
    named = {extra for group in re.findall(r"spanledger\[([\w,]+)\]", text) for extra in group.split(",")}
    assert named
    assert named <= set(extras)
