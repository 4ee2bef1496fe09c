# Runs as sitecustomize, with CONFIG before it, in one run of an App: writes down which of its bundled
# modules it has imported. Python 2 must understand it.
import sys


def _learn():
    import atexit
    import os
    hook, app, path = CONFIG["hook"], CONFIG["app"].rstrip("/") + "/", CONFIG["list"]
    own = os.getpid()
    os.environ.pop("PYTHONPATH", None)
    sys.path[:] = [p for p in sys.path if p != hook]
    sys.path_importer_cache.pop(hook, None)
    ours = sys.modules.pop("sitecustomize", None)
    real = None
    try:
        import sitecustomize as real
    except ImportError:
        pass
    finally:
        sys.modules.setdefault("sitecustomize", ours)

    def write():
        if os.getpid() != own:
            return
        lines = []
        for name, module in list(sys.modules.items()):
            found = getattr(module, "__file__", None)
            if type(found) is not str or not found.startswith(app):
                continue
            root = found[len(app):].split("/")[0]
            if root == "deps" or root.startswith("lib_"):
                lines.append("%s\t%s\n" % (root, name))
        try:
            with open(path + ".new", "w") as f:
                f.write("".join(lines))
            os.rename(path + ".new", path)
        except (IOError, OSError):
            pass

    atexit.register(write)
    return real


_module = _learn()
if _module is None:
    sys.modules.pop("sitecustomize", None)
    _missing = ImportError("No module named 'sitecustomize'")
    _missing.name = "sitecustomize"
    raise _missing
sys.modules["sitecustomize"] = _module
