"""Does what ordinary Apps do on a host: names, certificates, proxy, processes, shared memory, files
of any name, large logs. It publishes of each thing whether it went, "ok" or why not.
"""
import array
import asyncio
import concurrent.futures
import contextlib
import ctypes
import fcntl
import getpass
import json
import logging.handlers
import mmap
import multiprocessing
import multiprocessing.managers
import multiprocessing.shared_memory
import os
import pty
import pwd
import resource
import select
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
import zoneinfo

import tc

CHECKS = {}


def check(f):
    CHECKS[f.__name__.replace("_", " ")] = f
    return f


def want(got, wanted):
    if got != wanted:
        raise AssertionError("got %r, want %r" % (got, wanted))


def fetch(url, *handlers):
    handlers = handlers or (urllib.request.ProxyHandler({}),)
    with urllib.request.build_opener(*handlers).open(url, timeout=30) as answer:
        want(answer.read(), b"hello")


# --- network ---

@check
def name_by_DNS_and_certificate(app):
    fetch(app.p["feed"])


@check
def name_in_hosts_file(app):
    fetch(app.p["listed"])


@check
def localhost(app):
    found = {a[4][0] for a in socket.getaddrinfo("localhost", 80)}
    want("127.0.0.1" in found, True)
    fetch(app.p["local"])


@check
def unknown_name(app):
    try:
        socket.getaddrinfo("nowhere.example.test", 80)
    except socket.gaierror as e:
        want(e.errno, socket.EAI_NONAME)
    else:
        raise AssertionError("it was found")


@check
def proxy(app):
    want(app.p["tc_proxy_external"], "true")
    login = ":".join(urllib.parse.quote(app.p["tc_proxy_" + part], safe="") for part in ("username", "password"))
    through = "http://%s@%s:%s" % (login, app.p["tc_proxy_host"], app.p["tc_proxy_port"])
    want(os.environ["https_proxy"], through)
    fetch(app.p["feed"], urllib.request.ProxyHandler({"https": through}))


@check
def curl(app):
    p = subprocess.run(["curl", "-sS", "--noproxy", "*", app.p["feed"]], capture_output=True, text=True, timeout=60)
    want((p.stdout, p.stderr), ("hello", ""))


@check
def interfaces(app):
    want("lo" in {name for _, name in socket.if_nameindex()}, True)


@check
def own_server(app):
    with socket.create_server(("127.0.0.1", 0)) as s, socket.create_connection(s.getsockname()) as c:
        peer, _ = s.accept()
        with peer:
            peer.sendall(b"x")
            want(c.recv(1), b"x")


@check
def unix_sockets(app):
    for name in ("/tmp/ordinary.sock", "\0ordinary-%d" % os.getpid()):
        with socket.socket(socket.AF_UNIX) as s, socket.socket(socket.AF_UNIX) as c:
            s.bind(name)
            s.listen()
            c.connect(name)
            socket.send_fds(c, [b"x"], [0])
            peer, _ = s.accept()
            with peer:
                _, fds, _, _ = socket.recv_fds(peer, 1, 1)
                os.close(fds[0])
    os.unlink("/tmp/ordinary.sock")


# --- processes ---

@check
def subprocesses(app):
    want(subprocess.check_output("echo a b | tr a-z A-Z | cat", shell=True, text=True), "A B\n")
    want(subprocess.run([sys.executable, "-c", "import sys; sys.exit(7)"], check=False).returncode, 7)
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as p:
        os.killpg(p.pid, signal.SIGTERM)
        want(p.wait(), -signal.SIGTERM)
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as p:
        want(len(p.communicate(b"x" * (1 << 20))[0]), 1 << 20)
    pid = os.posix_spawn("/bin/true", ["true"], os.environ)
    want(os.waitpid(pid, 0), (pid, 0))


@check
def asyncio_subprocess(app):
    async def run():
        p = await asyncio.create_subprocess_exec("echo", "x", stdout=asyncio.subprocess.PIPE)
        out, _ = await p.communicate()
        return out
    want(asyncio.run(run()), b"x\n")


def square(n):
    return n * n


def take(jobs, results):
    for n in iter(jobs.get, None):
        results.put(n * n)


