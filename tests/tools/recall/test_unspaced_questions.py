"""Questions in Chinese and Japanese, whose words stand without spaces."""

import pytest
from tests.tools.conftest import Desk, ids, pick

OTHERS = ("The kiln is cold", "Ana sings alto", "We bought bread")


async def told_beside_others(desk: Desk, *contents: str) -> list[str]:
    """Remember these after what has nothing to do with them."""
    for other in OTHERS:
        await desk.told(other)
    return [await desk.told(content) for content in contents]


@pytest.mark.parametrize(
    ("note", "question"),
    [
        ("12月去北京出差，5号回来", "12月有哪些安排？"),
        ("12月3日に大阪へ出張の予定です", "12月の予定を教えて。"),
        ("10月の家賃は8万円でした", "10月の家賃はいくらでしたか？"),
        ("12月4日に歯医者の予定です", "１２月４日の予定は？"),
        ("5432端口还在用，数据库在上面", "5432端口还在用吗？"),
        ("21岁的实习生叫小林", "21岁的实习生叫什么？"),
        ("房租是13500元", "房租是13500元吗？"),
        ("22歳の新人は佐藤さんです", "22歳の新人は誰ですか？"),
        ("棚12台の見積もりは山口木工に頼む", "棚12台の見積もりはどこに頼む？"),
    ],
)
async def test_months_ages_and_amounts_beside_letters_are_no_unknown_codes(
    desk: Desk, note: str, question: str
) -> None:
    [asked] = await told_beside_others(desk, note)

    answer = await desk("recall", query=question)

    assert asked in ids(answer)
    assert "No note mentions" not in str(answer.get("reason", ""))


@pytest.mark.parametrize(
    ("note", "question", "unknown"),
    [
        ("工单RNK-412的状态是已关闭", "RNK-412的状态是什么？", ""),
        ("工单RNK-412的状态是已关闭", "RNK-377的状态是什么？", "RNK-377"),
        ("チケットRNK-412は完了しました", "RNK-412は完了しましたか？", ""),
        ("チケットRNK-412は完了しました", "RNK-377は完了しましたか？", "RNK-377"),
    ],
)
async def test_a_latin_code_inside_other_letters_is_still_one(
    desk: Desk, note: str, question: str, unknown: str
) -> None:
    await told_beside_others(desk, note)

    answer = await desk("recall", query=question)

    told = str(answer.get("reason", ""))
    assert (f"No note mentions {unknown};" in told) if unknown else ("mentions" not in told)


@pytest.mark.parametrize("asked", ["大野くん", "大野さん", "大野翔太さん"])
async def test_anothers_birthday_is_not_that_of_a_name_before_an_honorific(
    desk: Desk, asked: str
) -> None:
    await told_beside_others(desk, "ひなたの誕生日は12月3日", "大野くんは空手を習っている")

    answer = await desk("recall", query=f"{asked}の誕生日はいつですか？")

    assert answer["verdict"] != "found"
    assert "states the birthday" in str(answer["reason"])


@pytest.mark.parametrize(
    ("question", "verdict"),
    [("赵一鸣的生日是哪天？", "found"), ("林晓峰的生日是哪天？", "uncertain")],
)
async def test_anothers_birthday_is_not_that_of_a_name_led_by_a_surname(
    desk: Desk, question: str, verdict: str
) -> None:
    await told_beside_others(desk, "赵一鸣的生日是12月3日", "林晓峰在学空手道")

    answer = await desk("recall", query=question)

    assert answer["verdict"] == verdict


@pytest.mark.parametrize(
    ("note", "question"),
    [
        ("母の電話は090-1234-5678です", "お母さんの電話番号は？"),
        ("仕様書の場所は棚の上です", "仕様書の場所はどこですか？"),
        ("毛巾放在柜子里", "毛巾在哪里？"),
    ],
)
async def test_who_somebody_is_to_others_and_plain_words_are_no_names(
    desk: Desk, note: str, question: str
) -> None:
    await told_beside_others(desk, note)

    answer = await desk("recall", query=question)

    assert "mentions" not in str(answer.get("reason", ""))


