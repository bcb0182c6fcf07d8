"""Trust: how far a note's words are believed, by their source, their author and their reader.

A note never gains trust: what is derived from others has the least of theirs, and what another
principal reads counts at most `OTHERS_TRUST`. A less trusted note changes no more trusted one.
The levels are an order, set by hand; nothing depends on their differences.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import regex as re

from zettel.storage.errors import InvalidArgumentError, LessTrustedError, LessTrustedWordsError
from zettel.storage.notes import Kind, Note, Outline, fold
from zettel.tools.caller import LOCAL, Caller, is_reserved

FULL_TRUST = 1.0
"""The user's own words, and what an agent was told without a source."""
CONCLUSION_TRUST = 0.8
"""An agent's conclusion, and what it read in a file of its workspace."""
OTHERS_TRUST = 0.7
"""A note of another principal."""
TOOL_TRUST = 0.5
"""A tool's output, or a source of another sort."""
WEB_TRUST = 0.3
"""A web page, a mail, a message: strangers write them."""
MARKED_TRUST = 0.2
"""Text that `language.hostile_text` has marked."""

IMPORT_SCHEME = "import"
"""Scheme of the `source` of notes from another system: `import:mem0`, then where that had it."""

_OWN = frozenset("user me i myself human conversation chat dialogue session prompt".split())
_CONCLUSION = frozenset(
    "agent assistant ai llm model claude conclusion inference inferred reasoning reflection"
    " observation analysis summary".split()
)
_WEB = frozenset(
    "http https ftp ftps gopher data javascript mailto imap imaps pop pop3 smtp news nntp feed rss"
    " atom xmpp irc ircs sip sips tel sms matrix slack discord telegram whatsapp signal teams web"
    " website webpage page url internet browser browse fetch search google bing mail email e-mail"
    " inbox newsletter forum reddit tweet twitter mastodon issue comment post blog article".split()
)
_SCHEME = re.compile(r"([\p{L}][\p{L}\p{N}+.-]*):")
_HOST = re.compile(r"(?:www\.[^/\s]+|[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+/\S*)", re.IGNORECASE)
_MAIL = re.compile(r"\S+@\S+\.\S+")
_FILE = re.compile(r"(?:file:|[a-z]:\\|[~.]{0,2}/|\S*/\S+|\S+\.\p{L}\w{0,7}(?:[:#]\S*)?$)")
_WORD = re.compile(r"[\p{L}\p{N}-]+")
_MESSAGE = re.compile(r"(?:an? |the )?messages?(?: (?:from|of|by|in) .*)?$")
"""A message, but no error message or commit message."""


def source_trust(source: str) -> float:
    """Trust of a note by its `source`, in `[0, 1]`.

    The agent states it, so it can only lower the trust: without one it is full.
    """
    text = fold(source)
    if text.startswith(f"{IMPORT_SCHEME}:"):
        return min(TOOL_TRUST, source_trust(text.partition(" ")[2]))
    words = frozenset(_WORD.findall(text))
    scheme = found[1] if (found := _SCHEME.match(text)) else ""
    if not text or text in _OWN or (words <= _OWN | {"the", "own", "words", "s"} and words & _OWN):
        return FULL_TRUST
    if scheme in _WEB or _HOST.match(text) or _MAIL.search(text):
        return WEB_TRUST
    if _FILE.match(text):
        return CONCLUSION_TRUST
    if words & _WEB or (_MESSAGE.match(text) and not words & _OWN):
        return WEB_TRUST
    return CONCLUSION_TRUST if words & _CONCLUSION else TOOL_TRUST


OWNERS = frozenset({"", LOCAL})
"""Principals of the store's owner."""


