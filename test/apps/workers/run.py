"""A job that shares its work among processes and leaves one behind, as a worker does that was given up.

All of them have the framework's handler of signals, because they were forked.
"""
import multiprocessing
import time

import tc

processes = multiprocessing.get_context("fork")


def square(n):
    return n * n


def watch(app):
    """Sleeps until it is ended, and then says something on its way out."""
    try:
        time.sleep(3600)
    finally:
        app.result("count", "spoilt")


def stuck(app, ready):
    processes.Process(target=watch, args=(app,)).start()
    ready.set()
    time.sleep(3600)


def main():
    app = tc.App(tc.params())
    app.handle_signals()
    with processes.Pool(2) as pool:
        squares = pool.map(square, range(10))
        pool.close()
        pool.join()
    ready = processes.Event()
    worker = processes.Process(target=stuck, args=(app, ready))
    worker.start()
    ready.wait()
    worker.kill()
    worker.join()
    app.log("%d squares" % len(squares))
    app.result("count", sum(squares))
    app.exit(0, "Success")


if __name__ == "__main__":
    main()
