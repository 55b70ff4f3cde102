"""Code that tries to get around its limits. All of it runs for real, with namespaces and without them."""

import ctypes
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tanuki_jax.corpus.synthesis.sandbox.run_code import TAIL, Sandbox, run_code

BOTH = pytest.mark.parametrize("namespaces", [True, False])
GOOD = "def double(x):\n    return 2 * x\n"
TEST = "assert double(2) == 4"


def outcome(solution: str, tests: str = "assert True", *, namespaces: bool = True, seconds: float = 5) -> str:
    sandbox = Sandbox(seconds=seconds, cpu_seconds=2, namespaces=namespaces)
    return run_code(solution, tests, sandbox).outcome


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Give a folder that all users may write to, as may be in the folders above it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        folder.chmod(0o777)
        yield folder


def processes_with(word: str) -> list[str]:
    """Return the processes of this machine with a word in their command."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        found += [folder.name] if word in command else []
    return found


def none_left(word: str) -> bool:
    """Whether no process with a word in its command is left after a moment."""
    deadline = time.monotonic() + 5
    while left := processes_with(word):
        if time.monotonic() > deadline:
            return left == []
        time.sleep(0.02)
    return True


@BOTH
def test_code_that_passes_its_tests_has_passed(namespaces: bool) -> None:
    result = run_code(
        GOOD, f"from solution import double as twice\n{TEST}\nprint('済み')", Sandbox(namespaces=namespaces)
    )
    assert (result.outcome, result.passed, result.output) == ("passed", True, "済み\n")


@BOTH
def test_code_that_fails_a_test_has_failed(namespaces: bool) -> None:
    result = run_code(GOOD, "print('first')\nassert double(2) == 5", Sandbox(namespaces=namespaces))
    assert (result.outcome, result.passed) == ("failed", False)
    assert result.output.startswith("first\nTraceback")
    assert 'File "tests.py", line 2' in result.output and "contained_process" not in result.output


@pytest.mark.parametrize("solution", ["def f(:", "import numpy", "1 / 0", "print(open('missing').read())", "input()"])
def test_code_with_an_error_has_failed(solution: str) -> None:
    assert outcome(solution) == "failed"


@pytest.mark.parametrize(
    "solution",
    [
        "import sys\nsys.exit(0)",
        "raise SystemExit",
        "import os\nos._exit(0)",
        "import os\nos.closerange(0, 256)",
        "import os, sys\nsys.stdout.close()\nos.close(1)\nos.close(2)\nsys.exit(0)",
        "import os, signal\nsignal.raise_signal(signal.SIGKILL)",
        "import atexit, os\natexit.register(lambda: os._exit(0))\nraise KeyboardInterrupt",
        "print('passed')\nprint('0' * 32)\nquit = exit = None\nraise SystemExit(0)",
    ],
)
def test_code_that_ends_before_the_tests_has_failed(solution: str) -> None:
    assert outcome(solution) == "failed"


def test_it_has_failed_without_namespaces_too() -> None:
    assert outcome("import os\nos._exit(0)", namespaces=False) == "failed"


def test_tests_that_end_early_have_failed() -> None:
    assert outcome("import sys", "sys.exit(0)\nassert False") == "failed"
    assert outcome("import os", "assert True\nos._exit(0)") == "failed"


def test_catching_the_exit_changes_nothing() -> None:
    caught = "import sys\ntry:\n    sys.exit(0)\nexcept SystemExit:\n    pass\n"
    assert outcome(caught + GOOD, TEST) == "passed"
    assert outcome(caught + GOOD, "assert double(2) == 5") == "failed"


@BOTH
def test_code_that_replaces_what_we_use_still_reports(namespaces: bool) -> None:
    replaced = (
        "import builtins, os, sys\nos.write = os.read = None\nsys.stdout = None\nbuiltins.exec = None\nos._exit = 5\n"
    )
    assert outcome(replaced + GOOD, TEST, namespaces=namespaces) == "passed"


def test_code_that_closes_its_output_can_pass() -> None:
    assert outcome("import os, sys\nsys.stdout.close()\nos.close(2)\n" + GOOD, TEST) == "passed"


@BOTH
@pytest.mark.parametrize("solution", ["while True:\n    pass", "import time\ntime.sleep(60)"])
def test_code_without_end_is_timed_out(solution: str, namespaces: bool) -> None:
    begin = time.monotonic()
    assert outcome(solution, namespaces=namespaces, seconds=0.6) == "timed out"
    assert time.monotonic() - begin < 4


def test_the_limit_of_cpu_time_holds_alone() -> None:
    assert run_code("while True:\n    pass", "", Sandbox(seconds=60, cpu_seconds=1)).outcome == "timed out"


@pytest.mark.long
def test_the_signal_of_the_limit_cannot_be_ignored() -> None:
    stubborn = "import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True:\n    pass"
    assert run_code(stubborn, "", Sandbox(seconds=60, cpu_seconds=1)).outcome == "timed out"


@BOTH
def test_too_much_memory_is_refused(namespaces: bool) -> None:
    assert outcome("x = bytearray(10 << 30)", namespaces=namespaces) == "out of memory"
    assert outcome("x = []\nwhile True:\n    x.append(bytearray(1 << 22))", namespaces=namespaces) == "out of memory"


@BOTH
def test_output_without_end_is_cut(namespaces: bool) -> None:
    begin = time.monotonic()
    result = run_code("while True:\n    print('y' * 1_000)", "", Sandbox(namespaces=namespaces))
    assert result.outcome == "failed"
    assert 0 < len(result.output) <= TAIL and set(result.output) == {"y", "\n"}
    assert time.monotonic() - begin < 5


@BOTH
def test_a_file_cannot_be_large(namespaces: bool) -> None:
    write = "with open('a', 'wb') as file:\n    for _ in range(10 << 10):\n        file.write(bytes(1 << 20))"
    assert outcome(write, namespaces=namespaces) == "failed"


def test_many_files_cannot_be_large_together() -> None:
    write = "for number in range(20):\n    open(str(number), 'wb').write(bytes(1 << 20))"
    assert outcome(write) == "failed"
    assert outcome(write.replace("20)", "10)")) == "passed"
    assert outcome("for number in range(10_000):\n    open(str(number), 'w').close()") == "failed"


def test_a_fork_bomb_fails_and_leaves_nothing() -> None:
    assert outcome("import os\nwhile True:\n    os.fork()") == "failed"
    retry = "try:\n        os.fork()\n    except OSError:\n        time.sleep(0.01)"
    sandbox = Sandbox(seconds=1, open_files=61)  # a number by which its processes can be told from others
    assert run_code(f"import os, time\nwhile True:\n    {retry}", "", sandbox).outcome == "timed out"
    assert none_left('"open_files": 61')


def test_processes_that_leave_their_group_are_killed() -> None:
    leave = (
        "import os\n"
        "for _ in range(3):\n"
        "    if os.fork() == 0:\n"
        "        os.setsid()\n"
        "        if os.fork() == 0:\n"
        "            os.execv('/bin/sleep', ['sleep', '98765.4'])\n"
        "        os._exit(0)\n"
    )
    assert outcome(leave + GOOD, TEST + "\nimport time\ntime.sleep(0.2)") == "passed"
    assert none_left("98765.4")


@pytest.mark.parametrize(
    "kill",
    [
        "os.kill(os.getppid(), signal.SIGKILL)",
        "os.kill(os.getppid(), signal.SIGSTOP)",
        "os.kill(-1, signal.SIGKILL)",
        "os.killpg(1, signal.SIGKILL)",
    ],
)
def test_code_that_kills_its_parent_harms_nobody(kill: str) -> None:
    attempt = f"import os, signal\ntry:\n    {kill}\nexcept OSError:\n    pass\n"
    assert outcome(attempt + GOOD, TEST) == "passed"
    assert outcome(f"import os, signal\n{kill}", namespaces=False) == "failed"


def test_threads_and_processes_can_be_used_within_the_limit() -> None:
    threads = "import threading\ndone = []\nall_ = [threading.Thread(target=done.append, args=(1,)) for _ in range(4)]"
    assert outcome(threads, "[t.start() for t in all_]\n[t.join() for t in all_]\nassert len(done) == 4") == "passed"
    assert outcome("import subprocess", "assert subprocess.check_output(['/bin/echo', 'a']) == b'a\\n'") == "passed"


@BOTH
def test_there_is_no_network(namespaces: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        connect = f"import socket\nsocket.create_connection(('127.0.0.1', {port}), timeout=2)"
        assert outcome(connect, namespaces=namespaces) == "failed"
        server.settimeout(0)
        with pytest.raises(BlockingIOError):
            server.accept()


@BOTH
def test_files_outside_the_folder_cannot_be_changed(namespaces: bool, open_folder: Path) -> None:
    target = open_folder / "precious"
    target.write_text("kept")
    target.chmod(0o666)
    attempts = [f"open({str(target)!r}, 'w')", f"os.remove({str(target)!r})", f"os.rename({str(target)!r}, 'a')"]
    attempts += [f"os.mkdir({str(open_folder / 'new')!r})", f"os.symlink('a', {str(open_folder / 'new')!r})"]
    attempts += [f"os.truncate({str(target)!r}, 0)", f"os.chmod({str(target)!r}, 0)"]
    tries = "".join(f"try:\n    {attempt}\nexcept OSError:\n    refused += 1\n" for attempt in attempts)
    code = f"import os\nrefused = 0\n{tries}"
    assert outcome(code, f"assert refused == {len(attempts)}", namespaces=namespaces) == "passed"
    assert target.read_text() == "kept"
    assert [path.name for path in open_folder.iterdir()] == ["precious"]


def test_landlock_holds_where_the_audit_hook_does_not(open_folder: Path) -> None:
    write = (
        f"import os\nplace = os.open({str(open_folder)!r}, os.O_RDONLY)\n"
        "os.open('new', os.O_CREAT | os.O_WRONLY, dir_fd=place)"
    )
    has_landlock = ctypes.CDLL(None).syscall(444, None, 0, 1) > 0
    assert outcome(write, namespaces=False) == ("failed" if has_landlock else "passed")
    assert [path.name for path in open_folder.iterdir()] == ([] if has_landlock else ["new"])


@BOTH
def test_files_inside_the_folder_can_be_used(namespaces: bool) -> None:
    use = (
        "import os\nopen('a', 'w').write('1')\nos.rename('a', 'b')\nos.truncate('b', 0)\nos.mkdir('c')\n"
        "os.remove('b')\nos.rmdir('c')\nopen(os.devnull, 'w').write('1')"
    )
    assert outcome(use, "assert os.listdir() == []", namespaces=namespaces) == "passed"


@BOTH
def test_secrets_of_the_environment_are_not_there(namespaces: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SECRET", "xyzzy")
    assert outcome("import os", "assert 'MY_SECRET' not in os.environ", namespaces=namespaces) == "passed"


def test_other_processes_cannot_be_seen() -> None:
    seen = "import os\nids = [name for name in os.listdir('/proc') if name.isdigit()]"
    assert outcome(seen, f"assert os.getppid() == 1 and '{os.getpid()}' not in ids and len(ids) < 5") == "passed"


def test_no_capability_is_left() -> None:
    read = "rows = dict(line.split(':', 1) for line in open('/proc/self/status'))\n"
    assert outcome(read, "assert int(rows['CapEff'], 16) == int(rows['CapBnd'], 16) == 0") == "passed"
    assert outcome(read, "assert rows['NoNewPrivs'].strip() == '1'") == "passed"
    assert outcome("import os\nos.unshare(os.CLONE_NEWNET)") == "failed"


def test_native_code_is_refused_without_namespaces() -> None:
    for attempt in ("ctypes.CDLL(None)", "ctypes.pythonapi.PyErr_Occurred"):
        assert outcome(f"import ctypes\n{attempt}", namespaces=False) == "failed"


def test_the_audit_hook_does_not_use_what_the_code_can_replace() -> None:
    replace = "import sys, socket\nmain = sys.modules['__main__']\nmain._FORBIDDEN = ('none',)\nmain._CHANGES.clear()\n"
    assert outcome(replace + "socket.socket()", namespaces=False) == "failed"


def test_the_result_says_whether_there_were_namespaces() -> None:
    assert run_code("", "", Sandbox()).namespaces
    assert not run_code("", "", Sandbox(namespaces=False)).namespaces


@pytest.mark.parametrize("further", [True, False])
def test_root_of_a_container_without_other_users_can_run_code(further: bool) -> None:
    """With `further` namespaces allowed inside it, or forbidden as in most containers."""
    forbid = "" if further else "open('/proc/sys/user/max_user_namespaces', 'w').write('0')\n"
    program = (
        "import os\n"
        "user, group = os.getuid(), os.getgid()\n"
        "os.unshare(os.CLONE_NEWUSER | os.CLONE_NEWNS)\n"
        "for name, text in (('setgroups', 'deny'), ('uid_map', f'0 {user} 1'), ('gid_map', f'0 {group} 1')):\n"
        "    open(f'/proc/self/{name}', 'w').write(text)\n"
        f"{forbid}"
        "from tanuki_jax.corpus.synthesis.sandbox.run_code import run_code\n"
        "result = run_code('import os', 'assert os.listdir() == []')\n"
        "print(result.outcome, result.namespaces, result.output)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])}
    result = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert result.stdout.strip() == f"passed {further}", result.stderr


def test_programs_may_be_longer_than_a_pipe() -> None:
    assert outcome(GOOD + "#" * 3_000_000, TEST) == "passed"


def test_runs_beside_each_other_do_not_meet() -> None:
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda number: outcome(f"x = {number}", f"assert x == {number}"), range(8)))
    assert results == ["passed"] * 8


def test_no_folder_is_left(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(open_folder))
    assert outcome("open('a', 'w').write('x')", namespaces=False) == "passed"
    assert list(open_folder.iterdir()) == []


def test_code_ends_when_the_command_is_killed() -> None:
    program = (
        "from tanuki_jax.corpus.synthesis.sandbox.run_code import run_code, Sandbox\n"
        'code = \'import os; os.execv("/bin/sleep", ["sleep", "87654" ".3"])\'\n'
        "run_code(code, '', Sandbox(seconds=60))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])}
    process = subprocess.Popen([sys.executable, "-c", program], env=environment)
    deadline = time.monotonic() + 20
    while not (started := processes_with("87654.3")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert started
    assert none_left("87654.3")
