"""What a Python App needs of the public App contract, without libraries.

Parameters (encrypted file), exit message, results, log, and the key-value API.
"""
import base64
import json
import os
import signal
import sys
import time
import urllib.error
import urllib.parse
import urllib.request


# --- AES-CBC with a zero vector and PKCS#7 padding, decryption only (FIPS 197) ---

def _tables():
    exp, log, x = [0] * 512, [0] * 256, 1
    for i in range(255):
        exp[i] = exp[i + 255] = x
        log[x] = i
        x ^= (x << 1) ^ (0x11B if x & 0x80 else 0)
        x &= 0xFF
    sbox = [0x63] * 256
    for i in range(1, 256):
        b = exp[255 - log[i]]
        s = b
        for _ in range(4):
            b = ((b << 1) | (b >> 7)) & 0xFF
            s ^= b
        sbox[i] = s ^ 0x63
    inverse = [0] * 256
    for i, s in enumerate(sbox):
        inverse[s] = i
    times = {m: [0] + [exp[log[i] + log[m]] for i in range(1, 256)] for m in (9, 11, 13, 14)}
    return sbox, inverse, times


_SBOX, _INVERSE, _TIMES = _tables()


def _round_keys(key):
    n, words, rcon = len(key) // 4, [list(key[i:i + 4]) for i in range(0, len(key), 4)], 1
    for i in range(n, 4 * (n + 7)):
        w = list(words[i - 1])
        if i % n == 0:
            w = [_SBOX[b] for b in w[1:] + w[:1]]
            w[0] ^= rcon
            rcon = (rcon << 1) ^ (0x11B if rcon & 0x80 else 0)
        elif n > 6 and i % n == 4:
            w = [_SBOX[b] for b in w]
        words.append([a ^ b for a, b in zip(words[i - n], w)])
    return [sum(words[i:i + 4], []) for i in range(0, len(words), 4)]


_SHIFT = [(i - 4 * (i % 4)) % 16 for i in range(16)]


def _decrypt_block(block, keys):
    m9, m11, m13, m14 = (_TIMES[m] for m in (9, 11, 13, 14))
    s = [a ^ b for a, b in zip(block, keys[-1])]
    for key in reversed(keys[:-1]):
        s = [_INVERSE[s[_SHIFT[i]]] ^ key[i] for i in range(16)]
        if key is not keys[0]:
            t = []
            for c in range(0, 16, 4):
                a, b, d, e = s[c:c + 4]
                t += [m14[a] ^ m11[b] ^ m13[d] ^ m9[e], m9[a] ^ m14[b] ^ m11[d] ^ m13[e],
                      m13[a] ^ m9[b] ^ m14[d] ^ m11[e], m11[a] ^ m13[b] ^ m9[d] ^ m14[e]]
            s = t
    return s


def decrypt(key, data):
    """Returns the plain bytes."""
    keys, last, out = _round_keys(key.encode()), bytes(16), bytearray()
    for i in range(0, len(data), 16):
        block = data[i:i + 16]
        out += bytes(a ^ b for a, b in zip(_decrypt_block(block, keys), last))
        last = block
    return bytes(out[:-out[-1]])


# --- parameters ---

def params():
    """Reads and removes the parameter file."""
    name = os.environ["TC_APP_PARAM_FILE"]
    with open(name, "rb") as f:
        data = f.read()
    os.unlink(name)
    return json.loads(decrypt(os.environ["TC_APP_PARAM_KEY"], data))


# --- what the platform reads afterwards ---

