"""`zettel hook CLIENT --test`: plays a client's session, and looks into memory for what it left."""

import json
import os
import re
import secrets
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from zettel.server.commands.calls import MemoryCall
from zettel.server.commands.hooks import SHELL_WORD, HookClient
from zettel.server.commands.output import Output

TEST_NAMESPACE = "hook-test"
TEST_S = 60.0
"""Seconds that one event may take; a first one starts the engine."""
REQUESTS = tuple(f"Request {number} of a session that was made up to test" for number in range(9))


@dataclass(frozen=True, slots=True, kw_only=True)
class HookCheck:
    """What a test of a client's hooks found."""

    client: str
    steps: tuple[str, ...]
    """What worked, in order."""
    problem: str = ""
    """Empty if everything did."""
    installed: bool = True
    """Whether the client's file has the line that was run."""

    def output(self) -> Output:
        """The printed result."""
        data = {
            "client": self.client,
            "installed": self.installed,
            "steps": list(self.steps),
            "problem": self.problem,
        }
        works = "The hooks work." if self.installed else _not_installed(self.client)
        lines = [*(f"  {step}" for step in self.steps), self.problem or works]
        return Output(data, "\n".join(lines))


def _not_installed(client: str) -> str:
    return (
        f"The hooks would work, but {client} has none in its file, so that only a plugin runs them."
        f" zettel install {client} --hooks writes them."
    )


class _FailedError(Exception):
    """A step failed; the text says how."""


def store_of(line: str) -> str:
    """The store that the line of a client's hook names; empty if it names none."""
    try:
        words = shlex.split(line)
    except ValueError:  # a quote without its end, which the shell will say
        return ""
    named = next((value for flag, value in pairwise(words) if flag == "--store"), "")
    return os.path.expanduser(os.path.expandvars(named))


def in_test_namespace(line: str) -> str:
    """The line without the namespace that it names, which would win over the environment's.

    All else stays to the letter: the shell reads variables and quotes.
    """
    return re.sub(rf" --namespace {SHELL_WORD}", "", line)


def check_hooks(name: str, client: HookClient, command: str, call: MemoryCall) -> HookCheck:
    """Run a client's hook as the client does, with made-up events, in a namespace of its own.

    Args:
        name: Of the client.
        client: The client.
        command: The line that its file has, for a shell.
        call: Calls the same memory, to see what the hook stored, and to erase it.
    """
    session = f"hook-test-{secrets.token_hex(8)}"
    with TemporaryDirectory() as folder:
        played = _Played(client, Path(folder), in_test_namespace(command), session, call)
        try:
            played.play()
        except _FailedError as error:
            return HookCheck(client=name, steps=tuple(played.steps), problem=f"Failed: {error}")
        finally:
            _erase(call, session)
    return HookCheck(client=name, steps=tuple(played.steps))


@dataclass(frozen=True, slots=True)
class _Played:
    """A session that is played."""

    client: HookClient
    folder: Path
    command: str
    session: str
    call: MemoryCall
    steps: list[str] = field(default_factory=list[str])

    def play(self) -> None:
        """Each event once, then the start of the next session.

        Raises:
            _FailedError: A hook does not do what it should.
        """
        self._brief()
        self.steps.append("as a session starts, the agent is told what memory holds")
        for event, work in self.client.works.items():
            if work == "remind":
                self._reminds(event)
            if work == "keep":
                self._keeps(event)
        if "keep" in self.client.works.values():
            _check(REQUESTS[0] in self._brief(), "the next brief does not contain what was stored")
            self.steps.append("the next brief contains it")

    def _brief(self) -> str:
        event = next(event for event, work in self.client.works.items() if work == "brief")
        found: object = self._run(event)
        for key in self.client.brief_in:
            found = (
                cast("dict[str, object]", found).get(key) if isinstance(found, Mapping) else None
            )
        _check("recall" in str(found), f"the answer to {event} is no brief")
        return str(found)

    def _reminds(self, event: str) -> None:
        asked = f"after {len(REQUESTS)} requests"
        _check(self._run(event).get("decision") == "block", f"{event} reminds nobody {asked}")
        self.steps.append(f"{event}: the agent is reminded to store what lasts")

    def _keeps(self, event: str) -> None:
        self._run(event)
        stored = [str(note["content"]) for note in _stored(self.call, self.session)]
        _check(any(REQUESTS[0] in text for text in stored), f"{event} stored nothing")
        self.steps.append(f"{event}: what the user asked for is stored")

    def _run(self, event: str) -> Mapping[str, object]:
        entries = ({"type": "user", "message": {"role": "user", "content": t}} for t in REQUESTS)
        transcript = self.folder / "transcript.jsonl"
        lines = "".join(f"{json.dumps(entry)}\n" for entry in entries)
        transcript.write_text(lines, encoding="utf-8")
        return _run(
            self.command,
            {
                "hook_event_name": event,
                "session_id": self.session,
                "cwd": str(self.folder),
                "transcript_path": str(transcript),
                "source": "startup",
            },
        )


def _check(holds: bool, otherwise: str) -> None:
    if not holds:
        raise _FailedError(otherwise)


def _run(command: str, event: Mapping[str, object]) -> Mapping[str, object]:
    """The answer of a hook to an event.

    Raises:
        _FailedError: It failed, took too long, or answered with something else than JSON.
    """
    try:
        done = subprocess.run(
            command,
            shell=True,
            input=json.dumps(event),
            env={**os.environ, "ZETTEL_NAMESPACE": TEST_NAMESPACE},
            capture_output=True,
            text=True,
            timeout=TEST_S,
            check=False,
        )
        found: object = json.loads(done.stdout) if done.stdout.strip() else {}
    except subprocess.TimeoutExpired:
        message = f"{command} took more than {TEST_S:.0f} s"
        raise _FailedError(message) from None
    except ValueError:
        message = f"{command} answered with something else than JSON"
        raise _FailedError(message) from None
    if done.returncode or not isinstance(found, dict):
        said = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        message = f"{command}: {said[-1]}"
        raise _FailedError(message)
    return cast("dict[str, object]", found)


def _stored(call: MemoryCall, session: str) -> Sequence[Mapping[str, object]]:
    answer = call("list", namespace=TEST_NAMESPACE, session=session, state="any")
    return cast("Sequence[Mapping[str, object]]", answer["notes"])


def _erase(call: MemoryCall, session: str) -> None:
    ids = [str(note["note_id"]) for note in _stored(call, session)]
    if ids:
        preview = call("forget", note_ids=list(ids), erase=True, namespace=TEST_NAMESPACE)
        confirm = str(preview.get("confirm", ""))
        call("forget", confirm=confirm)
