"""A feed as vendors write them: it takes what is new since its last run, and says how far it came.

With the parameter total it brings so many indicators to the platform, in batches; else the lines of a file to another.
"""
import time

import platform_api
import tc


def from_file(app, start):
    """Returns how far it came."""
    with open(app.p["source"], encoding="utf-8") as f:
        items = f.read().split()
    with open(app.p["taken"], "a", encoding="utf-8") as f:
        for item in items[start:]:
            time.sleep(float(app.p.get("seconds") or 0))
            f.write(item + "\n")
            f.flush()
    return len(items)


app = tc.App(tc.params())
begin = int(app.p.get("last_run") or 0)
try:
    if app.p.get("total"):
        end = int(app.p["total"])
        platform_api.run(app, begin, end)
    else:
        end = from_file(app, begin)
except RuntimeError as e:
    app.exit(1, str(e))
app.result("last_run", end)
app.exit(int(app.p.get("exit_code") or 0), "%d items from %d on" % (end - begin, begin))
