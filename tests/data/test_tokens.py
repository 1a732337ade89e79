"""Each kind of tokens on short texts of several languages, and one form for each letter."""

import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnsweep.data import tokens
from rnnsweep.data.reviews import DataError
from rnnsweep.data.tokens import automatic, from_json, kind_of, markup, normal, scripts, strip_markup
from tests.helpers.properties import quick

CHINESE = ["这家店的饭菜很好吃，下次还来！", "送餐太慢了，菜都凉了。"]
JAPANESE = ["このカメラはとても良いです。", "電池がすぐ切れました…"]
THAI = ["อาหารอร่อยมากและพนักงานใจดี", "ห้องพักสกปรกและเสียงดัง"]
ARABIC = ["الطعامُ لذيذٌ والخدمة ممتازة", "الغرفة كانت قذرة جداً"]
GERMAN = ["Die Suppe war heiß, größer als gedacht!", "Schlechte Straßenlage"]
TURKISH = ["İstanbul'da harika bir otel", "Çok kötüydü, bir daha gitmem"]


def split(kind, text):
    return kind_of(kind).split([text])[0]


# ---- words as Keras splits them


def test_words_are_split_as_keras_does():
    assert split("words", "It's GOOD,\tvery-good\n(100 %)!") == ["it's", "good", "very", "good", "100"]
    assert split("words", "a\r b\xa0c") == ["a\r", "b\xa0c"]  # only what Keras's filters name is a blank


def keras_words(text):
    """The rule of keras.preprocessing.text.text_to_word_sequence, Keras 1 to 2, spelled again."""
    for sign in '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n':
        text = text.replace(sign, " ")
    return [word for word in text.split(" ") if word]


@quick
@given(st.text(max_size=40))
def test_words_of_any_text_are_those_of_keras(text):
    assert split("words", text) == keras_words(text.lower())


# ---- words as Unicode does


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It’s a well-known café, isn't it? 3.50!", ["it’s", "a", "well", "known", "café", "isn't", "it", "3.50"]),
        (GERMAN[0], ["die", "suppe", "war", "heiss", "grösser", "als", "gedacht"]),
        (ARABIC[0], ["الطعامُ", "لذيذٌ", "والخدمة", "ممتازة"]),
        (TURKISH[0], ["istanbul'da", "harika", "bir", "otel"]),
        ("great 👍🏽 ... 🇩🇪", ["great", "👍🏽", "🇩🇪"]),
        ("...!", []),
    ],
)
def test_unicode_words_are_split_at_the_boundaries_of_the_standard(text, words):
    assert split("unicode", text) == words


@pytest.mark.parametrize("text", [*CHINESE, *JAPANESE, *THAI, *ARABIC, *GERMAN, *TURKISH])
@pytest.mark.parametrize("kind", ["unicode", "characters"])
def test_a_text_in_two_encodings_of_its_letters_has_the_same_tokens(kind, text):
    apart = unicodedata.normalize("NFD", text)
    assert split(kind, apart) == split(kind, text)
    assert split(kind, "\ufeff" + "\u200b".join(text)) == split(kind, text)


# ---- characters


def test_characters_of_languages_without_blanks_are_as_readers_count_them():
    assert split("characters", "饭菜 很好吃！") == ["饭", "菜", "很", "好", "吃", "!"]
    assert split("characters", "カメラが良い") == ["カ", "メ", "ラ", "が", "良", "い"]
    assert split("characters", "ｶﾞ") == ["ガ"]  # half-width, in two parts
    assert split("characters", "ที่นี่ดี") == ["ที่", "นี่", "ดี"]


def test_a_text_of_punctuation_only_has_no_characters():
    assert split("characters", "：（ ……") == []
    assert split("characters", "👍") == ["👍"]


# ---- pieces of words

LEARNED = ["the lower the lowest", "lower and newer", "the newest low"] * 4


def learned(size=40, texts=LEARNED):
    kind = kind_of("subwords", size)
    kind.fit(texts)
    return kind


def test_pieces_are_learned_and_begin_words_with_a_sign():
    (pieces,) = learned().split(["The lowest"])
    assert "".join(pieces) == "▁the▁lowest"
    assert pieces[0] == "▁the"
    assert len({piece for row in learned(12).split(LEARNED) for piece in row}) <= 12


def test_characters_that_the_training_texts_lack_are_unknown_and_no_word():
    kind = learned()
    lists = kind.split(["low Ж"])
    assert tokens.UNKNOWN in lists[0]
    assert tokens.UNKNOWN not in tokens.vocabulary(kind, lists)
    assert tokens.vocabulary(tokens.Words(), [[tokens.UNKNOWN]]) == (tokens.UNKNOWN,)  # there, a word as any


@pytest.mark.parametrize("texts", [CHINESE, JAPANESE, THAI, ARABIC, GERMAN, TURKISH])
def test_pieces_of_any_script_join_to_the_text_they_come_from(texts):
    kind = learned(200, texts * 3)
    for text, pieces in zip(texts, kind.split(texts), strict=True):
        letters = "".join(c for c in normal(text) if c.isalnum() or unicodedata.category(c)[0] == "M" or c == "'")
        assert "".join(pieces).replace("▁", "") == letters


