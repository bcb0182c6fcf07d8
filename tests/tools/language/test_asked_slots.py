"""What a question asks for by name, and whether a text states such a thing."""

import time
import tomllib
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zettel.tools.language.asked_slots import (
    QUESTION_READ_CHARACTERS,
    TEXT_READ_CHARACTERS,
    Slot,
    find_asked_slots,
)

FOLDER = files("zettel.tools.language").joinpath("slot_words")


def judged(question: str) -> list[Slot]:
    return [slot for slot in find_asked_slots(question) if not slot.orders_only]


def ordering(question: str) -> dict[str, Slot]:
    return {slot.name: slot for slot in find_asked_slots(question) if slot.orders_only}


def asked(question: str) -> list[str]:
    return [slot.name for slot in judged(question)]


def only(question: str) -> Slot:
    (slot,) = judged(question)
    return slot


@pytest.mark.parametrize(
    ("question", "slot"),
    [
        ("When is Yuki's birthday?", "birthday"),
        ("Wann hat Tobias Geburtstag?", "birthday"),
        ("Quelle est sa date de naissance ?", "birthday"),
        ("¿Cuántos años tiene Luc?", "age"),
        ("安娜的生日是哪天?", "birthday"),
        ("アナの誕生日はいつですか", "birthday"),
        ("What is Okon's phone number?", "phone number"),
        ("okon grao telefono", "phone number"),
        ("telefono de rafa el gestor", "phone number"),
        ("ximo phone", "phone number"),
        ("What is Fraser's number?", "phone number"),
        ("Do we have a number for the plumber?", "phone number"),
        ("Wie ist Frasers Nummer?", "phone number"),
        ("die Nummer von Anna?", "phone number"),
        ("Quel est le numéro de Claire ?", "phone number"),
        ("¿Cuál es el número de Ana?", "phone number"),
        ("email of pau's carpenter maite", "e-mail address"),
        ("iban de la cuenta del sabadell", "iban"),
        ("What's the Wi-Fi password?", "password"),
        ("Was hat der Laptop gekostet?", "amount of money"),
        ("What does Tomasz earn?", "amount of money"),
        ("Was verdient Tomasz?", "amount of money"),
        ("Que gagne Tomasz ?", "amount of money"),
        ("¿Qué gana Tomás?", "amount of money"),
        ("田中さんの年収は？", "amount of money"),
        ("小王的工资是多少？", "amount of money"),
        ("What is the rate limit of the API?", "limit"),
        ("Why is Nils leaving the band?", "reason"),
        ("Warum hört Nils auf?", "reason"),
        ("Pourquoi part-il ?", "reason"),
        ("他为什么走?", "reason"),
        ("Since when has Tomasz been with the company?", "start"),
        ("Seit wann leitet Dagmar die Station?", "start"),
        ("What time does Rory's party end?", "end"),
        ("Until when is Ruth staying?", ""),
        ("What's the alarm code of the shop?", "code"),
        ("Which floor does Tomasz live on?", "floor"),
        ("Auf welcher Etage wohnen wir?", "floor"),
        ("What does Tamsin charge for coaching me?", "amount of money"),
        ("what are we paying for the pager at grafana", "amount of money"),
        ("was nimmt sabine pro stunde", "amount of money"),
        ("combien prend mlle Rosenthal pour une leçon ?", "amount of money"),
        ("le loyer de l'appart c'est combien", "amount of money"),
        ("numero de serie du boitier ?", "reference number"),
        ("What dose of the medicine am I on?", "dose"),
        ("What colour is the door?", "colour"),
        ("¿Cómo se apellida Ramón, el del catering?", "family name"),
        ("¿Qué apellido tiene Julián?", "family name"),
        ("Welchen Nachnamen hat Chloe?", "family name"),
        ("Chloé s'appelle comment de son nom de famille ?", ""),
        ("Comment s'appelle Chloé de son nom de famille ?", "family name"),
        ("¿Qué día nació Teo?", "birthday"),
        ("¿Cuándo cumple Teo?", "birthday"),
        ("What year was Teo born?", "birthday"),
        ("In welchem Jahr ist Teo geboren?", "birthday"),
        ("Quel jour Teo est-il né ?", "birthday"),
        ("¿Qué matrícula lleva el autocar?", "number plate"),
        ("How far along is the rework?", ""),
        ("How far are we with the rework?", ""),
        ("How far is each flag rolled out?", ""),
        ("How far is Jana with her thesis?", ""),
        ("How far are we from the mill?", "distance"),
        ("Qual é o seguro?", ""),
        ("Which tea does Ana like?", ""),
        ("Who pays Ana's salary?", ""),
    ],
)
def test_what_is_asked_for_by_name_is_known_in_each_language(question: str, slot: str) -> None:
    assert asked(question) == ([slot] if slot else [])


