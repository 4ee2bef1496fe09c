"""Starts descendants that detach themselves, ignores requests to end, and takes SIGHUP for success.

mode "leave" ends at once and leaves the descendants behind.
"""
import os
import signal
import sys
import time

import tc


def ignore_requests():
    for s in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(s, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, lambda *_: os._exit(0))  # as TcEx does


def descend(pids, seconds, detach):
    """A child with a child of its own that has left session and parent."""
    if os.fork():
        return
    if detach:
        os.setsid()
    if os.fork() and detach:
        os._exit(0)
    ignore_requests()
    with open(pids, "a", encoding="utf-8") as f:
        f.write("%d\n" % os.getpid())
    time.sleep(seconds)
    os._exit(0)


def main():
    app = tc.App(tc.params())
    seconds, children = float(app.p.get("seconds") or 3600), int(app.p.get("children") or 2)
    ignore_requests()
    pids = app.out("pids")
    with open(pids, "w", encoding="utf-8") as f:
        f.write("%d\n" % os.getpid())
    expected = 1
    for i in range(children):
        descend(pids, seconds, detach=i % 2 == 0)
        expected += 1 if i % 2 == 0 else 2
    while len(open(pids, encoding="utf-8").read().split()) < expected:
        time.sleep(0.01)
    print("ready with %d processes" % expected)
    sys.stdout.flush()
    if app.p.get("mode") == "leave":
        app.exit(0, "left %d processes behind" % (expected - 1))
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        time.sleep(max(0, deadline - time.monotonic()))
    app.exit(0, "nobody ended this App")


if __name__ == "__main__":
    main()
