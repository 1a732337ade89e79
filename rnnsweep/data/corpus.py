"""The embedded corpus: generated reviews for machines without IMDB. They are not real, and prove nothing about reviews.

A review is neutral words with Zipf-like frequencies and IMDB's lengths, in which opinion words are scattered. What the
opinion words say depends on their order:

- `not` turns the next word's opinion into its opposite;
- within a sentence, what precedes `but` is conceded, so it says the opposite of what follows;
- three quarters of the reviews end in a verdict after `but` or `overall`, and whatever the body before it said, which
  is more often the opposite than not, does not count; nearly half of them retell some of the plot behind it, without an
  opinion, so a max_len of 40 misses many a verdict that one of 120 finds;
- one quarter (most of those below `SHORT` words) open with their verdict and then only retell the plot, without an
  opinion, so only a max_len that reaches back to the verdict finds it.

Opinion words are in every range of frequency, so a larger num_words sees more of them. A share of the verdicts
contradicts its label, so nothing can be right always. Only `RandomState.random_sample`, integers and `searchsorted` are
used: every machine and every numpy generates the same words.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnsweep.types import Ints, Tokens

Split = tuple[Tokens, Ints, NDArray[np.uint8]]
SEED = 1107
REVIEWS = 5000  # of each set
NEUTRAL = 14_000  # words without an opinion
# Words and share of the opinion words' occurrences, from the commonest to the rarest. So many words share so many
# occurrences that their ranks are about 20 to 100, 250 to 1,000, 1,000 to 5,000 and beyond.
STRATA = ((6, 0.50), (60, 0.27), (300, 0.15), (700, 0.08))  # words of each polarity, share
# Lengths of IMDB's training reviews with the start token, at these shares of the reviews (in thousandths).
LENGTH_AT = (0, 25, 50, 100, 200, 300, 400, 500, 600, 700, 800, 850, 900, 925, 950, 975, 990, 999, 1000)
LENGTHS = (11, 53, 66, 93, 119, 133, 150, 178, 210, 257, 331, 384, 467, 525, 610, 756, 925, 1180, 2494)
SHORT = 120  # words; below, three quarters of the reviews open with their verdict
OPENS = (0.75, 0.1)  # share of short and of longer reviews that open with their verdict
VERDICT = (9, 17)  # words of a verdict, least and most; in a short review that opens with it, half of the words
TAILED, TAIL = 0.45, (30, 70)  # share of late verdicts with a plot behind them, and its words, least and most
CONTRARY = 0.55  # share of the reviews whose body says the opposite of the verdict
NOISE = 0.05  # share of the verdicts that contradict their label
SENTENCE = 14  # words, mean
BUT = 0.25  # share of a body's sentences with `but`
NOT = 0.12  # share of the opinion words behind `not`
AGREES = 0.9  # share of the opinion words that say what their part of the review says
DENSITY = {"verdict": 0.6, "body": 0.15, "plot": 0.0}  # share of opinion words
_BUT, _OVERALL, _NOT = 0, 1, 2
_FIRST_OPINION = 3


def generate() -> tuple[Split, Split]:
    """Return training and test set, each as tokens int32 in Keras numbering, offsets int64 and labels uint8.

    5,000 reviews each; ranks by frequency in the training set. Takes about a second.
    """
    rng = np.random.RandomState(SEED)
    train, train_offsets, train_labels = _split(rng)
    test, test_offsets, test_labels = _split(rng)
    # The first word of a review makes room for the start token.
    counts = np.bincount(np.delete(train, train_offsets[:-1]), minlength=_words())
    rank = np.empty(len(counts), np.int32)
    rank[np.argsort(-counts, kind="stable")] = np.arange(1, len(counts) + 1)
    return (
        (_with_start(rank[train] + 3, train_offsets), train_offsets, train_labels),
        (_with_start(rank[test] + 3, test_offsets), test_offsets, test_labels),
    )


def _words() -> int:
    return _FIRST_OPINION + 2 * sum(words for words, _ in STRATA) + NEUTRAL


def _with_start(tokens: NDArray[Any], offsets: Ints) -> Tokens:
    tokens = tokens.astype(np.int32)
    tokens[offsets[:-1]] = 1
    return tokens


def _split(rng: np.random.RandomState) -> tuple[Ints, Ints, NDArray[np.uint8]]:
    """Return word numbers int64, offsets int64 [reviews + 1] and labels uint8; the start token's place holds a word."""
    lengths = _lengths(rng)
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    labels = np.argsort(np.argsort(rng.random_sample(REVIEWS), kind="stable"), kind="stable") % 2
    verdict = labels ^ (rng.random_sample(REVIEWS) < NOISE)
    body = verdict ^ (rng.random_sample(REVIEWS) < CONTRARY)
    opens = rng.random_sample(REVIEWS) < np.where(lengths < SHORT, *OPENS)
    span = VERDICT[0] + (rng.random_sample(REVIEWS) * (VERDICT[1] - VERDICT[0] + 1)).astype(np.int64)

    tail = np.where(rng.random_sample(REVIEWS) < TAILED, TAIL[0], 0)
    tail = np.minimum(
        tail + (rng.random_sample(REVIEWS) * (TAIL[1] - TAIL[0])).astype(np.int64) * (tail > 0), lengths // 2
    )

    review = np.repeat(np.arange(REVIEWS), lengths)
    place = np.arange(offsets[-1]) - offsets[review]
    to_end = lengths[review] - 1 - place - tail[review]  # of the verdict; negative in the plot behind it
    opening = opens[review]
    open_span = np.where(lengths < SHORT, lengths // 2, span)
    in_plot = ~opening & (to_end < 0)
    in_verdict = np.where(opening, place <= open_span[review], ~in_plot & (to_end < span[review]))
    density = np.where(in_verdict, DENSITY["verdict"], np.where(opening | in_plot, DENSITY["plot"], DENSITY["body"]))
    turn = ~opening & (to_end == span[review])

    says = np.where(in_verdict, verdict[review], body[review])
    before_but, but = _concessions(rng, place == 0, in_verdict | turn | in_plot | opening)
    says = says ^ before_but ^ (rng.random_sample(len(place)) >= AGREES)

    tokens = _neutral(rng, len(place))
    opinion = (rng.random_sample(len(place)) < density) & (place > 0) & ~turn & ~but
    negated = opinion & (rng.random_sample(len(place)) < NOT) & (place > 1)
    negated[1:] &= ~(opinion | turn | but)[:-1]
    tokens[opinion] = _opinions(rng, (says ^ negated)[opinion])
    tokens[np.flatnonzero(negated) - 1] = _NOT
    tokens[but] = _BUT
    tokens[turn] = np.where(rng.random_sample(int(turn.sum())) < 0.6, _BUT, _OVERALL)
    return tokens, offsets, labels.astype(np.uint8)


def _lengths(rng: np.random.RandomState) -> Ints:
    at = rng.random_sample(REVIEWS) * 1000
    part = np.searchsorted(LENGTH_AT, at, side="right") - 1
    low, high = np.array(LENGTHS)[part], np.array(LENGTHS)[part + 1]
    start, end = np.array(LENGTH_AT)[part], np.array(LENGTH_AT)[part + 1]
    lengths: Ints = low + ((high - low) * (at - start) / (end - start)).astype(np.int64)
    return lengths


def _concessions(rng: np.random.RandomState, first: NDArray[Any], never: NDArray[Any]) -> tuple[Any, Any]:
    """Return bool [words]: what precedes `but` in its sentence, and the `but` itself."""
    starts = first | (rng.random_sample(len(first)) < 1 / SENTENCE)
    sentence = np.cumsum(starts) - 1
    begin = np.append(np.flatnonzero(starts), len(first))
    words = np.diff(begin)
    # A quarter to three quarters into the sentence.
    split = begin[:-1] + words // 4 + (rng.random_sample(len(words)) * (words // 2)).astype(np.int64)
    has_but = (rng.random_sample(len(words)) < BUT) & (words >= 6) & ~never[split]
    before = has_but[sentence] & (np.arange(len(first)) < split[sentence]) & ~never
    but = np.zeros(len(first), bool)
    but[split[has_but]] = True
    return before, but


def _neutral(rng: np.random.RandomState, size: int) -> Ints:
    """Return neutral words by the Zipf-Mandelbrot law, weight 1 / (rank + 2.7), in integers."""
    until = np.cumsum(10**10 // (10 * np.arange(1, NEUTRAL + 1) + 27))
    words: Ints = np.searchsorted(until, (rng.random_sample(size) * until[-1]).astype(np.int64), "right")
    return words + (_words() - NEUTRAL)


def _opinions(rng: np.random.RandomState, positive: NDArray[Any]) -> Ints:
    """Return one opinion word per element: of a stratum by its share, each of the stratum's words as likely."""
    words, shares = zip(*STRATA, strict=True)
    until = np.cumsum([round(share * 10**6) for share in shares])
    stratum = np.searchsorted(until, (rng.random_sample(len(positive)) * 10**6).astype(np.int64), "right")
    size = np.array(words)[stratum]
    first = _FIRST_OPINION + 2 * (np.cumsum(words) - words)[stratum]
    within: Ints = (rng.random_sample(len(positive)) * size).astype(np.int64)
    chosen: Ints = within + first + positive * size
    return chosen