def add(total, lock, gate, block):
    with gate:
        for _ in range(100):
            with lock:
                total.value += 1
    memory = multiprocessing.shared_memory.SharedMemory(block)
    memory.buf[0] = 42
    memory.close()


def multiprocess(method):
    context = multiprocessing.get_context(method)
    with context.Pool(2) as pool:
        want(pool.map(square, range(20)), [n * n for n in range(20)])
    jobs, results = context.Queue(), context.Queue()
    workers = [context.Process(target=take, args=(jobs, results)) for _ in range(2)]
    for w in workers:
        w.start()
    for n in [1, 2, 3, None, None]:
        jobs.put(n)
    want(sorted(results.get(timeout=60) for _ in range(3)), [1, 4, 9])
    for w in workers:
        w.join()
    memory = multiprocessing.shared_memory.SharedMemory(create=True, size=1 << 20)
    try:
        total, lock, gate = context.Value("i", 0), context.Lock(), context.Semaphore(1)
        workers = [context.Process(target=add, args=(total, lock, gate, memory.name)) for _ in range(2)]
        for w in workers:
            w.start()
        for w in workers:
            w.join()
        want((total.value, memory.buf[0], [w.exitcode for w in workers]), (200, 42, [0, 0]))
    finally:
        memory.close()
        memory.unlink()
    with context.Manager() as manager:
        d = manager.dict()
        w = context.Process(target=d.update, args=({"a": 1},))
        w.start()
        w.join()
        want(dict(d), {"a": 1})


@contextlib.contextmanager
def short_paths():
    """The path of a socket has room for 107 bytes, and the job's folder takes most of them."""
    before, os.environ["TMPDIR"], tempfile.tempdir = os.environ["TMPDIR"], "/tmp", None
    try:
        yield
    finally:
        os.environ["TMPDIR"], tempfile.tempdir = before, None


@check
def multiprocessing_fork(app):
    with short_paths():
        multiprocess("fork")


@check
def multiprocessing_spawn(app):
    with short_paths():
        multiprocess("spawn")


@check
def multiprocessing_forkserver(app):
    with short_paths():
        multiprocess("forkserver")


@check
def process_pool(app):
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        want(list(pool.map(square, [3, 4])), [9, 16])


@check
def many_threads(app):
    gate = threading.Barrier(201)
    for _ in range(200):
        threading.Thread(target=gate.wait).start()
    gate.wait(60)


@check
def named_semaphore(app):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.sem_open.restype = ctypes.c_void_p
    libc.sem_open.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_uint, ctypes.c_uint]
    libc.sem_wait.argtypes = libc.sem_post.argtypes = [ctypes.c_void_p]
    semaphore = libc.sem_open(b"/ordinary", os.O_CREAT, 0o600, 0)
    if not semaphore:
        raise OSError(ctypes.get_errno(), "sem_open")
    pid = os.fork()
    if pid == 0:
        other = libc.sem_open(b"/ordinary", 0, 0, 0)
        os._exit(libc.sem_post(other) if other else 1)
    want(os.waitpid(pid, 0)[1], 0)
    want(libc.sem_wait(semaphore), 0)
    want(libc.sem_unlink(b"/ordinary"), 0)


@check
def shared_memory_files(app):
    with open("/dev/shm/ordinary", "w+b") as f:
        f.truncate(8 << 20)
        with mmap.mmap(f.fileno(), 8 << 20) as m:
            m[:4] = b"test"
    os.unlink("/dev/shm/ordinary")
    fd = os.memfd_create("ordinary")
    want(os.write(fd, b"x"), 1)
    os.close(fd)


@check
def system_V_shared_memory(app):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.shmat.restype = ctypes.c_void_p
    segment = libc.shmget(0, 4096, 0o1600)
    want(segment >= 0 and libc.shmat(segment, None, 0) not in (None, ctypes.c_void_p(-1).value), True)
    want(libc.shmctl(segment, 0, None), 0)


