"""Two Apps in one, which a template can fork. The victim has what others want to get at: a secret in environment, memory and
files, sockets, shared memory. The attacker tries to get at it, at the agent, and out of its world,
and publishes how each try ended.
"""
import array
import ctypes
import errno
import fcntl
import json
import mmap
import os
import platform
import pty
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "deps"))
import bundled
import tc

app = tc.App(tc.params())
state = app.p["state"]
exchange = os.path.join(state, "exchange")
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
KEY = 0x7c7c0001


def check(result):
    if result in (-1, ctypes.c_void_p(-1).value):
        raise OSError(ctypes.get_errno(), "")
    return result


def victim():
    shm = check(libc.shmget(KEY, 4096, 0o1666))
    with open("/dev/shm/tc-victim", "w") as f:
        f.write("secret")
    with open("/tmp/tc-victim", "w") as f:
        f.write("secret")
    listeners = []
    for name in ("\0tc-victim", "/tmp/tc-victim.sock"):
        listeners.append(socket.socket(socket.AF_UNIX))
        listeners[-1].bind(name)
        listeners[-1].listen()
    with open(app.out("secret"), "w") as f:
        f.write("secret")
    priority = os.getpriority(os.PRIO_PROCESS, 0)
    terminal = pty.openpty()  # which another App of this user could type into
    print("ready %d" % shm, flush=True)
    for _ in range(6000):
        if os.path.exists(app.out("stop")):
            if os.getpriority(os.PRIO_PROCESS, 0) != priority:
                app.exit(1, "somebody has changed the priority")
            app.exit(0, "untouched on terminal %d" % terminal[0])
        time.sleep(0.1)
    app.exit(1, "nobody came")


def crowd():
    """Holds all the places that a port of this user's on the loopback has, until it is stopped: such as those of
    the brokers that services log in to."""
    print("ready", flush=True)
    held = []
    while not os.path.exists(app.out("stop")):
        with open("/proc/net/tcp") as f:
            rows = [line.split() for line in f]
        for port in (int(r[1][9:], 16) for r in rows if r[1].startswith("0100007F:") and r[3] == "0A" and r[7] == str(os.getuid())):
            for _ in range(100):
                try:
                    held.append(socket.create_connection(("127.0.0.1", port), 1))
                except OSError:
                    pass
        held = held[-300:]
    app.exit(0, "it was crowded")


# Numbers of system calls on x86_64 and arm64.
NUMBERS = {"ptrace": (101, 117), "process_vm_readv": (310, 270), "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40),
           "umount2": (166, 39), "chroot": (161, 51), "pivot_root": (155, 41), "bpf": (321, 280), "keyctl": (250, 219), "add_key": (248, 217),
           "io_uring_setup": (425, 425), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "finit_module": (313, 273),
           "pidfd_getfd": (438, 438), "clone": (56, 220), "clone3": (435, 435), "open_tree": (428, 428), "fsopen": (430, 430),
           "kexec_load": (246, 104), "open_by_handle_at": (304, 265)}
X86 = platform.machine() == "x86_64"


def call(name, *args):
    return check(libc.syscall(ctypes.c_long(NUMBERS[name][0 if X86 else 1]), *[ctypes.c_long(a) if isinstance(a, int) else a for a in args]))


def vm_read(pid):
    buf = ctypes.create_string_buffer(8)
    here = (ctypes.c_size_t * 2)(ctypes.addressof(buf), 8)
    there = (ctypes.c_size_t * 2)(0x400000, 8)
    call("process_vm_readv", pid, here, 1, there, 1, 0)


def steal_descriptor(pid):
    fd = os.pidfd_open(pid)
    call("pidfd_getfd", fd, 0, 0)


def connect(name):
    socket.socket(socket.AF_UNIX).connect(name)


def ask(name):
    """Connects to a shim and waits for anything but its hanging up."""
    c = socket.socket(socket.AF_UNIX)
    c.settimeout(10)
    c.connect(name)
    c.sendall(b'{"op":"cancel"}\n')
    if not c.recv(1):
        raise ConnectionRefusedError(errno.ECONNREFUSED, "hung up")


