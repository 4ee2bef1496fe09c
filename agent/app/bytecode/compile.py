"""Compiles Python sources as importlib would, for the agent of another user.

    python -I -S -B compile.py FILE

FILE is a JSON object: "out", the folder for the results; "dir", the folder
with the sources; "sources", their names in it; "workers", how many processes
compile; "seconds" and "memory" (bytes), what one source may cost. The bytecode
of source N is written as N.pyc, with the hash of the source in it, and is
complete when it has that name. Sources that do not compile have none. "about"
says what this interpreter's bytecode is.

It runs none of the sources.
"""
import io
import json
import os
import sys


def about(out):
    import binascii
    version = list(sys.version_info[:2])
    said = {"version": version, "tag": "", "magic": ""}
    if version >= [3, 7]:
        import importlib.util
        said["tag"] = sys.implementation.cache_tag
        said["magic"] = binascii.hexlify(importlib.util.MAGIC_NUMBER).decode("ascii")
    with io.open(os.path.join(out, "about"), "wb") as f:
        f.write(json.dumps(said).encode("ascii"))


def compile_one(path, target):
    import marshal
    from importlib.util import MAGIC_NUMBER, source_hash
    with io.open(path, "rb") as f:
        source = f.read()
    try:
        code = compile(source, path, "exec", dont_inherit=True)
        data = MAGIC_NUMBER + b"\1\0\0\0" + source_hash(source) + marshal.dumps(code)
    except Exception:
        return  # Python says why when the App imports it
    with io.open(target + ".tmp", "wb") as f:
        f.write(data)
    os.rename(target + ".tmp", target)


def work(job, first, step, note):
    """Compiles every step-th source from first on, and notes each one before."""
    for n in range(first, len(job["sources"]), step):
        note(n)
        path = os.path.join(job["dir"], job["sources"][n])
        try:
            compile_one(path, os.path.join(job["out"], "%d.pyc" % n))
        except OSError as e:
            if os.path.exists(path):  # else it is gone, and the App with it
                sys.stderr.write("writing bytecode: %s\n" % e)
                return 3
    return 0


def work_in_processes(job):
    """Several processes work. One that dies is replaced, behind the source that it died of."""
    import mmap
    import resource
    import signal
    step = max(1, min(job["workers"], len(job["sources"])))
    at = mmap.mmap(-1, 8 * step)

    def start(worker, first):
        at[8 * worker:8 * worker + 8] = first.to_bytes(8, "little")
        pid = os.fork()
        if pid:
            return pid
        code = 1
        try:
            resource.setrlimit(resource.RLIMIT_AS, (job["memory"], job["memory"]))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

            def note(n):
                at[8 * worker:8 * worker + 8] = n.to_bytes(8, "little")
                signal.alarm(job["seconds"])  # ends this process
            code = work(job, first, step, note)
        finally:
            os._exit(code)

    workers = {}
    for worker in range(step):
        workers[start(worker, worker)] = worker
    while workers:
        pid, status = os.wait()
        worker = workers.pop(pid, None)
        if worker is None:
            continue
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 3:
            return 3
        if status:
            stuck = int.from_bytes(at[8 * worker:8 * worker + 8], "little")
            workers[start(worker, stuck + step)] = worker
    return 0


def main(file):
    with io.open(file, encoding="utf-8") as f:
        job = json.load(f)
    about(job["out"])
    if not job["sources"]:
        return 0
    if not hasattr(os, "fork"):
        return work(job, 0, 1, lambda n: None)
    os.nice(19)
    return work_in_processes(job)


sys.exit(main(sys.argv[1]))
