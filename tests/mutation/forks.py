"""A test run in a child process, so that a mistake put into the code ends with it."""

import os
import resource
import signal
import sys
import traceback


def forked(tasks, jobs, seconds, *, quiet=True):
    """Run each task, a key and a function that returns an exit status, in a child; give keys and statuses as they end.

    A child that computes for more than `seconds` is ended by a signal, and its status is negative: the signal's number.
    """
    running = {}
    for key, task in tasks:
        if len(running) >= jobs:
            yield _ended(running)
        pid = os.fork()
        if pid == 0:
            _child(task, seconds, quiet)
        running[pid] = key
    while running:
        yield _ended(running)


def _ended(running):
    pid, status = os.wait()
    return running.pop(pid), os.waitstatus_to_exitcode(status)


def _child(task, seconds, quiet):
    status = 1
    try:
        if seconds:
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
            signal.alarm(20 * seconds)  # for one that waits
        if quiet:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)
            os.dup2(nowhere, 2)
        status = task()
    except BaseException:  # noqa: BLE001 - whatever a mistake raises, the child ends here
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)
