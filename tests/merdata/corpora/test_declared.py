"""The grammar of declared corpora: what each key does, and the message of each fault."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from merdata.corpora.corpus import Corpus
from merdata.corpora.declared import load
from merdata.corpora.declared.load import check_declaration, corpus_of, load_declared
from merdata.corpora.declared.schema import Declaration
from merdata.corpora.miniature import write_corpus
from merdata.corpora.registry import get_corpus, registry
from merdata.corpora.walk import audio_stem
from merdata.errors import DeclarationError, LayoutError, LicenceError
from merdata.hub.rows import _check_sources as check_sources
from merdata.io.strict_yaml import load_yaml
from merdata.utterance import Utterance

SMALLEST = """
name: mine
names: ["{speaker}_{label}_{n}"]
parts: {speaker: [A, B], n: '[0-9]+'}
fields: {text: {missing: none}}
labels: {hap: joy, sa: sadness, sad: sadness, odd: null, raw: keep}
"""


def made(text: str = "", folder: Path = Path("/nowhere"), **keys: Any) -> Corpus:
    """The smallest corpus with other keys."""
    value = {**load_yaml(SMALLEST), **load_yaml(text or "{}"), **keys}
    return corpus_of(check_declaration(value, "mine.yaml"), folder / "mine.yaml")


def laid(root: Path, *names: str, **texts: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    for name, text in texts.items():
        (root / name.replace("__", ".")).write_text(text, "utf-8")
    return root


def rows(corpus: Corpus, root: Path) -> dict[str, Utterance]:
    return {row.id.partition("/")[2]: row for row in corpus.utterances(root)}


def test_a_name_gives_the_fields_of_its_parts(tmp_path: Path) -> None:
    laid(tmp_path, "A_hap_1.wav", "deep/in/B_sad_22.flac", "C_hap_1.wav", "A_hap_x.wav")
    own = rows(made(), tmp_path)
    assert {id: (row.speaker, row.raw_label, row.source) for id, row in own.items()} == {
        "A_hap_1": ("A", "hap", "A_hap_1.wav"),
        "B_sad_22": ("B", "sad", "deep/in/B_sad_22.flac"),
    }
    assert own["A_hap_1"].notes == ("text: none",)


def test_a_name_with_a_slash_is_held_against_the_folders(tmp_path: Path) -> None:
    laid(tmp_path, "x/A/hap/1.wav", "A/sad/1.wav", "hap/1.wav")
    corpus = made(names=["{speaker}/{label}/{n}"], id="{speaker}_{label}_{n}")
    assert sorted(rows(corpus, tmp_path)) == ["A_hap_1", "A_sad_1"]


def test_the_first_name_that_fits_counts_and_both_give_one_id(tmp_path: Path) -> None:
    laid(tmp_path, "A_hap_1.wav", "B/sad2.wav")
    corpus = made(names=["{speaker}_{label}_{n}", "{speaker}/{label}{n}"], id="{speaker}_{label}_{n}")
    assert sorted(rows(corpus, tmp_path)) == ["A_hap_1", "B_sad_2"]


def test_case_does_not_matter_where_it_says_so(tmp_path: Path) -> None:
    laid(tmp_path, "a_HAP_1.WAV")
    assert list(rows(made(any_case=True, id="{speaker}_{label}_{n}"), tmp_path)) == ["A_hap_1"]
    with pytest.raises(LayoutError, match="is not mine"):
        made().utterances(tmp_path)


def test_a_wrong_name_is_read_as_it_was_meant_and_strays_say_why(tmp_path: Path) -> None:
    laid(tmp_path, "AA_hap_1.wav", "A_sad_1.wav", "song_A.wav", "A_hap_1(1).wav")
    corpus = made(
        fixes={"AA_hap_1": "A_hap_1"},
        stray=[{"name": "song_.*", "why": "a song", "kind": "song"}, {"name": r".*\(1\)", "why": "a copy"}],
    )
    own = rows(corpus, tmp_path)
    assert own["A_hap_1"].source == "AA_hap_1.wav"
    assert {row.source: (row.excluded, row.notes[0]) for row in own.values() if row.excluded} == {
        "song_A.wav": ("song", "a song"),
        "A_hap_1(1).wav": ("stray", "a copy"),
    }


def test_fields_take_the_place_of_groups_in_their_order(tmp_path: Path) -> None:
    laid(tmp_path, "A_hap_1.wav", "A_sad_7.wav")
    corpus = made(
        """
        fields:
          speaker: {of: speaker, map: {A: Anna, B: Ben}}
          gender: {of: speaker, map: {Anna: w, Ben: man}}
          prompt: [{of: "{label}-{n}", like: "hap-(.*)"}, "none-{n}"]
          text: {of: n, map: {"1": "Hello, {speaker}."}, missing: not published, note: inferred}
        id: "{speaker}-{n}"
        """
    )
    own = rows(corpus, tmp_path)
    first, second = own["Anna-1"], own["Anna-7"]
    assert (first.speaker, first.gender, first.prompt) == ("Anna", "female", "1")
    assert (first.text, first.notes) == ("Hello, {speaker}.", ("inferred",))
    assert (second.prompt, second.text, second.notes) == ("none-7", None, ("text: not published",))


def test_a_text_file_beside_the_audio_or_the_only_one_of_its_name(tmp_path: Path) -> None:
    laid(tmp_path, "a/A_hap_1.wav", "b/B_hap_1.wav", "texts/x.wav")
    (tmp_path / "a" / "A_hap_1.txt").write_text(" Hello. \n")
    (tmp_path / "texts" / "B_hap_1.txt").write_text("Welt".encode("utf-16").decode("utf-16"))
    own = rows(made(fields={"text": {"file": "{stem}.txt", "missing": "no file"}}), tmp_path)
    assert (own["A_hap_1"].text, own["B_hap_1"].text) == ("Hello.", "Welt")


TABLE = """
names: ["clip[0-9]+"]
parts: {}
table:
  file: rows.csv
  audio: "{file}"
  where: {status: [good, fine]}
  join: {file: people.csv, by: {who: name}}