@pytest.mark.parametrize(
    ("question", "text", "stated"),
    [
        ("When is Ana's birthday?", "Ana was born on 14 August", True),
        ("When is Ana's birthday?", "Ana wird am 3. Mai 40, das ist ihr Geburtstag", True),
        ("When is Ana's birthday?", "Ana moved to Porto in January", False),
        ("What is Ana's phone number?", "Ana: +351 912 345 678", True),
        ("What is Ana's phone number?", "Ana has lived in Porto since 2021", False),
        ("What is Ana's phone number?", "Ana Diallo and Ben Dialysis are new in the team", False),
        ("What is Ana's phone number?", "To reach Ana, dial two zeros and ask for her", True),
        ("How much did the table cost?", "The vet took 84 euros", True),
        ("How much did the table cost?", "Pixel has to take Metacam for 5 days", False),
        ("What is Ana's home address?", "Ana ist nach 4053 Basel gezogen", True),
        ("Why is Nils leaving?", "Nils is out of Paper Harbour; Birgit is the drummer", False),
        ("Why is Nils leaving?", "Nils moves to Kiel, so Birgit is the drummer", True),
        ("Why is Nils leaving?", "Nils hört auf, weil er nach Kiel zieht", True),
        ("Since when is Ana ill? Since when?", "Ana has had the flu since Monday", True),
        ("What time does the party end?", "Party: Sunday at 14:00, nine children", False),
        ("What time does the party end?", "Party: Sunday 14:00–17:00", True),
        ("What's the alarm code of the shop?", "The shop opens at nine", False),
        ("What's the alarm code of the shop?", "Alarm: 4471, then the hash key", True),
        ("How far is the Ainsley job?", "The keys are on, two thirds", True),
        ("How far is the Ainsley job?", "Ainsley: 80 % of the keys", True),
        ("How far is the school?", "The school begins at half past eight", False),
        ("What dose do I take?", "50 micrograms every morning", True),
        ("How many bedrooms has the flat?", "The flat is on Mill Lane", False),
        ("What is Ana's home address?", "Since 2026 and until 2030 and later", False),
        ("What's Chloe's surname?", "Babysitter is Chloe; Mrs Adeyemi helps out", False),
        ("What's Chloe's surname?", "Chloe Baker sits on Fridays", True),
        ("What's Chloe's surname?", "Chloe (Marsh) sits with the children", True),
        ("What's Chloe's surname?", "Sitters: Baker, Chloe; Marsh, Ana", True),
        ("Wie heißt Chloe mit Nachnamen?", "Chloe kommt um acht", False),
        ("¿Cuál es el apellido de Ana?", "Ana López vive aquí", True),
        ("What's Frau Groth's first name?", "Frau Groth retires, then comes Lea Pfister", False),
        ("Wie heißt Frau Groth mit Vornamen?", "Gerda Groth zieht aus", True),
        ("What is Ana's e-mail address?", "Ana wants the papers by mail", False),
        ("What is Ana's e-mail address?", "Ana wants the papers by mail: ana@ex.org", True),
        ("What do we pay a month for the scanner?", "The scanner is leased until May", False),
        ("What did we pay for the bike?", "We gave Tom 120 for the bike", True),
        ("How much is the swimming course?", "The swimming course has ten Mondays", False),
        ("Why did the update fail?", "Bad CRC: it was a worn flash page, not our code", True),
        ("Why did the update fail?", "Bad CRC on one board, swapped on Monday", False),
        ("Which colour are the windows?", "Larch and aluminium, outside RAL 7039", True),
        ("Which colour are the windows?", "Larch and aluminium, 7039 pieces", False),
        ("¿De qué color son las servilletas?", "Las servilletas, verde claro", True),
        ("¿De qué color son las servilletas?", "Claire, Clara y Violet Rojas vienen", False),
        ("Which colour is the door?", "Rosario rotates the keys. Hello Rose!", False),
        ("Which colour is the door?", "Die Tür ist rot, die Fenster hellgrau", True),
        ("Which colour is the door?", "Die Haustür ist rotbraun", True),
        ("Which colour is the door?", "Boathouse door: Violet", True),
        ("Which colour is the door?", "Claire & Tobias: Claire decided on the door", False),
        ("Which colour is the door?", "Die Tür: hellorange", True),
        ("¿De qué color son las servilletas?", "SERVILLETAS: ROJAS", True),
        ("¿Cómo se apellida Ramón?", "Ramón le ha dado 92 € por cubierto", False),
        ("¿Cómo se apellida Ramón?", "El catering lo lleva Ramón Vidal", True),
        ("What is the van's number plate?", "The white Transvan, reg WX18 KPL", True),
        ("What is the van's number plate?", "The white Transvan, a regular guest", False),
    ],
)
def test_a_text_states_it_in_any_language_or_by_a_value_of_its_form(
    question: str, text: str, stated: bool
) -> None:
    assert only(question).is_stated(text) is stated


@pytest.mark.parametrize(
    ("text", "states"),
    [
        ("Jonas: 061 555 27 19", True),
        ("Jonas: 01.44.55.66.77", True),
        ("The plotter answers at 192.168.14.52; Jonas put a sticker on it.", False),
        ("Jonas comes on 2026-03-12.", False),
    ],
)
def test_a_machines_address_and_a_day_are_no_phone_number(text: str, states: bool) -> None:
    assert only("What is Jonas's mobile number?").is_stated(text) is states


def test_whatever_is_asked_for_in_a_language_has_an_english_table() -> None:
    texts = {
        file.name: file.read_text(encoding="utf-8")
        for file in FOLDER.iterdir()
        if file.name.endswith(".toml")
    }
    english = tomllib.loads(texts["en.toml"])

    assert all(table["asks"] and table["states"] for table in english.values())
    for name, text in texts.items():
        assert set(tomllib.loads(text)) - {"inside"} <= set(english), name
        assert name == "en.toml" or "person = " not in text, name
        assert name == "en.toml" or "orders_only = " not in text, name