@pytest.mark.parametrize("asked", ["周敏", "赵一鸣"])
async def test_who_somebody_is_whom_a_note_calls_so_is_all_about_them(
    desk: Desk, asked: str
) -> None:
    contents = ("我的新同事叫周敏，她负责前端", "室友叫赵一鸣。", "周三去医院", "周末去爬山")
    told = await told_beside_others(desk, *contents)

    answer = await desk("recall", query=f"{asked}是谁？")

    assert pick(answer, "about", "names") == [asked]
    assert ids(answer) == [told[0] if asked == "周敏" else told[1]]


async def test_a_day_that_begins_like_a_surname_is_nobody(desk: Desk) -> None:
    await told_beside_others(desk, "周三去医院", "周末去爬山")

    answer = await desk("recall", query="周三是谁？")

    assert "about" not in answer


async def test_a_whole_name_and_the_familys_name_before_an_honorific_are_one(desk: Desk) -> None:
    told = await told_beside_others(
        desk, "木村健太さんは営業部です", "木村さんは京都に住んでいる", "中村さんは経理です"
    )

    for asked in ("木村健太さん", "木村さん"):
        answer = await desk("recall", query=f"{asked}について全部教えて")

        assert set(ids(answer)) == set(told[:2]), asked


@pytest.mark.parametrize(
    ("told", "name", "asked"),
    [
        ("我叫陈思远，是产品经理", "陈思远", "陈思远是谁？"),
        ("我叫陈思远，是产品经理", "陈思远", "我叫什么名字？"),
        ("私の名前は藤原美咲で、京都に住んでいます", "藤原美咲", "藤原美咲さんは誰ですか？"),
        ("私の名前は藤原美咲で、京都に住んでいます", "藤原美咲", "私の名前は何ですか？"),
    ],
)
async def test_who_tells_their_name_is_the_user(
    desk: Desk, told: str, name: str, asked: str
) -> None:
    [named, other] = await told_beside_others(desk, told, f"{name}: 13500")

    for question in ({"subject": "user"}, {"subject": name}, {"query": asked}):
        answer = await desk("recall", **question)
        assert ids(answer) == [named, other], question
        assert pick(answer, "about", "names") == [name]


@pytest.mark.parametrize(
    ("notes_told", "question", "reason"),
    [
        (
            ("吴医生周三休息", "赵一鸣的电话是13812345678"),
            "吴医生的电话是多少？",
            "No note about 吴 states the phone number",
        ),
        (
            ("赵一鸣在杭州做设计", "房租是4500元"),
            "赵一鸣工资多少？",
            "No note about 赵一鸣 states the amount of money",
        ),
        (("朵朵今年六岁", "书架高两米"), "朵朵多高？", "states the height"),
        (
            ("Frau Özdemir putzt am Montag",),
            "Wie heißt der Mann von Frau Özdemir?",
            "No note states the spouse",
        ),
    ],
)
async def test_what_nobody_told_is_said_to_be_untold(
    desk: Desk, notes_told: tuple[str, ...], question: str, reason: str
) -> None:
    await told_beside_others(desk, *notes_told)

    answer = await desk("recall", query=question)

    assert answer["verdict"] == "uncertain"
    assert reason in str(answer["reason"])


@pytest.mark.parametrize(
    ("note", "question"),
    [
        ("收银服务器改用6543端口", "What port does the till server use?"),
        ("サーバーのバックアップは毎晩3時です", "When does the server back up?"),
        ("周四下午三点看牙医", "When is my next dentist appointment?"),
    ],
)
async def test_what_a_note_in_another_script_states_is_not_said_to_be_untold(
    desk: Desk, note: str, question: str
) -> None:
    await told_beside_others(desk, note)

    answer = await desk("recall", query=question)

    assert "states" not in str(answer.get("reason", ""))
