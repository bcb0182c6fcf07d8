"""Which files of a folder of notes a person has renamed."""

from collections.abc import Iterable, Mapping
from contextlib import suppress

from zettel.tools.vault.manifest import Vault, VaultError, VaultManifest, paths_by_id
from zettel.tools.vault.note_file import parse


def find_renamed(vault: Vault, manifest: VaultManifest, paths: Iterable[str]) -> dict[str, str]:
    """New path -> path under which the manifest knows the file.

    A file is a renamed one if it has the id of a note whose own file is gone; of several such
    files the first.
    """
    there = frozenset(paths)
    gone = {i: path for i, path in paths_by_id(manifest.files).items() if path not in there}
    renamed = dict[str, str]()
    for path in sorted(there.difference(manifest.files)) if gone else ():
        with suppress(VaultError, ValueError):  # what cannot be read is no note's file
            read = parse((vault.read(path) or b"").decode())
            if old := gone.pop(read.fields.get("id", ""), ""):
                renamed[path] = old
    return renamed


def follow_renames(manifest: VaultManifest, renamed: Mapping[str, str]) -> None:
    """Have the manifest know renamed files by their new paths."""
    for path, old in renamed.items():
        manifest.files[path] = manifest.files.pop(old)
