"""Stand-ins for the programs that launchers call: each records its arguments and runs a script of the test."""

import dataclasses
import os
import subprocess
from pathlib import Path

import pytest

LAUNCH = Path(__file__).parents[2] / "launch"


@dataclasses.dataclass(frozen=True)
class Site:
    """An empty repository with the launchers, and a folder of stand-ins that is first on the PATH."""

    folder: Path

    def program(self, name: str, script: str = "") -> Path:
        """Write a bash script NAME on the PATH that records its arguments in `called` before it runs `script`."""
        path = self.folder / "programs" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'#!/usr/bin/env bash\nprintf "%s\\n" "{name} $*" >>{self.folder}/called\n{script}\n')
        path.chmod(0o755)
        return path

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        path = f"{self.folder / 'programs'}:{os.environ['PATH']}"
        return subprocess.Popen(
            arguments,
            cwd=self.folder,
            env=os.environ | {"PATH": path} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments, **environment)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def called(self) -> list[str]:
        path = self.folder / "called"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def site(tmp_path: Path) -> Site:
    (tmp_path / "launch").symlink_to(LAUNCH)
    return Site(tmp_path)
