# Runs as sitecustomize, with CONFIG before it: see the package's documentation. No module that it
# needs itself stays in sys.modules, and Python 2 must at least understand it.
import sys


class _Unfit(Exception):
    pass


def _real_sitecustomize():
    """Imports the host's own, which this one stands before; None if there is none."""
    import os
    hook = CONFIG["hook"]
    os.environ.pop("PYTHONPATH", None)
    sys.path[:] = [p for p in sys.path if p != hook]
    sys.path_importer_cache.pop(hook, None)
    ours = sys.modules.pop("sitecustomize", None)
    try:
        import sitecustomize
        return sitecustomize
    except ImportError as e:
        if getattr(e, "name", "sitecustomize") != "sitecustomize":
            sys.stderr.write("sitecustomize: %s\n" % e)
        return None
    finally:
        sys.modules.setdefault("sitecustomize", ours)


class _Watched(dict):
    """What os.environ reads, noting what differs from order to order."""
    asked = None

    def __getitem__(self, key):
        if key in self.own:
            self.asked = key
        return dict.__getitem__(self, key)


class _State(object):
    """What a library must not change for all later orders."""

    def __init__(self, os, signal, locale):
        self.os, self.signal, self.locale = os, signal, locale
        self.cwd = os.getcwd()
        self.env = dict(os.environ)
        self.path = list(sys.path)
        self.stdio = (sys.stdin, sys.stdout, sys.stderr)
        self.handlers = self._handlers()
        self.mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        self.locales = self._locales()
        self.limits = self._read("/proc/self/limits")
        self.shared = self._shared()
        self.umask = self._umask()
        self.caches = set(sys.path_importer_cache)
        self.switch = sys.getswitchinterval()
        self.recursion = sys.getrecursionlimit()

    def _handlers(self):
        found = {}
        for n in range(1, self.signal.NSIG):
            try:
                found[n] = self.signal.getsignal(n)
            except ValueError:
                pass
        return found

    def _locales(self):
        return tuple(self.locale.setlocale(n, None) for n in range(6))

    def _umask(self):
        mask = self.os.umask(0o077)
        self.os.umask(mask)
        return mask

    def _read(self, path):
        with open(path) as f:
            return f.read()

    def _shared(self):
        return set(l.split(None, 1)[0] for l in self._read("/proc/self/maps").splitlines() if l.split()[1][1] == "w" and l.split()[1][3] == "s")

    def _inside(self):
        return [p for p in self.os.listdir("/proc") if p.isdigit() and p not in ("1", str(self.os.getpid()))]

    def check(self, fds):
        os = self.os
        if len(os.listdir("/proc/self/task")) != 1:
            raise _Unfit("its libraries start threads when they are imported")
        others = self._inside()
        if others:
            raise _Unfit("its libraries start processes when they are imported")
        for name in os.listdir("/proc/self/fd"):
            if int(name) in fds:
                continue
            try:
                what = os.readlink("/proc/self/fd/" + name)
            except OSError:  # the folder itself, which is closed by now
                continue
            raise _Unfit("its libraries leave %s open when they are imported" % ("a socket" if what.startswith("socket:") else what))
        asked = os.environ._data.asked
        if asked is not None:
            raise _Unfit("its libraries read %s when they are imported" % os.fsdecode(asked))
        for what, was, now in (
            ("working folder", self.cwd, os.getcwd()),
            ("environment", self.env, dict(os.environ)),
            ("sys.path", self.path, sys.path),
            ("stdin, stdout or stderr", self.stdio, (sys.stdin, sys.stdout, sys.stderr)),
            ("signal handlers", self.handlers, self._handlers()),
            ("signal mask", self.mask, self.signal.pthread_sigmask(self.signal.SIG_BLOCK, ())),
            ("locale", self.locales, self._locales()),
            ("limits", self.limits, self._read("/proc/self/limits")),
            ("umask", self.umask, self._umask()),
            ("thread switching", self.switch, sys.getswitchinterval()),
            ("recursion limit", self.recursion, sys.getrecursionlimit()),
        ):
            if was != now:
                raise _Unfit("its libraries change the %s when they are imported" % what)
        if self._shared() - self.shared:
            raise _Unfit("its libraries share memory when they are imported")
        if sys.gettrace() is not None or sys.getprofile() is not None:
            raise _Unfit("its libraries trace or profile")
        if "faulthandler" in sys.modules and sys.modules["faulthandler"].is_enabled():
            raise _Unfit("its libraries set a fault handler")
        app = CONFIG["app"].rstrip("/") + "/"
        for name, module in list(sys.modules.items()):
            path = getattr(module, "__file__", None)
            if isinstance(path, str) and path.startswith(app) and not any(path.startswith(r + "/") for r in CONFIG["roots"]):
                raise _Unfit("its libraries import the App's own module %s" % name[:80])


