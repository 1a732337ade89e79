"""What `--look` prints of a user's texts, and what is worth a warning before anything is trained on them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from rnnsweep.data import tokens
from rnnsweep.data.columns import where
from rnnsweep.data.reviews import INDEX_FROM, OUT_OF_VOCABULARY, START, Dataset, Reviews
from rnnsweep.data.understand import Understood
from rnnsweep.data.unpack import cut
from rnnsweep.types import Ints

FEW_WORDS = 2  # at the middle of the texts: less to learn from than a sentence
LARGE_CLASS = 0.8  # share of the texts from which on one class hides what is learned
MOST = 0.5  # share of the tokens
EXAMPLES = 5
CLASSES_SHOWN = 60


def look(understood: Understood, max_len: Sequence[int] = (), num_words: Sequence[int] = ()) -> list[str]:
    """Return lines on what was understood: columns, classes, lengths, scripts, tokens, and five encoded examples.

    `max_len` and `num_words` are of the networks that would be trained: lines say what they cut off.
    """
    words = tokens.vocabulary(understood.kind, itertools.compress(understood.words, understood.training))
    lengths = np.array([len(of_text) + 1 for of_text in understood.words])
    lines = [*understood.notes, _split_line(understood), *_class_lines(understood)]
    lines.append(
        f"lengths in tokens, start token included: {_quantiles(lengths)} (5, 50, 95 %), longest {lengths.max():,}"
    )
    lines += [_max_len_line(lengths, most) for most in max_len]
    shares = tokens.scripts(understood.texts)
    lines.append("scripts: " + ", ".join(f"{script} {_percent(share)}" for script, share in list(shares.items())[:4]))
    lines.append(f"tokens: {understood.kind.name}, {len(words):,} different ones in the training texts: {_some(words)}")
    lines += [_num_words_line(understood, words, most) for most in num_words]
    return [*lines, *_examples(understood, words)]


def _split_line(understood: Understood) -> str:
    counts = {split: understood.split.count(split) for split in ("train", "validation", "test")}
    return "split: " + ", ".join(f"{count:,} {split}" for split, count in counts.items() if count)


def _class_lines(understood: Understood) -> list[str]:
    names, counts, several = understood.labels.names, counts_of(understood), understood.labels.multilabel
    lines = [f"{len(names)} {'labels' if several else 'classes'}, of {len(understood.texts):,} texts"]
    wide = max(len(name) for name in names[:CLASSES_SHOWN])
    for name, count in list(zip(names, counts.tolist(), strict=True))[:CLASSES_SHOWN]:
        lines.append(f"  {name:<{wide}}  {count:>9,}  {_percent(count / len(understood.texts)):>7}")
    if len(names) == 2 and not several:
        lines[-1] += "  counts as 1 (--positive names another)"
    return lines + [f"  and {len(names) - CLASSES_SHOWN} more"] * (len(names) > CLASSES_SHOWN)


def counts_of(understood: Understood) -> Ints:
    """Return the number of texts of each class, int64 [classes]."""
    return understood.labels.counts()


def _quantiles(lengths: Ints) -> str:
    return ", ".join(f"{round(q):,}" for q in np.quantile(lengths, (0.05, 0.5, 0.95)))


def _max_len_line(lengths: Ints, max_len: int) -> str:
    cut_off = np.maximum(lengths - max_len, 0)
    texts, tokens_ = _percent((cut_off > 0).mean()), _percent(cut_off.sum() / lengths.sum())
    return f"max_len {max_len:,} cuts {texts} of the texts, and {tokens_} of the tokens"


def _num_words_line(understood: Understood, words: Sequence[str], num_words: int) -> str:
    train, other = (out_of_vocabulary(understood, words, num_words, trained) for trained in (True, False))
    rest = "" if other is None else f", {_percent(other)} of the others"
    return f"num_words {num_words:,} leaves {_percent(train or 0.0)} of the training texts' tokens out{rest}"


def out_of_vocabulary(
    understood: Understood, words: Sequence[str], num_words: int, trained: bool = True
) -> float | None:
    """Return the share of tokens outside the first num_words numbers, of the training or the other texts; or None."""
    known = set(words[: max(0, num_words - INDEX_FROM - 1)])
    lists = list(itertools.compress(understood.words, understood.training == trained))
    total = sum(map(len, lists))
    return sum(word not in known for of_text in lists for word in of_text) / total if total else None


def _examples(understood: Understood, words: Sequence[str]) -> list[str]:
    """Return the first text of each class, up to five, then others, as tokens and as the numbers they become."""
    ranks = tokens.ranks_of(words)
    lines = []
    for i in _shown_rows(understood):
        first = understood.words[i][:12]
        ids = [START] + [
            rank + INDEX_FROM if rank > 0 else OUT_OF_VOCABULARY for rank in tokens.encoded([first], ranks)[0]
        ]
        more = " ..." if len(understood.words[i]) > len(first) else ""
        lines.append(f"{where(understood.index[i])} [{_labels_of(understood, i)}]: {cut(understood.texts[i], 80)}")
        lines.append(f"  {' | '.join(cut(word, 20) for word in first)}{more}")
        lines.append(f"  {' '.join(map(str, ids))}{more}")
    return lines


def _shown_rows(understood: Understood) -> list[int]:
    seen: dict[str, int] = {}
    for i in range(len(understood.texts)):
        seen.setdefault(_labels_of(understood, i), i)
        if len(seen) == EXAMPLES:
            break
    rows = list(seen.values())
    others = (i for i in range(len(understood.texts)) if i not in rows)
    return rows + list(itertools.islice(others, EXAMPLES - len(rows)))


def _labels_of(understood: Understood, i: int) -> str:
    code, names = understood.labels.codes[i], understood.labels.names
    if understood.labels.multilabel:
        return ", ".join(names[at] for at in np.flatnonzero(code)) or "no label"
    return names[int(code)]


def _some(words: Sequence[str]) -> str:
    return " ".join(words[:10]) + (" ..." if len(words) > 10 else "")


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


# ---- warnings
def warnings(dataset: Dataset, num_words: Sequence[int] = ()) -> list[str]:
    """Return a line for each thing that makes figures mean little: short texts, one large class, unknown words."""
    name, classes = dataset.name, dataset.classes
    sets = [part for part in (dataset.train, dataset.validation, dataset.test) if part is not None]
    lines = []
    middle = float(np.median(np.concatenate([part.lengths - 1 for part in sets])))
    if middle <= FEW_WORDS:
        lines.append(
            f"{name}: half of the texts have {middle:g} tokens or fewer, so there is little to learn an order from; "
            "see --look, and --tokens characters for a language without blanks"
        )
    counts = np.sum([_class_counts(part, len(classes)) for part in sets], 0)
    share = float(counts.max() / counts.sum())
    if dataset.multilabel:
        lines.append(
            f"{name}: accuracy is the share of texts with all of their labels right; --select val_micro_f1 chooses by "
            "single labels"
        )
    elif share > LARGE_CLASS:
        lines.append(
            f"{name}: {_percent(share)} of the texts are {classes[int(counts.argmax())]!r}: a network that always says "
            "so has that accuracy; judge by macro F1"
        )
    for most in num_words:
        out = max(_unknown(part, most) for part in sets)
        if out > MOST:
            lines.append(
                f"{name}: {_percent(out)} of the tokens are out of vocabulary at num_words {most:,}; raise "
                "--num-words, or see --tokens"
            )
    return lines


def _class_counts(reviews: Reviews, classes: int) -> Ints:
    labels = reviews.labels
    return labels.sum(0, np.int64) if labels.ndim == 2 else np.bincount(labels, minlength=classes).astype(np.int64)


def _unknown(reviews: Reviews, num_words: int) -> float:
    """Return the share of the tokens that a network sees as out of vocabulary, start tokens not counted."""
    unknown = (reviews.tokens >= num_words) | (reviews.tokens == OUT_OF_VOCABULARY)
    return float(unknown.sum() / max(1, len(reviews.tokens) - len(reviews)))
