"""The vocabulary of a full-text index, read from the bytes that Lance wrote."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# (pyarrow ships no types, pylance some)

from pathlib import Path
from tempfile import TemporaryDirectory

import lance
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lance.file import LanceFileReader

from zettel.storage.verify.fst import FstError, read_keys

words = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=12)


def transducer(vocabulary: set[str]) -> bytes:
    """What Lance keeps of these words."""
    with TemporaryDirectory() as folder:
        table = pa.table({"text": [" ".join(sorted(vocabulary))]})
        dataset = lance.write_dataset(table, Path(folder, "words.lance").as_uri())
        dataset.create_scalar_index(
            "text",
            "INVERTED",
            base_tokenizer="whitespace",
            lower_case=False,
            stem=False,
            remove_stop_words=False,
            ascii_folding=False,
            max_token_length=None,
        )
        (tokens,) = Path(folder).rglob("part_*_tokens.lance")
        read = LanceFileReader(tokens.as_uri()).read_all().to_table()
    (raw,) = read["_token_fst_bytes"].to_pylist()
    return raw


@settings(max_examples=25, deadline=None)
@given(st.sets(words, min_size=1, max_size=60))
@example({chr(code) for code in range(0x21, 0x7F)})
@example({chr(code) for code in range(0x4E00, 0x4E00 + 600)})
@example({"a", "ab", "abc", "b", "bc", "xbc"})
@example({"x" * 3000})
def test_all_words_of_a_vocabulary_are_read_and_no_others(vocabulary: set[str]) -> None:
    assert {key.decode() for key in read_keys(transducer(vocabulary))} == vocabulary


def test_a_node_of_every_byte_is_read() -> None:
    # No UTF-8 has such a node; it is written as the crate would.
    inputs = bytes(range(256))
    node = bytes(256) + inputs[::-1] + inputs + bytes((0x10, 1, 0x00))
    root = 16 + len(node) - 1
    numbers = b"".join(n.to_bytes(8, "little") for n in (3, 0))
    footer = b"".join(n.to_bytes(8, "little") for n in (256, root)) + bytes(4)

    assert read_keys(numbers + node + footer) == {bytes((byte,)) for byte in inputs}


def test_no_word_stands_in_it_as_it_is() -> None:
    raw = transducer({"zanzibar", "zebra", "cinnabar", "sugar"})

    assert b"zanzibar" not in raw
    assert b"zanzibar" in read_keys(raw)


@pytest.mark.parametrize("cut", [0, 10, 30])
def test_what_is_no_whole_transducer_is_refused(cut: int) -> None:
    raw = transducer({"zanzibar", "zebra"})

    with pytest.raises(FstError):
        read_keys(raw[:cut])


def test_another_format_and_a_wrong_count_are_refused() -> None:
    raw = transducer({"zanzibar", "zebra"})
    for damaged in (
        (4).to_bytes(8, "little") + raw[8:],
        raw[:-20] + (3).to_bytes(8, "little") + raw[-12:],
        raw[:-20] + (1).to_bytes(8, "little") + raw[-12:],
        raw[:-12] + (10**6).to_bytes(8, "little") + raw[-4:],
    ):
        with pytest.raises(FstError):
            read_keys(damaged)
