"""Program that `run_code` starts: it gives up what it may do, runs code and its tests, and reports what came of them.

It runs as a script, with the standard library alone. Its arguments are file descriptors and limits (`main`); the code
and the tests come as JSON on stdin. Processes, with namespaces:

    launcher    new namespaces (user, mount, network, pid, ipc, host name), as the user `nobody` if it was root
    init        the first process of the pid namespace: when it ends, the kernel ends all others in it
    worker      no capabilities, limits of resources, runs the code

Without namespaces, launcher and worker are one user's processes, and the worker runs under Landlock, where the kernel
has it, and an audit hook.
"""

import contextlib
import ctypes
import json
import os
import resource
import signal
import struct
import sys
import types
from collections.abc import Callable
from typing import Any

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 1, 4, 24, 38
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_BIND, _MS_REC, _MS_PRIVATE = 2, 4, 8, 1 << 12, 1 << 14, 1 << 18
_SYS_MOUNT_SETATTR, _AT_RECURSIVE, _MOUNT_ATTR_RDONLY = 442, 0x8000, 1
_SYS_LANDLOCK = 444
_LANDLOCK_WRITE = 1 << 1 | sum(1 << right for right in range(4, 13))
"""Rights to write a file, and to remove and make files of all kinds."""
_NOBODY = 65_534
PARTS = ("solution", "tests")
"""Parts of the program, in the order in which they run."""
_LIBC = ctypes.CDLL(None, use_errno=True)
_FORBIDDEN = (
    "ctypes.", "os.exec", "os.fork", "os.kill", "os.posix_spawn", "os.spawn", "os.system", "pty.",
    "signal.pthread_kill", "socket.", "subprocess.", "syslog.",
)  # fmt: skip
"""Beginnings of the audit events that the hook refuses: other processes, the network, and native code."""
_CHANGES = {
    "os.chflags", "os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.removexattr", "os.rename", "os.rmdir",
    "os.setxattr", "os.symlink", "os.truncate", "os.utime",
}  # fmt: skip
"""Audit events that change a file. They are refused outside the folder."""


def main() -> None:
    """Run code and tests. Arguments: descriptors of report and token, yes or no for namespaces, and limits as JSON."""
    report, token = int(sys.argv[1]), int(sys.argv[2])
    namespaces, limits = sys.argv[3] == "yes", json.loads(sys.argv[4])
    _end_with_parent()
    program = json.load(sys.stdin.buffer)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    if os.getuid() == 0:
        _become_nobody(os.path.abspath(os.path.join("..", "python")))
    run = _Run(program, token, report, limits)
    if namespaces and _new_namespaces():
        os.waitpid(_forked(run.init), 0)
    else:
        os.write(report, b"no namespaces\n")
        run.worker(isolated=False)


class _Run:
    """One run of code and its tests."""

    def __init__(self, program: dict[str, str], token: int, report: int, limits: dict[str, int]) -> None:
        self._program, self._token, self._report, self._limits = program, token, report, limits

    def init(self) -> None:
        """Be the first process of the namespaces: mount a folder in memory, start the worker and wait for it."""
        os.setsid()
        isolated = _mount_folder(os.getcwd(), self._limits["disk_bytes"])
        os.write(self._report, b"namespaces\n" if isolated else b"no namespaces\n")
        self.worker(isolated)

    def worker(self, isolated: bool) -> None:
        """Start the worker, wait for it and reap what ends before it; say so if its time of CPU was used up."""
        worker = _forked(lambda: self._work(isolated))
        while True:
            child, status, usage = os.wait3(0)
            if child == worker:
                break
        used = usage.ru_utime + usage.ru_stime
        if os.WIFSIGNALED(status) and (os.WTERMSIG(status) == signal.SIGXCPU or used >= self._limits["cpu_seconds"]):
            os.write(self._report, b"time\n")

    def _work(self, isolated: bool) -> None:
        """Run the code and then its tests, and report what came of them."""
        os.setsid()
        _drop_capabilities()
        _limit(self._limits)
        if not isolated:
            _use_landlock(os.getcwd())
            sys.addaudithook(_hook(os.path.realpath(os.getcwd())))
        # What is used after the code has run is taken now, because the code may replace it.
        write, read, leave, token, report = os.write, os.read, os._exit, self._token, self._report
        run: Callable[[Any, dict[str, Any]], None] = exec
        module = sys.modules["solution"] = types.ModuleType("solution")
        outcome = b"failed"
        try:
            parts = [compile(self._program[name], f"{name}.py", "exec", dont_inherit=True) for name in PARTS]
            for part in parts:
                run(part, module.__dict__)
            outcome = read(token, 64)  # last of all, so that the code cannot know it before
        except MemoryError:
            outcome = b"memory"
        except BaseException as error:
            _show(error)
        else:
            _show(None)
        write(report, outcome + b"\n")
        leave(0)


