"""EMO-DB: ten German actors, ten sentences, seven emotions; everything is in the file name.

Burkhardt et al. (2005), Interspeech, 1517-1520. Names: 03a01Fa.wav is speaker, sentence, emotion, take.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from merdata.plugin import Corpus, Tree, Utterance

WOMEN = {"08", "09", "13", "14", "16"}
SENTENCES = {
    "a01": "Der Lappen liegt auf dem Eisschrank.",
    "a02": "Das will sie am Mittwoch abgeben.",
    "a04": "Heute abend könnte ich es ihm sagen.",
    "a05": "Das schwarze Stück Papier befindet sich da oben neben dem Holzstück.",
    "a07": "In sieben Stunden wird es soweit sein.",
    "b01": "Was sind denn das für Tüten, die da unter dem Tisch stehen?",
    "b02": "Sie haben es gerade hochgetragen und jetzt gehen sie wieder runter.",
    "b03": "An den Wochenenden bin ich jetzt immer nach Hause gefahren und habe Agnes besucht.",
    "b09": "Ich will das eben wegbringen und dann mit Karl was trinken gehen.",
    "b10": "Die wird auf dem Platz sein, wo wir sie immer hinlegen.",
}
TARGETS = {"W": "anger", "L": None, "E": "disgust", "A": "fear", "F": "joy", "T": "sadness", "N": "neutral"}
FILE_NAME = re.compile(
    rf"(?P<speaker>0[389]|1[0-6])(?P<sentence>{'|'.join(SENTENCES)})(?P<emotion>[WLEAFTN])[a-f]"
)


def read(tree: Tree) -> Iterator[Utterance]:
    for path, match in tree.matching(FILE_NAME):
        yield Utterance(
            id=match[0],
            source=str(path),
            raw_label=match["emotion"],
            speaker=match["speaker"],
            text=SENTENCES[match["sentence"]],
            gender="female" if match["speaker"] in WOMEN else "male",
            prompt=match["sentence"],
            scripted=True,
        )


CORPUS = Corpus(
    name="berlin",
    title="EMO-DB (of a package)",
    domain="acted",
    languages=("de",),
    licence="free for research",
    homepage="https://www.emodb.bilderbar.info",
    expected_rows=535,
    targets=TARGETS,
    layout="wav/03a01Fa.wav ...",
    file_name=FILE_NAME,
    read=read,
)
