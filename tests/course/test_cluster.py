"""On a dask cluster each learner is graded exactly once, also when a worker dies."""

import csv
import json
import os
import signal

import pytest

from nstkit.course.classes import grade_class

distributed = pytest.importorskip("distributed", reason="needs the extra [cluster]")


@pytest.fixture
def cluster(school):
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address=None,
        silence_logs=50,
    ) as cluster:
        yield cluster


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore")  # distributed's own, of sockets that the killed worker leaves open
def test_a_worker_that_is_killed_costs_nobody_anything(school, hand_in, cluster):
    slow = "import time\ndef running_sum(a):\n    time.sleep(0.1)\n    return np.cumsum(a)\n"
    for number in range(12):
        hand_in(f"learner {number:02}", running_sum=slow)
    victim = next(iter(cluster.workers.values())).process.pid
    killed = False
    for step in grade_class(school / "submissions", school / "results", scheduler=cluster.scheduler_address):
        if not killed:
            os.kill(victim, signal.SIGKILL)
            killed = True
        assert step.learner.points == 5
    with open(school / "results" / "summary.csv", encoding="utf-8-sig") as file:
        assert [row["points"] for row in csv.DictReader(file)] == ["5"] * 12
    records = (school / "results" / ".nstkit" / "records.jsonl").read_text("utf-8").splitlines()
    assert sorted(json.loads(line)["learner"] for line in records) == [f"learner {n:02}" for n in range(12)]
