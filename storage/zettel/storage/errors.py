"""The error tree, by who can act.

    ZettelError
    ├── InvalidArgumentError      the caller: pass another value
    │   ├── UnknownNameError      the caller: one of these was meant
    │   └── FirstPartError        the caller: change the part that is meant
    ├── NamespaceRefusedError     the caller: another namespace
    ├── LessTrustedError          the caller: propose it, or tell the person
    │   └── LessTrustedWordsError     the caller: update the older note, it is theirs
    ├── NoteNotFoundError         the caller: find the id first
    │   ├── NoteForgottenError        the caller: bring it back first
    │   └── NoteErasedError           nobody: it is gone
    ├── ChangedMeanwhileError     the caller: read again, then decide
    │   └── OtherRevisionError        the caller: decide on the current note
    ├── ChangedSinceError         the caller: undo what came later first, or only the rest
    ├── NotUndoableError          the caller: another way back
    ├── BusyEvolvingError         the caller: later, when the run has ended
    ├── NotConfirmedError         the caller: type the word
    ├── ExpiredTokenError         the caller: ask for a new preview or page
    ├── LimitError                the caller: later, or with less (see `limit_errors.py`)
    ├── StoreError                the person who runs the server
    │   ├── StoreUnavailableError   path, permissions, disk
    │   │   ├── MissingStoreError         there is none yet
    │   │   └── LowDiskError              make room on its disk
    │   ├── NewerStoreError         upgrade Zettel
    │   ├── OtherModelError         another embedding model wrote it
    │   ├── ModelUnavailableError   the embedding model, the reranker or the LLM cannot be used
    │   ├── NoAnswerError           the LLM gave none; evolution goes on by rule
    │   ├── RulesUnavailableError   the rules that find secrets (see `tools/secrets/scanner.py`)
    │   ├── LeaseLostError          try again: another process took the work over
    │   └── ExtraMissingError       install a part of Zettel that few need
    ├── BackupError               the person who keeps backups (see `backup/errors.py`)
    ├── VaultError                the person who keeps the folder (see `tools/vault/manifest.py`)
    └── ServingError              the person who starts the server
        ├── PortBusyError           another port, or stop what uses it
        ├── HostRefusedError        a loopback host, or tokens and names
        ├── IssuerUnavailableError  its authorization server does not answer
        ├── StoreServedError        another `zettel serve` serves the store
        ├── EvictedError            the store's engine folder was deleted, or its lock taken
        └── EngineUnreachableError  the store's engine cannot be reached, or does not end

Each message says what happened with the value, then the next call to make.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path


class ZettelError(Exception):
    """Base of every error that Zettel raises on purpose."""


def first_line(error: BaseException) -> str:
    """The first line of an error's text, at most 200 characters."""
    return (str(error) or type(error).__name__).splitlines()[0][:200]


class InvalidArgumentError(ZettelError, ValueError):
    """An argument's value cannot be used.

    Args:
        name: The argument as the caller spelled it.
        problem: What is wrong, with the value where that helps.
        remedy: The next call to make, or the value to pass instead.
    """

    def __init__(self, name: str, problem: str, remedy: str) -> None:
        self.name, self.problem = name, problem
        super().__init__(f"{name}: {problem}. {remedy}")


class UnknownNameError(InvalidArgumentError):
    """A name is not in the set of known names."""

    def __init__(self, name: str, value: str, known: Iterable[str], remedy: str) -> None:
        self.value = value
        self.known = tuple(known)
        super().__init__(name, f"{value!r} is not known", remedy)


class FirstPartError(InvalidArgumentError):
    """A whole text would replace the first of the notes that it is kept in.

    Args:
        note_id: The first.
        notes: How many there are.
        session: Theirs.
    """

    def __init__(self, note_id: str, *, notes: int, session: str) -> None:
        self.note_id, self.notes, self.session = note_id, notes, session
        super().__init__(
            "content",
            f"{note_id} is the first of {notes} notes that one text is kept in",
            f'Update the one that changes: recall(session="{session}") lists them. Or call'
            f' forget(note_ids=["{note_id}"]) and remember the new text.',
        )


class NoteNotFoundError(ZettelError, LookupError):
    """No note that the caller may read has this id."""

    def __init__(self, note_id: str) -> None:
        self.note_id = note_id
        super().__init__(
            f"No note with id {note_id!r}. Call recall to find the id, or remember to create it."
        )


