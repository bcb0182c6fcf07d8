"""In which language a text is, by its small words or its script."""

from collections import Counter

import regex as re

JOINED_LETTERS = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}ー"
"""For a set: letters that stand right beside a word of another script: "RNK-412的状态"."""
LANGUAGE_READ_CHARACTERS = 400
"""Characters that are read of a text: some sixty words."""
_SMALL_WORDS = {
    "en": "and are do does for from has have how i in is it my of on the that to was we what when"
    " where which who will with you your an he her his not or our she their they this whose why",
    "de": "am auf bei bis das dem den der die ein eine einen für hat ich im ist mein meine mit"
    " nicht und von wann was welche wer wie wir wird wo zu zum zur auch er erst es ihr ihre kein"
    " keine noch oder sein seine sie sind uns unser war wieder",
    "fr": "à au aux avec ce combien d de des du elle en est et il je l la le les mon ne on pas pour"
    " qu quand que quel quelle qui s sont sur un une chez cette leur maintenant nous où sa ses son"
    " vous",
    "es": "a al con cuándo cuánto de del dónde el en es está la las lo los me mi para por que qué"
    " quién se su tengo un una y",
    "it": "a al che chi con da dei del della di dove è e gli ho i il in la le mi mio non per quando"
    " quanto sono un una",
    "pt": "a ao com como da de do e é em eu meu minha na não no o onde os para por quando que quem"
    " um uma",
    "nl": "aan dat de een en het ik in is mijn naar niet op te van voor waar wanneer wat wie zijn",
    "pl": "czy do i jak jest kiedy kto mam moja mój na nie się to w z za",
    "tr": "benim bir bu çok da de için ile kim mi nasıl ne nerede var ve zaman",
}
_LANGUAGES = {
    word: [code for code, words in _SMALL_WORDS.items() if word in words.split()]
    for word in " ".join(_SMALL_WORDS.values()).split()
}
"""Word -> the languages that have it."""
_SCRIPTS = re.compile(
    r"(?P<ja>[\p{Hiragana}\p{Katakana}])|(?P<ko>\p{Hangul})|(?P<zh>\p{Han})|(?P<ru>\p{Cyrillic})"
    r"|(?P<ar>\p{Arabic})|(?P<hi>\p{Devanagari})|(?P<el>\p{Greek})|(?P<he>\p{Hebrew})|(?P<th>\p{Thai})"
)
_KANA = re.compile(r"[\p{Hiragana}\p{Katakana}]")
"""Also behind a first word in Han: "木村さん"."""
_WORD = re.compile(r"\p{L}+")
_LEAST_WORDS = 2
"""Small words of a language that a text has at least."""


def find_language(text: str) -> str:
    """The language of a text, such as `de`; empty where its words tell none or several alike.

    A script stands for the language that most write in it.
    """
    if script := _SCRIPTS.search(text, 0, LANGUAGE_READ_CHARACTERS):
        found = script.lastgroup or ""
        return "ja" if found == "zh" and _KANA.search(text, 0, LANGUAGE_READ_CHARACTERS) else found
    words = _WORD.findall(text[:LANGUAGE_READ_CHARACTERS].lower())
    told = Counter(code for word in words for code in _LANGUAGES.get(word, ()))
    (first, most), (_, second) = [*told.most_common(2), ("", 0), ("", 0)][:2]
    return first if most >= _LEAST_WORDS and most > second else ""