def type_into_terminal():
    _, slave = pty.openpty()
    for request in (0x5412, 0x5412 | 1 << 40):
        check(libc.ioctl(slave, ctypes.c_ulong(request), b"x"))


def machine_code(code):
    """Runs code in a child, which a filter may kill; returns what it left in eax."""
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    function = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(w, array.array("i", [function()]).tobytes())
        os._exit(0)
    os.close(w)
    answer = os.read(r, 4)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        raise OSError(errno.ENOSYS, "killed by signal %d" % os.WTERMSIG(status))
    result = array.array("i", answer)[0]
    if result < 0:
        raise OSError(-result, "")


def call32(number, *_):
    machine_code(b"\xb8" + number.to_bytes(4, "little") + b"\x31\xdb\x31\xc9\x31\xd2\xcd\x80\xc3")


def call_x32(number):
    machine_code(b"\xb8" + (number | 1 << 30).to_bytes(4, "little") + b"\x31\xff\x31\xf6\x31\xd2\x0f\x05\xc3")


def overwrite(path, data=b"1"):
    fd = os.open(path, os.O_WRONLY)
    try:
        os.write(fd, data)
    finally:
        os.close(fd)


def groups():
    """The files of the control groups that this App is in, and of those above."""
    with open("/proc/self/cgroup") as f:
        path = next((line.rstrip("\n")[3:] for line in f if line.startswith("0::")), "/")
    while True:
        for name in ("cgroup.procs", "cgroup.kill", "cgroup.freeze", "cgroup.subtree_control", "memory.max", "pids.max", "cpu.weight"):
            yield "/sys/fs/cgroup" + path.rstrip("/") + "/" + name
        if path == "/":
            return
        path = os.path.dirname(path)


def by_program(*argv):
    if subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60, check=False).returncode != 0:
        raise PermissionError(errno.EPERM, "it failed")


def interface_down():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, 0x8914, b"lo".ljust(16, b"\0") + b"\0" * 24)


def core_dumps():
    check(libc.setrlimit(4, (ctypes.c_ulong * 2)(1 << 20, 1 << 20)))


def still_open():
    """What was left open for this program, beside its outputs."""
    found = []
    for fd in os.listdir("/proc/self/fd"):
        try:
            found.append(fd + " " + os.readlink("/proc/self/fd/" + fd))
        except OSError:
            continue  # by which the folder was listed
    return [f for f in found if int(f.split()[0]) > 2]