def _show(error: BaseException | None) -> None:
    """Print what is left of the output, and then an error of the code; the code may have closed or replaced both."""
    with contextlib.suppress(BaseException):
        sys.stdout.flush()
    with contextlib.suppress(BaseException):
        if error is not None:
            import traceback

            trace = error.__traceback__
            lines = traceback.format_exception(type(error), error, trace and trace.tb_next)  # without our own frame
            os.write(2, "".join(lines)[-4_000:].encode(errors="replace"))


def _forked(work: Callable[[], None]) -> int:
    """Return the id of a new process, which does the work and ends."""
    if child := os.fork():
        return child
    try:
        _end_with_parent()
        work()
    except BaseException as error:
        _show(error)
    finally:
        os._exit(1)


def _end_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _become_nobody(library: str) -> None:
    """Become a user that owns nothing: root could write all files that root owns, and has no limit of processes.

    Root in a namespace that has no further users stays what it is.

    Args:
        library: empty folder, at which Python's library appears if that user cannot read it where it is.
    """
    standard = os.path.dirname(os.__file__)
    with contextlib.suppress(OSError):
        os.unshare(os.CLONE_NEWNS)
        _mount(None, b"/", None, _MS_REC | _MS_PRIVATE)
        if _mount(standard.encode(), library.encode(), None, _MS_BIND):
            packages = [module.__path__ for module in [*sys.modules.values()] if hasattr(module, "__path__")]
            for paths in (sys.path, *packages):
                paths[:] = [library + path.removeprefix(standard) for path in paths if path.startswith(standard)]
            sys.path_importer_cache.clear()
    try:
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)
    except OSError:  # it is root only in a namespace of one user, and has that user's rights
        return
    _LIBC.prctl(_PR_SET_DUMPABLE, 1)  # so that this process may write its own maps of users
    _end_with_parent()  # the kernel forgets it when the user changes
    if not any(os.access(os.path.join(path, "os.py"), os.R_OK) for path in sys.path):
        raise SystemExit("the user nobody cannot read Python's library; put Python where all users may read it")


def _new_namespaces() -> bool:
    """Whether the kernel gave this process namespaces of its own."""
    user, group = os.geteuid(), os.getegid()
    flags = os.CLONE_NEWUSER | os.CLONE_NEWNS | os.CLONE_NEWNET | os.CLONE_NEWPID | os.CLONE_NEWIPC | os.CLONE_NEWUTS
    try:
        os.unshare(flags)
        for path, text in (("setgroups", "deny"), ("uid_map", f"1000 {user} 1"), ("gid_map", f"1000 {group} 1")):
            with open(f"/proc/self/{path}", "w", encoding="ascii") as file:
                file.write(text)
    except OSError:
        return False
    return True


def _mount(source: bytes | None, target: bytes, kind: bytes | None, flags: int, data: bytes | None = None) -> bool:
    return int(_LIBC.mount(source, target, kind, ctypes.c_ulong(flags), data)) == 0