class NoteForgottenError(NoteNotFoundError):
    """The note was forgotten: it is in no recall, and cannot be changed or linked to."""

    def __init__(self, note_id: str) -> None:
        self.note_id = note_id
        ZettelError.__init__(
            self,
            f"Note {note_id!r} was forgotten. Call forget with note_ids and undo=true to bring it"
            " back.",
        )


class NoteErasedError(NoteNotFoundError):
    """The note was erased; only the fact is recorded."""

    def __init__(self, note_id: str, erased_at: str) -> None:
        self.note_id, self.erased_at = note_id, erased_at
        ZettelError.__init__(
            self,
            f"Note {note_id!r} was erased at {erased_at}: nothing of it is left, and it cannot come"
            " back. Call remember to note something anew.",
        )


class ChangedMeanwhileError(ZettelError):
    """Another writer changed the note first, repeatedly."""

    def __init__(self, note_ids: Iterable[str]) -> None:
        self.note_ids = tuple(note_ids)
        super().__init__(
            f"Notes {', '.join(self.note_ids)} kept changing under this call and were left as they"
            " are. Call recall with note_ids to see them, then try again."
        )


class OtherRevisionError(ChangedMeanwhileError):
    """The note has changed since the revision the caller expected."""

    def __init__(self, note_id: str, expected: int, rev: int, shown: str) -> None:
        self.note_ids, self.expected, self.rev = (note_id,), expected, rev
        ZettelError.__init__(
            self,
            f"expected_rev: note {note_id} is at revision {rev}, not {expected}, and was left as it"
            f" is: {shown} Decide on these words, then call update with"
            f" expected_rev={rev}.",
        )


class ChangedSinceError(ZettelError):
    """Notes that a run changed were changed again later, so nothing was undone.

    Args:
        run_id: The run to undo.
        changed: Note id -> its last author: an agent's name, or a later run's id.
        later_runs: Those of them that are runs, newest first.
    """

    NAMED = 20
    """Notes that the message names."""

    def __init__(
        self, run_id: str, changed: Mapping[str, str], *, later_runs: Sequence[str]
    ) -> None:
        self.run_id, self.changed, self.later_runs = run_id, dict(changed), tuple(later_runs)
        named = [f"{note_id} by {who}" for note_id, who in list(changed.items())[: self.NAMED]]
        more = f" and {len(changed) - self.NAMED} more" if len(changed) > self.NAMED else ""
        first = (
            f"Undo what came later first (zettel undo {self.later_runs[0]}), or pass"
            if self.later_runs
            else "Pass"
        )
        super().__init__(
            f"Run {run_id!r} was not undone: notes it changed were changed since,"
            f" {', '.join(named)}{more}. {first} --partial to leave these as they are and undo the"
            " rest."
        )


class NotUndoableError(ZettelError):
    """A run changed no note, or none by a revision, so no undo can ever take it back.

    Args:
        run_id: The run to undo.
        kind: A key of `REASONS`.
    """

    REASONS: Mapping[str, str] = {
        "backup": "It only wrote a file: delete that.",
        "export": "It only wrote files: delete them.",
        "erase": "What was erased is gone for good.",
        "heal": "It repaired what a crash had left.",
        "restore": (
            "A restore, and an import of an export, bring notes with their own history. zettel"
            " forget ID... takes notes out again, zettel forget --erase --all --namespace NS all"
            " of a namespace, for good."
        ),
    }
    """Kind of run -> why, and the way out."""

    def __init__(self, run_id: str, kind: str) -> None:
        self.run_id, self.kind = run_id, kind
        super().__init__(f"Run {run_id!r} can never be undone. {self.REASONS[kind]}")


