"""The import graph of the product, read from its source.

`make graph` prints it; `tests/test_layers.py` holds it to `LEVELS`.
"""

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = ("storage", "tools", "server")
"""The source roots; each may import itself and those before it."""

LEVELS: tuple[tuple[str, ...], ...] = (
    ("storage.text", "server.engine.ipc"),
    ("storage",),
    (
        "storage.embedding",
        "storage.erasure",
        "storage.verify",
        "storage.lance.cache",
        "tools.language",
        "tools.llm",
        "server.observability",
    ),
    ("storage.lance", "storage.tenancy", "tools", "tools.evolve.writing"),
    (
        "storage.backup",
        "storage.doctor",
        "tools.ranking",
        "tools.secrets",
        "server.config",
        "server.protocol",
    ),
    ("storage.transfer", "tools.state"),
    ("tools.changes",),
    ("tools.erasure", "tools.recall", "tools.evolve.steps"),
    ("tools.verbs", "tools.evolve.consolidate"),
    ("tools.evolve", "tools.imports", "tools.views"),
    ("tools.doctor", "tools.vault"),
    ("server.runtime",),
    ("server.transports.stdio", "server.transports.http.limits"),
    ("server.transports.http", "server.engine.attachment"),
    ("server.auth", "server.page"),
    ("server.config.preflight",),
    ("server.engine",),
    ("server.commands",),
    ("server.cli",),
    ("server",),
    ("",),
)
"""Packages by level, the lowest first: a package imports only packages on lower levels."""

LEVEL_OF = {package: level for level, row in enumerate(LEVELS, 1) for package in row}


@dataclass(frozen=True, kw_only=True)
class Import:
    """One module imports another."""

    importer: str
    imported: str
    late: bool
    """Inside a function, not when the module is loaded."""


@cache
def modules() -> Mapping[str, Path]:
    """Every product module by its dotted name."""
    return {
        ".".join(file.relative_to(ROOT / room).with_suffix("").parts).removesuffix(".__init__"): (
            file
        )
        for room in ROOMS
        for file in sorted((ROOT / room / "zettel").rglob("*.py"))
    }


@cache
def tree(file: Path) -> ast.Module:
    """The parsed source of a file."""
    return ast.parse(file.read_text(encoding="utf-8"), filename=str(file))


def package_of(module: str) -> str:
    """The package a module belongs to, without the leading `zettel`."""
    inside = modules()[module].name == "__init__.py"
    package = module if inside else module.rpartition(".")[0]
    return package.removeprefix("zettel").removeprefix(".")


def _imported(node: ast.ImportFrom | ast.Import) -> Iterator[str]:
    known = modules()
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name in known)
        return
    for alias in node.names:
        submodule = f"{node.module}.{alias.name}"
        if submodule in known:
            yield submodule
        elif node.module and node.module in known:
            yield node.module


@cache
def imports() -> frozenset[Import]:
    """Every import of one product module by another."""
    return frozenset(
        Import(importer=module, imported=imported, late=node.col_offset > 0)
        for module, file in modules().items()
        for node in ast.walk(tree(file))
        if isinstance(node, ast.ImportFrom | ast.Import)
        for imported in _imported(node)
    )


@cache
def package_pairs() -> frozenset[tuple[str, str]]:
    """Pairs of packages of which the first imports the second, late imports included."""
    pairs = {(package_of(edge.importer), package_of(edge.imported)) for edge in imports()}
    return frozenset((one, other) for one, other in pairs if one != other)


def two_way_pairs() -> list[tuple[str, str]]:
    """Packages that import each other."""
    pairs = package_pairs()
    return sorted((one, other) for one, other in pairs if one < other and (other, one) in pairs)


def upward_imports() -> list[str]:
    """Imports of a package on the same or a higher level."""
    return sorted(
        f"{edge.importer} imports {edge.imported}{' late' if edge.late else ''}"
        for edge in imports()
        for one, other in [(package_of(edge.importer), package_of(edge.imported))]
        if one != other and LEVEL_OF[one] <= LEVEL_OF[other]
    )


def deepest_chain() -> list[str]:
    """The longest chain of modules that import each other when they are loaded.

    Raises:
        RecursionError: The imports have a cycle.
    """
    below = {module: list[str]() for module in modules()}
    for edge in imports():
        if not edge.late:
            below[edge.importer].append(edge.imported)

    @cache
    def chain(module: str) -> tuple[str, ...]:
        return (module, *max((chain(other) for other in below[module]), key=len, default=()))

    return list(max((chain(module) for module in sorted(below)), key=len))


def single_importer_modules() -> list[str]:
    """Modules with exactly one importer; packages' own files are not counted."""
    counts = Counter(
        imported for _, imported in {(edge.importer, edge.imported) for edge in imports()}
    )
    return sorted(
        module
        for module, file in modules().items()
        if file.name != "__init__.py" and counts[module] == 1
    )


def main() -> None:
    """Print the packages by level, what each imports, and the figures of the graph."""
    for level, row in enumerate(LEVELS, 1):
        for package in row:
            below = sorted(other for one, other in package_pairs() if one == package)
            print(f"{level:2}  {package or 'zettel':28} -> {', '.join(below)}")  # noqa: T201
    files = [file for file in modules().values() if file.name != "__init__.py"]
    lines = sum(len(file.read_text(encoding="utf-8").splitlines()) for file in modules().values())
    single, chain = single_importer_modules(), deepest_chain()
    for line in (
        f"two-way pairs of packages: {len(two_way_pairs())}",
        f"imports of the same or a higher level: {len(upward_imports())}",
        f"deepest chain of imports: {len(chain)} modules ({' > '.join(chain)})",
        f"files with exactly one importer: {len(single)} of {len(files)}"
        f" ({100 * len(single) / len(files):.0f} %)",
        f"lines: {lines:,} in {len(files)} files",
    ):
        print(line)  # noqa: T201


if __name__ == "__main__":
    main()