fields: {label: "{emotion}", speaker: "{who}", gender: "{sex}", text: "{words}"}
"""
ROWS = """file;emotion;who;words;status
x/clip1.wav;hap;A;Hello;good
x/clip2.wav;sad;B; ;fine
x/clip3.wav;sad;B;Ho;bad
"""


def test_rows_of_a_table_with_another_joined_to_it(tmp_path: Path) -> None:
    laid(tmp_path, "clip1.wav", "clip3.wav", "clip9.wav", rows__csv=ROWS, people__csv="name,sex\nA,f\n")
    own = rows(made(TABLE), tmp_path)
    assert (own["clip1"].raw_label, own["clip1"].gender, own["clip1"].text) == ("hap", "female", "Hello")
    assert (own["clip2"].source, own["clip2"].gender) == (None, None)
    assert own["clip2"].notes == ("text: empty in rows.csv",)
    strays = {row.source: row.notes[0] for row in own.values() if row.excluded}
    assert strays == {"clip3.wav": "status is bad", "clip9.wav": "rows.csv does not name it"}


def test_a_table_that_is_missing_or_lacks_a_column_is_named(tmp_path: Path) -> None:
    laid(tmp_path, "clip1.wav")
    with pytest.raises(LayoutError, match=r"(?i)rows\.csv is missing: nothing says the labels"):
        made(TABLE).utterances(tmp_path)
    laid(tmp_path, rows__csv=ROWS.replace("words", "text"), people__csv="name,sex\nA,f\n")
    with pytest.raises(LayoutError, match=r"rows\.csv has no column words"):
        made(TABLE).utterances(tmp_path)


def test_without_its_table_a_name_that_has_the_label_is_a_row(tmp_path: Path) -> None:
    laid(tmp_path, "A_hap_1.wav")
    corpus = made(table={"file": "rows.csv", "audio": "{file}"}, fields={"text": "{words}"})
    survey = corpus.survey(tmp_path)
    assert survey.remarks == ["rows.csv is missing: no row has a text"]
    assert survey.rows[0].notes == ("text: no row in rows.csv",)


EMODB = """Nr.\tSatz\terkannt\tnatuerlich
1\t03a01Fa.wav\t97,14\xa0\xa0\t 62,5
2\t03a01Fb.wav\t20\t5
3\t03a01Wa.wav\t\t9
"""
EMOZIONALMENTE = """file_name,evaluator,audio_quality,emotion_recognized
1613655062436.wav,b2,good,joy
1613655062436.wav,a1,bad,fear
1613655062436.wav,c3,good,
"""
SAMPLES = "file_name,sentence,actor,emotion_expressed\n1613655062436.wav,È tardi.,a1,joy\n"


@pytest.mark.parametrize(
    ("name", "audio", "table", "text", "votes"),
    [
        ("emodb", "03a01Fa", "erkennung.txt", EMODB, [("F", 97.14)]),
        ("emodb", "03a01Wa", "erkennung.txt", EMODB, []),
        ("emodb", "03a01Fa", "erkennung.txt", "a table of another kind\n", []),
        (
            "emozionalmente",
            "1613655062436",
            "evaluations.csv",
            EMOZIONALMENTE,
            [("joy", None), ("fear", None)],
        ),
    ],
)
def test_what_listeners_said_is_in_the_votes(
    name: str, audio: str, table: str, text: str, votes: list[tuple[str, float | None]], tmp_path: Path
) -> None:
    laid(tmp_path, f"wav/{audio}.wav")
    (tmp_path / "samples.csv").write_text(SAMPLES, "utf-8")
    (tmp_path / table).write_bytes(text.encode("cp1252"))
    survey = get_corpus(name).survey(tmp_path)
    assert [(vote.label, vote.level) for vote in survey.rows[0].votes] == votes
    remarks = [remark.partition(": its")[0] for remark in survey.remarks if "votes" in remark]
    lacks = f"no row has votes: {table} has no column Satz, erkannt"
    assert remarks == ([lacks] if "another" in text else [])


def test_shemo_without_its_table_has_the_texts_of_its_names(tmp_path: Path) -> None:
    laid(tmp_path, "female/F01A01.wav", "male/M01W02.wav", "transcript/final text/F01A01.ort")
    text = "\u200f\u0633\u0644\u0627\u0645 \u0645\u06cc\u200e\u0631\u0648\u0645\r\n"
    (tmp_path / "transcript/final text/F01A01.ort").write_text(text, "utf-8-sig", newline="")
    own = rows(get_corpus("shemo"), tmp_path)
    assert own["F01A01"].text == "\u0633\u0644\u0627\u0645 \u0645\u06cc\u200c\u0631\u0648\u0645"
    assert own["F01A01"].notes[0].startswith("transcript by the name of the file")
    assert (own["M01W02"].text, own["M01W02"].raw_label) == (None, "surprise")


def test_spans_of_one_recording_are_rows(tmp_path: Path) -> None:
    spans = [{"start": 0.5, "end": 2, "emotion": "hap"}, {"start": 2, "end": "3.25", "emotion": "sad"}]
    laid(tmp_path, "long1.flac", long1__json=json.dumps(spans))
    corpus = made(
        names=["long[0-9]"],
        parts={},
        table={"file": "long*.json", "audio": "{table}"},
        fields={"label": "{emotion}", "speaker": "A", "text": {"missing": "none"}},
        id="{stem}_{start}",
    )
    # start and end are columns called like fields: they need no entry
    assert [(row.start, row.end, row.source) for row in corpus.utterances(tmp_path)] == [
        (0.5, 2.0, "long1.flac"),
        (2.0, 3.25, "long1.flac"),
    ]


@pytest.mark.parametrize(
    ("field", "wanted"),
    [("valence", "a number"), ("official_split", "train"), ("language", "a code")],
)
def test_a_value_that_a_field_cannot_have_is_named(field: str, wanted: str, tmp_path: Path) -> None:
    laid(tmp_path, "A_hap_1.wav")
    with pytest.raises(LayoutError, match=rf"A_hap_1\.wav, field {field}: 'no such' is not {wanted}"):
        made(fields={field: "no such", "text": {"missing": "none"}}).utterances(tmp_path)


def test_an_id_may_be_the_whole_path(tmp_path: Path) -> None:
    paths = [f"{folder}/x/A_hap_1.wav" for folder in "ab"]
    corpus = made(id="{path}", fields={"language": "English", "text": {"missing": "none"}})
    rows = corpus.utterances(laid(tmp_path, *paths))
    assert [(row.id, row.source, row.language) for row in rows] == [
        (f"mine/{path[:-4]}", path, "en") for path in paths
    ]


def test_a_complete_copy_is_all_combinations_without_those_that_do_not_exist() -> None:
    corpus = made(
        parts={"speaker": ["A", "B"], "n": "[0-9]+"},
        id="{speaker}_{label}_{n}",
        complete={"without": [{"label": "odd"}, {"speaker": "B", "label": "raw"}]},
    )
    missing = corpus.missing({"mine/A_hap_1", "mine/A_hap_2"})
    assert len(missing) == 2 * (4 + 3) - 2  # two numbers are there; four labels of A, three of B
    assert "mine/B_sad_2" in missing


def test_what_others_call_a_row_is_made_of_its_id() -> None:
    class Row:
        id, speaker, raw_label = "savee/JE_n23", "JE", "n"

    assert get_corpus("savee").keys["emobox"](Row()) == "savee-JE-n23"
    assert (
        get_corpus("tess").keys["emobox"](type("R", (), {"id": "tess/OAF_bite_ps"})()) == "tess-OAF-bite-ps"
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("nmae: x", "nmae: unknown key (did you mean 'name'?)"),
        ("labels: {no: joy}", "labels: YAML reads yes, no, on, off, true or false as true or false"),
        (
            "parts: {speaker: [1, B], n: x}",
            "parts.speaker.0: YAML reads 1 as a number, and this must be text",
        ),
        ('names: ["({speaker}"]', "names.0: it is not a regular expression"),
        ("parts: {speaker: [A]}", "names.0: nothing says what {n} may be: list its values in parts.n"),
        ("fields: {txet: x}", "fields: input should be 'label', 'speaker', 'text'"),
        ('fields: {text: "{wrod}"}', "fields.text: {wrod} is not a group of names, nor a field"),
        ("fields: {gender: male}", "fields.text: say where the texts are, or `missing:` with the reason"),
        ("fields: {text: {of: n}}", "fields.text.0: `of` needs a map, or `like`"),
        ("fields: {text: {of: n, map: gone.yaml}}", "fields.text.map: gone.yaml"),
        ("fields: {text: {of: n, map: ../x.yaml}}", "must lie beside the file"),
        (
            'names: ["{n}"]\nfields: {text: x, label: {of: n, map: {a: happy}}}',
            "fields.label.map.a: 'happy' is not among labels",
        ),
        ('id: "{place}"', "id: {place} is not a group of names, nor a field"),
        ("debatable: [sadd]", "debatable: sadd is not among labels"),
        ("endings: [.doc]", "endings: .doc is no ending of audio files"),
        ("terms: {public: ok}", "terms.public: input should be 'attribution', 'gated' or 'never'"),
        ("table: {file: x.csv, audio: y, join: {file: z}}", "table.join.by: field required"),
        ("languages: [english]", "languages.0: string should match pattern"),
        ("names: []", "it needs `names`, the form of the file names, or a `table` of its rows"),
    ],
)
def test_every_fault_is_named_with_its_key(change: str, says: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        made(change)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "mine.yaml" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name: a\nname: b", "the key 'name' is given twice"),
        ("[1]", "it must be a mapping"),
        ("a: *b", "alias"),
    ],
)
def test_a_file_that_is_no_declaration_is_one_sentence(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(DeclarationError, match=says) as caught:
        load_declared(tmp_path / "mine.yaml")
    assert "\n" not in str(caught.value)


def test_the_published_schema_is_that_of_the_code() -> None:
    published = Path(load.__file__).with_name("corpus.schema.json").read_text("utf-8")
    assert json.loads(published) == Declaration.model_json_schema()


DECLARED = [name for name in registry() if registry()[name].page]


def test_a_declared_corpus_takes_at_most_sixty_lines() -> None:
    folder = Path(load.__file__).parents[1]
    sizes = {
        path.parent.name: len(path.read_text("utf-8").splitlines()) for path in folder.glob("*/corpus.yaml")
    }
    assert len(sizes) == 34
    assert {name: size for name, size in sizes.items() if size > 60} == {}


@pytest.mark.parametrize("name", DECLARED)
def test_its_examples_fit_its_names_and_its_card_has_no_gap(name: str) -> None:
    corpus = get_corpus(name)
    assert corpus.sample is not None
    assert corpus.sample(0, 1)
    assert "@" in corpus.card.partition("## Citation")[2]
    assert {entry["defect"] for entry in corpus.defects} == {
        entry["defect"] for entry in corpus.defects if entry["defect"] in corpus.card
    }


ENTRY = re.compile(r"@([a-z]+)\{(\w+),\n(.*?)\n\}", re.DOTALL)
BIB_FIELD = re.compile(r"(?<![^\s,])(\w+) = \{((?:[^{}]|\{[^{}]*\})+)\}")


def test_every_citation_is_an_entry_of_its_own_with_author_title_and_year() -> None:
    cards = {name: corpus.card.partition("```bibtex\n")[2] for name, corpus in registry().items()}
    entries = {name: ENTRY.findall(text) for name, text in cards.items() if text}
    assert len(entries) >= 35
    assert {name for name, own in entries.items() if len(own) != 1} == set()
    assert len({key for [(_, key, _)] in entries.values()}) == len(entries)
    for name, [(_, _, body)] in entries.items():
        fields = dict(BIB_FIELD.findall(body))
        assert {"author", "title", "year"} <= fields.keys(), name
        assert re.fullmatch(r"\d{4}|n\.d\.", fields["year"]), name
        assert BIB_FIELD.sub("", body).strip(", \n") == "", name  # nothing but fields and the commas between


@pytest.mark.parametrize("name", DECLARED)
def test_the_gate_knows_its_files_and_no_others(name: str) -> None:
    """Before an upload, each row's source must be named as the files of its corpus are."""
    plan = get_corpus(name).sample
    assert plan is not None
    paths = [file.path for file in plan(0, 1) if audio_stem(file.path)]
    check_sources(paths, name, "a shard")
    with pytest.raises(LicenceError, match=f"does not look like {name}"):
        check_sources([*paths, "somebody else's.wav"], name, "a shard")


@pytest.mark.parametrize("name", ["emovo", "emozionalmente"])
def test_a_miniature_of_a_declaration_is_built_like_the_corpus(name: str, tmp_path: Path) -> None:
    assert write_corpus(name, tmp_path / "one", speakers=1) == write_corpus(
        name, tmp_path / "two", speakers=1
    )
    paths = [path.relative_to(tmp_path / "one") for path in sorted((tmp_path / "one").rglob("*.*"))]
    assert all(
        (tmp_path / "one" / path).read_bytes() == (tmp_path / "two" / path).read_bytes() for path in paths
    )
    own = get_corpus(name).utterances(tmp_path / "one")
    assert {row.raw_label for row in own} == set(get_corpus(name).targets)
