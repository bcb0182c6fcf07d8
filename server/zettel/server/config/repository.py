"""What a git repository is recognised by: the URL of its remote, or its first commit.

The files that name the remote are few and simple, and are read: a client waits while it attaches,
and git may not be installed. Only the first commit is asked of `git`, when a call needs it.
"""

import os
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

GIT_TIMEOUT_S = 2.0
"""Seconds that `git` may take: it walks the history once, some 100,000 commits in one."""
CONFIG_MAX_BYTES = 1_000_000
DEFAULT_PORTS = frozenset({80, 443})
"""Of HTTP and HTTPS."""

_SECTION = re.compile(r"\[\s*([\w.-]+)(?:\s+\"((?:[^\"\\]|\\.)*)\")?\s*\]")
_SCP = re.compile(r"(?:[^@/]+@)?([\w.-]{2,}|\[[^\]]+\]):(?!//)(.+)")
"""`git@host:path`; a host of one letter is a Windows drive."""

Config = Mapping[tuple[str, str], Mapping[str, str]]
"""Section and subsection -> key -> value; names in small letters, but subsections."""


def git_folder(root: Path) -> Path | None:
    """The folder that all worktrees of a repository share; None if there is none.

    Args:
        root: Holds `.git`: a folder, or the file of a worktree or submodule (gitrepository-layout).
    """
    found = root / ".git"
    try:
        if not found.is_dir():
            pointer = _read(found)
            found = root / pointer.removeprefix("gitdir:").strip()
        common = found / "commondir"
        found = found / _read(common).strip() if common.is_file() else found
        return found.resolve() if found.is_dir() else None
    except (OSError, ValueError):
        return None


def read_config(folder: Path) -> Config:
    """A repository's own configuration; empty if it cannot be read."""
    sections: defaultdict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    try:
        lines = _read(folder / "config").splitlines()
    except (OSError, ValueError):
        return {}
    now = ("", "")
    for line in map(str.strip, lines):
        if section := _SECTION.match(line):
            now = (section[1].lower(), section[2] or "")
            sections[now]["name"] = section[1]
            line = line[section.end() :].strip()
        name, equals, value = line.partition("=")
        if equals and not name.startswith(("#", ";")):
            sections[now][name.strip().lower()] = _value(value.strip())
    return sections


def _value(text: str) -> str:
    if text.startswith('"'):
        return text[1:].partition('"')[0]
    return re.split(r"\s[#;]", text)[0].strip()


def _read(file: Path) -> str:
    with file.open(encoding="utf-8", errors="surrogateescape") as opened:
        return opened.read(CONFIG_MAX_BYTES)


def remote_of(config: Config) -> str:
    """Host and path of a repository's remote; empty if it has none on another machine.

    `origin` if there is one, else the first by name.
    """
    remotes = {
        name: url
        for (section, name), keys in config.items()
        if section == "remote" and (url := normalised(keys.get("url", "")))
    }
    return remotes.get("origin") or next((remotes[name] for name in sorted(remotes)), "")


def normalised(url: str) -> str:
    """`host/path` of a remote, the same for all ways to reach it; empty for a path on this machine.

    Without scheme, credentials, `.git` and a port that only says how it is reached, in small
    letters: hosting services do not tell capitals apart.
    """
    host, path = "", ""
    if "://" in url:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return ""
        if parts.scheme.lower() != "file":
            host, path = parts.hostname or "", parts.path
        by_web = parts.scheme.lower() in ("http", "https")
        if host and by_web and port not in {None, *DEFAULT_PORTS}:
            host = f"{host}:{port}"
    elif found := _SCP.fullmatch(url):
        host, path = found[1], found[2]
    path = "/".join(part for part in path.split("/") if part)
    path = path.removesuffix(".git").rstrip("/")
    return f"{host}/{path}".casefold() if host and path else ""


def first_commit(folder: Path) -> str:
    """The id of the oldest commit without parents; empty if that cannot be told.

    Asked once in a process, and again when the configuration was written since. Nothing is asked
    of a repository whose history is not all there, or that could have `git` start a program to
    fetch it.

    Args:
        folder: As `git_folder` finds it.
    """
    return _first_commit(folder, _made(folder))


def _made(folder: Path) -> tuple[int, int]:
    """What tells a repository from a later one at its place: its configuration, which all have."""
    with suppress(OSError):
        found = (folder / "config").stat()
        return found.st_ino, found.st_mtime_ns
    return 0, 0


@cache
def _first_commit(folder: Path, made: tuple[int, int]) -> str:
    git, config = shutil.which("git"), read_config(folder)
    if not git or (folder / "shallow").exists() or _fetches(config):
        return ""
    command = [git, f"--git-dir={folder}", "rev-list", "--timestamp", "--max-parents=0", "--all"]
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }
    try:
        found = subprocess.run(
            command,
            env=environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=GIT_TIMEOUT_S,
            check=True,
            text=True,
        )
    except (OSError, subprocess.SubprocessError, ValueError):
        return ""
    roots = (line.split() for line in found.stdout.splitlines())
    return min(((int(at), commit) for at, commit in roots), default=(0, ""))[1]


def _fetches(config: Config) -> bool:
    names = {section for section, _ in config}
    keys = {key for (section, _), values in config.items() for key in values if section}
    return bool(names & {"include", "includeif"} or keys & {"promisor", "partialclone"}) or (
        "worktreeconfig" in config.get(("extensions", ""), {})
    )
