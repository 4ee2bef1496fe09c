"""MQTT 3.1.1 as a service App of TcEx 4 speaks it: client id and user name empty, the token as
password, clean session, keepalive 60, everything at QoS 0. The first TCP connection carries no TLS
and no password, as that of TcEx up to 4.0.10 does not.
"""
import socket
import ssl
import struct
import threading
import time


def _text(s):
    b = s.encode() if isinstance(s, str) else s
    return struct.pack(">H", len(b)) + b


def _packet(kind, body):
    size, n = b"", len(body)
    while True:
        size += bytes([n % 128 | (128 if n > 127 else 0)])
        n //= 128
        if not n:
            return bytes([kind]) + size + body


class Client:
    def __init__(self, p):
        self.p = p
        self.lock = threading.Lock()
        self.packet_id = 0

    def connect(self):
        address = (self.p["tc_svc_broker_host"], int(self.p["tc_svc_broker_port"]))
        with socket.create_connection(address, 10) as plain:
            plain.sendall(_packet(0x10, _text("MQTT") + bytes([4, 2]) + struct.pack(">H", 60) + _text("")))
            try:
                plain.recv(1)
            except OSError:
                pass
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # the name is verified
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.load_verify_locations(self.p["tc_svc_broker_cacert_file"])
        self.socket = context.wrap_socket(socket.create_connection(address, 10), server_hostname=address[0])
        self.socket.settimeout(None)
        self.send(0x10, _text("MQTT") + bytes([4, 0xC2]) + struct.pack(">H", 60) + _text("") + _text("") + _text(self.p["tc_svc_broker_token"]))
        kind, body = self.receive()
        if kind != 0x20 or body != b"\0\0":
            raise OSError("CONNACK %r" % body)
        self.subscribe(self.p["tc_svc_server_topic"])
        threading.Thread(target=self.ping, daemon=True).start()

    def subscribe(self, topic):
        """Returns the code of the broker."""
        self.send(0x82, struct.pack(">H", 1) + _text(topic) + b"\0")
        while True:
            kind, body = self.receive()
            if kind == 0x90:
                return body[2]

    def ping(self):
        try:
            while True:
                time.sleep(30)
                self.send(0xC0, b"")
        except OSError:
            pass

    def send(self, kind, body):
        with self.lock:
            self.socket.sendall(_packet(kind, body))

    def publish(self, payload, topic=None, qos=0):
        body = _text(topic or self.p["tc_svc_client_topic"])
        if qos:
            self.packet_id = self.packet_id % 65535 + 1
            body += struct.pack(">H", self.packet_id)
        self.send(0x30 | qos << 1, body + payload)

    def read(self, n):
        data = b""
        while len(data) < n:
            part = self.socket.recv(n - len(data))
            if not part:
                raise OSError("the broker has hung up")
            data += part
        return data

    def receive(self):
        kind, size, shift = self.read(1)[0], 0, 0
        while True:
            b = self.read(1)[0]
            size |= (b & 127) << shift
            shift += 7
            if b < 128:
                return kind, self.read(size)

    def messages(self):
        """Yields the payload of each message until the connection ends."""
        while True:
            kind, body = self.receive()
            if kind & 0xF0 == 0x30:
                n = struct.unpack(">H", body[:2])[0]
                yield body[2 + n:]

    def close(self):
        self.send(0xE0, b"")
        self.socket.close()
