"""The signed bytes of an order, in 30 lines: see ../README.md. Reads {"order": …, "signature": …}
as JSON, prints the bytes in hexadecimal, and, given a public key and the library, whether they verify."""
import base64, hashlib, json, struct, sys

def number(n): return struct.pack(">q", n)
def count(n): return struct.pack(">I", n)
def text(s): b = s.encode(); return count(len(b)) + b

def digest(m):
    pairs = sorted((k.encode(), v.encode()) for k, v in m.items())
    b = b"tcenvsvr signed map v1\n" + count(len(pairs))
    return hashlib.sha256(b + b"".join(count(len(x)) + x for p in pairs for x in p)).digest()

def parse(signature):
    body = signature.removeprefix("tcsigned:v1:")
    b = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    made, until = struct.unpack(">qq", b[8:24])
    return b[:8], made, until, b[24:56], b[56:120], b[120:].decode()

def canonical(o, key_id, made, until, params, environment):
    app, limits = o["app"], o.get("limits", {})
    return (b"tcenvsvr signed order v1\n" + key_id + number(made) + number(until) + text(environment)
            + text(o["order"]) + text(o["runtime"]) + text(app["name"]) + text(app["version"]) + number(app["size"])
            + text(app["sha256"]) + params + text(o.get("kv_context", "")) + count(len(o.get("out_variables", [])))
            + b"".join(text(v) for v in o.get("out_variables", [])) + digest(o.get("defaults", {}))
            + number(o["timeout_ms"]) + number(o["priority"]) + bytes([o["retryable"]])
            + b"".join(number(limits.get(name, 0)) for name in ("memory_mb", "tasks", "cpu_weight")))

given = json.load(sys.stdin)
key_id, made, until, params, signature, environment = parse(given["signature"])
assert params == digest(given["order"].get("params", {})), "other parameters"
signed = canonical(given["order"], key_id, made, until, params, environment)
print(signed.hex())
try:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(given["public"])).verify(signature, signed)
    print("verified")
except ImportError:
    print("no library for Ed25519")
