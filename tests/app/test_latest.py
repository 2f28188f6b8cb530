"""Only the last wish counts."""

import threading

import pytest

from app.latest import Latest
from fsae_core.errors import UserError


class Maker:
    """Makes a wish when it is let go."""

    def __init__(self) -> None:
        self.made: list[int] = []
        self.go = threading.Semaphore(0)

    def __call__(self, wish: int) -> int:
        assert self.go.acquire(timeout=10)
        self.made.append(wish)
        if wish < 0:
            raise UserError("less than nothing")
        return 10 * wish


class Queue:
    """The session's turns; `run` waits for one from a thread."""

    def __init__(self) -> None:
        self.due: list = []
        self.there = threading.Semaphore(0)

    def __call__(self, turn) -> None:
        self.due.append(turn)
        self.there.release()

    def run(self) -> None:
        assert self.there.acquire(timeout=10)
        self.due.pop(0)()


@pytest.fixture
def world():
    maker, turns, got = Maker(), Queue(), []
    latest = Latest(
        maker, lambda *pair: got.append(pair), lambda wish, error: got.append((wish, str(error))), turns
    )
    return maker, turns, got, latest


def test_wishes_between_are_never_made(world):
    maker, turns, got, latest = world
    for wish in (1, 2, 3):
        latest.ask(wish)
    maker.go.release(2)
    turns.run()
    turns.run()
    assert maker.made == [1, 3] and got == [(3, 30)] and not latest.working


def test_what_is_forgotten_does_not_arrive(world):
    maker, turns, got, latest = world
    latest.ask(1)
    latest.forget()
    maker.go.release()
    turns.run()
    assert maker.made == [1] and got == [] and not latest.working


def test_at_hand_comes_at_once(world):
    maker, turns, got, latest = world
    maker.go.release()
    latest.ask(1, wait=10)
    assert got == [(1, 10)] and not turns.due


def test_late_comes_in_a_turn_of_its_own(world):
    maker, turns, got, latest = world
    latest.ask(1, wait=0.01)
    assert got == [] and latest.working
    maker.go.release()
    turns.run()
    assert got == [(1, 10)]


def test_errors_are_told_and_the_next_wish_goes_on(world):
    maker, turns, got, latest = world
    latest.ask(-1)
    latest.ask(2)
    maker.go.release(2)
    turns.run()
    turns.run()
    assert got == [(-1, "less than nothing"), (2, 20)]
    maker.go.release()
    latest.ask(-1, wait=10)
    assert got[-1] == (-1, "less than nothing") and not latest.working
