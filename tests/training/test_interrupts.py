"""Interrupts by signals, in one process and in two."""

import signal
import subprocess

import pytest

from tanuki_jax.training.interrupts import AHEAD, Interrupts
from tests.training.pair import next_line, pair


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_noted_and_a_second_ctrl_c_raises(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with Interrupts() as interrupts:
        assert interrupts.poll() == ""
        signal.raise_signal(number)
        assert [interrupts.poll(), interrupts.poll()] == ["leave", "leave"]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(number) is before


def test_usr1_saves_once_each_time_and_leaving_comes_first() -> None:
    before = signal.getsignal(signal.SIGUSR1)
    with Interrupts() as interrupts:
        for times in (1, 2, 1):
            for _ in range(times):
                signal.raise_signal(signal.SIGUSR1)
            assert [interrupts.poll(), interrupts.poll()] == ["save", ""]
        signal.raise_signal(signal.SIGUSR1)
        signal.raise_signal(signal.SIGTERM)
        assert interrupts.poll() == "leave"
    assert signal.getsignal(signal.SIGUSR1) is before


STEPS = """
from tanuki_jax.training.interrupts import Interrupts
with Interrupts() as interrupts:
    for step in range(1, 5001):
        together()
        interrupt = interrupts.poll()
        if interrupt or step == 10:
            print(step, interrupt, flush=True)
        if interrupt == "leave":
            break
        time.sleep(0.02 * number)
    together()
"""


def send(processes: list[subprocess.Popen[str]], *signals: tuple[int, signal.Signals]) -> tuple[int, str]:
    """Send processes their signals; return the step and the interrupt that all of them print next."""
    for number, kind in signals:
        processes[number].send_signal(kind)
    first, second = (next_line(process) for process in processes)
    assert first == second
    step, interrupt = first.split()
    return int(step), interrupt


@pytest.mark.long
def test_two_processes_agree_when_to_save_and_when_to_leave() -> None:
    with pair(STEPS) as processes:
        for process in processes:
            assert next_line(process) == "10 \n"
        usr1, term = signal.SIGUSR1, signal.SIGTERM
        last = 10 + AHEAD - 1
        for signals in ([(0, usr1)], [(1, usr1)], [(1, usr1), (1, usr1)], [(0, usr1), (0, usr1)]):
            step, interrupt = send(processes, *signals)
            assert step > last and interrupt == "save"
            last = step
        for number in range(2):
            processes[number].send_signal(usr1)
        saves: list[int] = []
        while True:
            step, interrupt = send(processes, *([(1, term)] if len(saves) == 1 else []))
            saves.append(step)
            if interrupt == "leave":
                break
        # one save more if the second process gets its signal after the first has published a step
        assert 2 <= len(saves) <= 3 and saves == sorted(saves)
        for process in processes:
            out, err = process.communicate(timeout=60)
            assert (process.returncode, out) == (0, ""), err