def attacker():
    tries, left_open = {}, still_open()

    def attempt(what, f, *args):
        try:
            f(*args)
            tries[what] = "done"
        except OSError as e:
            tries[what] = errno.errorcode.get(e.errno, str(e.errno))

    def read(path):
        with open(path, "rb") as f:
            f.read(1)

    def write(path):
        with open(path, "ab") as f:
            f.write(b"x")

    def follow(path):
        os.stat(path)
        os.listdir(path)

    # Processes: the init of this world and, where they are seen, everybody else's.
    pids = {"init": 1}
    for i, pid in enumerate(app.p.get("pids", "").split()):
        pids["other%d" % i] = int(pid)
    for who, pid in pids.items():
        for name in ("environ", "mem", "maps", "auxv", "syscall", "stack"):
            attempt("%s: read %s" % (who, name), read, "/proc/%d/%s" % (pid, name))
        for name in ("fd", "root", "cwd", "map_files"):
            attempt("%s: look into %s" % (who, name), follow, "/proc/%d/%s/" % (pid, name))
        attempt(who + ": exe", os.readlink, "/proc/%d/exe" % pid)
        attempt(who + ": ns", os.readlink, "/proc/%d/ns/mnt" % pid)
        attempt(who + ": oom_score_adj", write, "/proc/%d/oom_score_adj" % pid)
        attempt(who + ": ptrace", call, "ptrace", 16, pid, 0, 0)
        attempt(who + ": seize", call, "ptrace", 0x4206, pid, 0, 0)
        attempt(who + ": process_vm_readv", vm_read, pid)
        attempt(who + ": pidfd_getfd", steal_descriptor, pid)
        if who != "init":  # which belongs to this App alone
            attempt(who + ": rlimits", lambda: check(libc.prlimit(pid, 7, (ctypes.c_ulong * 2)(0, 0), None)))
            attempt(who + ": kill", os.kill, pid, signal.SIGKILL)
            attempt(who + ": priority", os.setpriority, os.PRIO_PROCESS, pid, 19)
    for sig in (signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP, signal.SIGSEGV, signal.SIGQUIT):
        try:
            os.kill(1, sig)  # where that is not refused, the first process of a world takes no notice
        except PermissionError:
            pass
    seen = [p for p in os.listdir("/proc") if p.isdigit() and int(p) not in (1, os.getpid())]

    # The other App.
    job = app.p["job"]
    for path in (job, os.path.dirname(job) + "/../jobs/" + os.path.basename(job)):
        attempt("job: list " + path, os.listdir, path)
    for name in ("in", "out", "tmp", "shim", "log"):
        attempt("job: list " + name, os.listdir, os.path.join(job, name))
    for path in ("out/secret", "shim/state", "shim/stdout", "shim/launch.json"):
        attempt("job: read " + path, read, os.path.join(job, path))
    attempt("job: write", write, os.path.join(job, "out/secret"))
    attempt("job: replace", os.mkdir, job)
    attempt("job: shim's socket", connect, os.path.join(job, "shim/sock"))
    attempt("shm: by key", lambda: check(libc.shmget(KEY, 0, 0)))
    attempt("shm: by id", lambda: check(libc.shmat(int(app.p["shm"]), None, 0)))
    attempt("shm: POSIX", read, "/dev/shm/tc-victim")
    attempt("tmp: read", read, "/tmp/tc-victim")
    attempt("tmp: read by /var/tmp", read, "/var/tmp/tc-victim")
    attempt("tmp: socket", connect, "/tmp/tc-victim.sock")
    attempt("abstract socket", connect, "\0tc-victim")
    with open("/proc/net/unix") as f:
        names = {line.split()[7] for line in f if "@tcenvsvr" in line}
    for i, name in enumerate(sorted(names)):
        attempt("abstract socket of a shim %d" % i, ask, "\0" + name[1:])

    # The agent, and this App's own shim.
    mine = os.path.dirname(os.path.dirname(app.out("x")))
    for path in ("settings.yaml", "keystore.p12", "keychain.json", "logs/tcenvsvr.log", "logs/audit.jsonl"):
        attempt("agent: read " + path, read, os.path.join(state, path))
        attempt("agent: write " + path, write, os.path.join(state, path))
    attempt("agent: journal", read, os.path.join(state, "journal", "orders"))
    for path in ("journal/signed-orders", "sealing-keys"):
        attempt("agent: read " + path, read, os.path.join(state, path))
        attempt("agent: write " + path, write, os.path.join(state, path))
    policy = "/etc/threatconnect-envsvr/policy.yaml"
    attempt("policy: write", write, policy)
    attempt("policy: remove", os.unlink, policy)
    attempt("policy: rename", os.rename, policy, policy + ".old")
    attempt("policy: new", write, policy + ".new")
    attempt("policy: mode", os.chmod, policy, 0o666)
    attempt("policy: folder", os.rename, os.path.dirname(policy), "/etc/other")
    attempt("policy: another folder", call, "mount", b"/tmp", os.path.dirname(policy).encode(), b"", 0x1000, 0)
    attempt("policy: the service's environment", write, "/etc/threatconnect-envsvr/environment")
    attempt("agent: new file", write, os.path.join(state, "x"))
    attempt("agent: master password", read, "/etc/threatconnect-envsvr/masterkey")
    for path in (os.path.join(state, "control.sock"), "/run/threatconnect-envsvr/control.sock", "/run/threatconnect-envsvr/tc-job.sock",
                 os.path.join(mine, "shim/sock"), "/run/dbus/system_bus_socket", "/run/systemd/private"):
        attempt("socket " + path, connect, path)
    for name in ("state", "exit", "stdout", "sock"):
        attempt("own shim: write " + name, write, os.path.join(mine, "shim", name))
    attempt("own shim: rename", os.rename, os.path.join(mine, "shim"), os.path.join(mine, "shim2"))
    attempt("own shim: remove", os.rmdir, os.path.join(mine, "shim"))
    attempt("trust: new file", write, os.path.join(state, "trust", "x"))
    for folder, _, names in os.walk(os.path.join(state, "trust")):
        for name in names + ["new"]:
            attempt("trust: write %s/%s" % (folder, name), write, os.path.join(folder, name))
    here = os.path.dirname(os.path.abspath(__file__))
    attempt("program: own", write, os.path.abspath(__file__))
    attempt("program: new in own", write, os.path.join(here, "x.py"))
    attempt("program: remove own", os.unlink, os.path.abspath(__file__))
    attempt("program: mode of own", os.chmod, os.path.abspath(__file__), 0o777)
    programs = os.path.join(exchange, "programs")
    attempt("program: new", write, os.path.join(programs, "x"))
    others = [n for n in os.listdir(programs) if not here.startswith(os.path.join(programs, n))] if os.path.isdir(programs) else []

    # What no path of the agent leads to: terminals of others, kinds of sockets, what the processes of
    # a user share, the host's devices and folders.
    terminals = [name for name in os.listdir("/dev/pts") if name.isdigit()]
    for n in range(8):
        attempt("terminal %d" % n, os.open, "/dev/pts/%d" % n, os.O_RDWR | os.O_NOCTTY)
    for name, family in {"vsock": 40, "packet": 17, "alg": 38, "bluetooth": 31, "xdp": 44, "tipc": 30, "rds": 21, "smc": 43, "can": 29}.items():
        attempt("socket of the family " + name, socket.socket, family, socket.SOCK_DGRAM)
    attempt("raw socket", socket.socket, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
    attempt("interface down", interface_down)
    for name in ("kmsg", "mem", "port", "loop-control", "vda", "sda", "console", "tty1", "uinput"):
        attempt("device " + name, os.open, "/dev/" + name, os.O_RDWR)
    for path in ("/sys/power/state", "/sys/kernel/mm/ksm/run", "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/ns_last_pid",
                 "/proc/sys/user/max_user_namespaces", "/proc/sys/net/ipv4/ip_forward", "/proc/self/uid_map", "/proc/self/gid_map",
                 "/proc/self/projid_map", "/proc/1/comm", "/proc/1/coredump_filter", "/proc/irq/default_smp_affinity"):
        attempt("write " + path, overwrite, path)
    attempt("never ended for memory", overwrite, "/proc/self/oom_score_adj", b"-1000")
    for folder in ("/", "/etc", "/usr", "/usr/bin", "/opt", "/run", "/run/lock", "/var", "/var/lib", "/var/crash", "/var/spool", "/var/spool/cron",
                   "/var/mail", "/home", "/root", "/dev", "/sys/fs/cgroup"):
        attempt("new file in " + folder, write, os.path.join(folder, "tc-stranger"))
    for path in groups():
        attempt("control group: " + path, overwrite, path, b"0")
    for argv in (("sudo", "-n", "true"), ("su", "-c", "true"), ("pkexec", "true"), ("crontab", "/dev/null"), ("at", "-f", "/dev/null", "now"),
                 ("systemd-run", "true"), ("systemd-run", "--user", "true"), ("systemctl", "stop", "threatconnect-envsvr"), ("busctl", "list"), ("machinectl", "list")):
        attempt("program: " + " ".join(argv), by_program, *argv)
    for path in ("/run/udev/control", "/run/docker.sock", "/run/containerd/containerd.sock", "/run/podman/podman.sock"):
        attempt("socket " + path, connect, path)
    attempt("real-time", os.sched_setscheduler, 0, os.SCHED_FIFO, os.sched_param(1))
    attempt("mode of a file of root's", os.chmod, "/etc/passwd", 0o666)
    attempt("core dumps", core_dumps)
    for f in (lambda: os.setpriority(os.PRIO_USER, os.getuid(), 5), lambda: check(libc.syscall(ctypes.c_long(251 if X86 else 30), 3, os.getuid(), 3 << 13))):
        try:
            f()  # of all that it sees of the user's processes: the victim looks whether it was among them
        except OSError:
            pass

    # Out of this world.
    for name, flag in {"user": 0x10000000, "mount": 0x20000, "pid": 0x20000000, "net": 0x40000000, "ipc": 0x8000000, "uts": 0x4000000}.items():
        attempt("unshare: " + name, call, "unshare", flag)
        attempt("clone: " + name, call, "clone", flag | signal.SIGCHLD, 0, 0, 0, 0)
    args = (ctypes.c_uint64 * 11)(0x10000000, 0, 0, 0, signal.SIGCHLD)
    attempt("clone3: user", call, "clone3", args, 88)
    attempt("setns", call, "setns", os.open("/proc/self/ns/user", os.O_RDONLY), 0)
    attempt("mount", call, "mount", b"x", b"/tmp", b"tmpfs", 0, 0)
    attempt("remount", call, "mount", b"", here.encode(), b"", 0x1020, 0)
    for path in ("/proc", state, here, "/tmp"):
        attempt("umount " + path, call, "umount2", path.encode(), 2)
    attempt("pivot_root", call, "pivot_root", b"/", b"/tmp")
    attempt("chroot", call, "chroot", b"/tmp")
    attempt("open_tree", call, "open_tree", -100, b"/", 1)
    attempt("fsopen", call, "fsopen", b"tmpfs", 0)
    attempt("open_by_handle_at", call, "open_by_handle_at", 0, ctypes.create_string_buffer(128), 0)
    attempt("bpf", call, "bpf", 0, 0, 0)
    attempt("keyctl", call, "keyctl", 0, -3, 1)
    attempt("add_key", call, "add_key", b"user", b"tc", b"x", 1, -4)
    attempt("io_uring_setup", call, "io_uring_setup", 1, ctypes.create_string_buffer(128))
    attempt("perf_event_open", call, "perf_event_open", ctypes.create_string_buffer(128), 0, -1, -1, 0)
    attempt("userfaultfd", call, "userfaultfd", 1)
    attempt("finit_module", call, "finit_module", 0, b"", 0)
    attempt("kexec_load", call, "kexec_load", 0, 0, 0, 0)
    attempt("TIOCSTI", type_into_terminal)
    attempt("sysctl", write, "/proc/sys/kernel/hostname")
    attempt("sysrq", write, "/proc/sysrq-trigger")
    attempt("device", os.mknod, "/tmp/device", 0o020666, os.makedev(1, 1))
    attempt("setuid", os.setuid, 0)
    if X86:  # the same calls by the two other ABIs, in which they have other numbers
        for name, number in {"getpid": 20, "ptrace": 26, "unshare": 310, "mount": 21}.items():
            attempt("32 bit: " + name, call32, number)
        for name, number in {"getpid": 39, "ptrace": 521, "unshare": 272}.items():
            attempt("x32: " + name, call_x32, number)
    attempt("out: hard link", os.link, "/etc/passwd", app.out("hard"))
    os.symlink(os.path.join(state, "settings.yaml"), app.out("link"))

    # Daemons: a double fork out of the session, one that forks for ever, one that ignores all.
    for _ in range(3):
        if os.fork() == 0:
            os.setsid()
            for sig in range(1, 32):
                if sig not in (signal.SIGKILL, signal.SIGSTOP):
                    signal.signal(sig, signal.SIG_IGN)
            if os.fork() == 0:
                for fd in range(3):
                    os.close(fd)
                os.execv(sys.executable, [sys.executable, "-c", "import os,time\nwhile True:\n  time.sleep(.01)\n  if os.fork(): os._exit(0)", "tc-daemon"])
            os._exit(0)
    with open("/proc/self/status") as f:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
    with open(app.out("tries.json"), "w") as f:
        json.dump({"tries": tries, "seen": seen, "others": others, "open": left_open, "terminals": terminals, "tmp": sorted(os.listdir("/tmp")), "jobs": os.listdir(os.path.dirname(job)),
                   "warm": bundled.importer != os.getpid(), "status": {k: status[k].strip() for k in ("CapEff", "CapBnd", "CapPrm", "NoNewPrivs", "Seccomp")}}, f)
    app.exit(0, "tried")


{"victim": victim, "attacker": attacker, "crowd": crowd, "idle": lambda: app.exit(0, "nothing")}[app.p["role"]]()
