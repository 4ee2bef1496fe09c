"""Takes its parameters from the command line and, where told to, the rest from the platform."""
import argparse
import hashlib
import json

import tc


def main(argv):
    parser = argparse.ArgumentParser()
    for name in ("name", "secret", "number", "last_run", "tc_token", "tc_token_expires", "tc_api_path",
                 "tc_in_path", "tc_out_path", "tc_log_path", "tc_temp_path", "tc_log_file"):
        parser.add_argument("--" + name)
    parser.add_argument("--tags", action="append", default=[])
    for name in ("flag", "other_flag", "tc_secure_params", "tc_verify", "tc_proxy_tc", "tc_proxy_external"):
        parser.add_argument("--" + name, action="store_true")
    args, _ = parser.parse_known_args(argv)
    p = dict(vars(args), tc_log_file=args.tc_log_file or "app.log")
    app = tc.App(p)
    if args.tc_secure_params:
        for name, value in json.loads(app.request("GET", "/internal/job/execution/parameters"))["inputs"].items():
            if name == "tags":
                value = value.split("|")
            elif name in ("flag", "other_flag"):
                value = value == "true"
            if not p.get(name):
                p[name] = value
    shown = tc.arguments_of_this_process()
    if any(s and s in shown for s in (p.get("secret"), p.get("tc_token"))):
        app.exit(1, "the arguments of the process show a secret")
    app.log("legacy App started")
    print("secure parameters" if args.tc_secure_params else "plain arguments")
    app.result("last_run", "now")
    app.exit(0, "name=%s number=%s tags=%s flag=%s other_flag=%s verify=%s secret_sha256=%s" % (
        p["name"], p["number"], ",".join(p["tags"]), p["flag"], p["other_flag"], p["tc_verify"],
        hashlib.sha256((p["secret"] or "").encode()).hexdigest()[:12]))