def _mount_folder(folder: str, size: int) -> bool:
    """Whether the folder is now one in memory, of limited size, and all other files are read-only."""
    _mount(None, b"/", None, _MS_REC | _MS_PRIVATE)
    _mount(b"proc", b"/proc", b"proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)  # a container may refuse it
    attributes = (ctypes.c_uint64 * 4)(_MOUNT_ATTR_RDONLY, 0, 0, 0)
    words = b"/", ctypes.c_uint(_AT_RECURSIVE), ctypes.byref(attributes), ctypes.c_size_t(ctypes.sizeof(attributes))
    if _LIBC.syscall(ctypes.c_long(_SYS_MOUNT_SETATTR), ctypes.c_int(-100), *words) != 0:  # Linux 5.12
        return False
    options = f"size={size},nr_inodes=4096,mode=700".encode()
    if not _mount(b"tmpfs", folder.encode(), b"tmpfs", _MS_NOSUID | _MS_NODEV, options):
        return False
    os.chdir(folder)
    return True


def _drop_capabilities() -> None:
    """Give up all capabilities, also those that a program could get back."""
    for capability in range(64):
        _LIBC.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    header, data = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    _LIBC.capset(header, data)
    _LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _end_with_parent()


def _use_landlock(folder: str) -> None:
    """Let the kernel refuse changes of files outside the folder, TCP, and signals, as far as it can (Linux 5.13)."""
    version = _LIBC.syscall(ctypes.c_long(_SYS_LANDLOCK), None, ctypes.c_size_t(0), ctypes.c_uint(1))
    if version < 1:
        return
    change = _LANDLOCK_WRITE | (version >= 2) << 13 | (version >= 3) << 14  # moves and truncation are younger
    rules = (ctypes.c_uint64 * 3)(change, 3 * (version >= 4), 3 * (version >= 6))
    fence = _LIBC.syscall(ctypes.c_long(_SYS_LANDLOCK), rules, ctypes.c_size_t(24), ctypes.c_uint(0))
    for path, access in ((folder, change), (os.devnull, 1 << 1)):
        place = os.open(path, os.O_PATH)
        beneath = struct.pack("=Qi", access, place)  # packed, 12 bytes
        _LIBC.syscall(ctypes.c_long(_SYS_LANDLOCK + 1), fence, ctypes.c_int(1), beneath, ctypes.c_uint(0))
        os.close(place)
    _LIBC.syscall(ctypes.c_long(_SYS_LANDLOCK + 2), fence, ctypes.c_uint(0))
    os.close(fence)


def _limit(limits: dict[str, int]) -> None:
    for kind, most in (
        (resource.RLIMIT_AS, limits["memory_bytes"]),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, limits["disk_bytes"]),
        (resource.RLIMIT_NOFILE, limits["open_files"]),
        (resource.RLIMIT_NPROC, limits["processes"]),
    ):
        _, hard = resource.getrlimit(kind)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))
    resource.setrlimit(resource.RLIMIT_CPU, (limits["cpu_seconds"], limits["cpu_seconds"] + 1))


def _hook(folder: str) -> Callable[[str, tuple[Any, ...]], None]:
    """Return an audit hook that refuses processes, network, native code, and changes of files outside a folder."""
    realpath, inside, forbidden, changes = os.path.realpath, (folder, folder + os.sep), _FORBIDDEN, frozenset(_CHANGES)
    changing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

    def outside(path: Any) -> bool:
        if isinstance(path, int):
            return path > 2
        real = realpath(os.fsdecode(path))
        return real != inside[0] and not real.startswith(inside[1])

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event.startswith(forbidden):
            raise PermissionError(f"{event} is not allowed in the sandbox")
        if event == "open" and isinstance(arguments[0], str | bytes | os.PathLike):
            if arguments[2] & changing and arguments[0] != os.devnull and outside(arguments[0]):
                raise PermissionError("files outside the folder cannot be changed in the sandbox")
        elif event in changes and any(
            outside(path) for path in arguments[: 2 if event in ("os.link", "os.rename", "os.symlink") else 1]
        ):
            raise PermissionError("files outside the folder cannot be changed in the sandbox")

    return hook


if __name__ == "__main__":
    main()
