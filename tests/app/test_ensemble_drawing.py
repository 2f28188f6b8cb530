"""Members come one by one, from memory where they can; a stop holds at the next step; visitors take turns."""

import threading

import numpy as np
import pytest
from ensemble_samples import wish

from app import ensemble_drawing, ensemble_store
from app.ensemble_drawing import Drawing
from app.ensemble_store import Member, at_hand, draw
from fsae_core.diffusion.ensembles import EnsembleRequest
from fsae_core.diffusion.samplers import Stopped
from fsae_core.errors import UserError

PATIENCE_S = 60


class Visitor:
    """A drawing with what it called."""

    def __init__(self, schedule):
        self.pairs, self.ends, self.told = [], [], []
        self.drawing = Drawing(
            lambda wish, pair: self.pairs.append(pair),
            lambda wish, error: self.ends.append(error),
            lambda share, text: self.told.append((share, text)),
            schedule,
        )


@pytest.fixture
def steps(monkeypatch):
    """Members whose every step waits to be let go; counts the steps that were taken."""

    class Steps:
        def __init__(self):
            self.taken, self.gate, self.begun = 0, threading.Semaphore(0), threading.Event()
            self.ended: list[bool] = []

        def draw(self, request, number, stop):
            try:
                for _ in range(4):
                    self.begun.set()
                    assert self.gate.acquire(timeout=PATIENCE_S)
                    if stop():
                        raise Stopped
                    self.taken += 1
                return Member(number, np.zeros((1, 12)), np.zeros(3), {})
            finally:
                self.ended.append(True)

    found = Steps()
    monkeypatch.setattr(ensemble_drawing, "draw", found.draw)
    return found


def run(turns, until):
    """Let real threads work and the session take its turns until something holds."""
    pause = threading.Event()
    for _ in range(100 * PATIENCE_S):
        turns.settle()
        if until():
            return
        pause.wait(0.01)
    raise AssertionError("it never came")


def test_members_arrive_one_by_one_with_progress(turns):
    one = Visitor(turns)
    one.drawing.start(wish())
    assert one.drawing.running and not one.pairs
    run(turns, lambda: one.ends)
    assert [pair.one.number for pair in one.pairs] == [0, 1, 2, 3] and one.ends == [None]
    assert all(pair.other is not None for pair in one.pairs) and not one.drawing.running
    assert one.told[0][0] == 0.25 and one.told[0][1].startswith("Member 1 of 4")
    assert all(0 < share < 1 for share, _ in one.told)
    drawn = draw(wish().request, 2, lambda: False)
    assert drawn is one.pairs[2].one and drawn.fields.shape == (1, 3072)


def test_what_is_at_hand_comes_with_the_call(turns):
    request = wish(members=4, versus="nothing")
    for k in range(4):
        draw(request.request, k, lambda: False)
    one = Visitor(turns)
    one.drawing.start(request, wait=PATIENCE_S)
    assert len(one.pairs) == 4 and one.ends == [None] and not turns.due


def test_stop_holds_within_one_step(turns, steps):
    one = Visitor(turns)
    one.drawing.start(wish(versus="nothing"))
    steps.gate.release(2)
    run(turns, lambda: steps.taken == 2)
    assert one.drawing.stop() and not one.drawing.running
    steps.gate.release(50)
    run(turns, lambda: steps.ended)
    assert steps.taken == 2 and one.pairs == [] and one.ends == [], "no step more, and nothing arrives"
    assert not one.drawing.stop()


def test_a_new_wish_replaces_the_one_before(turns, steps):
    one = Visitor(turns)
    one.drawing.start(wish(versus="nothing"))
    assert steps.begun.wait(PATIENCE_S)
    one.drawing.start(wish(versus="nothing", seed=6, members=1))
    steps.gate.release(50)
    run(turns, lambda: one.ends)
    assert len(one.pairs) == 1 and one.ends == [None]


def test_a_second_visitor_is_not_held_up(turns, steps, monkeypatch):
    """While the first visitor's member hangs in a step, the second's whole ensemble is drawn."""
    first, second = Visitor(turns), Visitor(turns)
    hanging = steps.draw
    monkeypatch.setattr(
        ensemble_drawing,
        "draw",
        lambda request, number, stop: (hanging if request.seed == 1 else draw)(request, number, stop),
    )
    first.drawing.start(wish(seed=1, versus="nothing"))
    assert steps.begun.wait(PATIENCE_S)
    second.drawing.start(wish(versus="nothing"))
    run(turns, lambda: second.ends)
    assert len(second.pairs) == 4 and first.drawing.running and first.pairs == []
    first.drawing.stop()
    steps.gate.release(50)
    run(turns, lambda: steps.ended)


def test_errors_end_it(turns, monkeypatch):
    def broken(*_):
        raise UserError("That cannot be drawn.")

    monkeypatch.setattr(ensemble_drawing, "draw", broken)
    one = Visitor(turns)
    one.drawing.start(wish())
    run(turns, lambda: one.ends)
    assert str(one.ends[0]) == "That cannot be drawn." and not one.drawing.running


def test_a_month_drawn_as_days_is_the_month(monkeypatch):
    """The page draws a month's days for their power; their mean is what `fsae sample` gives."""
    from fsae_core.diffusion.ensembles import iter_members

    request = EnsembleRequest("1992-07", steps=4, fine=False, seed=3)
    ((_, fields),) = iter_members(request, [1], ensemble_store.emulator())
    drawn = draw(request, 1, lambda: False)
    np.testing.assert_array_equal(drawn.fields, fields)
    assert at_hand(request, 1) is drawn and at_hand(request, 9) is None
    assert set(drawn.by_zoom) == {0, 1, 2, 3, 4} and drawn.power.shape == (33,)


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(ensemble_store, "_KEPT_BYTES", 3 * 4 * 3072)
    request = EnsembleRequest("1992-08", steps=2, fine=False)
    for k in range(5):
        draw(request, k, lambda: False)
    kept = [k for k in range(5) if at_hand(request, k) is not None]
    assert kept and kept == list(range(kept[0], 5)) and len(kept) <= 3
