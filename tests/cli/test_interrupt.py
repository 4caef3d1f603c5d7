"""The first Ctrl-C is noted, the second ends, and afterwards everything is as before."""

import os
import signal

import pytest

from nstkit.cli.interrupt import Interrupt


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_is_noted_and_the_second_ends(number):
    said = []
    before = [signal.getsignal(one) for one in Interrupt.SIGNALS]
    with Interrupt(lambda: said.append("first")) as interrupt:
        assert interrupt.number == 0
        os.kill(os.getpid(), number)
        assert (interrupt.number, said) == (number, ["first"])
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert said == ["first"]
    assert [signal.getsignal(one) for one in Interrupt.SIGNALS] == before
