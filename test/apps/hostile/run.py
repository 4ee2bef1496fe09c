"""Puts links, pipes, devices and the like where the agent works, in the job's folder and
beside it, as an App that was taken over would. What is refused is told, one line each."""
import errno
import os
import signal
import stat
import time

import tc

app = tc.App(tc.params())
state = app.p["state"]
out = os.path.dirname(app.out("x"))
job = os.path.dirname(out)
jobs = os.path.dirname(job)
secrets = [os.path.join(state, name) for name in ("keystore.p12", "settings.yaml", "keychain.json")]


def attempt(what, f, *args):
    try:
        f(*args)
        print("%s: done" % what, flush=True)
    except OSError as e:
        print("%s: %s" % (what, errno.errorcode[e.errno]), flush=True)


def replace(name, target):
    """Puts a link in the place of a file or folder of the job."""
    path = os.path.join(job, name)
    try:
        os.rename(path, path + ".aside")
    except OSError:
        pass
    os.symlink(target, path)


# Beside the job: refused, whatever it is.
session, _, attempt_number = os.path.basename(job).rpartition(".")
attempt("beside: list", os.listdir, jobs)
attempt("beside: next session as a link", os.symlink, secrets[0], os.path.join(jobs, session + ".2"))
attempt("beside: folder", os.mkdir, os.path.join(jobs, "mine"))
attempt("beside: rename the job", os.rename, job, os.path.join(jobs, "elsewhere"))
attempt("beside: link to the state", os.symlink, state, os.path.join(jobs, ".trash-x"))

# Other shims run as the same user: the spare that waits for the next order, and its secrets.
def shims():
    for pid in os.listdir("/proc"):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as f:
                if pid.isdigit() and f.read().endswith(b"job-shim\0"):
                    yield pid
        except OSError:
            pass


def descriptors():
    """Tries until all refuse: one that has begun in this moment may not have closed itself yet."""
    for _ in range(1000):
        opened = False
        for pid in list(shims()):
            try:
                os.listdir("/proc/%s/fd" % pid)
                opened = True
            except OSError:
                pass  # refused, or it has ended
        if not opened:  # by the socket none is even seen
            raise PermissionError(errno.EACCES, "no shim is open")
        time.sleep(0.01)


attempt("beside: descriptors of shims", descriptors)

# In the job: links, pipes, hard links, holes, names, times.
for i, secret in enumerate(secrets):
    attempt("out: link", os.symlink, secret, app.out("link%d" % i))
    attempt("out: hard link", os.link, secret, app.out("hard%d" % i))
    attempt("log: link", os.symlink, secret, os.path.join(job, "log", "link%d.log" % i))
attempt("out: link to a folder", os.symlink, state, app.out("folder"))
attempt("out: pipe", os.mkfifo, app.out("pipe"))
attempt("log: pipe", os.mkfifo, os.path.join(job, "log", "pipe.log"))
attempt("out: device", os.mknod, app.out("device"), 0o666 | stat.S_IFCHR, os.makedev(1, 9))
with open(app.out("hole"), "w") as f:
    f.truncate(1 << 42)
with open(app.out("of two\nlines \x1b]0;title\x07"), "w") as f:
    f.write("named to confuse\n")
for i in range(300):
    with open(app.out("many%03d" % i), "w") as f:
        f.write("x")
for name, target in (("tmp", state), ("in", secrets[1])):
    attempt("job: %s as a link" % name, replace, name, target)
for name in ("message.tc", "results.tc"):
    attempt("%s as a link" % name, replace, os.path.join("out", name), secrets[1])
attempt("log/app.log as a pipe", os.mkfifo, os.path.join(job, "log", "app.log"))
time.sleep(2)  # what was tried is known by now: from here on nobody may read what is printed
for name in ("exit", "state", "stdout", "sock"):
    attempt("shim/%s as a link" % name, replace, os.path.join("shim", name), secrets[0])
here = os.getcwd()
os.chdir(os.path.dirname(app.out("x")))
for _ in range(6000):  # each level costs whoever removes it carelessly a descriptor; Landlock looks at all above
    os.mkdir("deep")
    os.chdir("deep")
os.chdir(here)
far = 4070908800  # 2099
for folder in (job, out, os.path.join(job, "log")):
    attempt("time of %s" % os.path.basename(folder), os.utime, folder, (far, far))
if app.p.get("kill") in ("true", True):
    attempt("kill the shim", os.kill, os.getppid(), signal.SIGKILL)
os._exit(0)  # no message of the framework's: the link stays
