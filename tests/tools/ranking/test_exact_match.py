"""Every script and every identifier is found by its exact term, first among look-alikes."""

from collections.abc import AsyncGenerator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tools.conftest import Desk, ids, notes, opened_desk

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.lance.store import open_store
from zettel.storage.notes import fold
from zettel.tools.ranking.signals import exact_share, find_exact_terms
from zettel.tools.state.memory import Memory

TOLD = (
    ("学习", "我们在学习东京的历史", "我们在研究东京的地图"),
    ("烏龍茶", "我們明天去台北喝烏龍茶", "我們明天去台北喝綠茶"),
    ("寿司", "田中さんは大阪で寿司を食べました", "田中さんは大阪でラーメンを食べました"),
    ("締め切り", "プロジェクトの締め切りは金曜日です", "プロジェクトの会議は金曜日です"),
    ("부산", "민수는 부산에서 검색엔진을 만든다", "지수는 서울에서 번역기를 만든다"),
    ("пельмени", "Иван живёт в Омске и любит пельмени", "Иван живёт в Томске и любит борщ"),
    ("القاهرة", "سافرت ليلى إلى القاهرة في الربيع", "سافرت ليلى إلى بيروت في الربيع"),
    ("חיפה", "שרה גרה בחיפה", "שרה גרה בירושלים"),
    ("दिल्ली", "राधा को दिल्ली की चाय पसंद है", "राधा को मुंबई की कॉफ़ी पसंद है"),
    ("เชียงใหม่", "ไปกินข้าวที่เชียงใหม่กัน", "ไปกินข้าวที่ภูเก็ตกัน"),
    ("Αθήνα", "Ο Νίκος μένει στην Αθήνα", "Ο Νίκος μένει στην Πάτρα"),
    ("🦊", "The party had 🦊 stickers", "The party had 🐻 stickers"),
    ("👩‍💻", "Ana answered with 👩‍💻 again", "Ana answered with 👨‍🍳 again"),
    ("🇫🇷", "Flag day 🇫🇷 in Lyon", "Flag day 🇩🇪 in Bonn"),
    ("foo_bar", "Set foo_bar to 7 in the config", "Set foo_baz to 7 in the foo config of bar"),
    ("FOO_QUX", "Set foo_qux to 9 in the config", "Set foo to 9 in the qux config"),
    ("E1234", "The build failed with E1234 twice", "The build failed with E12345 twice, E1 too"),
    ("device 0019", "Flash page of device 0019 is worn", "Device 0012 is updated by the device"),
    ("order 88213", "Glue is in order 88213", "The order of May is an order of 88214 screws"),
    ("kube-proxy", "Restart kube-proxy on node 3", "The proxy of kube has a proxy, kube says"),
    ("v2.3.1", "We shipped v2.3.1 on Monday", "We shipped v2.3.10 on Monday after v2 and 3.1"),
    ("getUserById", "Call getUserById before it", "Call getUser by the id before it"),
    ("PROJ-1492", "Ticket PROJ-1492 blocks it", "Ticket PROJ-1493 blocks 1492 in PROJ"),
    (
        "/var/log/nginx/error.log",
        "Look into /var/log/nginx/error.log first",
        "Look into the error log of nginx, in /var/log/apache/error.log",
    ),
    (
        "https://docs.example.org/guide/setup?v=2#top",
        "Docs live at https://docs.example.org/guide/setup?v=2#top now",
        "Docs live at https://docs.example.org/guide/intro?v=2#top now",
    ),
    ("ana.silva@example.org", "Write to ana.silva@example.org", "Write to ana@silva.example.org"),
    ("10.0.0.12", "The gateway is 10.0.0.12 now", "The gateway is 10.0.0.121 now, not 12"),
    ("IPHONE", "The iPhone is on the desk", "The phone is on the desk"),
    ("C++", "c++ is used there", "c is used there"),
)
"""Term, the note that holds it, a note that all but holds it and is told later."""


