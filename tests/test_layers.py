"""Rules that only the source can show: which package imports which."""

import ast
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.package_graph import (
    LEVEL_OF,
    ROOMS,
    ROOT,
    deepest_chain,
    modules,
    package_of,
    single_importer_modules,
    tree,
    two_way_pairs,
    upward_imports,
)

MAX_CHAIN = 14
"""Modules in the longest chain of imports."""
MAX_SINGLE = 0.25
"""Share of files with exactly one importer: an idea with one user stays with its user."""
SAME_IN_TWO_PLACES = {"ENGINE_FOLDER"}
"""The engine's attachment must not import storage, and the doctor of storage not the server."""


def room_files(room: str) -> list[Path]:
    return sorted((ROOT / room / "zettel").rglob("*.py"))


def product_files() -> list[Path]:
    return [file for room in ROOMS for file in room_files(room)]


@cache
def imported_names(file: Path) -> frozenset[str]:
    """Dotted names of everything a file imports, wherever in the file."""
    return frozenset(_imported_names(file))


def _imported_names(file: Path) -> Iterator[str]:
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")
            yield from (f"{node.module}.{alias.name}" for alias in node.names if not node.level)


def importers(*libraries: str) -> set[str]:
    """Product files, as `room/path.py` below their package, that import one of these libraries."""
    return {
        f"{room}/{file.relative_to(ROOT / room / 'zettel' / room).as_posix()}"
        for room in ROOMS
        for file in room_files(room)
        if any(name.split(".")[0] in libraries for name in imported_names(file))
    }


def test_there_is_product_code_in_each_room() -> None:
    assert all(len(room_files(room)) > 1 for room in ROOMS)


def test_every_package_has_a_level_and_every_level_its_packages() -> None:
    packages = {package_of(module) for module in modules()}
    # Folders that only hold packages have no module but their docstring.
    empty = {"server.transports"}

    assert packages - empty == LEVEL_OF.keys()


def test_a_package_imports_only_packages_on_lower_levels() -> None:
    assert upward_imports() == []


def test_no_two_packages_import_each_other() -> None:
    assert two_way_pairs() == []


def test_the_longest_chain_of_imports_stays_short() -> None:
    chain = deepest_chain()

    assert len(chain) <= MAX_CHAIN, " > ".join(chain)


def test_few_files_have_exactly_one_importer() -> None:
    files = [file for file in modules().values() if file.name != "__init__.py"]

    assert len(single_importer_modules()) <= MAX_SINGLE * len(files)