def test_whatever_the_verdict_may_call_unstated_can_be_stated_in_each_language() -> None:
    tables = {
        file.name: tomllib.loads(file.read_text(encoding="utf-8"))
        for file in FOLDER.iterdir()
        if file.name.endswith(".toml") and file.name != "any.toml"
    }
    judged = {name for name, table in tables["en.toml"].items() if not table.get("orders_only")}

    for file, table in tables.items():
        assert {name for name in judged if not table.get(name, {}).get("states")} == set(), file


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("What port does the till server use?", "收银服务器改用6543端口"),
        ("What port does the till server use?", "レジのサーバーは6543番ポートに変えました"),
        ("When does the server back up?", "服务器每天凌晨三点自动备份"),
        ("When does the server back up?", "サーバーのバックアップは毎晩3時です"),
        ("When is my next dentist appointment?", "周四下午三点看牙医"),
        ("When is my next dentist appointment?", "木曜の午後3時に歯医者です"),
        ("What colour is the door?", "Дверь, 门是红色的"),
        ("Is it still under guarantee?", "保修到明年五月"),
        ("What discount do we get?", "Wir bekommen zehn Prozent Rabatt"),
        ("What is the dress code?", "Il faut venir en tenue de soirée"),
        ("How far is the school?", "La escuela está cerca"),
        ("Why did the server fail?", "Ursache war ein Speicherleck"),
    ],
)
def test_a_note_in_another_language_than_the_question_states_it(question: str, text: str) -> None:
    assert only(question).is_stated(text)


@pytest.mark.parametrize(
    ("question", "slot", "stating", "other"),
    [
        ("吴医生的电话是多少？", "phone number", "吴医生的手机是一三八", "吴医生周三休息"),
        (
            "email of jonas",
            "e-mail address",
            "Jonas: jonas@kiln.example",
            "We send e-mail through Postmark, so Jonas gets it",
        ),
        (
            "iban de la cuenta del sabadell",
            "iban",
            "Sabadell: ES91 2100 0418 4502 0005 1332",
            "Dos cuentas: Sabadell para proveedores, otra para nóminas",
        ),
        ("赵一鸣工资多少？", "amount of money", "赵一鸣月薪一万二", "赵一鸣元旦去了欧洲"),
        ("朵朵多高？", "height", "朵朵一米二了", "朵朵今天很高兴"),
        ("林晓峰的妻子叫什么名字？", "spouse", "林晓峰娶了王芳", "林晓峰是设计师"),
        (
            "木村さんの奥さんの名前は何ですか？",
            "spouse",
            "木村さんは恵子さんと結婚した",
            "木村さんは京都の人",
        ),
        ("西田さんの夫の名前は？", "spouse", "西田さんの旦那は健さん", "西田さんは看護師です"),
        ("ひなたの身長は？", "height", "ひなたは120センチになった", "ひなたは空手を習う"),
        (
            "Wie heißt der Mann von Frau Özdemir?",
            "spouse",
            "Ihr Mann heißt Cem",
            "Frau Özdemir putzt",
        ),
        ("Wer ist die Frau von Thomas?", "spouse", "Thomas’ Frau Lena singt", "Frau Lenz singt"),
        ("Wie teuer ist Zammad?", "amount of money", "Zammad: 40 Euro", "Zammad läuft gut"),
        (
            "Wie hoch sind die Kosten für Zammad?",
            "amount of money",
            "Zammad ist gratis",
            "Zammad läuft",
        ),
        ("Which blood group is Otto?", "blood type", "Otto is 0+", "Otto's blood test was fine"),
        ("Which blood group is Otto?", "blood type", "Otto: O neg", "Otto got 10 negative reviews"),
        ("Which blood group is Otto?", "blood type", "Otto: A rh pos", "Plan A positively"),
        ("Welche Blutgruppe hat Otto?", "blood type", "Otto: B neg", "Otto spendet Blut"),
        ("血型是什么？", "blood type", "他是AB型", "验血结果正常"),
        ("What is the rent in Hangzhou?", "amount of money", "4,200 yuan", "due on the 5th"),
        ("Was ist die IP-Adresse des Mailservers?", "address", "mail: 10.0.0.7", "mail läuft"),
        (
            "Quelle est l'adresse IP du serveur ?",
            "address",
            "serveur : 10.0.0.7",
            "le serveur tourne",
        ),
    ],
)
def test_what_is_asked_of_somebody_is_no_more_stated_by_a_title_or_a_like_word(
    question: str, slot: str, stating: str, other: str
) -> None:
    assert asked(question) == [slot]
    assert only(question).is_stated(stating)
    assert not only(question).is_stated(other)


