"""A job that does part of its work: exit code 3, results for its next run, files to publish."""
import hashlib
import json
import sys

import tc


def main():
    app = tc.App(tc.params())
    p = app.p
    if not p.get("owner"):
        app.exit(1, "owner is missing")
    app.log("job started for " + p["owner"])
    if p.get("api_key") and p["api_key"] in tc.arguments_of_this_process():
        app.exit(1, "the arguments of the process show a secret")
    count = int(p.get("count") or 3)
    with open(app.out("report.csv"), "w", encoding="utf-8") as f:
        f.write("n,square\n")
        for n in range(1, count + 1):
            f.write("%d,%d\n" % (n, n * n))
            app.log("row %d of %d" % (n, count))
    with open(app.out("data/summary.json"), "w", encoding="utf-8") as f:
        json.dump({
            "owner": p["owner"], "tags": [t for t in p.get("tags", "").split("|") if t], "verbose": p.get("verbose"),
            "api_key_sha256": hashlib.sha256(p.get("api_key", "").encode()).hexdigest(), "last_run": p.get("last_run"),
        }, f)
    with open(app.out("private.txt"), "w", encoding="utf-8") as f:
        f.write("not to be published\n")
    if p.get("tc_log_to_api") == "true":
        app.log_to_api("job at work for " + p["owner"])
    print("job wrote %d rows for %s" % (count, p["owner"]))
    print("one source did not answer", file=sys.stderr)
    app.result("last_run", "2026-01-02T03:04:05Z")
    app.result("count", count + 1)
    app.result("undeclared", "is dropped")
    app.log("job done", "WARNING")
    app.exit(int(p.get("exit_code") or 3), "%d rows for %s, one source did not answer" % (count, p["owner"]))


if __name__ == "__main__":
    main()
