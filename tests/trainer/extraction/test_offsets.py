"""Places are characters of the text, whole words first, and the n-th mention is the n-th occurrence."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile_trainer.extraction.offsets import MOST, nearest, nearest_pair, occurrences


@pytest.mark.parametrize(
    ("text", "mention", "places"),
    [
        ("The USA and the US", "US", [(16, 18)]),
        ("The USA", "US", [(4, 6)]),  # it stands nowhere else
        ("Ada met Ada.", "Ada", [(0, 3), (8, 11)]),
        ("Adam and Ada's", "Ada", [(9, 12)]),
        ("北京大学在北京市", "北京", [(0, 2), (5, 7)]),  # no word borders in Chinese
        ("东京タワーは東京にある", "東京", [(6, 8)]),
        ("iPhone 15和iPhone 14", "iPhone 14", [(10, 19)]),
        ("用GPT写GPT4", "GPT", [(1, 4)]),  # a Chinese letter is a border, a digit is none
        ("cafe\u0301 and cafe", "cafe", [(10, 14)]),  # the accent belongs to the first
        ("👨\u200d👩\u200d👧 👩", "👩", [(6, 7)]),  # one of a family is not herself
        ("U.S. and U.S.A.", "U.S.", [(0, 4), (9, 13)]),
        ("aaaa", "aa", [(0, 2), (2, 4)]),  # places of one mention do not overlap
        ("Ada", "Bo", []),
        ("Ada", "", []),
        ("x²", "x", [(0, 1)]),
    ],
)
def test_a_mention_is_found_at_whole_words_first(text, mention, places):
    found = occurrences(text, mention)
    assert found == places
    assert all(text[start:end] == mention for start, end in found)


@pytest.mark.parametrize(
    ("text", "mention", "places"),
    [
        ("the New\n  York times", "new york", [(4, 14)]),
        ("Apple, pineapple", "apple", [(0, 5)]),  # the whole word, whatever its case, before a part of another
        ("apple and Apple", "apple", [(0, 5)]),  # as it is spelt, where it is spelt so
        ("\u00a0Ada\u00a0Bell", "Ada Bell", [(1, 9)]),
        ("北\n京大学", "北京", [(0, 3)]),
        ("ＡＢＣ公司", "ABC公司", [(0, 5)]),  # full width
        ("cafe\u0301 bar", "café", [(0, 5)]),  # the accent in a character of its own
        ("the café", "cafe\u0301", [(4, 8)]),
        ("Ada\u200bBell", "AdaBell", [(0, 8)]),
        ("O’Neill – “x”", 'O\'Neill - "x"', [(0, 13)]),
        ("ﬁne", "ine", []),  # no half of a sign
        ("ﬁne", "fine", [(0, 3)]),
        ("Straße", "STRASSE", [(0, 6)]),
        ("İstanbul", "istanbul", []),  # Turkish has two letters there
        ("a", "a ", [(0, 1)]),
    ],
)
def test_a_mention_that_is_spelt_a_bit_differently_is_found_where_it_stands(text, mention, places):
    assert occurrences(text, mention) == places


def test_a_differently_spelt_mention_is_looked_for_in_its_window_only():
    assert occurrences("ADA and ADA", "Ada", 4) == [(8, 11)]
    assert occurrences("ADA and ADA", "Ada", 0, 10) == [(0, 3)]


def test_a_mention_can_be_looked_for_in_a_window_whose_ends_are_no_word_borders():
    text = "Ada Adam Ada"
    assert occurrences(text, "Ada", 4, 12) == [(9, 12)]
    assert occurrences(text, "Ada", 4, 7) == [(4, 7)]  # inside "Adam", and there is no other


def test_a_text_that_says_one_thing_only_is_looked_through_in_bounded_time():
    start = time.process_time()
    places = occurrences("a " * 200_000, "a")
    assert len(places) == MOST == len(occurrences("a" * 200_000, "a"))
    for _ in range(100):
        nearest_pair(places, places)
    assert time.process_time() - start < 20


def test_the_ends_of_a_relation_are_the_nearest_places_that_do_not_overlap():
    text = "Rome. Ada was born in Rome; Bo in Oslo."
    rome, ada = occurrences(text, "Rome"), occurrences(text, "Ada")
    # Rome is 2 characters before Ada (4 to 6) and 13 behind (9 to 22)
    assert nearest_pair(ada, rome) == ((6, 9), (0, 4))
    assert nearest_pair(occurrences("A likes A", "A"), occurrences("A likes A", "A")) == ((0, 1), (8, 9))
    assert nearest_pair([(0, 8)], [(4, 8)]) == ((0, 8), (4, 8))  # the only ones there are
    assert nearest_pair([], [(0, 1)]) is None


def test_of_equally_near_places_the_first_is_taken():
    assert nearest([(0, 2), (10, 12)], (5, 7)) == (0, 2)
    assert nearest([(8, 9), (2, 3)], None) == (8, 9)
    assert nearest([], (0, 1)) is None


@given(st.text(alphabet="ab 北京", max_size=30), st.text(alphabet="ab 北京", min_size=1, max_size=3))
def test_every_place_quotes_the_text_and_one_is_found_if_there_is_any(text, mention):
    def letters(quote):
        return "".join(quote.split())

    found = occurrences(text, mention)
    assert all(letters(text[start:end]) == letters(mention) for start, end in found)
    assert bool(found) >= (mention in text)
    assert all(one[1] <= other[0] for one, other in zip(found, found[1:]))


@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=6, unique=True),
    st.lists(st.integers(0, 60), min_size=1, max_size=6, unique=True),
    st.integers(1, 5),
    st.integers(1, 5),
)
def test_the_nearest_pair_is_that_of_all_pairs(heads, tails, head_length, tail_length):
    """The quick way looks at the neighbours only."""

    def gap(pair):
        (a, b), (c, d) = pair
        return c - b if c >= b else a - d if a >= d else float("inf")

    heads, tails = ([(at, at + n) for at in sorted(list_)] for list_, n in ((heads, head_length), (tails, tail_length)))
    best = min(gap((head, tail)) for head in heads for tail in tails)
    assert gap(nearest_pair(heads, tails)) == best
