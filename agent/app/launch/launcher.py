"""Runs a Python program with arguments that "ps" does not show.

    python launcher.py FILE

FILE is a JSON list: the program (a script, or "." for the folder's
__main__.py) and its arguments. It is removed as soon as it is read. The program then sees what it
would see if Python had been called with the list: sys.argv, sys.path[0], __main__, __file__.
"""
import io
import json
import os
import runpy
import sys


def _arguments(path):
    with io.open(path, encoding="utf-8") as f:
        argv = json.load(f)
    try:
        os.remove(path)
    except OSError:
        pass
    if str is bytes:  # Python 2
        argv = [a.encode("utf-8") for a in argv]
    return argv


sys.argv[:] = _arguments(sys.argv[1])
# In place of this file's own folder; for "." runpy puts "." in front of it.
sys.path[0] = os.getcwd() if sys.argv[0] == "." else os.path.dirname(os.path.abspath(sys.argv[0]))
runpy.run_path(sys.argv[0], run_name="__main__")