class RunOutOfReachError(ZettelError, PermissionError):
    """A run brought notes from a namespace that the caller does not read."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        super().__init__(
            f"Run {run_id!r} moved notes here from where this access token does not read; nothing"
            " was undone. Ask the person who runs this server to undo it."
        )


class BusyEvolvingError(ZettelError):
    """A run of evolution is at work on the notes, and does not end in time."""

    def __init__(self, work: str) -> None:
        self.work = work
        super().__init__(
            f"A run of evolution is at work, so {work} did not begin and nothing was changed."
            " Try again in a minute."
        )


class NotConfirmedError(ZettelError):
    """The confirming word was not typed.

    `option` is what a script passes instead; empty for `--confirm` with the word.
    """

    def __init__(self, word: str, *, option: str = "") -> None:
        self.word = word
        super().__init__(
            f"Nothing was done: {word!r} was not typed. Run the command again and type it, or pass"
            f" {option or f'--confirm {word}'}."
        )


class ExpiredTokenError(ZettelError):
    """A confirm token or cursor is unknown or too old."""

    def __init__(self, name: str, remedy: str) -> None:
        self.name = name
        super().__init__(f"This {name} is unknown or has expired. {remedy}")


class StoreError(ZettelError):
    """The store cannot serve; the person who runs the server can repair it."""


class StoreUnavailableError(StoreError, OSError):
    """The store's location cannot be read or written."""

    def __init__(self, place: str | Path, problem: str, remedy: str) -> None:
        self.place = str(place)
        super().__init__(f"The store at {str(place)!r} {problem}. {remedy}")


class MissingStoreError(StoreUnavailableError):
    """There is no store at the location yet."""

    def __init__(self, place: str | Path) -> None:
        remedy = "Check the path, or remember something there first."
        super().__init__(place, "holds no notes yet", remedy)


class LowDiskError(StoreUnavailableError):
    """The store's disk has too little free space for new vectors.

    Args:
        place: Of the store.
        needed: Bytes.
        free: Bytes.
    """

    def __init__(self, place: str | Path, *, needed: int, free: int) -> None:
        self.needed, self.free = needed, free
        super().__init__(
            place,
            f"has {free:,} bytes of free disk, and new vectors need {needed:,}",
            "Make room, then run zettel reembed again; zettel reembed --model with the model in"
            " use takes back what was begun.",
        )


class NewerStoreError(StoreError):
    """A newer Zettel wrote this store."""

    def __init__(self, place: str | Path, found: int, known: int) -> None:
        self.found, self.known = found, known
        super().__init__(
            f"The store at {str(place)!r} has schema version {found}; this Zettel knows {known}."
            " Upgrade zettel-mcp, or point ZETTEL_STORE at another directory."
        )


class OtherModelError(StoreError):
    """The store's vectors are of another embedding model.

    Args:
        place: The store.
        found: The model of its vectors, with its weights' fingerprint.
        asked: The model that was to be used.
        dim: Length of the store's vectors; 0 if unknown.
    """

    def __init__(self, place: str | Path, found: str, asked: str, *, dim: int = 0) -> None:
        self.found, self.asked, self.dim = found, asked, dim
        words = "+words"
        if words in found and found.partition(words)[0] == asked.partition(words)[0]:
            remedy = "A newer Zettel made its vectors: upgrade zettel-mcp"
        else:
            remedy = "Set ZETTEL_MODEL to the model it was made with"
        super().__init__(
            f"The store at {str(place)!r} was embedded with {found!r}, not {asked!r}. {remedy}, or"
            " run zettel reembed to make its vectors with the other one."
        )


class ModelUnavailableError(StoreError):
    """The embedding model, the reranker or the LLM cannot be found, read or trusted."""

    def __init__(
        self, model: str, problem: str, remedy: str, *, what: str = "embedding model"
    ) -> None:
        self.model = model
        super().__init__(f"The {what} {model!r} {problem}. {remedy}")


class LeaseLostError(StoreError):
    """Another process took over work that only one may do."""

    def __init__(self, work: str) -> None:
        self.work = work
        super().__init__(
            f"Another process took over {work} while this one was at it; what was done is kept."
            " Run the command again."
        )


class ExtraMissingError(StoreError):
    """A library of an optional extra is missing.

    `purpose` is the feature that needs it, as a noun.
    """

    def __init__(self, extra: str, purpose: str) -> None:
        self.extra = extra
        super().__init__(
            f"For {purpose} a part of Zettel is missing. Install it where zettel is installed, with"
            f" pip install 'zettel-mcp[{extra}]', then run the command again."
        )


class ServingError(ZettelError):
    """The server cannot be started or reached as requested."""


class PortBusyError(ServingError):
    """Another program listens on the port, or the host has no such address."""

    def __init__(self, host: str, port: int, problem: str) -> None:
        self.host, self.port = host, port
        super().__init__(
            f"Cannot listen on {host} port {port}: {problem}. Stop what listens there, or pass"
            " another --port."
        )