def defined_names(file: Path) -> Iterator[str]:
    """Public classes, constants and types of a module."""
    for node in tree(file).body:
        if isinstance(node, ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (target.id for target in targets if isinstance(target, ast.Name))


def test_no_class_or_constant_has_a_name_with_two_meanings() -> None:
    counts = Counter(
        name
        for file in product_files()
        for name in set(defined_names(file))
        if not name.startswith("_") and name != "logger"
    )

    assert {name for name, count in counts.items() if count > 1} == SAME_IN_TWO_PLACES


def test_imports_are_absolute() -> None:
    relative = [
        str(file.relative_to(ROOT))
        for file in product_files()
        if any(name.startswith(".") for name in imported_names(file))
    ]

    assert relative == []


def test_only_the_server_imports_mcp_and_the_web_libraries() -> None:
    users = importers("mcp", "mcp_types", "starlette", "uvicorn", "typer")

    assert users
    assert {user.split("/")[0] for user in users} == {"server"}


def test_only_the_page_imports_templates_and_the_layout_of_graphs() -> None:
    users = importers("jinja2", "markupsafe", "networkx")

    assert users
    assert all(user.startswith("server/page/") for user in users)


def test_only_storage_packages_of_lance_import_lancedb() -> None:
    users = importers("lancedb", "lance", "pyarrow")
    packages = ("lance", "backup", "doctor", "transfer", "verify")

    assert users
    assert {user.split("/")[1] for user in users} <= set(packages)
    assert {user.split("/")[0] for user in users} == {"storage"}


def test_one_file_lists_the_objects_of_an_object_store() -> None:
    assert importers("obstore") == {"storage/lance/store_files.py"}


def test_only_the_embedder_the_export_and_the_reranker_import_the_model_libraries() -> None:
    names = ("sentence_transformer", "cross_encoder", "torch_runtime", "onnx_export")

    users = importers("sentence_transformers", "transformers", "torch")

    assert users == {f"storage/embedding/{name}.py" for name in names}
    files = {"storage/embedding/bert_graph.py", "storage/embedding/onnx_export.py"}
    assert importers("onnx") == files
    assert importers("safetensors") == {"storage/embedding/bert_graph.py"}
    assert importers("onnxruntime") == {"storage/embedding/onnx_encoder.py"}


def test_only_the_clustering_of_concepts_imports_scikit_learn() -> None:
    assert importers("sklearn", "scipy") == {"tools/evolve/consolidate/concepts.py"}


def test_nothing_imports_the_program_that_loads_torch_to_export() -> None:
    program = "zettel.storage.embedding.onnx_export"

    assert [str(file) for file in product_files() if program in imported_names(file)] == []


def test_only_the_scanner_of_secrets_imports_its_rules() -> None:
    assert importers("kingfisher_sdk") == {"tools/secrets/scanner.py"}


def test_only_the_llm_client_imports_openai() -> None:
    assert importers("openai") == {"tools/llm/openai_client.py"}


def test_only_the_llm_client_and_the_issuers_keys_open_connections() -> None:
    assert importers("httpx2") == {"tools/llm/openai_client.py", "server/auth/oauth.py"}


def test_one_file_each_imports_the_libraries_of_signed_tokens_and_certificates() -> None:
    assert importers("jwt") == {"server/auth/oauth.py"}
    assert importers("cryptography") == {"server/config/preflight/serving.py"}


def test_only_the_http_server_counts_metrics() -> None:
    metrics = "zettel.server.transports.http.metrics.Metrics"

    assert importers("prometheus_client") == {"server/transports/http/metrics.py"}
    # An engine without HTTP, and stdio, must not pay for figures that are never read.
    users = {
        str(file.relative_to(ROOT / "server" / "zettel" / "server"))
        for file in product_files()
        if metrics in imported_names(file)
    }
    assert users == {"transports/http/app.py", "commands/serve.py"}


def test_only_observability_and_the_parts_of_a_call_import_opentelemetry() -> None:
    files = {"server/observability/request_log.py", "server/observability/tracing.py"}

    assert importers("opentelemetry") == {*files, "tools/tracing.py"}


def test_only_the_reader_of_a_stores_files_imports_the_decoder() -> None:
    assert importers("lance") == {"storage/verify/lance_reader.py"}


def test_the_llm_client_is_imported_late_everywhere() -> None:
    at_the_top = [
        str(file.relative_to(ROOT))
        for file in product_files()
        for node in tree(file).body
        if isinstance(node, ast.ImportFrom) and node.module == "zettel.tools.llm.openai_client"
    ]

    assert at_the_top == []


def test_the_namespace_has_no_init_file() -> None:
    assert [str(path) for room in ROOMS for path in (ROOT / room).glob("zettel/__init__.*")] == []


def test_each_package_says_that_it_is_typed() -> None:
    assert all((ROOT / room / "zettel" / room / "py.typed").is_file() for room in ROOMS)


def test_nothing_prints_because_stdout_is_the_protocol() -> None:
    printing = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in product_files()
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"print", "input"}
    ]

    assert printing == []


def test_no_block_of_except_star_raises_because_older_pythons_wrap_it_in_a_group() -> None:
    # CPython before 3.11.4 (gh-103590), which Debian 12 has; later ones raise the error itself.
    raising = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in product_files()
        for block in ast.walk(tree(file))
        if isinstance(block, ast.TryStar)
        for handler in block.handlers
        for node in ast.walk(handler)
        if isinstance(node, ast.Raise)
    ]

    assert raising == []
