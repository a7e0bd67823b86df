"""The same text: one definition in every script, and what looking texts up answers."""

from __future__ import annotations

import csv
import json
import re
import time
import unicodedata
from pathlib import Path

import pandas as pd
import pytest

from merdata.corpora.meld import clean
from merdata.text import TextLookUp, majority_label, normalised, text_keys, words

SAME = {
    "apostrophes": "What's that?|What’s that?|What‘s that|WHATʼS THAT|What＇s that!|What`s that|What´s that",
    "quotes": "He said no.|He said “no”.|He said „no“|He said «no»|He said 'no'|He said ''no''",
    "dashes": "well-known|well – known|well—known|well‐known|well‑known|well − known",
    "widths": "Room 12, OK?|Ｒｏｏｍ　１２，ＯＫ？",
    "ligatures and accents": "office café|oﬃce cafe\u0301",
    "German": "Ich weiß es nicht. Groß!|ICH WEISS ES NICHT GROSS",
    "Turkish": "İstanbul'da ısı|ISTANBUL’DA ISI",
    "Persian joiners": "دیگه نمی\u200eتونم تحمل کنم.|دیگه نمی\u200cتونم تحمل کنم|دیگه نمیتونم تحمل کنم",
    "Persian keyboards": "کتاب یک دوست|كتاب يك دوست",
    "Arabic presentation forms": "السلام عليكم|ﺍﻟﺴﻼﻡ ﻋﻠﻴﻜﻢ|الســـلام عليكم",
    "Arabic vowels": "السَّلَامُ عَلَيْكُمْ|السلام عليكم",
    "Arabic digits": "رقم ٤٢|رقم 42|رقم ۴۲",
    "Urdu": "یہ کیا ہے؟|یہ کیا ہے ۔|یه کیا هے",
    "Bengali": "আমি ভালো আছি।|আমি ভাল\u09c7\u09be আছি|আমি ভালো\u200c আছি",
    "Amharic": "ሰላም፡ነው።|ሰላም ነው",
    "Chinese": "你好，世界！|你好 世界|你 好 。世 界",
    "Russian": "Всё ещё за\u0301мок — «да»|все еще замок, да",
    "emoji": "ok ❤️ fine|ok fine",
}
DIFFERENT = {
    "Bengali vowels": "কি|কা",
    "Hindi vowels": "मैं|में",
    "Russian letters": "мой|мои",
    "an apostrophe in a word": "we're|were",
    "accents": "schon|schön",
}


def variants(table: dict[str, str]) -> list[object]:
    return [pytest.param(line.split("|"), id=name) for name, line in table.items()]


@pytest.mark.parametrize("spellings", variants(SAME))
def test_one_sentence_however_it_is_spelt(spellings: list[str]) -> None:
    assert len({normalised(text) for text in spellings}) == 1
    assert normalised(normalised(spellings[0])) == normalised(spellings[0])


@pytest.mark.parametrize("spellings", variants(DIFFERENT))
def test_different_words_stay_different(spellings: list[str]) -> None:
    assert len({normalised(text) for text in spellings}) == len(spellings)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Well -- don't you 'know'?", 4),
        ("我爱你。", 3),
        ("我爱 rock’n’roll", 3),
        ("نمی\u200cدونم چی کار کنم", 4),
        ("আমি ভালো আছি", 3),
        ("ሰላም፡ነው።", 2),
        ("... — ❤️", 0),
    ],
)
def test_words_are_counted_in_every_script(text: str, number: int) -> None:
    assert len(words(text)) == number


def test_real_persian_texts_have_their_words_whole(real_data: Path) -> None:
    """ShEMO writes direction marks where its words have joiners: both are inside a word."""
    rows = json.loads((real_data / "shemo" / "modified_shemo.json").read_text("utf-8"))
    texts = [row["transcript"] for row in rows.values()]
    marked = [text for text in texts if re.search("\\w[\u200c\u200e]\\w", text)]
    assert len(marked) > 1_000
    for text in marked:
        visible = re.sub("[\u200c-\u200f\ufeff]", "", text)
        assert normalised(text) == normalised(visible)
        assert len(words(text)) <= len(visible.split())


def test_real_texts_keep_every_letter(real_data: Path) -> None:
    with (real_data / "nemo" / "data.tsv").open(encoding="utf-8") as file:
        polish = [row["raw_text"] for row in csv.DictReader(file, delimiter="\t")]
    assert len(polish) > 4_000
    for text in polish:
        letters = [char for char in unicodedata.normalize("NFC", text).casefold() if char.isalnum()]
        assert "".join(char for char in normalised(text) if char.isalnum()) == "".join(letters)


