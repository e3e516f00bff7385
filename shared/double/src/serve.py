"""Serves the double of AWS on this machine, for as long as the process that started it lives.

Arguments: "frozen", "running" or "strict". Says "ready PORT" once it answers. With "frozen" the
double's clock stands at START and moves only by lines "advance SECONDS" on standard input, each
answered "ok". With "strict" the signatures and permissions of IAM users and roles are checked; other
keys are the root's. The end of standard input ends the process.
"""

import os
import socket
import sys
import threading
import time

START = 1_767_600_000.0  # 2026-01-05 08:00 UTC, where the tests' virtual clocks start

frozen = sys.argv[1] == "frozen"
now = START
if frozen:
    # Before the double is imported: everything in it asks time.time() what time it is.
    time.time = lambda: now

with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
os.environ.update(
    GATEWAY_PORT=str(port),
    BIND_HOST="127.0.0.1",
    LOG_LEVEL="ERROR",
    AUTH="true" if sys.argv[1] == "strict" else "false",
    AWS_ACCESS_KEY_ID="double",
    AWS_SECRET_ACCESS_KEY="double",
    TMPDIR=sys.prefix,
)
# What it prints must not run into our answers.
answers, sys.stdout = sys.stdout, sys.stderr


def say(text):
    print(text, file=answers, flush=True)


def control():
    global now
    while socket.socket().connect_ex(("127.0.0.1", port)) != 0:
        time.sleep(0.02)
    say(f"ready {port}")
    for line in sys.stdin:
        word, _, seconds = line.partition(" ")
        if word == "advance" and frozen:
            now += float(seconds)
            say("ok")
        else:
            say("unknown")
    os._exit(0)


threading.Thread(target=control, daemon=True).start()
sys.argv = ["ministack"]
from ministack.app import main  # noqa: E402

main()
