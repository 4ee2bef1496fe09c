"""Reads a variable of every type, changes it, and writes it to an output of the same type.

An input is a variable (#App:…!Type) or missing; then a value of its own is used.
Only outputs named in tc_playbook_out_variables are written, as the contract says.
"""
import re
import sys

import tc

DEFAULTS = {
    "String": "grün",
    "StringArray": ["a", None, "c"],
    "Binary": b"\x00\x01\xff",
    "BinaryArray": [b"\x00", None, b"xyz"],
    "KeyValue": {"key": "k", "value": "v"},
    "KeyValueArray": [{"key": "k1", "value": "v1"}, {"key": "k2", "value": "v2"}],
    "TCEntity": {"id": "1", "value": "bad.example", "type": "Host"},
    "TCEntityArray": [{"id": "1", "value": "1.2.3.4", "type": "Address"}],
    "TCEnhancedEntityArray": [{"id": 7, "name": "n", "type": "Adversary", "attribute": [{"type": "t"}]}],
}


def change(value):
    """Turns texts and bytes round and keeps the shape."""
    if value is None:
        return None
    if isinstance(value, (str, bytes)):
        return value[::-1]
    if isinstance(value, list):
        return [change(v) for v in reversed(value)]
    if isinstance(value, dict):
        return {k: change(v) if k == "value" else v for k, v in value.items()}
    raise TypeError("a %s came from the key-value store" % type(value).__name__)


def main():
    app = tc.App(tc.params())
    wanted = {}
    for variable in app.p.get("tc_playbook_out_variables", "").split(","):
        m = re.match(r"^#(?:App|Trigger):\d+:([A-Za-z0-9_.\-\[\]]+)!(\w+)$", variable)
        if m:
            wanted[m.group(1)] = variable
    read = written = 0
    for kind, default in DEFAULTS.items():
        value = default
        source = app.p.get("in_" + kind.lower(), "")
        if source.startswith("#"):
            value = app.read(source)
            if value != app.read(source, with_context=False):
                app.exit(1, "the two forms of the key-value endpoint disagree about " + source)
            read += 1
        variable = wanted.get("out." + kind.lower())
        if variable:
            app.write(variable, change(value), with_context=kind.startswith("String"))
            if app.read(variable) != change(value):
                app.exit(1, variable + " does not read back as it was written")
            written += 1
    if app.read("#App:0:never.set!String") is not None:
        app.exit(1, "a variable that was never set has a value")
    app.log("read %d and wrote %d variables" % (read, written))
    print("playbook App on Python %d.%d" % sys.version_info[:2])
    app.exit(0, "%d variables read, %d written" % (read, written))


if __name__ == "__main__":
    main()