class _Ending(object):
    """Spares an App the end of what the template has imported; see "The end" in the documentation."""

    def __init__(self, os, gc, ctypes):
        import _functools
        import _io
        import _weakref
        import atexit
        import itertools
        self.ref, self.partial, self.slice = _weakref.ref, _functools.partial, itertools.islice
        self.gc, self.io, self.api = gc, _io, ctypes.pythonapi
        self.exit = ctypes.PyDLL(None).exit
        self.object = ctypes.py_object
        self.status = None  # what Python exits with, if that is known
        self.mro = type.__dict__["__mro__"].__get__  # classes may have another __mro__
        self.deadly = {}
        atexit.register(self.attempt, self.begin)  # the first one is called last

    def learn(self):
        """Notes what there is before an App's run."""
        self.modules, self.imported = sys.modules, dict(sys.modules)
        for name in ("sys", "builtins", "__main__"):
            self.imported.pop(name, None)
        self.api.Py_IncRef(self.object(self.imported))  # for ever
        self.dying = []
        for o in self.gc.get_objects():
            if self.dies(o):
                try:
                    self.dying.append(self.ref(o))
                except TypeError:
                    pass

    def dies(self, o):
        """Whether the class of an object has a __del__."""
        kind = type(o)
        if kind not in self.deadly:
            mro = self.mro(kind)
            self.deadly[kind] = self.io._IOBase not in mro and any("__del__" in vars(c) for c in mro)
        return self.deadly[kind]

    def watch(self):
        """Learns the code of a SystemExit that ends the program: Python itself asks for it then, which
        no function has called. Of what sys.exit raises before Python 3.12 it does not ask unless
        something has seen it, so another raises it: one that is no function with a line in tracebacks."""
        members = self.gc.get_referents(vars(SystemExit))[0]
        code, ending = members["code"], self

        class Code(object):
            __name__, __objclass__, __doc__ = "code", SystemExit, code.__doc__

            def __get__(self, e, owner=None):
                if e is None:
                    return self
                value = code.__get__(e, owner)
                if sys._getframe().f_back is None:
                    ending.asked(value)
                return value

            def __set__(self, e, value):
                code.__set__(e, value)

            def __delete__(self, e):
                code.__delete__(e)

        members["code"] = Code()
        self.api.PyType_Modified(self.object(SystemExit))
        if sys.version_info < (3, 12):
            ended = (None for _ in ())
            list(ended)
            was, sys.exit = sys.exit, self.partial(ended.throw, SystemExit)
            sys.exit.__name__ = sys.exit.__qualname__ = "exit"
            sys.exit.__module__, sys.exit.__doc__ = "sys", was.__doc__

    def asked(self, value):
        if value is None:
            self.status = 0
        elif int not in self.mro(type(value)):
            self.status = 1  # Python prints it
        elif -2 ** 31 <= int.__index__(value) < 2 ** 31:
            self.status = int.__index__(value) & 0xff

    def begin(self):
        """Has Python call end when it has let go of all modules, if that may be all that is left to do."""
        if not self.ready():
            self.gc.unfreeze()  # Python ends all that the template has imported
            return
        # The first module that Python lets go of. All others stay as they are: to touch them is to copy
        # the memory that they lie in.
        first = next(iter(self.modules))
        self.modules[first] = type("module", (type(sys),), {"__del__": self.end, "__getattr__": self.modules[first].__getattribute__})(first)

    def ready(self):
        if self.status is None:
            main = vars(sys.modules["__main__"])
            if "__file__" in main or any(hasattr(sys, n) for n in ("last_type", "last_value", "last_exc")):
                return False
            self.status = 0  # it has run to its end
        if sys.modules is not self.modules or len(sys._current_frames()) != 1:
            return False
        try:
            for f in (sys.stdout, sys.stderr):
                if not f.closed:
                    f.flush()
        except Exception:  # Python says so, and exits with another code
            return False
        return True

    def end(self):
        """What would be done with the App's objects if the modules were taken apart."""
        try:
            for name in list(self.slice(reversed(self.modules), max(0, len(self.modules) - len(self.imported)))) + ["__main__"]:
                if name not in self.imported:
                    self.modules[name] = None
            self.gc.collect()
            kept = self.gc.get_objects()
            last = [o for o in kept if self.dies(o)] + [o for o in (r() for r in self.dying) if o is not None]
            finalized = getattr(self.gc, "is_finalized", lambda o: False)
            for o in last:
                if not finalized(o):
                    self.attempt(type(o).__del__, o)
            files = [o for o in kept if self.io._IOBase in self.mro(type(o))]
            for kind in (self.io._TextIOBase, self.io._BufferedIOBase, self.io._IOBase):
                for o in sorted((f for f in files if kind in self.mro(type(f))), key=lambda f: type(f).__module__ == "_io"):
                    self.attempt(o.close)
            for f in (sys.__stdout__, sys.__stderr__):
                self.attempt(f.flush)
        finally:
            self.exit(self.status)

    def attempt(self, f, *args):
        try:
            f(*args)
        except BaseException:
            pass


