"""Programs of their own that are interrupted, as a reader interrupts one with Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import threading
import time

PATIENCE = 120  # seconds after which a program that does not listen is ended

# Where tests run in the background, what they start does not listen to Ctrl-C by itself.
LISTENS = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"


def interrupted(script, *arguments):
    """Interrupt a program some time after it says "starts", and wait until it ends, without an error.

    Return the seconds that it took to say "heard", and what it said then.
    """
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(
            [sys.executable, "-c", LISTENS + script, *arguments],
            stdout=subprocess.PIPE, stderr=errors, text=True,
        ) as run,
    ):  # fmt: skip
        last = threading.Timer(PATIENCE, run.kill)
        last.start()

        def complaint():
            errors.seek(0)
            return errors.read()

        try:
            assert run.stdout.readline() == "starts\n", complaint()
            time.sleep(0.6)  # long enough for calls of full length
            start = time.perf_counter()
            run.send_signal(signal.SIGINT)
            assert run.stdout.readline() == "heard\n", complaint()
            seconds = time.perf_counter() - start
            said = run.stdout.read()  # not communicate(), which loses what readline() has read ahead
            assert run.wait() == 0, complaint()
        finally:
            last.cancel()
    return seconds, said
