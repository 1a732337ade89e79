"""The script of an exported folder: what makes numbers of texts and asks the network, written so that it needs no more
than a runtime and, where Python's own library can split the texts as training did, Python."""

from __future__ import annotations

from rnnsweep.data.tokens import RUN, SEGMENT, TAG, WORD_LIKE
from rnnsweep.data.vocabulary import Vocabulary

NEEDS = {"words": "", "characters": "", "unicode": "regex", "subwords": "regex and tokenizers"}
# Unicode's Default_Ignorable_Code_Point, which Python's library does not name.
IGNORABLE = (
    "\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\u3164"
    "\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufff8\\U0001bca0-\\U0001bca3\\U0001d173-\\U0001d17a\\U000e0000-\\U000e0fff"
)
NORMAL = f"""

def normal(text):  # Unicode's NFKC_Casefold
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return re.sub("[{IGNORABLE}]", "", folded).replace("i\\u0307", "i")
"""
SPLIT = {
    "words": """
PUNCTUATION = str.maketrans(dict.fromkeys('!"#$%&()*+,-./:;<=>?@[\\\\]^_`{|}~\\t\\n', " "))


def split(text):  # as Keras's tokenizer
    return [word for word in text.lower().translate(PUNCTUATION).split(" ") if word]
""",
    "characters": NORMAL
    + """

def split(text):  # a letter with the marks on it
    parts = []
    for c in normal(text):
        joins = parts and (unicodedata.category(c)[0] == "M" or "\\U0001f3fb" <= c <= "\\U0001f3ff")
        parts[-1:] = [parts[-1] + c] if joins else [*parts[-1:], c]
    readable = any(c.isalnum() or unicodedata.category(c) == "So" for part in parts for c in part)
    return [part for part in parts if not part.isspace()] if readable else []
""",
    "unicode": NORMAL
    + f"""

def split(text):  # Unicode's word boundaries, UAX 29
    words = regex.findall(r"{SEGMENT.pattern}", normal(text), regex.VERSION1 | regex.DOTALL)
    return [word for word in words if regex.search(r"{WORD_LIKE.pattern}", word)]
""",
    "subwords": NORMAL
    + f"""
pieces = tokenizers.Tokenizer.from_file(str(here / "tokenizer.json"))


def split(text):  # learned pieces of words
    runs = regex.findall(r"{RUN.pattern}", normal(text))
    return pieces.encode(" ".join("▁" + run for run in runs), add_special_tokens=False).tokens
""",
}
MARKUP = f'''

def plain(text):  # tags and entities were taken out of the training texts, too
    return html.unescape(re.sub(r"""{TAG.pattern}""", " ", text, flags=re.DOTALL))
'''
RUNTIMES = {
    "keras": """
model = keras.saving.load_model(here / "model.keras", compile=False)
run = model.predict_on_batch
""",
    "onnxruntime": """
model = onnxruntime.InferenceSession(here / "model.onnx")


def run(ids):
    return model.run(None, {"tokens": ids})[0]
""",
}
REST = '''

def predict(texts):
    """Return the probabilities, float32 [texts, classes]; of two classes, [texts, 1] of the second."""
    ids = numpy.zeros((len(texts), known["max_len"]), "int32")
    for row, text in zip(ids, texts):
        numbers = [known["start"], *(known["words"].get(each, known["unknown"]) for each in split({text}))]
        row[-len(numbers[-len(row) :]) :] = numbers[-len(row) :]
    return numpy.asarray(run(ids))


if __name__ == "__main__":
    for text, found in zip(sys.argv[1:], predict(sys.argv[1:])):
        {says}
        print(label, *(f"{{n}} {{share:.4f}}" for n, share in zip(known["classes"], shares)), text[:60], sep="\\t")
'''
SAYS = {
    "binary": 'shares = [1 - found[0], found[0]]\n        label = known["classes"][int(found[0] > 0.5)]',
    "softmax": 'shares = found\n        label = known["classes"][int(found.argmax())]',
    "sigmoids": 'shares = found\n        label = "; ".join(n for n, p in zip(known["classes"], found) if p > 0.5)',
}


def script(vocabulary: Vocabulary, runtime: str) -> str:
    """Return the text of the script for a runtime, keras or onnxruntime, and these tokens."""
    kind, markup = vocabulary.kind.name, vocabulary.reading.strip_markup
    ends = "sigmoids" if vocabulary.multilabel else "binary" if len(vocabulary.classes) == 2 else "softmax"
    normal = kind != "words"
    own = ["html"] * markup + ["json", "pathlib"] + ["re"] * (normal or markup) + ["sys"] + ["unicodedata"] * normal
    others = ["numpy", *([] if not NEEDS[kind] else NEEDS[kind].split(" and ")), runtime]
    more = f", {NEEDS[kind]}" if NEEDS[kind] else ""
    needs = f"{runtime}, NumPy{more} and Python alone"
    head = f'"""python {name_of(runtime)} TEXT...: the class of each text, by {needs}."""\n\n'
    imports = "".join(f"import {name}\n" for name in own) + "\n" + "".join(f"import {n}\n" for n in sorted(others))
    known = 'here = pathlib.Path(__file__).parent\nknown = json.loads((here / "vocabulary.json").read_text("utf-8"))'
    body = RUNTIMES[runtime] + SPLIT[kind] + (MARKUP if markup else "")
    return head + imports + "\n" + known + body + REST.format(text="plain(text)" if markup else "text", says=SAYS[ends])


def name_of(runtime: str) -> str:
    """Return the name of the script of a runtime."""
    return "predict.py" if runtime == "keras" else "predict_onnx.py"
