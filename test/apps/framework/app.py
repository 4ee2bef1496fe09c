"""What the App does: next to nothing, so that its start is what is measured: when it printed is a result."""
import os
import sys
import time


class App:
    """The App."""

    def __init__(self, framework):
        self.framework = framework

    def bytecode(self):
        spec = sys.modules["framework"].__spec__
        return type(spec.loader).__name__ == "SourceFileLoader" and os.path.exists(spec.cached or "")

    def run(self):
        print("started with %d modules" % len(sys.modules), flush=True)
        now = time.time_ns()
        with open(os.path.join(self.framework.inputs["tc_out_path"], "results.tc"), "a", encoding="utf-8") as f:
            f.write("printed_ns = %d\nbytecode = %s\n" % (now, "yes" if self.bytecode() else "no"))
        self.framework.log.info("App has run")
        self.framework.exit(0, "framework %s" % self.framework.inputs.get("text", ""))
