"""A feed as vendors write them: it takes what is new since its last run, and says how far it came."""
import time

import tc

app = tc.App(tc.params())
p = app.p
start = int(p.get("last_run") or 0)
with open(p["source"], encoding="utf-8") as f:
    items = f.read().split()
with open(p["taken"], "a", encoding="utf-8") as f:
    for item in items[start:]:
        time.sleep(float(p.get("seconds") or 0))
        f.write(item + "\n")
        f.flush()
app.result("last_run", len(items))
app.exit(int(p.get("exit_code") or 0), "%d items from %d on" % (len(items) - start, start))
