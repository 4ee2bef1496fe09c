"""NAME greets somebody. It is given its parameters as arguments, and ends with 0 if all went well,
with 3 if it did a part of its work, with another code if it failed."""
import argparse
import pathlib

parser = argparse.ArgumentParser(allow_abbrev=False)
parser.add_argument("--who")  # a parameter of install.json
parser.add_argument("--tc_out_path")  # what the platform gives every App begins with tc_
given, _ = parser.parse_known_args()

print("Hello, %s!" % given.who)  # is seen in the logs of the execution

# The last line that people see of the execution, and what the next run of this Job is given.
out = pathlib.Path(given.tc_out_path)
(out / "message.tc").write_text("greeted %s\n" % given.who)
(out / "results.tc").write_text("who = %s\n" % given.who)
