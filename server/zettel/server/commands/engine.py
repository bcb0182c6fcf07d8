"""`zettel status` and `zettel stop`: looking at the engine of a store, and ending it."""

import json
from collections.abc import Mapping

from zettel.server.engine.ipc.connect import EngineConnection, RefusedError, dial
from zettel.server.engine.ipc.file_lock import is_locked
from zettel.server.engine.ipc.handshake import Json, Message, request
from zettel.server.engine.ipc.rendezvous import Rendezvous, UnattachableError
from zettel.server.engine.ipc.spawn import request_drain
from zettel.storage.errors import EngineUnreachableError

STOP_S = 30.0
"""Seconds an engine may take to drain and leave."""


def status(place: Rendezvous) -> Message:
    """What is known of the store and its engine; `engine` is null if none runs.

    Raises:
        EngineUnreachableError: One runs, but does not answer.
    """
    told: Message = {"store": place.store, "engine": None}
    try:
        line = dial(place, request(place.store, "status"))
    except UnattachableError as error:
        raise EngineUnreachableError(place.store, str(error)) from None
    except RefusedError as error:
        return told | {"problem": str(error)}
    if line is not None:
        line.sock.close()
        told["engine"] = {name: value for name, value in line.answer.items() if name != "zettel"}
    return told


def stop(place: Rendezvous) -> int | None:
    """Have the engine end in good order and wait until it has.

    Returns:
        The number of its process; None if none ran.

    Raises:
        EngineUnreachableError: It cannot be reached, or does not end.
    """
    try:
        line = request_drain(place)
    except UnattachableError as error:
        raise EngineUnreachableError(place.store, str(error)) from None
    except RefusedError:
        # One that cannot start, and leaves by itself.
        return None
    if line is None:
        if is_locked(place.lock):
            raise EngineUnreachableError(place.store, "cannot be reached from here")
        return None
    pid = line.answer.get("pid")
    _await_end(place, line)
    return pid if isinstance(pid, int) else None


def _await_end(place: Rendezvous, line: EngineConnection) -> None:
    with line.sock:
        line.sock.settimeout(STOP_S)
        try:
            # The connection ends with the process.
            line.sock.recv(1)
        except TimeoutError:
            pid = line.answer.get("pid")
            problem = f"(process {pid}) does not end"
            raise EngineUnreachableError(place.store, problem) from None
        except OSError:
            return


def as_json(told: Message) -> str:
    """The status as one JSON object."""
    return json.dumps(told, ensure_ascii=False)


def as_text(told: Message) -> str:
    """The status for a person."""
    engine = told["engine"]
    if not isinstance(engine, dict):
        lines = {"engine": "none; the next client starts one", "store": told["store"]}
        return _table(lines | ({"problem": told["problem"]} if "problem" in told else {}))
    model, evolution, size = (_part(engine, name) for name in ("model", "evolution", "size"))
    llm, off = _part(engine, "llm"), _part(engine, "off")
    lines: dict[str, Json] = {
        "engine": f"process {engine['pid']}, zettel {engine['version']}, {engine['state']}",
        "store": told["store"],
        "up": _duration(engine["uptime_s"]),
        "clients": engine["clients"],
        "listens": engine["endpoint"],
        "HTTP": engine["url"] or None,
        "model": f"{model.get('name')} ({'ready' if model.get('ready') else 'not ready'})",
        "queue": f"{engine['queue']} waiting" if engine["queue"] is not None else None,
        "evolution": f"last {evolution.get('last') or 'never'}, next {evolution.get('next')}",
        "not evolved": _names(off.get("evolution")),
        "LLM": _llm_line(llm),
        "no LLM for": _names(off.get("llm")),
        "size": f"{size['notes']} notes, {size['revisions']} revisions, {size['bytes']:,} bytes"
        if size
        else None,
        "problem": engine["problem"],
    }
    return _table(lines)


def _part(engine: Mapping[str, Json], name: str) -> Message:
    part = engine.get(name)
    return part if isinstance(part, dict) else {}


def _llm_line(told: Message) -> str | None:
    if not told:
        return None
    parts: list[Json] = [f"{told['model']}, {told['state']}"]
    if told["problem"]:
        parts.append(told["problem"])
    if told["paused_s"]:
        parts.append(f"for {told['paused_s']} s")
    if told["last_error"]:
        parts.append(f"last error {told['last_error']} {told['last_error_at']}")
    parts.append(f"last answer {told['last_answer_at'] or 'never'}")
    parts.append(f"{told['tokens_today']:,} of {told['tokens_day']:,} tokens today")
    if told["money_day"]:
        parts.append(f"{told['money_today']} of {told['money_day']} spent today")
    return ", ".join(map(str, parts))


def _names(names: Json) -> str | None:
    return ", ".join(map(str, names)) if isinstance(names, list) and names else None


def _table(lines: Mapping[str, Json]) -> str:
    told = {name: value for name, value in lines.items() if value is not None}
    width = max(map(len, told))
    return "\n".join(f"{name:<{width}}  {value}" for name, value in told.items())


def _duration(seconds: Json) -> str:
    whole = int(seconds) if isinstance(seconds, int | float) else 0
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {whole % 60} s"
