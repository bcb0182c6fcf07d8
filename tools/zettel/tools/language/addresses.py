"""Addresses of computers in texts, and the port or version that two texts give to one otherwise."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import regex as re

from zettel.storage.notes import fold
from zettel.tools.language.slots import OtherValue

_ADDRESS = re.compile(
    r"(?<![\w./@-])(?:[a-z][a-z+]*://(?:[^\s/@]{1,80}@)?)?"
    r"(?P<host>(?:\p{N}{1,3}\.){3}\p{N}{1,3}|(?:[a-z\p{N}-]+\.)+(?P<last>[a-z]{2,}))(?![\w-])"
    r"(?::(?P<port>\p{N}{2,5})(?!\p{N}))?(?P<path>/[\w./-]*)?",
    re.IGNORECASE,
)
_FILES = frozenset(
    "py js ts tsx jsx mjs go rs rb java kt cc cpp cs php sh sql md rst txt csv json xml html css"
    " yaml yml toml ini cfg conf env log lock pdf".split()
)
"""Ends of names of files: the number behind such a one is that of a line."""
_VERSION = re.compile(r"(?<=/)v\p{N}+(?:\.\p{N}+)*(?=/?\.?$)")
"""At the end of a path: below one version are many things."""


@dataclass(frozen=True, slots=True)
class Address:
    """What a text tells of one address."""

    ports: set[str] = field(default_factory=set[str])
    versions: set[str] = field(default_factory=set[str])
    """Of an interface, as they stand in its path: "v3"."""


def find_addresses(text: str, codes: Collection[str]) -> Mapping[str, Address]:
    """Host -> what a text tells of it.

    Args:
        text: Any.
        codes: Its numbers that may be ports: if it has one, and one address without, it is that's.
    """
    found = dict[str, Address]()
    for match in _ADDRESS.finditer(fold(text)):
        if match["last"] in _FILES:
            continue
        address = found.setdefault(match["host"], Address())
        if match["port"]:
            address.ports.add(match["port"])
        address.versions.update(_VERSION.findall(match["path"] or ""))
    if len(found) == len(codes) == 1:
        (address,) = found.values()
        address.ports.update(() if address.ports else codes)
    return found


def find_other_address(
    younger: Mapping[str, Address], older: Mapping[str, Address]
) -> OtherValue | None:
    """The port or version that a text gives an address otherwise than an older one; None if none.

    Each text gives it one: "http://10.0.4.12:8090", and not "http://10.0.4.12:8080".
    """
    for host, new in younger.items():
        old = older.get(host, Address())
        for mark, now, then in ((":", new.ports, old.ports), ("/", new.versions, old.versions)):
            if len(now) == len(then) == 1 and now != then:
                (then_only,), (now_only,) = then, now
                return OtherValue(f"{host}{mark}{then_only}", f"{host}{mark}{now_only}")
    return None


def without_addresses(text: str) -> str:
    """A text without the addresses of computers."""
    return _ADDRESS.sub(" ", text)
