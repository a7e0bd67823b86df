"""Texts of many languages in the encodings that they were kept in before UTF-8: read rightly, or refused."""

from __future__ import annotations

import pytest

from merdata.corpora.encodings import decode, languages_with_an_alphabet
from merdata.corpora.mended import mended

TEXTS = {
    "cs": ("cp1250 iso8859-2", "Příliš žluťoučký kůň úpěl ďábelské ódy."),
    "de": ("cp1252 mac_roman", "Heute Abend könnte ich es sagen, müßte aber über die Straße."),
    "el": ("cp1253", "Καλημέρα, πώς είσαι σήμερα;\nΟ καιρός είναι καλός."),
    "et": ("cp1252 cp1257", "Täna on ilus ilm.\nSõidan üle välja, õues on külm."),
    "ar": ("cp1256 iso8859-6", "مرحبا كيف حالك، أنا بخير.\nاليوم الجو جميل"),
    "fr": ("cp1252 mac_roman", "Il est où le garçon ?\nÇa ne va pas, l’été est fini."),
    "he": ("cp1255", "שלום, מה שלומך?\nהיום יפה."),
    "ja": ("cp932 euc_jp iso2022_jp", "今日はいい天気ですね。\n私は家に帰ります。"),
    "ko": ("cp949", "안녕하세요. 오늘 날씨가 좋습니다."),
    "pl": ("cp1250 iso8859-2", "Gęś zjadła żółtą piłkę.\nWróbel siedzi na gałęzi."),
    "ru": ("cp1251 koi8-r cp866 mac_cyrillic", "Привет, как дела?\nСегодня хорошая погода."),
    "tr": ("cp1254", "Şimdi eve gidiyorum, çünkü işim bitti.\nAğaç dalında kuş ötüyor."),
    "uk": ("cp1251 koi8-u", "Привіт, як справи?\nСьогодні гарна погода."),
    "zh": ("gb18030", "今天的天气很好。\n我要回家了，我累了。"),
}
CASES = [(language, name) for language, (names, _) in TEXTS.items() for name in names.split()]


@pytest.mark.parametrize(("language", "name"), CASES)
def test_a_text_is_read_as_the_language_writes(language: str, name: str) -> None:
    text = TEXTS[language][1]
    assert decode(text.encode(name), (language,)).content == text


@pytest.mark.parametrize(("language", "name"), CASES)
def test_without_a_language_it_is_read_rightly_or_refused(language: str, name: str) -> None:
    text = TEXTS[language][1]
    try:
        assert decode(text.encode(name), languages_with_an_alphabet()).content == text
    except UnicodeError as error:
        assert "it may be" in str(error)


@pytest.mark.parametrize("name", ["utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("language", ["zh", "ru", "de"])
def test_wide_characters_without_a_mark(language: str, name: str) -> None:
    text = TEXTS[language][1]
    assert decode(text.encode(name), (language,)) == (text, name)


SAID = "you\u2019re \u201cright\u201d"  # as English is printed
READ = [  # in which encoding it was, and in which it had been read
    ("utf-8", "cp1252"),
    ("utf-8", "latin-1"),
    ("utf-8", "mac_roman"),
    ("utf-8", "cp1251"),
    ("utf-8", "cp850"),
    ("gb18030", "latin-1"),
    ("gb18030", "cp1252"),
    ("cp1252", "latin-1"),
    ("cp1252", "gb18030"),
]


@pytest.mark.parametrize(("right", "wrong"), READ)
def test_a_text_that_was_read_wrongly_and_saved_so_is_repaired(right: str, wrong: str) -> None:
    said = SAID if (right, wrong) != ("cp1252", "gb18030") else "you\u2019re right"
    garbled = as_read(said.encode(right), wrong)
    text, raw_text, (note,) = mended(garbled, None, ("en",))
    assert (text, raw_text) == (said, garbled)
    assert note.startswith("repaired: its ")


@pytest.mark.parametrize("language", ["ru", "pl", "zh", "tr"])
@pytest.mark.parametrize("wrong", ["cp1252", "latin-1"])
def test_texts_of_other_languages_are_repaired_too(language: str, wrong: str) -> None:
    text = TEXTS[language][1]
    assert mended(as_read(text.encode(), wrong), None, (language,))[0] == text


def as_read(data: bytes, encoding: str) -> str:
    """Bytes as programs decode them: what cp1252 lacks becomes a control character."""
    if encoding != "cp1252":
        return data.decode(encoding)
    return "".join(bytes([byte]).decode("latin-1" if byte in UNUSED else "cp1252") for byte in data)


UNUSED = (0x81, 0x8D, 0x8F, 0x90, 0x9D)
RARE = ("Straße", "Dvořák, Škoda, Łódź", "½ cup", "5 °C", "🙂 hi", "♪ la ♪", "Пушкин said 你好")
CLEAN = [
    *(("en", text) for text in RARE),
    ("de", "Csikós, Háj, Hommage á Chagall"),
    ("ru", "Zoë сказала: «café»"),
    ("zh", "龘靐，Zoë说"),
    ("bn", "দরজার বাইরে"),
]


@pytest.mark.parametrize(("language", "text"), CLEAN)
def test_what_is_merely_rare_stays_as_it_is(language: str, text: str) -> None:
    assert mended(text, None, (language,)) == (text, None, [])
