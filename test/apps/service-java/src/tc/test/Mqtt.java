package tc.test;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.FileInputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/**
 * MQTT 3.1.1 as Eclipse Paho's client for Java speaks it: a client id that is made up, an empty user name, the token
 * as password, what is published at QoS 1. Its packets are those of the OASIS standard, chapter 3.
 */
final class Mqtt {
    private final Socket socket;
    private final DataInputStream in;
    private int packetId;

    Mqtt(String host, int port, String token, String jks, String password) throws Exception {
        KeyStore store = KeyStore.getInstance("JKS");
        try (FileInputStream file = new FileInputStream(jks)) {
            store.load(file, password.toCharArray());
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext tls = SSLContext.getInstance("TLSv1.2");
        tls.init(null, trust.getTrustManagers(), null);
        SSLSocket socket = (SSLSocket) tls.getSocketFactory().createSocket(host, port);
        socket.startHandshake();
        this.socket = socket;
        in = new DataInputStream(socket.getInputStream());
        Body connect = new Body();
        connect.text("MQTT");
        connect.data.write(new byte[] {4, (byte) 0xC2, 0, 60}); // user name, password, clean session; keepalive
        connect.text("paho" + System.nanoTime());
        connect.text("");
        connect.text(token);
        send(0x10, connect);
        byte[] answer = receive(0x20);
        if (answer[1] != 0) {
            throw new IOException("CONNACK " + answer[1]);
        }
    }

    /** Ends when the broker has granted QoS 0 or 1. */
    void subscribe(String topic) throws IOException {
        Body body = new Body();
        body.data.writeShort(1);
        body.text(topic);
        body.data.write(1);
        send(0x82, body);
        if (receive(0x90)[2] == (byte) 0x80) {
            throw new IOException("the broker refused to subscribe to " + topic);
        }
    }

    synchronized void publish(String topic, String message) throws IOException {
        Body body = new Body();
        body.text(topic);
        packetId = packetId % 65535 + 1;
        body.data.writeShort(packetId);
        body.data.write(message.getBytes(StandardCharsets.UTF_8));
        send(0x32, body);
    }

    void ping() throws IOException {
        send(0xC0, new Body());
    }

    void close() throws IOException {
        send(0xE0, new Body());
        socket.close();
    }

    /** Returns the next message; acknowledgements and answers to pings are skipped. */
    String next() throws IOException {
        byte[] body = receive(0x30);
        int topic = (body[0] & 255) << 8 | body[1] & 255;
        return new String(body, 2 + topic, body.length - 2 - topic, StandardCharsets.UTF_8);
    }

    private byte[] receive(int want) throws IOException {
        while (true) {
            int kind = in.readUnsignedByte();
            int size = 0;
            for (int shift = 0, b = 128; b >= 128; shift += 7) {
                b = in.readUnsignedByte();
                size |= (b & 127) << shift;
            }
            byte[] body = new byte[size];
            in.readFully(body);
            if (kind == want) {
                return body;
            }
        }
    }

    private synchronized void send(int kind, Body body) throws IOException {
        ByteArrayOutputStream packet = new ByteArrayOutputStream();
        packet.write(kind);
        int n = body.bytes.size();
        do {
            packet.write(n % 128 | (n > 127 ? 128 : 0));
            n /= 128;
        } while (n > 0);
        body.bytes.writeTo(packet);
        socket.getOutputStream().write(packet.toByteArray());
    }

    private static final class Body {
        final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        final DataOutputStream data = new DataOutputStream(bytes);

        void text(String s) throws IOException {
            byte[] b = s.getBytes(StandardCharsets.UTF_8);
            data.writeShort(b.length);
            data.write(b);
        }
    }
}
