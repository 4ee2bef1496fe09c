"""What the App does: next to nothing, so that its start is what is measured."""
import sys


class App:
    """The App."""

    def __init__(self, framework):
        self.framework = framework

    def run(self):
        print("started with %d modules" % len(sys.modules), flush=True)
        self.framework.log.info("App has run")
        self.framework.exit(0, "framework %s" % self.framework.inputs.get("text", ""))
