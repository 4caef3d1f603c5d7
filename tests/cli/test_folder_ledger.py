"""The books of several processes: each number is one process's, what one says all know, a failure ends the work."""

import threading

import pytest
import torch
import torch.distributed as dist

from nstkit.cli.folder_ledger import Ledger
from nstkit.training.distributed import Team

CPU = torch.device("cpu")


@pytest.fixture
def three():
    """The ledgers of three processes; a HashStore stands for the store over TCP that torchrun has."""
    store = dist.HashStore()
    return [Ledger(Team(CPU, rank, 3, store)) for rank in range(3)]


def test_each_number_is_taken_once_however_fast_each_works(three):
    taken = [[], [], []]
    start = threading.Barrier(3)

    def work(ledger, own):
        start.wait()
        own.extend(ledger.turns(400))

    threads = [threading.Thread(target=work, args=pair) for pair in zip(three, taken, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert sorted(number for own in taken for number in own) == list(range(400))


def test_alone_there_is_nobody_to_wait_for():
    with Ledger(Team(CPU)) as ledger:
        assert ledger.agreed(lambda: {"a": [1, "é"]}) == {"a": [1, "é"]}
        assert list(ledger.turns(3)) == [0, 1, 2]
        assert not ledger.others_at_work()


def test_all_get_the_plan_of_the_one_that_leads(three):
    assert three[0].agreed(lambda: ["plan", 3]) == ["plan", 3]
    for other in three[1:]:
        assert other.agreed(lambda: pytest.fail("only the one that leads plans")) == ["plan", 3]


def test_where_there_is_no_plan_the_others_leave_quietly(three):
    def plan():
        raise ValueError("no picture")

    with pytest.raises(ValueError, match="no picture"):
        three[0].agreed(plan)
    with pytest.raises(SystemExit) as end:
        three[1].agreed(plan)
    assert end.value.code == 2


def test_one_that_waits_for_the_plan_gets_it(three):
    found = []
    thread = threading.Thread(target=lambda: found.append(three[2].agreed(list)))
    thread.start()
    three[0].agreed(lambda: [7])
    thread.join(timeout=20)
    assert found == [[7]]


def test_after_a_failure_nobody_takes_more_or_waits(three):
    turns = three[1].turns(9)
    assert next(turns) == 0
    assert three[0].others_at_work()
    with pytest.raises(OSError, match="full"), three[2]:
        raise OSError("full")
    assert list(turns) == []
    assert list(three[0].turns(9)) == []
    assert not three[0].others_at_work()


def test_the_one_that_leads_waits_until_all_others_have_left(three):
    for other in three[1:]:
        assert three[0].others_at_work()
        with other:
            pass
    assert not three[0].others_at_work()


def test_what_was_passed_over_is_told_once_and_counted(three):
    three[1].pass_over("a.png: é\udcff damaged")  # a name that is no UTF-8
    three[0].pass_over("b.png")
    assert list(three[0].news()) == ["a.png: é\udcff damaged", "b.png"]
    assert list(three[0].news()) == []
    three[2].add_done(2)
    three[0].add_done()
    assert [(ledger.done, ledger.passed_over) for ledger in three] == [(3, 2)] * 3
