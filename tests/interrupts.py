"""Programs of their own that are interrupted, as a reader interrupts one with Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

PATIENCE = 120  # seconds after which a program that does not listen is ended

# Where tests run in the background, what they start does not listen to Ctrl-C by itself.
LISTENS = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"


def interrupted(script, *arguments):
    """Interrupt a program some time after it says "starts", and wait until it ends, without an error.

    Return the seconds that it took to say "heard", and what it said then.
    """
    with subprocess.Popen(
        [sys.executable, "-c", LISTENS + script, *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as run:  # fmt: skip
        last = threading.Timer(PATIENCE, run.kill)
        last.start()
        try:
            assert run.stdout.readline() == "starts\n", run.stderr.read()
            time.sleep(0.6)  # long enough for calls of full length
            start = time.perf_counter()
            run.send_signal(signal.SIGINT)
            assert run.stdout.readline() == "heard\n", run.stderr.read()
            seconds = time.perf_counter() - start
            said, errors = run.communicate()
            assert run.returncode == 0, errors
        finally:
            last.cancel()
    return seconds, said
