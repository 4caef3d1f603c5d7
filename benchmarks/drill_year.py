"""A simulated year of daily drills: how much is due each day, and how much would be remembered.

    python benchmarks/drill_year.py [--out out/drill_year.png] [--per-day 4] [--new-per-day 1]

Each day at most so many questions are asked, the due first, then new ones. The simulated person remembers a
question with the probability that the scheduler's own model gives it. Printed: the load, and the mean of that
probability over all seen questions and days.
"""

import argparse
import platform
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from nstkit.drill.bank import load_bank
from nstkit.drill.schedule import due, recall, reviewed

KNOWN, FORGOTTEN = 0.7, 0.2
"""The share of a question that goes right when it is remembered, and when it is not."""


def simulate(keys, days, per_day, new_per_day, seed):
    """Per day: questions due, asked, seen so far, and the mean recall over those seen."""
    chance, cards, new, rows = random.Random(seed), {}, list(keys), []
    start = datetime(2026, 1, 1, 18, tzinfo=UTC)
    for day in range(days):
        now = start + timedelta(days=day)
        waiting = sorted((due(card), key) for key, card in cards.items() if due(card) <= now)
        asked = [key for _, key in waiting[:per_day]]
        for key in asked:
            remembered = chance.random() < recall(cards[key], now)
            cards[key] = reviewed(cards[key], KNOWN if remembered else FORGOTTEN, now)
        fresh = [new.pop(0) for _ in range(min(new_per_day, per_day - len(asked), len(new)))]
        cards |= {key: reviewed(None, KNOWN if chance.random() < 0.6 else FORGOTTEN, now) for key in fresh}
        mean = sum(recall(card, now) for card in cards.values()) / len(cards)
        rows.append((len(waiting), len(asked) + len(fresh), len(cards), mean))
    return rows


def draw(rows, path):
    """The load per day and the recall, one above the other."""
    figure, (load, memory) = plt.subplots(2, 1, figsize=(9, 5), sharex=True, layout="constrained")
    load.bar(range(len(rows)), [row[0] for row in rows], width=1.0, color="#0072B2")
    load.set(
        ylabel="questions due", title="A year of daily drills: the load falls once all questions are known"
    )
    memory.plot([row[3] for row in rows], color="#D55E00")
    memory.axhline(0.9, color="gray", linestyle=":")
    memory.set(xlabel="day", ylabel="mean recall by the model", ylim=(0.5, 1.0))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("out/drill_year.png"))
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--per-day", type=int, default=4)
    parser.add_argument("--new-per-day", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    keys = [question.key for question in load_bank()]
    rows = simulate(keys, options.days, options.per_day, options.new_per_day, options.seed)
    draw(rows, options.out)
    waiting = [row[0] for row in rows]
    print(
        f"{platform.machine()}, Python {platform.python_version()}; {len(keys)} questions, {options.days} days"
    )
    print(f"due per day: mean {sum(waiting) / len(waiting):.2f}, most {max(waiting)}")
    print(
        f"mean recall over all days: {sum(row[3] for row in rows) / len(rows):.3f}; last day {rows[-1][3]:.3f}"
    )
    print(f"wrote {options.out}")


if __name__ == "__main__":
    main()
