"""Entry point as Apps of this generation have it: the libraries are in deps/."""
import os
import sys
import traceback


def main():
    deps = os.path.join(os.getcwd(), "deps")
    if not os.path.isdir(deps):
        print("Running an App requires a 'deps' directory.")
        sys.exit(1)
    sys.path.insert(0, deps)

    from framework import Framework
    import tc
    from app import App

    framework = Framework(tc.params())
    try:
        App(framework).run()
    except Exception as error:
        framework.log.error(traceback.format_exc())
        framework.exit(1, "Error: %s" % error)


if __name__ == "__main__":
    main()
