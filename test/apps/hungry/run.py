"""Takes as much memory and as many processes as it is told to, and says how much it got."""
import os
import signal
import sys

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "deps"))
import bundled  # noqa: F401  so that a template can fork it
import tc


def main():
    app = tc.App(tc.params())
    memory = [b"x" * (1 << 20) for _ in range(int(app.p.get("megabytes") or 0))]
    children = []
    try:
        for _ in range(int(app.p.get("tasks") or 0)):
            pid = os.fork()
            if pid == 0:
                signal.pause()
                os._exit(0)
            children.append(pid)
    except BlockingIOError:  # what the kernel answers to one too many
        pass
    for pid in children:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    app.exit(0, "got %d MB and %d processes" % (len(memory), len(children)))


if __name__ == "__main__":
    main()
