"""Owns the last step before an engine runs: drops root, ties its life to ours, then becomes it.

Run by path with `python -I -S`, so it starts in milliseconds and imports nothing of Duro:
`launch.py [--userns UID:GID | --user UID:GID] [--die-with PARENT:SIGNAL] -- program arguments…`
"""

import ctypes
import os
import sys

_CLONE_NEWUSER = 0x10000000
_PR_SET_PDEATHSIG = 1


def _enter_user_namespace(ids: str) -> None:
    """Show ourselves another user id, while every file still sees the one that we have."""
    inner_uid, inner_gid = ids.split(":")
    uid, gid = os.geteuid(), os.getegid()
    # os.unshare exists from Python 3.12 only.
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWUSER) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"unshare: {os.strerror(code)}")
    for name, text in (
        ("setgroups", "deny"),  # the kernel asks for this before it takes a group map
        ("gid_map", f"{inner_gid} {gid} 1"),
        ("uid_map", f"{inner_uid} {uid} 1"),
    ):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:  # noqa: PTH123 - no pathlib: its import would double the start time
            file.write(text)


def _become_user(ids: str) -> None:
    uid, gid = map(int, ids.split(":"))
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def _die_with_parent(tie: str) -> None:
    parent, signal = map(int, tie.split(":"))
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("The starting process is already gone.")


_STEPS = {
    "--userns": _enter_user_namespace,
    "--user": _become_user,
    "--die-with": _die_with_parent,
}


def main(arguments: list[str]) -> None:
    os.umask(0o077)
    while arguments[0] != "--":
        step, value, *arguments = arguments
        _STEPS[step](value)
    program = arguments[1:]
    os.execv(program[0], program)  # noqa: S606 - becoming the engine without a shell is the purpose


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except OSError as error:
        sys.exit(f"launch: {error}")