def _import_libraries():
    import importlib
    before = list(sys.path)
    for root, name in CONFIG["modules"]:
        if name in sys.modules:
            continue
        sys.path.insert(0, root)
        try:
            importlib.import_module(name)
        except Exception:  # as a part of what the App imports it may do
            pass
        except SystemExit:
            pass
        finally:
            if sys.path[:1] == [root]:
                del sys.path[0]
    if sys.path != before:
        raise _Unfit("its libraries change the sys.path when they are imported")


def _template():
    """Serves until it is a fork; returns in the fork only."""
    if sys.version_info < (3, 8):
        raise _Unfit("Python %d.%d is too old to be forked so" % sys.version_info[:2])
    import os
    before = set(sys.modules)
    import _socket
    import _signal
    import _locale
    import ctypes
    import gc
    for name in set(sys.modules) - before:
        del sys.modules[name]
    numbers = CONFIG["calls"]
    libc = ctypes.CDLL(None, use_errno=True)
    syscall = libc.syscall
    syscall.restype = ctypes.c_long
    long = ctypes.c_long

    fork = ctypes.PyDLL(None, use_errno=True).fork

    def call(name, *args):
        if syscall(long(numbers[name]), *args) == -1:
            e = ctypes.get_errno()
            raise OSError(e, name + ": " + os.strerror(e))

    def gather():
        """Has memory in large pages, of which a fork copies one entry for 512: see "The fork server"."""
        huge = 2 << 20
        with open("/proc/self/maps") as f:
            maps = [line.split() for line in f]
        for fields in maps:
            if fields[1] == "rw-p" and (len(fields) == 5 or fields[5] == "[heap]"):
                first, end = (int(n, 16) for n in fields[0].split("-"))
                for at in range(-(-first // huge) * huge, end - huge + 1, huge):
                    libc.madvise(ctypes.c_void_p(at), ctypes.c_size_t(huge), 25)  # MADV_COLLAPSE

    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    none = (ctypes.c_uint32 * 6)()
    raw = bytes(bytearray.fromhex(CONFIG["filter"]))
    program = ctypes.create_string_buffer(raw, len(raw))

    class Fprog(ctypes.Structure):
        _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_void_p)]

    fprog = Fprog(len(raw) // 8, ctypes.cast(program, ctypes.c_void_p))
    server = _socket.socket(fileno=CONFIG["fd"])
    state = _State(os, _signal, _locale)
    ending = _Ending(os, gc, ctypes)
    environ = os.environ._data
    watched = _Watched(environ)
    watched.own = frozenset(os.fsencode(n) for n in CONFIG["own"])
    os.environ._data = watched
    _import_libraries()
    sys.stdout.flush()
    sys.stderr.flush()
    state.check((0, 1, 2, CONFIG["fd"]))
    os.environ._data = environ
    for path in set(sys.path_importer_cache) - state.caches:
        del sys.path_importer_cache[path]
    import random as own_random  # its hook reseeds it in every fork
    gc.collect()
    generators = [o for o in gc.get_objects() if isinstance(o, own_random.Random) and not isinstance(o, own_random.SystemRandom)]
    ending.learn()
    gc.freeze()
    getattr(libc, "malloc_trim", int)(0)  # else each fork puts together, and copies, what is free
    gather()
    server.send(b"ready")

    def received():
        data, ancillary, flags, _ = server.recvmsg(64, _socket.CMSG_SPACE(4 * 16))
        fds = []
        for level, kind, content in ancillary:
            if level == _socket.SOL_SOCKET and kind == _socket.SCM_RIGHTS:
                fds += [int.from_bytes(content[i:i + 4], sys.byteorder) for i in range(0, len(content) - 3, 4)]
        return data, fds

    def join(data, fds):
        """In the go-between: makes the App's process, which returns its socket."""
        for fd, kind in zip(fds, (0x10000000, 0x20000, 0x8000000, 0x20000000)):  # user, mounts, IPC, PIDs
            call("setns", long(fd), long(kind))  # of any kind, systemd's RestrictNamespaces refuses it
        for capability in range(CONFIG["last_capability"] + 1):
            call("prctl", long(24), long(capability), long(0), long(0), long(0))  # PR_CAPBSET_DROP
        call("prctl", long(47), long(4), long(0), long(0), long(0))  # PR_CAP_AMBIENT_CLEAR_ALL
        call("capset", ctypes.byref(header), ctypes.byref(none))
        if os.fork() != 0:
            os._exit(0)
        os.setsid()
        os.dup2(fds[4], 0)
        os.dup2(fds[5], 1)
        os.dup2(fds[6], 2)
        talk = os.dup(fds[7])
        if len(fds) > 8:
            call("landlock_restrict_self", long(fds[8]), long(int(data[1:])))
        for fd in fds:
            if fd != talk:
                os.close(fd)
        server.close()
        return _socket.socket(fileno=talk)

    def words(talk):
        data = []
        while True:
            part = talk.recv(1 << 16)
            if not part:
                return b"".join(data).split(b"\0")
            data.append(part)

    def run(talk):
        talk.send(b"r")
        data = words(talk)
        n, folder = int(data[0]), data[1]
        argv = [os.fsdecode(a) for a in data[2:2 + n]]
        env = data[2 + n:-1]
        if data[-1] != b"end":
            raise OSError("the order was not told to the end")
        os.environ.clear()
        for variable in env:
            name, _, value = variable.partition(b"=")
            os.environ[os.fsdecode(name)] = os.fsdecode(value)
        os.chdir(folder)
        os.umask(state.umask)
        args = argv[1:]
        if len(args) == 2 and args[0].endswith("/.tc_launcher.py"):
            import json
            with open(args[1], encoding="utf-8") as f:
                args = json.load(f)
            os.remove(argv[2])
        if args[:1] != CONFIG["target"][:1]:
            raise OSError("the template is of another program")
        main = type(sys)("__main__")  # one that is not frozen
        vars(main).clear()
        vars(main).update(vars(sys.modules["__main__"]))
        sys.modules["__main__"] = main
        sys.argv[:] = args
        if hasattr(sys, "orig_argv"):
            sys.orig_argv[:] = argv
        for n, handler in state.handlers.items():
            if handler is not None and _signal.getsignal(n) != handler:
                _signal.signal(n, handler)
        _signal.pthread_sigmask(_signal.SIG_SETMASK, state.mask)
        for generator in generators:
            generator.seed()
        reseed()
        ending.watch()
        call("prctl", long(4), long(1), long(0), long(0), long(0))  # PR_SET_DUMPABLE, as execution makes it
        call("prctl", long(22), long(2), ctypes.byref(fprog), long(0), long(0))  # PR_SET_SECCOMP
        talk.send(b"g")
        talk.close()

    def reseed():
        # Not OpenSSL, which notices by the PID that it is a fork: if it has had no random numbers yet,
        # its first take longer than all else that a fork does.
        numpy = sys.modules.get("numpy.random")
        if numpy is not None:
            numpy.seed()
        process = sys.modules.get("multiprocessing.process")
        if process is not None:
            process.current_process().authkey = os.urandom(32)

    while True:
        data, fds = received()
        if not data:
            os._exit(0)
        # The C library's: only the App's own fork runs what libraries have registered for forks.
        child = fork()
        if child == -1:
            os.write(fds[7], ("e" + os.strerror(ctypes.get_errno())).encode("ascii", "replace"))
        if child == 0:
            talk = None
            try:
                talk = join(data, fds)
                run(talk)
                return
            except BaseException as e:
                try:
                    os.write(fds[7] if talk is None else talk.fileno(), ("e%s" % e).encode("ascii", "replace")[:200])
                finally:
                    os._exit(1)
        for fd in fds:
            os.close(fd)
        if child > 0:
            os.waitpid(child, 0)


def _main():
    real = _real_sitecustomize()
    try:
        _template()
    except _Unfit as e:
        import os
        os.write(CONFIG["fd"], ("unfit " + str(e)).encode("ascii", "replace")[:300])
        os._exit(0)
    except Exception as e:
        import os
        os.write(CONFIG["fd"], ("unfit its Python: %s: %s" % (type(e).__name__, e)).encode("ascii", "replace")[:300])
        os._exit(0)
    return real


_module = _main()
if _module is None:
    sys.modules.pop("sitecustomize", None)
    raise ImportError("No module named 'sitecustomize'", name="sitecustomize")
sys.modules["sitecustomize"] = _module
