"""Long work: it reports, it stops, one at a time."""

import threading
import time

import pytest

from app.jobs import Job, Progress, Stopped, pool, working
from app.settings import Settings
from fsae_core.errors import UserError


def test_work_reports_and_ends(turns, at_once):
    told, done = [], []
    job = Job(turns, lambda share, text: told.append((share, text)))
    assert job.start(lambda p: sum(p(range(5), desc="adding")), done.append, pytest.fail)
    turns.settle()
    assert done == [10] and not job.running
    assert told[0][0] == 0.0 and told[0][1] == "adding"
    assert all(0 <= share <= 1 for share, _ in told)


def test_errors_come_back(turns, at_once):
    failed = []
    job = Job(turns, lambda *_: None)
    job.start(lambda p: 1 / 0, pytest.fail, failed.append)
    turns.settle()
    assert isinstance(failed[0], ZeroDivisionError) and not job.running


def test_stop_frees_the_slot_and_ends_the_thread(turns):
    started, go, ended = threading.Event(), threading.Event(), threading.Event()
    failed, done = [], []

    def work(progress: Progress) -> None:
        try:
            for _ in progress(range(3)):
                started.set()
                go.wait(10)
        except Stopped:
            ended.set()
            raise

    job = Job(turns, lambda *_: None)
    job.start(work, done.append, failed.append)
    assert started.wait(10)
    assert not job.start(work, done.append, failed.append), "two at once"
    job.stop()
    assert not job.running and isinstance(failed[0], Stopped)
    go.set()
    assert ended.wait(10)
    pool("long").submit(lambda: None).result()
    turns.settle()
    assert done == [] and len(failed) == 1


def test_stop_without_work_is_nothing(turns):
    Job(turns, lambda *_: None).stop()


def test_progress_wraps_iterators_too():
    told = []
    assert list(Progress(lambda *a: told.append(a))(iter("abc"))) == ["a", "b", "c"]
    assert told[-1][0] == 1.0


@pytest.fixture
def a_second(monkeypatch):
    """A server that gives a job one second."""
    monkeypatch.setattr("app.jobs.settings", lambda: Settings(max_job_seconds=1))


def test_a_job_that_takes_too_long_is_stopped(turns, a_second):
    ended, told, failed = threading.Event(), threading.Event(), []

    def work(progress: Progress) -> None:
        try:
            while True:
                progress.at(0.5)
                told.wait(0.01)
        except Stopped:
            ended.set()
            raise

    def fail(error: BaseException) -> None:
        failed.append(error)
        told.set()

    job = Job(turns, lambda *_: None)
    job.start(work, pytest.fail, fail)
    end = time.monotonic() + 60
    while not told.is_set() and time.monotonic() < end:
        turns.settle()
        time.sleep(0.02)
    assert isinstance(failed[0], UserError) and "longer than 1 s" in str(failed[0])
    assert not job.running and ended.wait(60), "the slot is free, and the thread ends at its next step"
    pool("long").submit(lambda: None).result()
    turns.settle()
    assert len(failed) == 1 and working() == 0


def test_a_job_that_was_stopped_while_it_waited_never_begins(turns):
    busy, go = [], threading.Event()
    for _ in range(pool("long")._max_workers):
        busy.append(pool("long").submit(go.wait, 60))
    job, began, failed = Job(turns, lambda *_: None), [], []
    job.start(began.append, pytest.fail, failed.append)
    job.stop()
    go.set()
    for future in busy:
        future.result()
    pool("long").submit(lambda: None).result()
    turns.settle()
    assert began == [] and len(failed) == 1
