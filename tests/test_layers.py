"""Rules that only the source can show: who imports whom."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
LAYERS = ("storage", "tools", "server")
"""Each may import itself and those before it."""


def layer_files(layer: str) -> list[Path]:
    return sorted((ROOT / layer / "zettel").rglob("*.py"))


def product_files() -> list[Path]:
    return [file for layer in LAYERS for file in layer_files(layer)]


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), filename=str(file))


def imports(file: Path) -> Iterator[str]:
    """Dotted names of everything a file imports, wherever in the file."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")
            yield from (f"{node.module}.{alias.name}" for alias in node.names if not node.level)


def importers(*libraries: str) -> set[str]:
    """Product files, as `layer/path.py` below their package, that import one of these libraries."""
    return {
        f"{layer}/{file.relative_to(ROOT / layer / 'zettel' / layer).as_posix()}"
        for layer in LAYERS
        for file in layer_files(layer)
        if any(name.split(".")[0] in libraries for name in imports(file))
    }


def test_there_is_product_code_in_each_layer() -> None:
    assert all(len(layer_files(layer)) > 1 for layer in LAYERS)


def test_a_layer_imports_only_those_below_it() -> None:
    upward = [
        f"{file.relative_to(ROOT)} imports {name}"
        for at, layer in enumerate(LAYERS)
        for file in layer_files(layer)
        for name in imports(file)
        for above in LAYERS[at + 1 :]
        if name == f"zettel.{above}" or name.startswith(f"zettel.{above}.")
    ]

    assert upward == []


def test_imports_are_absolute() -> None:
    relative = [
        str(file.relative_to(ROOT))
        for file in product_files()
        if any(name.startswith(".") for name in imports(file))
    ]

    assert relative == []


def test_only_the_server_knows_mcp() -> None:
    users = importers("mcp", "mcp_types", "starlette", "uvicorn", "typer")

    assert users
    assert {user.split("/")[0] for user in users} == {"server"}


def test_only_the_lance_files_know_lancedb() -> None:
    users = importers("lancedb", "lance", "pyarrow")

    assert users
    assert all(
        user.startswith(("storage/lance/", "storage/backup/", "storage/doctor/", "storage/verify/"))
        for user in users
    )


def test_only_the_embedder_and_the_reranker_know_the_model_library() -> None:
    users = importers("sentence_transformers", "transformers", "torch")

    names = ("sentence_transformer", "cross_encoder", "torch_runtime")
    assert users == {f"storage/embedding/{name}.py" for name in names}


def test_only_the_chat_knows_the_llm_client() -> None:
    assert importers("openai") == {"tools/llm/openai_client.py"}


def test_only_the_chat_and_the_keys_of_an_issuer_open_connections() -> None:
    assert importers("httpx2") == {"tools/llm/openai_client.py", "server/issuer_keys.py"}


def test_only_one_file_each_knows_the_libraries_of_signed_tokens_and_certificates() -> None:
    assert importers("jwt") == {"server/access_jwt.py"}
    assert importers("cryptography") == {"server/tls.py"}


def test_only_the_server_that_shows_figures_counts_them() -> None:
    assert importers("prometheus_client") == {"server/metrics.py"}
    # An engine without HTTP, and stdio, must not pay for what nobody reads.
    users = {
        file.name for file in product_files() if "zettel.server.metrics.Metrics" in imports(file)
    }
    assert users == {"http.py", "serve.py"}


def test_only_what_observes_knows_the_spans() -> None:
    files = {"server/observed.py", "server/spans.py", "server/telemetry.py"}

    assert importers("opentelemetry") == files


def test_only_what_decodes_a_stores_files_knows_the_decoder() -> None:
    assert importers("lance") == {"storage/verify/lance_reader.py"}


def test_the_llm_client_is_loaded_by_nobody_at_the_top() -> None:
    at_the_top = [
        str(file.relative_to(ROOT))
        for file in product_files()
        for node in tree(file).body
        if isinstance(node, ast.ImportFrom) and node.module == "zettel.tools.llm.openai_client"
    ]

    assert at_the_top == []


def test_the_namespace_has_no_init_file() -> None:
    assert [
        str(path) for layer in LAYERS for path in (ROOT / layer).glob("zettel/__init__.*")
    ] == []


def test_each_package_says_that_it_is_typed() -> None:
    assert all((ROOT / layer / "zettel" / layer / "py.typed").is_file() for layer in LAYERS)


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