@pytest.mark.parametrize(
    ("whose", "of_something_else"),
    [
        ("When is Derya's wedding?", "Where are Niamh and Tobias getting married?"),
        ("Does Ana marry Ben?", "Who takes the photographs at the wedding?"),
        ("Wann heiratet Derya?", "Wo feiern wir die Hochzeit?"),
        ("Quand est le mariage de Zoé ?", "Qui célèbre le mariage de Priya ?"),
        ("¿Cuándo es la boda de Ana?", "¿Quién canta en la boda de Ana?"),
        ("婚礼是哪天？", "谁在婚礼上唱歌？"),
        ("結婚式はいつですか", "結婚式で誰が歌いますか"),
    ],
)
def test_a_question_for_something_else_of_a_wedding_asks_for_no_wedding(
    whose: str, of_something_else: str
) -> None:
    assert "wedding" in asked(whose)
    assert "wedding" not in asked(of_something_else)


@pytest.mark.parametrize(
    "question",
    [
        "レポートは届きましたか",
        "什么危险？",
        "哪家供应商送面粉？",
        "这家店的老板是谁？",
        "工资有多高？",
        "What is the order's number?",
        "What is the number of parcels for Ulm?",
        "Was ist die Nummer der Rechnung?",
        "Quel est le numéro de la rue ?",
        "¿Cuál es el número de la calle?",
    ],
)
def test_words_that_hold_what_can_be_asked_for_ask_for_nothing(question: str) -> None:
    assert set(asked(question)) <= {"amount of money"}


STATING = ["born in May", "call +41 61 555 01 02", "a@b.ch", "84 euros", "password", "allergic"]


@given(st.sampled_from(STATING), st.text(max_size=60), st.text(max_size=60))
def test_what_a_text_states_it_states_among_other_lines(text: str, before: str, after: str) -> None:
    slots = judged(
        "How much did it cost, and what are her birthday, phone number, e-mail address, password"
        " and allergies?"
    )
    stating = {slot.name for slot in slots if slot.is_stated(text)}

    among = {slot.name for slot in slots if slot.is_stated(f"{before}\n{text}\n{after}")}

    assert len(slots) == len(STATING)
    assert stating
    assert stating <= among


def test_of_a_long_text_only_the_beginning_is_read() -> None:
    slot = only("When is Ana's birthday?")

    assert slot.is_stated(" " * (TEXT_READ_CHARACTERS - 20) + "her birthday")
    assert not slot.is_stated(" " * TEXT_READ_CHARACTERS + "her birthday")


