"""MQTT by paho-mqtt 1.x, used as TcEx 2 and 3 use it: callbacks, a loop in a thread of its own, client id
and user name empty. "protocol" 3.1 is that of brokers before 3.1.1.
"""
import queue
import ssl

from paho.mqtt import client as paho


class Client:
    def __init__(self, p):
        self.p = p
        self.received = queue.Queue()

    def connect(self):
        protocol = paho.MQTTv31 if self.p.get("protocol") == "3.1" else paho.MQTTv311
        self.client = paho.Client(client_id="", clean_session=True, protocol=protocol)
        self.client.reconnect_delay_set(min_delay=1, max_delay=5)
        self.client.on_connect = lambda client, userdata, flags, rc: client.subscribe(self.p["tc_svc_server_topic"])
        self.client.on_message = lambda client, userdata, message: self.received.put(message.payload)
        self.client.tls_set(ca_certs=self.p["tc_svc_broker_cacert_file"], cert_reqs=ssl.CERT_REQUIRED, tls_version=ssl.PROTOCOL_TLSv1_2)
        self.client.tls_insecure_set(False)
        self.client.username_pw_set("", password=self.p["tc_svc_broker_token"])
        subscribed = queue.Queue()
        self.client.on_subscribe = lambda client, userdata, mid, granted: subscribed.put(granted)
        self.client.connect(self.p["tc_svc_broker_host"], int(self.p["tc_svc_broker_port"]), int(self.p["tc_svc_broker_timeout"]))
        self.client.loop_start()
        if subscribed.get(timeout=60) != (0,):
            raise OSError("the broker refused the subscription")

    def publish(self, payload):
        self.client.publish(self.p["tc_svc_client_topic"], payload)

    def messages(self):
        while True:
            yield self.received.get()

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()