class App:
    """The files of one run."""

    def __init__(self, p):
        self.p = p

    def out(self, name):
        path = os.path.join(self.p["tc_out_path"], name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def log(self, text, level="INFO"):
        with open(os.path.join(self.p["tc_log_path"], self.p.get("tc_log_file", "app.log")), "a", encoding="utf-8") as f:
            f.write("%s - tcex - %8s - %s (run.py:main:1:MainThread)\n" % (time.strftime("%Y-%m-%d %H:%M:%S"), level, text))

    def result(self, name, value):
        with open(self.out("results.tc"), "a", encoding="utf-8") as f:
            f.write("%s = %s\n" % (name, value))

    def exit(self, code, message):
        with open(self.out("message.tc"), "w", encoding="utf-8") as f:
            f.write(message[-254:] + "\n")
        sys.exit(code)

    def handle_signals(self):
        """As TcEx does; forked processes inherit it."""
        def interrupted(number, _frame):
            if number == signal.SIGHUP:
                self.exit(0, "The App received a hang up.")
            self.exit(1, "The App received an interrupt signal and will now exit.")

        for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(s, interrupted)

    # --- the API ---

    def request(self, method, path, body=None, kind="application/json"):
        r = urllib.request.Request(self.p["tc_api_path"] + path, data=body, method=method)
        r.add_header("Authorization", "TC-Token " + self.p["tc_token"])
        r.add_header("Timestamp", str(int(time.time())))
        r.add_header("User-Agent", "TestApp/1.0")
        if body is not None:
            r.add_header("Content-Type", kind)
        with self.opener().open(r, timeout=60) as answer:
            return answer.read()

    def answer(self, method, path, body, kind, headers):
        """As request, but returns the status, the body and Retry-After, whatever they are."""
        r = urllib.request.Request(self.p["tc_api_path"] + path, data=body, method=method)
        for name, value in {
            "Authorization": "TC-Token " + self.p["tc_token"], "Timestamp": str(int(time.time())),
            "User-Agent": "TestApp/1.0", "Content-Type": kind, **headers,
        }.items():
            r.add_header(name, value)
        try:
            with self.opener().open(r, timeout=60) as answer:
                return answer.status, answer.read(), None
        except urllib.error.HTTPError as e:
            return e.code, e.read(), e.headers.get("Retry-After")

    def opener(self):
        """As frameworks do it: an HTTP proxy for the platform, where there is one."""
        proxies = {}
        if self.p.get("tc_proxy_tc") == "true":
            login = ":".join(urllib.parse.quote(self.p.get("tc_proxy_" + part, ""), safe="") for part in ("username", "password"))
            proxies["https"] = "http://%s@%s:%s" % (login, self.p["tc_proxy_host"], self.p["tc_proxy_port"])
        return urllib.request.build_opener(urllib.request.ProxyHandler(proxies))

    def _key(self, variable, with_context=True):
        context = "/" + self.p["tc_playbook_kvstore_context"] if with_context else ""
        return "/internal/playbooks/keyValue" + context + "/" + urllib.parse.quote(variable, safe="~")

    def read(self, variable, with_context=True):
        """Returns the value of a Playbook variable: text, bytes, object, list or None."""
        value = json.loads(self.request("GET", self._key(variable, with_context)).decode("utf-8"))
        if value is None:
            return None
        if variable.endswith("!Binary"):
            return base64.b64decode(value)
        if variable.endswith("!BinaryArray"):
            return [None if v is None else base64.b64decode(v) for v in value]
        return value

    def write(self, variable, value, with_context=True):
        if variable.endswith("!Binary"):
            value = base64.b64encode(value).decode()
        elif variable.endswith("!BinaryArray"):
            value = [None if v is None else base64.b64encode(v).decode() for v in value]
        self.request("PUT", self._key(variable, with_context), json.dumps(value).encode("utf-8"), "application/octet-stream")

    def log_to_api(self, text):
        entry = {"timestamp": int(time.time() * 1000), "message": text, "level": "INFO"}
        self.request("POST", "/v2/logs/app", json.dumps([entry]).encode("utf-8"))


def arguments_of_this_process():
    """What "ps" shows of this process; empty where that cannot be read."""
    try:
        with open("/proc/self/cmdline", "rb") as f:
            return f.read().decode("utf-8", "replace")
    except OSError:
        return ""
