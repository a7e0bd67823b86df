"""Texts of many languages in the encodings that they were kept in before UTF-8: read rightly, or refused."""

from __future__ import annotations

import pytest

from merdata.corpora.encodings import decode, languages_with_an_alphabet

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
