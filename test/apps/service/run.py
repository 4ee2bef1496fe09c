"""A service App of each kind, built like one of TcEx 4: it says Ready, answers heartbeats, keeps what
its triggers are told, and ends by Shutdown. What speaks MQTT for it is the module mqtt.

A trigger fires by itself, every "seconds" of its configuration, or when the file named by
its "wake" appears. An API answers with what it was asked; a webhook fires, or answers if its trigger's
"answer" is set. "misbehave" is for those who want to see what is done about it.
"""
import base64
import http.client
import json
import os
import queue
import ssl
import threading
import time
import urllib.parse
import uuid

import mqtt
import tc


class Connections:
    """Connections to the platform that are kept, as frameworks keep theirs."""

    def __init__(self, p):
        at = urllib.parse.urlsplit(p["tc_api_path"])
        self.base = at.path
        self.proxied = tc.App(p) if p.get("tc_proxy_tc") == "true" else None
        if at.scheme == "https":
            context = ssl.create_default_context()
            self.connect = lambda: http.client.HTTPSConnection(at.hostname, at.port, context=context, timeout=60)
        else:  # a developer's, on the loopback
            self.connect = lambda: http.client.HTTPConnection(at.hostname, at.port, timeout=60)
        self.idle = queue.LifoQueue()

    def request(self, method, path, token, body=None):
        if self.proxied:
            return self.proxied.request(method, path, body, "application/octet-stream")
        headers = {"Authorization": "TC-Token " + token, "Timestamp": str(int(time.time())), "Content-Type": "application/octet-stream"}
        while True:
            try:
                c, kept = self.idle.get_nowait(), True
            except queue.Empty:
                c, kept = self.connect(), False
            try:
                c.request(method, self.base + path, body, headers)
                answer = c.getresponse()
                content = answer.read()
                break
            except (OSError, http.client.HTTPException):  # the platform ended it meanwhile
                c.close()
                if not kept:
                    raise
        self.idle.put(c)
        if answer.status >= 400:
            raise OSError("%s %s: status %d" % (method, path, answer.status))
        return content


class KeyValue:
    """The variables of one event or request."""

    def __init__(self, connections, context, token):
        self.connections, self.context, self.token = connections, context, token

    def path(self, key):
        return "/internal/playbooks/keyValue/%s/%s" % (self.context, urllib.parse.quote(key, safe="~"))

    def get(self, key):
        return self.connections.request("GET", self.path(key), self.token)

    def put(self, key, value):
        self.connections.request("PUT", self.path(key), self.token, value)


class Service:
    def __init__(self, p):
        self.app = tc.App(p)
        self.p = p
        self.client = mqtt.Client(p)
        self.connections = Connections(p)
        self.triggers = {}
        self.hits = 0
        self.over = threading.Event()

    def say(self, command, **more):
        self.client.publish(json.dumps(dict(more, command=command)).encode())

    def kv(self, context, token=None):
        return KeyValue(self.connections, context, token or self.p["tc_token"])

    def run(self):
        misbehave = self.p.get("misbehave")
        if misbehave == "absent":
            time.sleep(3600)
        self.client.connect()
        if misbehave == "mute":
            time.sleep(3600)
        self.say("Ready")
        print("ready %d" % os.getpid(), flush=True)
        if misbehave == "quit":
            self.say("FireEvent", triggerId=1, sessionId="last")
            self.client.close()
            self.app.exit(0, "Success")
        for payload in self.client.messages():
            m = json.loads(payload)
            if m["command"] == "Shutdown":
                break
            handler = getattr(self, "on_" + m["command"], None)
            if handler:
                threading.Thread(target=self.guard, args=(handler, m), daemon=True).start()
        self.say("Acknowledged", type="Shutdown")
        self.client.close()
        self.over.set()
        self.app.exit(0, "Success")

    def guard(self, handler, m):
        try:
            handler(m)
        except Exception as e:  # the service goes on
            self.app.log("%s: %r" % (m["command"], e), "ERROR")

    def on_Heartbeat(self, m):
        if self.p.get("misbehave") != "silent":
            self.say("Heartbeat", metric={"Active Playbooks": len(self.triggers), "Hits": self.hits})

    def on_LoggingChange(self, m):
        self.app.log("level %s" % m["level"])

    def on_CreateConfig(self, m):
        n, config = m["triggerId"], m["config"]
        answer = {"type": "CreateConfig", "triggerId": n, "logFile": "trigger-id-%s.log" % n}
        if "trigger_input" not in config:
            self.say("Acknowledged", status="Failed", message="trigger_input: field required", **answer)
            return
        self.triggers[n] = m
        self.say("Acknowledged", status="Success", message="Success", **answer)
        every, wake = float(config.get("seconds") or 0), config.get("wake")
        while (every or wake) and self.triggers.get(n) is m and not self.over.wait(every or 0.05):
            if not wake:
                self.fire(m)
            elif os.path.exists(wake):
                os.unlink(wake)
                self.fire(m)

    def on_DeleteConfig(self, m):
        self.triggers.pop(m["triggerId"], None)
        self.say("Acknowledged", type="DeleteConfig", triggerId=m["triggerId"], status="Success", message="Delete Config")

    def fire(self, m, **more):
        session = str(uuid.uuid4())
        for name in m["config"].get("tc_playbook_out_variables", "").split(","):
            if name:
                self.kv(session).put(name, json.dumps(m["config"]["trigger_input"]).encode())
        self.hits += 1
        self.say("FireEvent", triggerId=m["triggerId"], sessionId=session, **more)

    def on_RunService(self, m):
        kv = self.kv(m["requestKey"], m.get("apiToken"))
        body = kv.get(m["bodyVariable"])
        if body == b"null":
            body = b""
        if m["path"] == "/slow":
            time.sleep(60)
        headers = [{"name": "content-type", "value": "application/json"}, {"name": "x-unicode", "value": "grüße"}]
        headers += [{"name": "x-out", "value": h["value"]} for h in m["headers"] if h["name"].lower() == "x-in"]
        if m["path"] == "/echo":
            kv.put("response.body", body)
        else:
            kv.put("response.body", json.dumps({"method": m["method"], "path": m["path"], "query": m["queryParams"], "size": len(body)}).encode())
        self.say("Acknowledged", type="RunService", requestKey=m["requestKey"], status="OK", statusCode="201" if m["method"] == "POST" else "200",
                 headers=headers, bodyVariable="response.body")

    def on_WebhookEvent(self, m):
        self.say("Acknowledged", type="WebhookEvent", requestKey=m["requestKey"], triggerId=m["triggerId"])
        trigger = self.triggers[m["triggerId"]]
        answer = trigger["config"].get("answer")
        if not answer:
            self.fire(trigger, requestKey=m["requestKey"])
            return
        kv = self.kv(m["requestKey"], m.get("apiToken"))
        got = base64.b64decode(kv.get("request.body"))
        kv.put("response.body", base64.b64encode(answer.encode() + got))
        self.say("WebhookEventResponse", triggerId=m["triggerId"], requestKey=m["requestKey"], sessionId=str(uuid.uuid4()),
                 bodyVariable="response.body", statusCode=202, headers=[{"name": "x-hook", "value": "yes"}] + [
                     {"name": "x-out", "value": h["value"]} for h in m["headers"] if h["name"].lower() == "x-in"])


if __name__ == "__main__":
    Service(tc.params()).run()