def test_meld_shares_404_test_rows_with_train(real_data: Path) -> None:
    """396 where a typographic apostrophe ends a word; the public count with all apostrophes alike is 404."""
    parts = {}
    for split in ("train", "test"):
        with (real_data / "meld" / f"{split}_sent_emo.csv").open(encoding="utf-8") as file:
            parts[split] = pd.DataFrame(csv.DictReader(file))
    look_up = TextLookUp(text_keys(parts["train"]["Utterance"].map(clean)), parts["train"]["Emotion"])
    known = look_up.knows(text_keys(parts["test"]["Utterance"].map(clean)))
    assert (known.sum(), len(known)) == (404, 2_610)


def test_a_look_up_answers_the_majority_and_ties_go_by_name() -> None:
    rows = pd.DataFrame(
        [
            ("Oh!", "joy"),
            ("oh", "anger"),
            ("Oh, no", "joy"),
            ("oh no", "joy"),
            ("oh no", "anger"),
            ("hm", None),
        ],
        columns=["text", "label"],
    )
    look_up = TextLookUp(text_keys(rows["text"]), rows["label"])
    asked = text_keys(pd.Series(["OH", "oh... no", "hm", "never", None, "?"], dtype=object))
    assert look_up.answers(asked).fillna("-").tolist() == ["anger", "joy", "-", "-", "-", "-"]
    assert look_up.knows(asked).tolist() == [True, True, True, False, False, False]
    assert majority_label(rows["label"]) == "joy"
    assert majority_label(pd.Series(["joy", "anger"])) == "anger"


@pytest.mark.parametrize(
    "hostile",
    ["a" + "\u0301\u0327" * 250_000, "'" * 500_000, "a'" * 250_000, "\u200c" * 500_000, "\ufdfa" * 50_000],
    ids=["marks", "apostrophes", "words", "invisible", "long forms"],
)
def test_a_hostile_text_takes_linear_time(hostile: str) -> None:
    start = time.process_time()
    words(hostile)
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # Bengali (SUBESCO 8 and 9): nukta letters composed or not, joiners, the danda
        ("দরজার বাইরে কুকুরটি দাঁড়িয়ে আছে", "দরজার বাইরে কুকুরটি দাঁড\u09bcিয\u09bcে আছে।"),
        ("একদিন পরেই তার বিয়ে", "একদিন পরেই তার\u200c বিয\u09bcে !"),
        ("তোমার কাজটা করা ঠিক হয়নি", "ত\u09c7\u09beমার কাজটা করা ঠিক হয়নি"),
        # Persian (ShEMO F01A01): half space, direction mark, Arabic yeh and kaf, the genitive hamza
        ("دیگه نمی\u200cتونم تحمل کنم.", "ديگه نمي\u200eتونم تحمل كنم"),
        ("خانهٔ ما", "خانۀ ما"),
        # Urdu: its own heh and yeh against Arabic ones, its full stop and digits
        ("یہ کہاں ہے؟ ۱۲۔", "يه کهاں هے 12"),
        # Amharic: letters of one sound, the word separator, the full stop
        ("ሰላም ለዓለም።", "ሠላም፡ለአለም"),
        ("ፀሐይ ወጣች", "ጸሀይ ወጣች!"),
        # Arabic: vowel points, tatweel, hamza on the alef
        ("أَنَا سَعِيدٌ جِدًّا", "انا سعيـــد جدا"),
        # Arabic: teh marbuta, hamza on waw and yeh
        ("المدرسة مسؤولية رئيس", "المدرسه مسوولية رييس"),
        # Greek: capitals have no tonos, the final sigma
        ("Ο ΚΑΙΡΟΣ ΕΙΝΑΙ ΚΑΛΟΣ", "ο καιρός είναι καλός"),
        # Chinese: widths and punctuation
        ("你好，我２０岁了。", "你好 我20岁了"),
    ],
)
def test_texts_of_other_scripts_say_the_same(one: str, other: str) -> None:
    assert normalised(one) == normalised(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("তুমি সব উলটপালট করে দিয়েছ", "তুমি সব উলটপালট করে দিয়েছি"),  # a vowel sign is a letter
        ("بار", "باز"),
        ("آن", "ان"),
        ("ہم", "ھم"),
        ("ሰላም", "ሰሊም"),
        ("买", "卖"),
    ],
)
def test_texts_of_other_scripts_stay_apart(one: str, other: str) -> None:
    assert normalised(one) != normalised(other)


def test_words_of_other_scripts() -> None:
    assert words("ইঁদুর ছানাটা হারিয়ে গেল।") == ["ইঁদুর", "ছানাটা", "হারিয\u09bcে", "গেল"]
    assert words("سلام، دنیا") == ["سلام", "دنیا"]
    assert words("ሰላም፡ለዓለም።") == ["ሰላም", "ለአለም"]
    assert words("我爱你") == ["我", "爱", "你"]