KINDS: dict[str, tuple[list[str], str, str]] = {
    "marriage": (
        [
            "Which holiday coincides with Evan's wedding?",
            "Wo feiern wir die Hochzeit?",
            "¿Quién canta en la boda de Ana?",
            "Qui célèbre le mariage de Priya ?",
            "谁在婚礼上唱歌？",
            "結婚式で誰が歌いますか",
        ],
        "Evan and his fiancée have chosen 27 December",
        "The cake for Evan is made of almonds",
    ),
    "time of day": (
        [
            "At what time does the choir start?",
            "Um wie viel Uhr beginnt die Probe?",
            "¿A qué hora sale el tren?",
            "À quelle heure est-ce que le cours commence ?",
            "会议几点开始?",
            "会議は何時ですか",
        ],
        "The choir starts at half past seven",
        "The choir meets in the old mill",
    ),
    "date": (
        [
            "What is the date of the audit?",
            "Am wievielten ist die Prüfung?",
            "¿En qué fecha es la auditoría?",
            "À quelle date est l’audit ?",
            "审计是几号?",
            "監査は何月何日ですか",
        ],
        "The audit is on 14 March",
        "The audit takes version 3.11 of the tool",
    ),
    "weekday": (
        [
            "On which days does Ana teach?",
            "An welchem Wochentag kommt die Müllabfuhr?",
            "¿Qué día de la semana hay clase?",
            "Quel jour de la semaine est le marché ?",
            "星期几倒垃圾?",
            "ゴミの日は何曜日ですか",
        ],
        "The bins go out on Thursdays",
        "The bins stand behind the house",
    ),
    "moment": (
        [
            "How soon can Ana begin?",
            "Wann kommt Ana zurück?",
            "¿Cuándo vuelve Ana?",
            "Quand est-ce qu'Ana revient ?",
            "安娜什么时候回来?",
            "アナはいつ戻りますか",
        ],
        "Ana is back next week",
        "Ana has gone to see her uncle",
    ),
    "deadline": (
        [
            "By when must I hand in the report?",
            "Bis wann muss der Antrag fertig sein?",
            "¿Para cuándo hay que entregar el informe?",
            "D’ici quand faut-il rendre le rapport ?",
            "报告的截止日期是什么?",
            "レポートはいつまでに出しますか",
        ],
        "The report is due before the end of May",
        "The report is about wind farms",
    ),
    "duration": (
        [
            "How long does the migration take?",
            "Wie lange dauert die Migration?",
            "¿Cuánto tiempo dura la migración?",
            "Combien de temps dure la migration ?",
            "迁移要多久?",
            "移行には何時間かかりますか",
        ],
        "The migration takes forty minutes",
        "The migration needs a new index",
    ),
    "frequency": (
        [
            "How often do we water the fern?",
            "Wie oft gießen wir den Farn?",
            "¿Cada cuánto se riega el helecho?",
            "Tous les combien arrose-t-on la fougère ?",
            "蕨类多久浇一次水? 多久一次?",
            "どのくらいの頻度で水をやりますか",
        ],
        "The fern gets water every other day",
        "The fern stands by the window",
    ),
    "count": (
        [
            "How many chairs do we have?",
            "Wie viele Stühle haben wir?",
            "¿Cuántas sillas tenemos?",
            "Combien de chaises avons-nous ?",
            "我们有几把椅子?",
            "椅子は何脚、机はいくつありますか",
        ],
        "We have fourteen chairs",
        "The chairs came on 3 May 2026 at 14:30",
    ),
    "sum or amount": (
        [
            "How much does the course cost?",
            "Wie viel kostet der Kurs?",
            "¿Cuánto cuesta el curso?",
            "Combien coûte le cours ?",
            "课程多少钱?",
            "講座はいくらですか",
        ],
        "The course is 120 €",
        "The course is on Monday, in the hall",
    ),
    "title": (
        [
            "What will the talk be called?",
            "Wie heißt der Vortrag?",
            "¿Cómo se titula la charla?",
            "Comment s’appelle la conférence ?",
            "讲座叫什么?",
            "講演の題名は何ですか",
        ],
        "Ana speaks on “Rivers and Rain” in May",
        "Ana speaks in May, she's nervous",
    ),
    "command": (
        [
            "How do I restart the server?",
            "Mit welchem Befehl starte ich den Server neu?",
            "¿Con qué comando se reinicia el servidor?",
            "Comment redémarrer le serveur ? Quelle commande ?",
            "怎么重启服务器?",
            "サーバーを再起動するにはどうしますか",
        ],
        "The server comes back with `make up`",
        "The server stands in Ghent and makes noise",
    ),
    "file or link": (
        [
            "Which file holds the quotas?",
            "In welcher Datei stehen die Grenzen?",
            "¿En qué archivo están los límites?",
            "Dans quel fichier sont les limites ?",
            "限制在哪个文件里?",
            "制限はどのファイルにありますか",
        ],
        "The limits stand in config/limits.toml",
        "The limits are strict and/or odd",
    ),
    "home": (
        [
            "Where does Ana live?",
            "Wo wohnt Ana?",
            "¿Dónde vive Ana?",
            "Où est-ce qu’habite Ana ?",
            "安娜住在哪里?",
            "アナはどこに住んでいますか",
        ],
        "Ana has moved to Ghent",
        "Ana sings in a choir",
    ),
    "work": (
        [
            "What does Ana do for a living?",
            "Was macht Ana beruflich?",
            "¿A qué se dedica Ana?",
            "Qu’est-ce qu’Ana fait dans la vie ?",
            "安娜做什么工作?",
            "アナの仕事は何ですか",
        ],
        "Ana is a nurse in Ghent",
        "Ana sings in a choir",
    ),
    "employer": (
        [
            "Which company does Ana work for?",
            "Bei welcher Firma arbeitet Ana?",
            "¿En qué empresa trabaja Ana?",
            "Pour quelle entreprise travaille Ana ?",
            "安娜在哪家公司工作?",
            "アナはどの会社で働いていますか",
        ],
        "Ana has signed a contract with Umbra",
        "Ana works as a florist",
    ),
    "in charge": (
        [
            "Who is responsible for the archive?",
            "Wer ist für das Archiv zuständig?",
            "¿Quién se encarga del archivo?",
            "Qui s’occupe des archives ?",
            "谁负责档案?",
            "アーカイブの担当は誰ですか",
        ],
        "Ana looks after the archive",
        "The archive is in the basement",
    ),
    "contact": (
        [
            "How can I reach the plumber?",
            "Wie erreiche ich den Klempner?",
            "¿Cómo puedo contactar con el fontanero?",
            "Comment joindre le plombier ?",
            "怎么联系水管工?",
            "配管工の連絡先は?",
        ],
        "The plumber: +41 61 555 01 02",
        "The plumber comes at 8:30 on Monday",
    ),
    "style of answers": (
        [
            "How do I like your answers?",
            "Wie sollst du mir antworten?",
            "¿Cómo debes responderme?",
            "Comment dois-tu me répondre ?",
            "你应该怎么回答我?",
            "私にどのように答えてほしいですか",
        ],
        "Three bullet points at most, no emoji",
        "She rides to Ghent with her uncle",
    ),
    "transport": (
        [
            "How do I get to the mill?",
            "Wie komme ich zur Mühle?",
            "¿Cómo llego al molino?",
            "Comment va-t-on au moulin ?",
            "怎么去磨坊?",
            "水車小屋へはどうやって行きますか",
        ],
        "Tram 14 stops at the mill",
        "The mill is old and made of brick",
    ),
    "place kept": (
        [
            "Where is the spare key kept?",
            "Wo liegt der Ersatzschlüssel?",
            "¿Dónde está guardada la llave?",
            "Où est rangée la clé ?",
            "备用钥匙放在哪里?",
            "合鍵はどこに置いてありますか",
        ],
        "The spare key is behind the flower pot",
        "The spare key was cut by Ana",
    ),
    "weekly or opening hours": (
        [
            "When is the clinic open?",
            "Wann hat die Praxis geöffnet?",
            "¿Cuál es el horario de la clínica?",
            "Quels sont les horaires du cabinet ?",
            "诊所的营业时间是什么?",
            "診療所の診療時間は?",
        ],
        "The clinic: Mon-Fri 8-12",
        "The clinic is beside the church",
    ),
    "permission": (
        [
            "May I repaint the flat?",
            "Darf ich die Wohnung streichen?",
            "¿Puedo pintar el piso?",
            "Puis-je repeindre l’appartement ?",
            "我可以粉刷公寓吗?",
            "部屋を塗ってもいいですか",
        ],
        "Repainting is forbidden unless the owner agrees",
        "Ana repainted the flat in May",
    ),
    "decision": (
        [
            "What was decided about the logo?",
            "Was wurde zum Logo entschieden?",
            "¿Qué se decidió sobre el logo?",
            "Qu’a-t-on décidé pour le logo ?",
            "关于标志决定了什么?",
            "ロゴについて何が決まりましたか",
        ],
        "We agreed on the round logo",
        "The round logo has a heron in it",
    ),
    "what is missing": (
        [
            "What is still missing for the visa?",
            "Was fehlt noch für das Visum?",
            "¿Qué falta para el visado?",
            "Que manque-t-il pour le visa ?",
            "签证还缺什么?",
            "ビザには何が足りませんか",
        ],
        "The visa waits for a bank letter",
        "The visa is blue and valid for Peru",
    ),
    "ingredients": (
        [
            "Which ingredients does the soup have?",
            "Welche Zutaten hat die Suppe?",
            "¿Qué ingredientes lleva la sopa?",
            "Quels ingrédients y a-t-il dans la soupe ?",
            "汤的配料是什么?",
            "スープの材料は何ですか",
        ],
        "The soup: lentils, garlic, a pinch of salt",
        "Grandmother's soup tasted best at Easter",
    ),
    "gift": (
        [
            "What present shall I get for Ana's birthday?",
            "Was schenke ich Ana?",
            "¿Qué le regalo a Ana?",
            "Qu’est-ce que j’offre à Ana ?",
            "送安娜什么礼物?",
            "アナへのプレゼントは何にしますか",
        ],
        "Ana would love a new kite",
        "Ana turned forty in Ghent",
    ),
    "plan B": (
        [
            "What happens if the demo fails?",
            "Was machen wir, wenn es regnet?",
            "¿Qué hacemos si llueve?",
            "Que fait-on s’il pleut ?",
            "如果下雨怎么办?",
            "もし雨なら、どうしますか",
        ],
        "Otherwise we show a film of the demo",
        "The demo is on Monday in the hall",
    ),
    "next step": (
        [
            "What is the next step for the book?",
            "Was ist der nächste Schritt beim Buch?",
            "¿Cuál es el próximo paso del libro?",
            "Quelle est la prochaine étape du livre ?",
            "这本书的下一步是什么?",
            "本の次のステップは何ですか",
        ],
        "The book has to go to the printer",
        "The book tells of a lighthouse",
    ),
    "school or teacher": (
        [
            "Who is Leo's piano teacher?",
            "Wer ist Leos Klavierlehrerin?",
            "¿Quién es la profesora de Leo?",
            "Qui est la professeure de Leo ?",
            "雷欧的老师是谁?",
            "レオの先生は誰ですか",
        ],
        "Leo has lessons with Ana",
        "Leo eats no fish",
    ),
    "favourite": (
        [
            "Which tea does Ana like?",
            "Welchen Tee trinkt Ana am liebsten?",
            "¿Qué té le gusta a Ana?",
            "Quel thé est-ce qu’Ana préfère ?",
            "安娜喜欢什么茶?",
            "アナはどのお茶が好きですか",
        ],
        "Ana prefers green tea",
        "Ana sold tea in Ghent",
    ),
    "venue": (
        [
            "Where does the choir meet?",
            "Wo trifft sich der Chor?",
            "¿Dónde se reúne el coro?",
            "Où le chœur se retrouve-t-il ?",
            "合唱团在哪里见面?",
            "合唱団はどこで会いますか",
        ],
        "The choir sings in the town hall",
        "The choir has nine members",
    ),
}
"""Slot -> a question for it in each language, a note that states it, and one that does not."""


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_of_question_is_known_in_each_language(name: str) -> None:
    questions, stating, not_stating = KINDS[name]
    slots = [ordering(question).get(name) for question in questions]

    assert len(slots) == len({"en", "de", "es", "fr", "zh", "ja"})
    assert dict(zip(questions, slots, strict=True)) == dict.fromkeys(questions, slots[0])
    assert slots[0] is not None
    assert slots[0].is_stated(stating)
    assert not slots[0].is_stated(not_stating)