def test_the_same_texts_give_the_same_pieces_in_another_process():
    code = (
        "from rnnsweep.data.tokens import kind_of; import sys; k = kind_of('subwords', 40); "
        f"k.fit({LEARNED!r}); sys.stdout.write(k.to_json())"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert other == learned().to_json()


@pytest.mark.parametrize("kind", [kind_of("words"), kind_of("unicode"), kind_of("characters"), learned()])
def test_a_kind_is_written_and_read_again(kind):
    again = from_json(kind.to_json())
    assert again.name == kind.name
    assert again.split(LEARNED) == kind.split(LEARNED)


def test_what_is_no_kind_is_refused():
    with pytest.raises(DataError, match="--tokens bytes is unknown; give auto, words, unicode, characters, subwords"):
        kind_of("bytes")
    with pytest.raises(DataError, match="3 pieces of words are too few"):
        kind_of("subwords", 3)
    with pytest.raises(DataError, match="have not been learned; fit them"):
        kind_of("subwords").split(["a"])
    for wrong in ("", "{}", '{"kind": "subwords", "size": 9, "tokenizer": {}}', '{"kind": "none"}', "[" * 10**5):
        with pytest.raises(DataError, match=r"no tokens that rnnsweep wrote|--tokens none is unknown"):
            from_json(wrong)


@pytest.mark.parametrize("name", tokens.KINDS)
@pytest.mark.parametrize("text", ["", "...", ":)", "a", "饭", "👍 "])
def test_whether_a_text_has_a_token_is_known_before_anything_is_learned(name, text):
    kind = kind_of(name, 40)
    known = kind.has_token(text)
    kind.fit(["a 饭 👍 a"])
    assert known == bool(kind.split([text])[0])


# ---- one form for each letter


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("Straße STRASSE", "strasse strasse"),
        ("ＡＢＣ１２３", "abc123"),
        ("ﬁne", "fine"),
        ("Σίσυφος ΣΊΣΥΦΟΣ", "σίσυφοσ σίσυφοσ"),
        ("a\u200b\u200d\u00ad\u2060\ufeffb", "ab"),
        ("İstanbul", "istanbul"),
        ("ISPARTA ısı", "isparta ısı"),  # the Turkish capital I, which only Turkish makes ı
        ("❤\ufe0f", "❤"),
    ],
)
def test_letters_that_are_one_to_a_reader_have_one_form(text, form):
    assert normal(text) == form


@quick
@given(st.text(max_size=30))
def test_the_normal_form_of_a_normal_form_is_itself(text):
    assert normal(normal(text)) == normal(text)


# ---- vocabulary


def test_ranks_are_by_frequency_and_of_equal_counts_the_first_seen_comes_first():
    words = tokens.vocabulary(tokens.Words(), [["b", "a"], ["c", "a"]])
    assert words == ("a", "b", "c")
    assert tokens.ranks_of(words) == {"a": 1, "b": 2, "c": 3}
    assert tokens.encoded([["c", "d", "a"]], tokens.ranks_of(words)) == [[3, -1, 1]]


# ---- scripts and markup


@pytest.mark.parametrize(
    ("texts", "kind", "said"),
    [
        (CHINESE, "characters", "100 % of the letters are Han"),
        (JAPANESE, "characters", "100 % of the letters are Hiragana and Han and Katakana"),
        (THAI, "characters", "100 % of the letters are Thai"),
        (ARABIC, "words", "as Keras splits them"),
        (GERMAN, "words", "as Keras splits them"),
        (["iPhone 手机 is good"], "words", "as Keras splits them"),
        (["123", ""], "words", "as Keras splits them"),
    ],
)
def test_texts_of_scripts_without_blanks_are_split_into_characters_and_that_is_said(texts, kind, said):
    found, line = automatic(texts)
    assert found == kind
    assert said in line


def test_scripts_are_shares_of_the_letters_with_the_commonest_first():
    assert scripts(["ab 12", "饭я"]) == {"Latin": 0.5, "Han": 0.25, "Cyrillic": 0.25}
    assert scripts([""]) == {}


def test_markup_is_counted_and_taken_out():
    texts = ["good<br /><br/>film &amp; book", "<b>no</b> <!-- a > b --> 5 < 6 > 4 I <3 it", "AT&T & more", "plain"]
    assert markup(texts) == (
        "2 of 4 texts hold 5 tags (most often <br />) and 1 entities (most often &amp;); --strip-markup takes them out"
    )
    assert [strip_markup(text) for text in texts] == [
        "good  film & book", " no    5 < 6 > 4 I <3 it", "AT&T & more", "plain",
    ]  # fmt: skip
    assert markup(["plain"]) is None


def test_an_entity_that_spells_a_tag_is_a_text_and_hostile_markup_takes_no_time():
    assert strip_markup("&lt;b&gt;") == "<b>"
    assert strip_markup("<!--" * 20_000 + "<a " * 20_000).startswith("<!--")


@pytest.mark.parametrize("kind", tokens.KINDS)
def test_equal_words_of_a_file_are_one_object_so_that_they_take_no_memory_each(kind):
    texts = ["der lange Film 電影", "ein langer Film 電影"] * 20
    made = tokens.kind_of(kind, 50)
    made.fit(texts)
    first = {}
    assert all(first.setdefault(word, word) is word for words in made.split(texts) for word in words)