@check
def message_queue(app):
    if not os.path.isdir("/dev/mqueue"):
        return  # then Landlock lets nobody make one
    rt = ctypes.CDLL("librt.so.1", use_errno=True)
    queue = rt.mq_open(b"/ordinary", os.O_CREAT | os.O_RDWR, 0o600, None)
    if queue < 0:
        raise OSError(ctypes.get_errno(), "mq_open")
    want(rt.mq_unlink(b"/ordinary"), 0)


@check
def signals(app):
    got = []
    signal.signal(signal.SIGUSR1, lambda *_: got.append(1))
    signal.setitimer(signal.ITIMER_REAL, 0)
    os.kill(os.getpid(), signal.SIGUSR1)
    want(got, [1])


@check
def terminal(app):
    pid, fd = pty.fork()
    if pid == 0:
        os.execvp("stty", ["stty", "size"])
    fcntl.ioctl(fd, 0x5414, array.array("H", [33, 99, 0, 0]))
    with contextlib.suppress(OSError):  # how a terminal ends
        while os.read(fd, 100):
            pass
    want(os.waitpid(pid, 0)[1], 0)
    os.close(fd)


@check
def what_ps_reads(app):
    for name in ("self/status", "self/stat", "self/cmdline", "self/smaps", "self/cgroup", "self/mountinfo", "cpuinfo", "meminfo", "stat", "loadavg",
                 "uptime", "net/dev", "net/tcp", "mounts", "version", "sys/kernel/random/boot_id", "sys/kernel/pid_max"):
        with open("/proc/" + name, encoding="utf-8", errors="replace") as f:
            f.read()
    want(os.readlink("/proc/self"), str(os.getpid()))
    want(os.cpu_count() > 0 and os.sysconf("SC_PHYS_PAGES") > 0, True)
    want(os.path.realpath(os.readlink("/proc/self/exe")), os.path.realpath(sys.executable))
    want(os.path.isdir("/sys/class/net/lo"), True)


@check
def user(app):
    want(getpass.getuser(), pwd.getpwuid(os.getuid()).pw_name)
    want(subprocess.check_output(["id", "-u"], text=True), "%d\n" % os.getuid())
    want(os.path.isdir(os.path.expanduser("~")) or True, True)


@check
def limits(app):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 512), hard))
    os.nice(1)


# --- files ---

@check
def temporary_files(app):
    for folder in (None, "/tmp", "/var/tmp", os.environ.get("TMPDIR")):
        with tempfile.TemporaryDirectory(dir=folder) as d, tempfile.NamedTemporaryFile(dir=folder) as f:
            f.write(b"x" * (4 << 20))
            script = os.path.join(d, "script")
            with open(script, "w", encoding="utf-8") as s:
                s.write("#!/bin/sh\necho ran\n")
            os.chmod(script, 0o700)
            want(subprocess.check_output([script]), b"ran\n")
            shutil.copytree(d, os.path.join(d, "copy"))
    tempfile.TemporaryFile().close()  # O_TMPFILE


@check
def library_from_tmp(app):
    """As JNA, cffi and the like do: unpack a library and load it."""
    source = next(line.split()[-1] for line in open("/proc/self/maps", encoding="utf-8") if "libc.so" in line)
    copy = shutil.copy(source, "/tmp/ordinary.so")
    with open(copy, "rb") as f, mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ | mmap.PROT_EXEC):
        pass
    os.unlink(copy)
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()  # as compilers at run time


@check
def across_folders(app):
    with open("/tmp/moved", "w", encoding="utf-8") as f:
        f.write("x")
    shutil.move("/tmp/moved", app.out("moved"))
    os.rename(app.out("moved"), os.path.join(app.p["tc_temp_path"], "moved"))
    os.unlink(os.path.join(app.p["tc_temp_path"], "moved"))


@check
def kinds_of_files(app):
    folder = app.out("kinds/x")
    with open(folder, "w", encoding="utf-8") as f:
        f.write("x")
    base = os.path.dirname(folder)
    os.link(folder, os.path.join(base, "hard"))
    os.symlink("x", os.path.join(base, "soft"))
    os.mkfifo(os.path.join(base, "fifo"))
    os.chmod(folder, 0o640)
    os.utime(folder, (1, 1))
    os.chown(folder, -1, os.getgid())
    want(os.stat(os.path.join(base, "soft")).st_mtime, 1)
    with open(folder, "r+", encoding="utf-8") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        fcntl.lockf(f, fcntl.LOCK_EX)
    os.setxattr(folder, "user.test", b"x")
    want(os.getxattr(folder, "user.test"), b"x")
    want(stat.S_ISFIFO(os.stat(os.path.join(base, "fifo")).st_mode), True)
    shutil.rmtree(base)