@pytest.fixture(scope="module")
async def library(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Desk]:
    """A desk over LanceDB on which all of it was told."""
    embedder, place = HashEmbedder(), tmp_path_factory.mktemp("library") / "store"
    store = await open_store(str(place), model_id=embedder.model_id, dim=embedder.dim)
    async with opened_desk(Memory(store=store, embedder=embedder)) as opened:
        for _, meant, other in TOLD:
            await opened.told(meant)
            await opened.told(other)
        yield opened
    await store.close()


@pytest.mark.parametrize(("term", "meant", "_other"), TOLD)
async def test_a_note_is_found_first_by_its_exact_term(
    library: Desk, term: str, meant: str, _other: str
) -> None:
    answer = await library("recall", query=term, limit=3)

    assert notes(answer)[0]["content"] == meant


@pytest.mark.parametrize(
    ("question", "content"),
    [
        ("Why did E1234 come up on Monday?", "The build failed with E1234 twice"),
        ("What do we do with the setting foo_bar?", "Set foo_bar to 7 in the config"),
        ("who reads ana.silva@example.org?", "Write to ana.silva@example.org"),
        ("When was “v2.3.1” shipped", "We shipped v2.3.1 on Monday"),
    ],
)
async def test_an_identifier_in_a_question_is_meant_to_the_letter(
    library: Desk, question: str, content: str
) -> None:
    answer = await library("recall", query=question, detail="full")

    first = notes(answer)[0]
    assert first["content"] == content
    assert "exact" in str(first["signals"])
    assert len(ids(answer)) > 1


@pytest.mark.parametrize("asked", ["LH1234", "LH-1234", "lh_1234"])
async def test_a_code_is_found_however_its_parts_are_joined(desk: Desk, asked: str) -> None:
    meant = await desk.told("LH 1234 leaves Bergen, the bags are paid")
    for code in ("LH 1235", "LH 12345", "LX 1234", "KL 2341"):
        await desk.told(f"{code} leaves at 9:40 from gate B4 in the morning")

    found = await desk("recall", query=f"When does {asked} leave?", detail="full")

    assert ids(found)[0] == meant
    assert ["exact" in str(note["signals"]) for note in notes(found)].count(True) == 1

    literal = await desk.told(f"{asked} is cancelled")

    assert ids(await desk("recall", query=f"When does {asked} leave?"))[0] == literal


@pytest.mark.parametrize(
    ("question", "terms"),
    [
        ("What did Ana paint in May 2023?", ()),
        ("Is self-care what Ben's co-worker meant?", ()),
        ("kube-proxy", ("kube-proxy",)),
        ("Does kube-proxy use 10.0.0.12?", ("10.0.0.12",)),
        ('Who read "Becoming Nicole" twice?', ("becoming nicole",)),
        ("see (src/app.py), please.", ("src/app.py",)),
        ("東京", ("東京",)),
        ("スクリーンショット", ("スクリーンショット",)),
        ("部署窗口是周二和周四", ()),
        ("「部署窗口是周二和周四」", ("部署窗口是周二和周四",)),
        ("Did he run 5k at 10am on Aug 8th and/or see the U.S. with J.K. at McGee's?", ("mcgee",)),
        ("", ()),
        (" ?! ", ()),
    ],
)
def test_only_what_is_written_as_a_term_is_meant_to_the_letter(
    question: str, terms: tuple[str, ...]
) -> None:
    assert find_exact_terms(question) == terms


words = st.text(min_size=1, max_size=12).filter(lambda text: fold(text) != "")


@given(before=words, term=words, after=words)
def test_the_share_of_terms_held_is_a_share(before: str, term: str, after: str) -> None:
    terms = find_exact_terms(term)
    if terms:
        assert exact_share(terms, f"{before} {term} {after}") in {
            0.0,
            *(n / len(terms) for n in range(9)),
        }
        assert exact_share(terms, "") == 0.0
    whole = (fold(term),)
    assert exact_share(whole, f"{before} {term} {after}") == 1.0 or not term.strip()