def test_each_kind_of_question_has_words_in_each_language() -> None:
    english = tomllib.loads((FOLDER / "en.toml").read_text(encoding="utf-8"))
    kinds = {name for name, table in english.items() if table.get("orders_only")}

    assert kinds == set(KINDS)
    for language in ("de", "es", "fr", "zh", "ja"):
        tables = tomllib.loads((FOLDER / f"{language}.toml").read_text(encoding="utf-8"))
        assert all(tables[kind]["asks"] and tables[kind]["states"] for kind in kinds), language


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("time of day", "Die Probe ist um 14.30 Uhr"),
        ("time of day", "Le cours est à 14 h 30"),
        ("time of day", "La clase empieza a las nueve"),
        ("time of day", "Wir essen mittags"),
        ("time of day", "会议下午三点开始"),
        ("time of day", "会議は午後3時です"),
        ("date", "Die Prüfung ist am 3. Mai"),
        ("date", "Die Prüfung: 03.05.2026"),
        ("date", "L’audit est le 3 mai"),
        ("date", "La auditoría es el 3 de mayo"),
        ("date", "审计在3月5日"),
        ("date", "監査は3月5日です"),
        ("weekday", "Die Müllabfuhr kommt Mo-Mi"),
        ("weekday", "周三倒垃圾"),
        ("moment", "Ana kommt im Herbst zurück"),
        ("moment", "Ana revient dans deux semaines"),
        ("moment", "安娜明天回来"),
        ("deadline", "Der Antrag muss bis Freitag da sein"),
        ("deadline", "À rendre au plus tard lundi"),
        ("deadline", "金曜日までに出すこと"),
        ("duration", "Die Migration braucht anderthalb Stunden"),
        ("duration", "迁移大约半小时"),
        ("frequency", "Der Farn wird alle zwei Tage gegossen"),
        ("frequency", "On arrose chaque matin"),
        ("frequency", "毎朝水をやる"),
        ("title", "Der Vortrag heißt Flüsse und Regen"),
        ("title", "讲座《河流与雨》"),
        ("command", "Use docker compose up"),
        ("file or link", "https://example.org/limits"),
        ("home", "Ana wohnt in Gent"),
        ("work", "Ana est infirmière à Gand"),
        ("work", "アナは看護師です"),
        ("employer", "Ana is a night nurse at Umbra"),
        ("employer", "Ana hat einen Vertrag bei Umbra"),
        ("employer", "Umbra ha contratado a Ana: Ana fue contratada"),
        ("employer", "Ana est entrée chez Umbra"),
        ("employer", "安娜入职了Umbra"),
        ("employer", "アナはUmbraに入社した"),
        ("in charge", "Ana kümmert sich um das Archiv"),
        ("contact", "Slack: @plumber"),
        ("style of answers", "Réponds brièvement, tutoie-moi"),
        ("transport", "Mit dem ICE 74 nach Köln"),
        ("place kept", "La llave está en el cajón"),
        ("weekly or opening hours", "Geöffnet von 8 bis 12"),
        ("permission", "Nur mit Zustimmung"),
        ("ingredients", "200 g Mehl, zwei Eier"),
    ],
)
def test_a_kind_of_question_is_answered_in_any_language(name: str, text: str) -> None:
    assert ordering(KINDS[name][0][0])[name].is_stated(text)


