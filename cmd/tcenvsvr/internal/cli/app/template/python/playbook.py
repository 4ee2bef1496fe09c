"""NAME greets somebody. It is given its parameters as arguments, and writes a variable for the next
App of the Playbook. It ends with 0 if all went well, with another code if it failed."""
import argparse
import json
import urllib.parse
import urllib.request

parser = argparse.ArgumentParser(allow_abbrev=False)
for name in ("who", "tc_api_path", "tc_token", "tc_playbook_kvstore_context", "tc_playbook_out_variables"):
    parser.add_argument("--" + name, default="")
given, _ = parser.parse_known_args()


def variable(method, name, value=None):
    """Reads a variable of the Playbook (GET), or writes it (PUT)."""
    key = given.tc_playbook_kvstore_context + "/" + urllib.parse.quote(name, safe="~")
    request = urllib.request.Request(given.tc_api_path + "/internal/playbooks/keyValue/" + key, method=method)
    request.add_header("Authorization", "TC-Token " + given.tc_token)
    request.add_header("Content-Type", "application/octet-stream")
    with urllib.request.urlopen(request, None if value is None else json.dumps(value).encode()) as answer:
        return json.loads(answer.read() or b"null")


# A parameter is text, or it names a variable that an App before this one wrote.
who = variable("GET", given.who) if given.who.startswith("#App:") else given.who
print("Hello, %s!" % who)  # is seen in the logs of the execution
for name in given.tc_playbook_out_variables.split(","):  # those that the Playbook wants
    if name.endswith(":NAME.greeting!String"):
        variable("PUT", name, "Hello, %s!" % who)
