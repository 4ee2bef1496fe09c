"""Leaves a mark for each start, so that a second start would be seen, and sleeps, not
longer than until it is woken: by a file beside the marks whose name ends in .end or, where
marks are kept by a server (an isolated App has no file outside of its job), by that.
"""
import os
import time
import urllib.error
import urllib.request
import uuid

import tc


def ask(url, body=None):
    """Whether the server of the marks says yes."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(urllib.request.Request(url, data=body), timeout=60):
            return True
    except urllib.error.HTTPError:
        return False


def world():
    """Names the PID namespace."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return "-"


def main():
    app = tc.App(tc.params())
    mark = uuid.uuid4().hex
    session = os.path.basename(os.path.dirname(os.path.normpath(app.p["tc_out_path"])))
    line = ("%s %d %s %s\n" % (mark, os.getpid(), session, world())).encode()
    if app.p.get("marker_file"):  # before all that may fail
        fd = os.open(app.p["marker_file"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        os.write(fd, line)  # one write: lines never mix
        os.close(fd)
    marks = app.p.get("marker_url")
    if marks and not ask(marks, line):
        app.exit(1, "the mark was not taken")
    with open(app.out(mark + ".marker"), "w", encoding="utf-8") as f:
        f.write(mark + "\n")
    print("started " + mark, flush=True)
    seconds = float(app.p.get("seconds") or 1)
    end = time.monotonic() + seconds
    wake = (app.p.get("marker_file") or mark) + ".end"
    while time.monotonic() < end and not (ask(marks + ".end") if marks else os.path.exists(wake)):
        time.sleep(max(0, min(0.05, end - time.monotonic())))
    print("ended " + mark, flush=True)
    app.exit(0, "slept %g seconds" % seconds)


if __name__ == "__main__":
    main()
