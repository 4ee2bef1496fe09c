"""Tries what an App must not be able to do, and publishes what it found out.

The file is in a closed folder: what an App leaves, however closed, must reach the cloud.
"""
import errno
import json
import os
import socket

import tc

app = tc.App(tc.params())
state, agent = app.p["state"], app.p["agent"]


def attempt(f):
    try:
        f()
        return "done"
    except OSError as e:
        return errno.errorcode[e.errno]


def read(*names):
    return lambda: open(os.path.join(state, *names), "rb").read(1)


def connect(path):
    socket.socket(socket.AF_UNIX).connect(path)


found = {"uid": os.getuid(), "groups": sorted(os.getgroups()), "env": sorted(os.environ), "tries": {
    "read settings": attempt(read("settings.yaml")),
    "read keystore": attempt(read("keystore.p12")),
    "read log": attempt(read("logs", "tcenvsvr.log")),
    "list state": attempt(lambda: os.listdir(state)),
    "list journal": attempt(lambda: os.listdir(os.path.join(state, "journal"))),
    "write program": attempt(lambda: open("run.py", "a")),
    "new program": attempt(lambda: open(os.path.join(state, "exchange", "programs", "x"), "w")),
    "new file in state": attempt(lambda: open(os.path.join(state, "x"), "w")),
    "signal agent": attempt(lambda: os.kill(int(agent), 0)),
    "environment of agent": attempt(lambda: open("/proc/%s/environ" % agent, "rb").read(1)),
    "memory of agent": attempt(lambda: open("/proc/%s/mem" % agent, "rb")),
    "control socket": attempt(lambda: connect(os.path.join(state, "control.sock"))),
}}
for line in open("/proc/self/status"):
    name, _, value = line.partition(":")
    if name in ("NoNewPrivs", "CapEff", "Seccomp"):
        found[name] = value.strip()
found["cgroup"] = open("/proc/self/cgroup").read().strip()

os.umask(0o077)
os.mkdir(app.out("deep"), 0o700)
with open(app.out("deep/found.json"), "w") as f:
    json.dump(found, f)
app.exit(0, "looked around")