@pytest.mark.parametrize(
    ("question", "doing", "place"),
    [
        ("What is Ana's job?", "Ana found a position as a tram driver", "Umbra has hired Ana"),
        ("What does Ana do for work?", "Ana is a nurse", "Ana works at Umbra"),
        ("Was ist Ana von Beruf?", "Ana arbeitet als Hebamme", "Ana arbeitet bei Umbra"),
        ("¿Qué profesión tiene Ana?", "Ana trabaja de cocinera", "Umbra es la empresa de Ana"),
        ("Quel est le métier d’Ana ?", "Ana est infirmière", "Ana travaille chez Umbra"),
        ("安娜做什么工作?", "安娜是护士", "安娜在Umbra公司上班"),
        ("アナの仕事は何ですか", "アナは看護師です", "アナはUmbraに勤めている"),
    ],
)
def test_what_somebody_does_and_where_are_two_things(question: str, doing: str, place: str) -> None:
    asked = ordering(question)

    assert asked["work"].is_stated(doing)
    assert not asked["work"].is_stated(place)
    assert ordering("Where does Ana work?")["employer"].is_stated(place)


@pytest.mark.parametrize(
    "question",
    [
        "Where does Ana work?",
        "What is Ana's workplace?",
        "Who pays Ana's salary?",
        "Wo arbeitet Ana?",
        "Où travaille Ana ?",
        "¿Dónde trabaja Ana?",
        "安娜在哪里工作?",
        "アナはどこで働いていますか",
    ],
)
def test_a_question_for_a_workplace_asks_for_no_profession(question: str) -> None:
    asked = ordering(question)

    assert "employer" in asked
    assert "work" not in asked


@pytest.mark.parametrize(
    "text",
    ["The waiter dropped a tray", "Our plumber came late", "She asked Professor Imre about it"],
)
def test_somebody_called_by_a_profession_states_nobodys(text: str) -> None:
    assert not ordering("What is Ana's job?")["work"].is_stated(text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("time of day", "The rent rose by 4.5 percent after two years"),
        ("time of day", "Nach zwei Jahren zog Ana um"),
        ("date", "Use version 3.11.4, it is open 24/7"),
        ("weekday", "Ana sat in the sun and was wed in Ghent"),
        ("deadline", "The delay is due to rain"),
        ("count", "The party was on 14 March 2026 at 8:30"),
        ("title", "Ana's brother doesn't read Ben's letters"),
        ("command", "Make sure that it's cold, and go home"),
        ("file or link", "24/7 and/or 3/4 of them"),
    ],
)
def test_what_only_looks_like_it_does_not_answer_a_kind_of_question(name: str, text: str) -> None:
    assert not ordering(KINDS[name][0][0])[name].is_stated(text)


