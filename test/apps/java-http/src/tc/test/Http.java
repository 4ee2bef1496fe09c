package tc.test;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.gson.Gson;
import com.google.gson.reflect.TypeToken;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.logging.FileHandler;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import javax.crypto.Cipher;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.apache.http.client.methods.CloseableHttpResponse;
import org.apache.http.client.methods.HttpGet;
import org.apache.http.impl.client.CloseableHttpClient;
import org.apache.http.impl.client.HttpClients;
import org.apache.http.util.EntityUtils;

/**
 * An App that loads as many classes as Apps with an SDK do: that SDK's HTTP client (which opens the
 * trust store), two JSON libraries, logging. It talks with a server of its own on the loopback, which
 * is over when the App ends: a JVM waits for 300 ms at its end for threads that are in a call of the
 * system. When it printed its first line is a result.
 */
public final class Http {
    /** What the server tells. */
    public static final class Indicator {
        @JsonProperty
        public String summary;

        @JsonProperty
        public int rating;

        @JsonProperty
        public List<String> tags;
    }

    public static void main(String[] args) throws Exception {
        System.out.println("started on " + System.getProperty("java.version"));
        Instant printed = Instant.now();
        Map<String, Object> params = new Gson().fromJson(
                decrypt(System.getenv("TC_APP_PARAM_FILE"), System.getenv("TC_APP_PARAM_KEY")),
                new TypeToken<Map<String, Object>>() { }.getType());
        Logger log = Logger.getLogger(Http.class.getName());
        FileHandler handler = new FileHandler(params.get("tc_log_path") + "/app.log", true);
        handler.setFormatter(new SimpleFormatter());
        log.setUseParentHandlers(false);
        log.addHandler(handler);

        Files.writeString(Path.of((String) params.get("tc_out_path"), "results.tc"),
                "printed_ns = " + (printed.getEpochSecond() * 1_000_000_000L + printed.getNano())
                        + "\narchive = " + (archive() ? "yes" : "no") + "\n");
        ObjectMapper mapper = new ObjectMapper();
        ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        Thread serving = new Thread(() -> answer(server, mapper));
        serving.start();
        Indicator got = fetch(mapper, "http://127.0.0.1:" + server.getLocalPort() + "/v3/indicators");
        serving.join();
        log.info("fetched " + got.summary);
        Files.writeString(Path.of((String) params.get("tc_out_path"), "message.tc"), "fetched " + got.tags.size() + " tags\n");
    }

    private static boolean archive() throws IOException {
        return Files.readString(Path.of("/proc/self/cmdline"), StandardCharsets.ISO_8859_1).contains("SharedArchiveFile");
    }

    /** Answers one request. */
    private static void answer(ServerSocket server, ObjectMapper mapper) {
        try (server; Socket socket = server.accept()) {
            BufferedReader request = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.ISO_8859_1));
            while (!request.readLine().isEmpty()) { } // its headers
            byte[] body = mapper.writeValueAsBytes(Map.of("summary", "bad.example", "rating", 4, "tags", List.of("a", "b", "c")));
            String head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: " + body.length + "\r\n\r\n";
            socket.getOutputStream().write(head.getBytes(StandardCharsets.ISO_8859_1));
            socket.getOutputStream().write(body);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Indicator fetch(ObjectMapper mapper, String url) throws IOException {
        HttpGet request = new HttpGet(url);
        request.setHeader("Accept", "application/json");
        try (CloseableHttpClient client = HttpClients.createDefault(); CloseableHttpResponse response = client.execute(request)) {
            return mapper.readValue(EntityUtils.toString(response.getEntity()), Indicator.class);
        }
    }

    private static String decrypt(String name, String key) throws Exception {
        Cipher cipher = Cipher.getInstance("AES/CBC/PKCS5Padding");
        cipher.init(Cipher.DECRYPT_MODE, new SecretKeySpec(key.getBytes(StandardCharsets.UTF_8), "AES"),
                new IvParameterSpec(new byte[16]));
        return new String(cipher.doFinal(Files.readAllBytes(Path.of(name))), StandardCharsets.UTF_8);
    }
}