class HostRefusedError(ServingError):
    """Other machines could reach this host."""

    def __init__(self, host: str, problem: str, remedy: str) -> None:
        self.host = host
        super().__init__(
            f"Refused to listen on {host!r}, which other machines may reach: {problem}. {remedy},"
            " or pass --host 127.0.0.1."
        )


class StoreServedError(ServingError):
    """Another `zettel serve` serves the store."""

    def __init__(self, store: str, owner: str, url: str) -> None:
        self.store, self.url = store, url
        super().__init__(
            f"The store at {store!r} is served already, by {owner} at {url}. Use that one, or end"
            " it with zettel stop; for a second server pass another --store."
        )


class EvictedError(ServingError):
    """A server ended because the lock, the record or the socket of its store was lost."""

    def __init__(self, store: str) -> None:
        self.store = store
        super().__init__(
            f"Stopped serving the store at {store!r}: its socket or its folder .engine was deleted,"
            " or another process has its lock. Start zettel serve again; zettel status says what"
            " runs now."
        )


class EngineUnreachableError(ServingError):
    """A store's engine cannot be reached or does not respond as expected."""

    def __init__(self, store: str, problem: str) -> None:
        self.store = store
        super().__init__(
            f"The engine of the store at {store!r} {problem}. Run this where the engine runs, or"
            " end its process, then try again."
        )


class NamespaceRefusedError(ZettelError, PermissionError):
    """The caller's access token may not write to the namespace, existing or not."""

    def __init__(self, namespace: str, writable: Iterable[str]) -> None:
        self.namespace = namespace
        names = ", ".join(sorted(writable))
        ways = (
            f"It writes to: {names}. Pass one of these, or have" if names else "It only reads. Have"
        )
        super().__init__(
            f"This access token may not write to namespace {namespace!r}; nothing was changed."
            f" {ways} the person who runs this server make another token."
        )


class LessTrustedError(ZettelError, PermissionError):
    """A note of more trust would be changed or replaced by words of less."""

    def __init__(self, note_id: str, *, author: str, trust: float, counts: float) -> None:
        self.note_id = note_id
        super().__init__(
            f"{note_id} was told by {author!r} and has trust {trust:g}; what would replace or"
            f" change it has {counts:g} beside that, so nothing was changed. Propose it for review:"
            f' remember(content=…, links=[{{"to": "{note_id}", "relation": "may_supersede"}}]). Its'
            " author may settle that with update, in their own words; the person who runs the"
            " server may let other principals count as the owner (ZETTEL_TRUSTED_PRINCIPALS)."
        )


class LessTrustedWordsError(LessTrustedError):
    """The caller's own note would be replaced by words that count less.

    Args:
        note_id: The note.
        trust: Its trust.
        counts: Trust of the words.
        why: What lowers that, after "the words that would replace it".
    """

    def __init__(self, note_id: str, *, trust: float, counts: float, why: str) -> None:
        self.note_id, self.trust, self.counts, self.why = note_id, trust, counts, why
        ZettelError.__init__(
            self,
            f"{note_id} is yours and has trust {trust:g}; the words that would replace it {why} and"
            f" count {counts:g} beside that, so nothing was changed. If it is so, call"
            f' update(note_id="{note_id}", content=…) and say it in the user\'s or your own words.'
            f' If that is open, remember(content=…, links=[{{"to": "{note_id}", "relation":'
            ' "may_supersede"}]) proposes it for review.',
        )


class LimitError(ZettelError):
    """The request exceeds one of the server's limits."""


class QuotaExceededError(LimitError):
    """The write would exceed the quota of a namespace."""

    def __init__(self, namespace: str, held: int, more: int, most: int, unit: str) -> None:
        self.namespace, self.held, self.more, self.most, self.unit = (
            namespace, held, more, most, unit,
        )  # fmt: skip
        super().__init__(
            f"Namespace {namespace!r} holds {held:,} {unit}, this would add {more:,}, and {most:,}"
            " is the most; nothing was changed. Forgotten notes count until they are erased: call"
            " forget with erase=true for what is no longer needed, or ask the person who runs this"
            f" server to raise ZETTEL_QUOTA_{unit.upper()}."
        )
