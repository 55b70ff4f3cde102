"""Work inside a SLURM job of a sweep: train a trial, and queue the job again when SLURM takes its nodes away."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.config.serialize import read_json

OUT_OF_TIME = signal.SIGUSR2
"""Signal that SLURM sends to every task of a job some time before its limit."""


class Training:
    """Work of a job, which submitit pickles and calls in every task."""

    def __call__(self, config: str, distributed: bool) -> None:
        """Train the experiment of a JSON file, from its newest checkpoint on.

        OUT_OF_TIME and SIGTERM save and end the process without a result, before which the first task queues the job
        again if its time is up or another job gets its nodes. A job that is cancelled gets SIGTERM too, and ends.

        InputError if the time is up and no step was trained.
        """
        from tanuki_jax.checkpoints.format import steps
        from tanuki_jax.training.job import train

        experiment = read_json(Path(config), Experiment)
        checkpoints = Path(experiment.runs) / experiment.name / "checkpoints"
        before = max(steps(checkpoints), default=0)
        signals = _Signals()
        try:
            step = train(experiment, distributed=distributed)
        except SystemExit:  # raised by a signal outside the training loop
            step = max(steps(checkpoints), default=0)
        for number in (signal.SIGTERM, OUT_OF_TIME):  # they come again when SLURM takes the nodes
            signal.signal(number, signal.SIG_IGN)
        if step >= experiment.steps:
            return
        if int(os.environ["SLURM_PROCID"]) == 0:
            queue_again(signals.out_of_time, progress=step > before)
        sys.exit()  # with code 0: after another one srun would kill the first task


class _Signals:
    """Handlers of a process that is not in the training loop, and whether OUT_OF_TIME came."""

    def __init__(self) -> None:
        self.out_of_time = False
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # there is nothing to save
        signal.signal(signal.SIGTERM, self._leave)
        signal.signal(OUT_OF_TIME, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.out_of_time = True
        signal.raise_signal(signal.SIGTERM)  # which the training loop answers by saving

    def _leave(self, number: int, frame: FrameType | None) -> None:
        sys.exit()


def queue_again(out_of_time: bool, progress: bool) -> None:
    """Queue this job again if its time is up or another job gets its nodes.

    InputError if the time is up and there was no progress.
    """
    job = os.environ["SLURM_JOB_ID"]
    shown = subprocess.run(["scontrol", "--oneliner", "show", "job", job], capture_output=True, text=True, check=False)
    preempted = re.search(r" PreemptTime=(?!None)", shown.stdout) is not None
    if not out_of_time and not preempted:
        return
    if not progress and not preempted:
        raise InputError("the time limit came before the first step had been trained; set a longer --time")
    subprocess.run(["scontrol", "requeue", job], check=True)
