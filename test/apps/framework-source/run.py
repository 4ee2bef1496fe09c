"""Framework as it starts where nobody keeps bytecode: each run compiles all of its source."""
import os
import runpy
import sys
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES, ExtensionFileLoader, FileFinder, SourceFileLoader


class Compiled(SourceFileLoader):
    """Does not look for bytecode."""

    def get_code(self, fullname):
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def hook(path):
    if not path.startswith(os.path.join(os.getcwd(), "deps")):
        raise ImportError("bytecode of the interpreter is right")
    return FileFinder(path, (ExtensionFileLoader, EXTENSION_SUFFIXES), (Compiled, SOURCE_SUFFIXES))


sys.path_hooks.insert(0, hook)
runpy.run_path("main.py", run_name="__main__")
