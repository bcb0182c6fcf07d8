"""Which namespace a project's notes are in, and other names that lead there.

Kept in the store as one value. A name is recorded when a note is first stored under it, or when
notes are found that an earlier Zettel stored under the path of a project: these stay where they
are, and new ones are stored beside them.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from anyio import to_thread

from zettel.storage.store import NoteFilter, Store
from zettel.tools.caller import Caller
from zettel.tools.namespace_names import FIRST_COMMIT, REMOTE, NamespaceNames, Project
from zettel.tools.state.memory import Memory
from zettel.tools.state.names_cache import META_KEY, parse_names, read_names

RECORD_MAX_ATTEMPTS = 20
"""Attempts to record names while other processes do so too."""


async def record_names(
    store: Store, added: Mapping[str, str], removed: frozenset[str] = frozenset()
) -> NamespaceNames:
    """Record that names lead to primary ones; what led to a name that is now another's follows.

    `added` has the primary name for other names and identities; `removed` names lead nowhere any
    more.
    """
    for _ in range(RECORD_MAX_ATTEMPTS):
        before = await store.get_meta(META_KEY)
        known = {**parse_names(before).primary_of, **added}
        followed = {name: known.get(to, to) for name, to in known.items() if name not in removed}
        kept = {name: to for name, to in followed.items() if name != to}
        if kept == parse_names(before).primary_of:
            return NamespaceNames(kept)
        text = json.dumps(kept, sort_keys=True)
        if await store.swap_meta(META_KEY, expected=before, value=text):
            return NamespaceNames(kept)
    return await read_names(store)


async def settled(memory: Memory, caller: Caller, *, writes: bool, now: datetime) -> Caller:
    """The caller with the names it may use, in the namespace of its project.

    `writes` is whether the call may store the first note of a project. Names that other processes
    record are seen some seconds later.
    """
    names = await memory.names.read(memory.admin, now)
    if caller.reach is not None:
        names = names.within(caller.reach.reads, caller.reach.writes)
    if caller.project is None:
        return replace(caller, names=names)
    namespace, added = await _namespace_of(memory, caller.project, names)
    if added and (writes or await _in_use(memory, *names.group(namespace), *added)):
        names = await record_names(memory.admin, added)
        memory.names.keep(names)
    else:
        names = NamespaceNames({**names.primary_of, **added})
    return replace(caller, namespace=namespace, names=names, project=None)


async def _namespace_of(
    memory: Memory, project: Project, names: NamespaceNames
) -> tuple[str, dict[str, str]]:
    """A project's namespace, and what is to be recorded."""
    former = project.former
    if former in memory.settings_name:
        # Its settings were given to it by this name: no LLM, no evolution, an end of its notes.
        return former, {}
    if project.remote and project.remote in names.primary_of:
        primary = names.primary(project.remote)
        return primary, _missing(names, primary, former)
    commit = await to_thread.run_sync(project.first_commit)
    identity = project.remote or commit
    if not identity:
        return names.primary(former), {}
    if not project.remote and commit in names.primary_of:
        primary = names.primary(commit)
        return primary, _missing(names, primary, former)
    if _is_anothers(names, former, project.remote, commit):
        primary = names.primary(project.named(identity))
        return primary, _missing(names, primary, project.named(identity), identity, commit)
    primary = names.primary(former)
    if primary == former and not await _in_use(memory, former):
        primary = names.primary(project.named(identity))
    own = (project.named(identity), former, identity, commit)
    return primary, _missing(names, primary, *own)


def _missing(names: NamespaceNames, primary: str, *own: str) -> dict[str, str]:
    """Those of a project's names and identities that lead nowhere yet."""
    return {
        name: primary
        for name in own
        if name and name != primary and name not in names.primary_of and not names.group(name)[1:]
    }


def _is_anothers(names: NamespaceNames, former: str, remote: str, commit: str) -> bool:
    """Whether the repository that was at this path is another one.

    By their first commits, which stay when a remote is renamed; where one of them cannot be told,
    as of a shallow clone, by their remotes.
    """
    there = names.identities(former)
    for own, sort in ((commit, FIRST_COMMIT), (remote, REMOTE)):
        known = {identity for identity in there if identity.startswith(sort)}
        if own and known:
            return own not in known
    return False


async def _in_use(memory: Memory, *namespaces: str) -> bool:
    real = tuple(name for name in namespaces if ":" not in name)
    return bool(await memory.admin.count(NoteFilter(namespaces=real, states=(), derived=None)))