@pytest.mark.parametrize(
    "question",
    [
        "Who is Ana?",
        "Tell me about Ghent",
        "What did Ana say about the lighthouse?",
        "Is the boat red?",
        "Wer ist Ana?",
        "Was hat Ana über den Leuchtturm gesagt?",
        "¿Quién es Ana?",
        "¿Qué dijo Ana del faro?",
        "Qui est Ana ?",
        "Qu’est-ce qu’Ana a dit du phare ?",
        "安娜是谁?",
        "安娜对灯塔说了什么?",
        "アナとは誰ですか",
        "アナは灯台について何と言いましたか",
    ],
)
def test_a_question_of_no_kind_asks_for_nothing_by_name(question: str) -> None:
    assert find_asked_slots(question) == ()


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("How can I reach the plumber?", {"contact"}),
        ("When must I leave?", set[str]()),
        ("Where did Ana go hiking before she moved to Ghent?", set[str]()),
        ("Which water colours may I mix?", {"permission"}),
        ("How long has Ana worked in Ghent?", set[str]()),
        ("How many times a week does Ana run?", {"frequency"}),
        ("How long may your answers be?", {"style of answers"}),
        ("Wie lange ist Ana schon da?", set[str]()),
        ("Bis wann bleibt Ruth?", {"deadline"}),
        ("会議は何時間ですか", {"duration"}),
    ],
)
def test_a_word_of_a_kind_of_question_may_stand_in_another(question: str, names: set[str]) -> None:
    assert set(ordering(question)) == names


SLOW_SECONDS = 0.6
"""Of the processor, for one slot and the longest text; it takes a tenth on a busy machine."""


@pytest.mark.parametrize("part", ["1", "1 ", "a ", "1.", '"a', "_", "two ", "a/", "的", "\n"])
def test_no_text_makes_a_kind_of_question_slow(part: str) -> None:
    text = part * TEXT_READ_CHARACTERS
    for questions, _, _ in KINDS.values():
        for slot in find_asked_slots(questions[0]):
            begin = time.process_time()
            slot.is_stated(text)
            slot.asks.is_in(text, QUESTION_READ_CHARACTERS)
            assert time.process_time() - begin < SLOW_SECONDS, slot.name


def stated(name: str, question: str, text: str) -> bool:
    [slot] = [slot for slot in find_asked_slots(question) if slot.name == name]
    return slot.is_stated(text)


@pytest.mark.parametrize(
    ("text", "is_age"),
    [
        ("Kids: Nuno is 9, Pia is 6.", True),
        ("Marte is 7, primary school, class 2b", True),
        ("My mother lives next door, 79 since 19 September", True),
        ("Nuno 9, Pia 6, both at Hill School", True),
        ("She's nine and shy", True),
        ("Oma ist 84 geworden", True),
        ("Opa wird siebzig.", True),
        ("Elle a fêté ses 40 ans", True),
        ("花子は7歳です", True),
        ("小明今年9岁", True),
        ("Samir cut his thumb, 4 stitches, off until 6 November", False),
        ("The tank is 40 m³, it runs at 55 °C", False),
        ("Room 7 is 12 by 4", False),
        ("Pia wird 20 Minuten warten", False),
    ],
)
def test_an_age_may_be_told_by_a_number_alone(text: str, is_age: bool) -> None:
    assert stated("age", "How old is Pia?", text) is is_age


@pytest.mark.parametrize(
    ("text", "is_plate"),
    [
        ("The flatbed Iveco, OG-SA 377", True),
        ("Van AB12 CDE is in Leeds", True),
        ("la Clio, AA-229-BB", True),
        ("el Seat, 4821 KLM", True),
        ("the Polo is W 12345 A", True),
        ("bus 12-BX-34 in Delft", True),
        ("品川 300 あ 12-34", True),
        ("京A·12345", True),
        ("Winter tyres 245/70 R17.5, week KW 50, 72 kWh, 1.120 €", False),
        ("Lorry 2 was serviced on 12-11-2026", False),
    ],
)
def test_a_number_plate_is_known_by_its_form(text: str, is_plate: bool) -> None:
    assert stated("number plate", "What is the number plate of the van?", text) is is_plate


@pytest.mark.parametrize("question", ["How old is it?", "Which number plate?", "Which instrument?"])
@pytest.mark.parametrize("part", ["Abc ", "Abc 1", "A1", "1", "漢", "is ", "1-"])
def test_no_text_makes_a_loose_form_slow(question: str, part: str) -> None:
    [slot, *_] = find_asked_slots(question)
    begin = time.process_time()
    slot.is_stated(part * (TEXT_READ_CHARACTERS // len(part)))
    assert time.process_time() - begin < SLOW_SECONDS


ENGLISH = (
    "Find an early train in March; those will place no order, the car of that team is bad news."
)


@pytest.mark.parametrize(
    "question",
    [
        "How old is Priya?",
        "Why did Nils leave the band?",
        "What time does Rory's party end?",
        "Which seat have I got on the flight?",
        "What is the reference number of the claim?",
        "How far is it to the depot?",
        "What should I wear, what is the dress code?",
        "How many rooms has the flat?",
    ],
)
def test_no_word_of_another_language_states_it_in_english(question: str) -> None:
    assert not any(slot.is_stated(ENGLISH) for slot in judged(question))
