"""Leaves a mark for each start, so that a second start would be seen, and sleeps, not
longer than until the file beside the marks whose name ends in .end is there."""
import os
import time
import uuid

import tc


def main():
    app = tc.App(tc.params())
    mark = uuid.uuid4().hex
    if app.p.get("marker_file"):  # before all that may fail
        session = os.path.basename(os.path.dirname(os.path.normpath(app.p["tc_out_path"])))
        fd = os.open(app.p["marker_file"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        os.write(fd, ("%s %d %s\n" % (mark, os.getpid(), session)).encode())  # one write: lines never mix
        os.close(fd)
    with open(app.out(mark + ".marker"), "w", encoding="utf-8") as f:
        f.write(mark + "\n")
    print("started " + mark, flush=True)
    seconds = float(app.p.get("seconds") or 1)
    end = time.monotonic() + seconds
    wake = (app.p.get("marker_file") or mark) + ".end"
    while time.monotonic() < end and not os.path.exists(wake):
        time.sleep(max(0, min(0.05, end - time.monotonic())))
    print("ended " + mark, flush=True)
    app.exit(0, "slept %g seconds" % seconds)


if __name__ == "__main__":
    main()