@check
def database(app):
    name = os.path.join(app.p["tc_temp_path"], "db")
    with contextlib.closing(sqlite3.connect(name)) as db:
        db.execute("pragma journal_mode=wal")
        db.execute("create table t (x)")
        db.executemany("insert into t values (?)", [(n,) for n in range(1000)])
        db.commit()
        want(db.execute("select sum(x) from t").fetchone(), (499500,))


@check
def events(app):
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.inotify_init1(0)
    want(libc.inotify_add_watch(fd, app.p["tc_temp_path"].encode(), 0x100) > 0, True)
    os.close(os.open(os.path.join(app.p["tc_temp_path"], "event"), os.O_CREAT | os.O_WRONLY))
    with select.epoll() as poll:
        poll.register(fd, select.EPOLLIN)
        want(len(poll.poll(30)), 1)
    os.close(fd)


@check
def unicode_names(app):
    name = "größe-世界-🙂.txt"
    with open(app.out(name), "w", encoding="utf-8") as f:
        f.write("世界\n")
    want(name in os.listdir(os.path.dirname(app.out("x"))), True)
    want(subprocess.check_output(["cat", app.out(name)], text=True), "世界\n")
    print("世界 🙂")


@check
def time_zones(app):
    time.tzset()
    zoneinfo.ZoneInfo("UTC")
    want(abs(time.time() - os.stat(app.p["tc_temp_path"]).st_ctime) < 3600, True)


@check
def chance(app):
    want(len(os.urandom(32)), 32)
    with open("/dev/urandom", "rb") as f:
        want(len(f.read(8)), 8)
    with open("/dev/null", "wb") as f, open("/dev/full", "wb") as full:
        f.write(b"x")
        try:
            full.write(b"x" * 100000)
        except OSError:
            return
        raise AssertionError("/dev/full took it")


@check
def outputs_by_name(app):
    for name in ("/dev/stdout", "/dev/stderr", "/proc/self/fd/1"):
        with open(name, "w", encoding="utf-8") as f:
            f.write("by name\n")
    with open("/dev/stdin", encoding="utf-8") as f:
        want(f.read(), "")


@check
def temporary_path(app):
    name = os.path.join(app.p["tc_temp_path"], "named")
    with open(name, "w", encoding="utf-8") as f:
        f.write("x")
    with open(os.path.join(os.path.dirname(app.out("x")), "../tmp/named"), encoding="utf-8") as f:
        want(f.read(), "x")
    os.replace(name, app.out("replaced"))  # on one file system
    want(os.environ["TMPDIR"], app.p["tc_temp_path"])


@check
def own_program(app):
    here = os.path.dirname(os.path.abspath(__file__))
    want({"run.py", "tc.py", "install.json"} <= set(os.listdir(here)), True)
    want(os.getcwd(), here)


@check
def large_logs(app):
    """A log that is rotated while it is written, as logging does it, larger than what is kept."""
    log = logging.getLogger("large")
    log.addHandler(logging.handlers.RotatingFileHandler(os.path.join(app.p["tc_log_path"], "large.log"), maxBytes=4 << 20, backupCount=3))
    for n in range(30):
        log.warning("%06d %s", n, "x" * (1 << 20))


def main():
    app = tc.App(tc.params())
    app.log("begins")
    found = {}
    for what, f in CHECKS.items():
        try:
            f(app)
            found[what] = "ok"
        except Exception as e:  # whatever it is, it is to be told
            found[what] = "%s: %s" % (e.__class__.__name__, str(e)[:300])
    with open(app.out("found.json"), "w", encoding="utf-8") as f:
        json.dump(found, f)
    app.exit(0, "%d things" % len(found))


if __name__ == "__main__":
    main()
