"""`zettel status`, `stop` and `open`: look at the engine of a store, end it, open its page."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import cast
from urllib.parse import urlsplit

from zettel.server.commands.output import Output, number_of, printable
from zettel.server.engine.ipc.connect import EngineConnection, RefusedError, dial
from zettel.server.engine.ipc.file_lock import is_locked
from zettel.server.engine.ipc.handshake import Json, Message, request
from zettel.server.engine.ipc.rendezvous import Rendezvous, UnattachableError
from zettel.server.engine.ipc.spawn import request_drain
from zettel.storage.errors import EngineUnreachableError, ServingError

STOP_TIMEOUT_S = 30.0
"""Time for an engine to drain and end."""


OPEN_TIMEOUT_S = 60.0
"""Time for `zettel serve` to start and answer, as for an engine."""
OPEN_POLL_S = 0.1
LOG_SHOWN_BYTES = 2_000
"""Of what a server wrote that could not start."""
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}
"""Hosts that a server may listen on and that are no address to go to."""


def status(place: Rendezvous) -> Message:
    """The state of the store and its engine; `engine` is None if none runs.

    Raises:
        EngineUnreachableError: An engine runs, but does not answer.
    """
    state: Message = {"store": place.store, "engine": None}
    try:
        connection = dial(place, request(place.store, "status"))
    except UnattachableError as error:
        raise EngineUnreachableError(place.store, f"cannot be used: {error}") from None
    except RefusedError as error:
        return state | {"problem": str(error)}
    if connection is not None:
        connection.sock.close()
        state["engine"] = {
            name: value for name, value in connection.answer.items() if name != "zettel"
        }
    return state


def stop(place: Rendezvous) -> int | None:
    """Have the engine drain and end, and wait for that.

    Returns:
        Its process id; None if none ran.

    Raises:
        EngineUnreachableError: The engine cannot be reached, or does not end.
    """
    try:
        connection = request_drain(place)
    except UnattachableError as error:
        raise EngineUnreachableError(place.store, f"cannot be used: {error}") from None
    except RefusedError:
        # An engine that cannot start ends by itself.
        return None
    if connection is None:
        if is_locked(place.lock):
            raise EngineUnreachableError(place.store, "cannot be reached from here")
        return None
    pid = connection.answer.get("pid")
    _await_end(place, connection)
    return pid if isinstance(pid, int) else None


def open_page(place: Rendezvous, options: Sequence[str]) -> tuple[str, bool]:
    """Have `zettel serve` run for the store, starting it in the background where it does not.

    `options` are of `zettel serve`, if it is started.

    Returns:
        The page's address, and whether the server was started.

    Raises:
        ServingError: It cannot be started, or not be reached.
    """
    if url := _served_at(place):
        return url, False
    try:
        place.prepare()
    except UnattachableError as error:
        raise EngineUnreachableError(place.store, f"cannot be used: {error}") from None
    command = [sys.executable, "-P", "-m", "zettel", "serve", "--store", place.store, *options]
    with open(place.log, "ab", opener=_private) as log:
        begun = log.tell()
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    until = time.monotonic() + OPEN_TIMEOUT_S
    while time.monotonic() < until:
        if child.poll() is not None:
            with open(place.log, "rb") as log:
                log.seek(begun)
                said = log.read()[-LOG_SHOWN_BYTES:].decode(errors="replace").strip()
            msg = f"zettel serve did not start. {said.removeprefix('zettel: ')}"
            raise ServingError(msg)
        if url := _served_at(place):
            return url, True
        time.sleep(OPEN_POLL_S)
    msg = f"zettel serve has not answered within {OPEN_TIMEOUT_S:.0f} s; {place.log} says more."
    raise ServingError(msg)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _served_at(place: Rendezvous) -> str:
    """Address of the page; empty where no server answers."""
    try:
        engine = status(place)["engine"]
    except EngineUnreachableError:
        # One engine may be about to take another one's place.
        return ""
    url = engine.get("url") if isinstance(engine, dict) else ""
    if not isinstance(url, str) or not url:
        return ""
    parts = urlsplit(url)
    host = ANYWHERE.get(parts.hostname or "")
    return f"{parts.scheme}://{host}:{parts.port}/" if host else f"{url}/"


def _await_end(place: Rendezvous, connection: EngineConnection) -> None:
    with connection.sock:
        connection.sock.settimeout(STOP_TIMEOUT_S)
        try:
            # The connection is closed when the process ends.
            connection.sock.recv(1)
        except TimeoutError:
            pid = connection.answer.get("pid")
            problem = f"(process {pid}) does not end"
            raise EngineUnreachableError(place.store, problem) from None
        except OSError:
            return


def status_output(state: Message) -> Output:
    """The printed status."""
    return Output(state, _status_text(state))


def _status_text(state: Message) -> str:
    engine = state["engine"]
    if not isinstance(engine, dict):
        lines = {"engine": "none; the next client starts one", "store": state["store"]}
        return _table(lines | ({"problem": state["problem"]} if "problem" in state else {}))
    model, evolution, size = (_part(engine, name) for name in ("model", "evolution", "size"))
    llm, off = _part(engine, "llm"), _part(engine, "off")
    lines: dict[str, Json] = {
        "engine": f"process {engine['pid']}, zettel {engine['version']}, {engine['state']}",
        "store": state["store"],
        "up": _duration(engine["uptime_s"]),
        "clients": engine["clients"],
        "listens": engine["endpoint"],
        "HTTP": engine["url"] or None,
        "model": f"{model.get('name')} ({'ready' if model.get('ready') else 'not ready'})",
        "vectors": _vectors_text(model),
        "queue": f"{engine['queue']} waiting" if engine["queue"] is not None else None,
        "evolution": f"last {evolution.get('last') or 'never'}, next {evolution.get('next')}",
        "not evolved": _names(off.get("evolution")),
        "LLM": _llm_text(llm),
        "no LLM for": _names(off.get("llm")),
        "size": _size_text(size),
        "problem": engine["problem"],
    }
    return _table(lines)


def _size_text(size: Message) -> str | None:
    """Counts of the store; bytes of a directory only, since they are not counted elsewhere."""
    if not size:
        return None
    there = f", {size['bytes']:,} bytes" if size["bytes"] else ""
    notes, revisions = cast("int", size["notes"]), cast("int", size["revisions"])
    return f"{number_of(notes, 'note')}, {number_of(revisions, 'revision')}{there}"


def _vectors_text(model: Message) -> str | None:
    """How far another model has come with the vectors; None while none is at it."""
    anew = model.get("embedding_anew")
    if not isinstance(anew, list):
        return None
    done, total = anew
    come = f", {done} of {total} made" if total else ""
    return f"of {model.get('id')}, being made anew with another model{come}"


def _part(engine: Mapping[str, Json], name: str) -> Message:
    part = engine.get(name)
    return part if isinstance(part, dict) else {}


def _llm_text(llm: Message) -> str | None:
    if not llm:
        return None
    parts: list[Json] = [f"{llm['model']}, {llm['state']}"]
    if llm["problem"]:
        parts.append(llm["problem"])
    if llm["paused_s"]:
        parts.append(f"for {llm['paused_s']} s")
    if llm["last_error"]:
        parts.append(f"last error {llm['last_error']} {llm['last_error_at']}")
    parts.append(f"last answer {llm['last_answer_at'] or 'never'}")
    if llm.get("notes_to_ask_again"):
        parts.append(f"notes to ask about again: {llm['notes_to_ask_again']:,}")
    parts.append(f"{llm['tokens_today']:,} of {llm['tokens_day']:,} tokens today")
    if llm["money_day"]:
        parts.append(f"{llm['money_today']} of {llm['money_day']} spent today")
    return ", ".join(map(str, parts))


def _names(names: Json) -> str | None:
    return ", ".join(map(str, names)) if isinstance(names, list) and names else None


def _table(lines: Mapping[str, Json]) -> str:
    shown = {name: value for name, value in lines.items() if value is not None}
    width = max(map(len, shown))
    return "\n".join(printable(f"{name:<{width}}  {value}") for name, value in shown.items())


def _duration(seconds: Json) -> str:
    whole = int(seconds) if isinstance(seconds, int | float) else 0
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {whole % 60} s"