@dataclass(frozen=True, slots=True)
class TrustRules:
    """Which principals answer for their notes as the store's owner does."""

    trusted: frozenset[str] = frozenset()

    def principal(self, name: str) -> str:
        """The name by which a principal is compared: the owner's for those trusted like it."""
        return LOCAL if name in self.trusted or not name else name

    def author(self, note: Note | Outline) -> str:
        """The principal who answers for a note's words; of a composed note, for its sources'."""
        if isinstance(note, Outline):
            return LOCAL if is_reserved(note.principal) else self.principal(note.principal)
        if note.derived:
            return self.principal("" if note.origin.client == COMPOSER else note.origin.client)
        return self.principal(note.origin.principal)

    def seen(self, note: Note | Outline, principal: str) -> float:
        """Trust of a note in the eyes of a principal."""
        return min(note.trust, self._between(self.author(note), self.principal(principal)))

    def may_change(self, principal: str, note: Note) -> bool:
        """Whether a principal's own words count as much as the note's."""
        return self._between(self.principal(principal), self.author(note)) >= note.trust

    def may_replace(self, newer: Note | Outline, older: Note | Outline) -> bool:
        """Whether a note is trusted enough to take another's place."""
        return self.seen(newer, self.author(older)) >= older.trust

    def are_peers(self, one: Note, other: Note) -> bool:
        """Whether two notes may be composed: one author, equal trust."""
        return (self.author(one), one.trust) == (self.author(other), other.trust)

    def most_trusted(self, notes: Sequence[Note]) -> list[Note]:
        """The notes that may be composed into one: peers of the most trusted, the owner's first.

        Of several other authors it is the first to have written: nobody can come before.
        """
        if not notes:
            return []
        chief = min(notes, key=lambda n: (self.author(n) != LOCAL, -n.trust, n.note_id))
        return [note for note in notes if self.are_peers(note, chief)]

    @staticmethod
    def _between(author: str, reader: str) -> float:
        return FULL_TRUST if author in (LOCAL, reader) else OTHERS_TRUST


@dataclass(frozen=True, slots=True)
class TrustView:
    """One principal's view of notes."""

    rules: TrustRules
    principal: str

    @property
    def own_principals(self) -> frozenset[str]:
        """Names of principals whose words count as its own, or as the owner's."""
        return OWNERS | self.rules.trusted | {self.principal}

    def trust(self, note: Note | Outline) -> float:
        """The note's trust for this principal."""
        return self.rules.seen(note, self.principal)

    def other_author(self, note: Note | Outline) -> str:
        """The note's author; empty if it is this principal."""
        author = self.rules.author(note)
        return "" if author == self.rules.principal(self.principal) else author


COMPOSER = "zettel"
"""`Origin.client` of a note composed of the owner's notes; else it is their author."""


SUSPECT = "suspect"
"""The mark of a note whose trust was lowered for more than the text shown: it goes on elsewhere."""


def check_replaces(
    rules: TrustRules,
    principal: str,
    note: Note,
    targets: Iterable[Note],
    marks: Sequence[str],
) -> None:
    """Refuses that a note takes the place of a more trusted one.

    Args:
        rules: Who counts as the owner.
        principal: Who asks for it.
        note: The newer note.
        targets: The notes that it would supersede.
        marks: Of the newer note.

    Raises:
        LessTrustedError: One of the targets is.
    """
    for older in targets:
        if rules.may_replace(note, older):
            continue
        author, note_id, trust = rules.author(older), older.note_id, older.trust
        counts = rules.seen(note, author)
        if author == rules.principal(principal) == rules.author(note):
            why = _why_lowered(marks)
            raise LessTrustedWordsError(note_id, trust=trust, counts=counts, why=why)
        raise LessTrustedError(note_id, author=author, trust=trust, counts=counts)


def _why_lowered(marks: Sequence[str]) -> str:
    if not marks:
        return "are believed less, by their source or by what they are derived from,"
    if SUSPECT in marks:
        return "are marked suspect, as they go on with an order in a note that you told before,"
    return f"are marked {', '.join(marks)}"


def check_change(rules: TrustRules, caller: Caller, note: Note) -> None:
    """Refuses to change a note that is trusted more than the caller's words.

    Raises:
        LessTrustedError: It is; nothing is changed.
    """
    if not rules.may_change(caller.origin.principal, note):
        raise LessTrustedError(
            note.note_id, author=rules.author(note), trust=note.trust, counts=OTHERS_TRUST
        )


def check_core(kind: Kind | None, trust: float) -> None:
    """Refuses `core` for a note that is not fully trusted: it is shown in every session.

    Raises:
        InvalidArgumentError: It is not.
    """
    if kind is Kind.CORE and trust < FULL_TRUST:
        raise InvalidArgumentError(
            "kind",
            f"'core' is shown at the start of every session, and this note's trust is {trust:g}"
            " of 1: by its source, its author, or words that read like orders to an agent",
            "Pass another kind, or say it in the user's own words without a source.",
        )
