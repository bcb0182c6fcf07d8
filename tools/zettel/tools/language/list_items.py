"""The parts of a text that tells several things: "Postgres 15 and Redis 7, Python 3.11"."""

from zettel.storage.text.passages import clauses
from zettel.tools.language.list_words import list_words


def items(text: str) -> list[str]:
    """The clauses of a text, parted at "and" as well."""
    return [item for part in clauses(text) for item in list_words().joins.split(part)]
