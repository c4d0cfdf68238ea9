"""What listeners are asked, in which order, on which sides."""

from __future__ import annotations

from collections import Counter

import pytest

from smallest_nb.errors import ConfigError
from smallest_nb.results.listening.plan import KINDS, Design, draw_trials, expected_answer
from smallest_nb.results.listening.summary import describe_plan

VOICES = ("sophia", "magnus", "olivia")


def design_of(kind, systems=VOICES, texts=("one", "two"), **more):
    more.setdefault("reference", "sophia" if kind == "mushra" else None)
    return Design(kind, {text: list(systems) for text in texts}, more.pop("seed", 5), **more)


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_gives_the_same_trials_and_each_listener_an_order_of_their_own(kind):
    design = design_of(kind)
    assert draw_trials(design, "Ada") == draw_trials(design, "Ada")
    assert draw_trials(design, "Ada") != draw_trials(design, "Ben")
    assert draw_trials(design, "Ada") != draw_trials(design_of(kind, seed=6), "Ada")
    trials = draw_trials(design, "Ada")
    assert [t.number for t in trials] == list(range(len(trials)))
    assert [t.role for t in trials[:2]] == ["training"] * 2
    assert sum(t.role == "check" for t in trials) == (0 if kind == "mushra" else 2)
    assert trials[2].role == "test"  # never begin with a check
    assert sum(t.role == "test" for t in trials) == design.count


def test_every_pair_is_heard_equally_often_on_both_sides():
    trials = [t for t in draw_trials(design_of("ab", trials=60), "Ada") if t.role == "test"]
    sides = Counter((t.text, *(p.system for p in t.places)) for t in trials)
    assert len(sides) == 2 * 6
    assert set(sides.values()) == {5}


def test_x_is_a_as_often_as_b():
    design = design_of("abx", ("sophia", "magnus"), ("one",), trials=16)
    trials = [t for t in draw_trials(design, "Ada") if t.role == "test"]
    assert set(Counter(t.places for t in trials).values()) == {4}
    assert all(t.places[2] == t.places[expected_answer(design, t)] for t in trials)


def test_two_voices_are_asked_for_often_enough():
    assert design_of("ab", ("sophia", "magnus"), ("one",)).count == 16
    assert design_of("ab").count == 18
    assert design_of("mos").count == 6
    assert design_of("mushra").count == 2


def test_mushra_has_an_open_and_a_hidden_reference_and_an_anchor():
    for trial in draw_trials(design_of("mushra"), "Ada"):
        opened, *rated = trial.places
        assert opened == ("sophia", "")
        assert Counter(rated) == Counter([*((voice, "") for voice in VOICES), ("sophia", "anchor")])
    orders = {t.places for t in draw_trials(design_of("mushra", texts=[str(n) for n in range(8)]), "Ada")}
    assert len(orders) > 4


@pytest.mark.parametrize("kind", ["ab", "abx", "mos"])
def test_checks_have_an_answer_that_can_be_heard(kind):
    design = design_of(kind, checks=8)
    checks = [t for t in draw_trials(design, "Ada") if t.role == "check"]
    assert len(checks) == 8
    for check in checks:
        variants = [place.variant for place in check.places]
        assert "degraded" in variants
        assert len({place.system for place in check.places}) == 1
        right = expected_answer(design, check)
        if kind == "ab":
            assert variants[right] == ""
        elif kind == "mos":
            assert right == 2


def test_a_part_holds_every_system_equally_often():
    """200 voices: 19,900 pairs are refused, a random part of them is not."""
    many = [f"v{n}" for n in range(200)]
    with pytest.raises(ConfigError, match=r"19,900 trials are too many .* trials=60"):
        design_of("ab", many, ("one",))
    design = design_of("ab", many, ("one",), trials=100)
    heard = Counter(p.system for t in draw_trials(design, "Ada") if t.role == "test" for p in t.places)
    assert set(heard.values()) == {1}
    assert len(heard) == 200
    with pytest.raises(ConfigError, match="200 trials are too many"):
        design_of("mos", many, ("one",))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"kind": "abc"}, "expected one of ab, abx, mos, mushra"),
        ({"kind": "ab", "trials": 0}, "trials=0"),
        ({"kind": "ab", "trials": 500}, "trials=500"),
        ({"kind": "ab", "trials": True}, "trials=True"),
        ({"kind": "ab", "checks": -1}, "checks=-1"),
        ({"kind": "ab", "training": 2.5}, "training=2.5"),
        ({"kind": "ab", "seed": "x"}, "seed='x'"),
        ({"kind": "ab", "reference": "sophia"}, "has no reference"),
        ({"kind": "mushra", "reference": None}, "pass reference=, one of sophia, magnus, olivia"),
        ({"kind": "mushra", "reference": "nina"}, "reference='nina' is not there"),
        ({"kind": "mushra", "systems": ["sophia", *map(str, range(11))]}, "13 sounds in a MUSHRA trial"),
    ],
)
def test_designs_that_are_refused(arguments, says):
    with pytest.raises(ConfigError, match=says):
        design_of(**arguments)


def test_what_a_test_can_find_is_said_before():
    two = design_of("ab", ("sophia", "magnus"), ("one",))
    assert describe_plan(two, 1) == (
        "16 trials for each of 1 listener: 16 answers to each pair, which find a preference of three to one with a "
        "power of 40 %. 35 answers to a pair have a power of 80 %."
    )
    assert "power of 93 %" in describe_plan(two, 3)
    assert describe_plan(design_of("mos"), 2).endswith(
        "4 ratings of each system. Fewer than 6 cannot show a difference."
    )
    assert describe_plan(design_of("mushra"), 3) == "2 trials for each of 3 listeners: 6 ratings of each system."
