package tc.test;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.gson.Gson;
import com.google.gson.reflect.TypeToken;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.logging.FileHandler;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import javax.crypto.Cipher;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * An App that loads as many classes as Apps with an SDK do: an HTTP client (which opens the trust
 * store), two JSON libraries, logging. It talks with a server of its own on the loopback. When it
 * printed its first line is a result.
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
        HttpServer server = serve(mapper);
        Indicator got = fetch(mapper, "http://127.0.0.1:" + server.getAddress().getPort() + "/v3/indicators");
        log.info("fetched " + got.summary);
        Files.writeString(Path.of((String) params.get("tc_out_path"), "message.tc"), "fetched " + got.tags.size() + " tags\n");
        System.exit(0); // which ends the server; stop would wait for it
    }

    private static boolean archive() throws IOException {
        return Files.readString(Path.of("/proc/self/cmdline"), StandardCharsets.ISO_8859_1).contains("SharedArchiveFile");
    }

    private static HttpServer serve(ObjectMapper mapper) throws IOException {
        System.setProperty("sun.net.httpserver.nodelay", "true"); // else an answer waits 40 ms for an ACK
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(Executors.newCachedThreadPool());
        server.createContext("/", exchange -> {
            byte[] body = mapper.writeValueAsBytes(Map.of("summary", "bad.example", "rating", 4, "tags", List.of("a", "b", "c")));
            exchange.getResponseHeaders().add("Content-Type", "application/json");
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
        return server;
    }

    private static Indicator fetch(ObjectMapper mapper, String url) throws Exception {
        HttpClient client = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build();
        HttpRequest request = HttpRequest.newBuilder(URI.create(url)).header("Accept", "application/json").build();
        HttpResponse<String> response = client.sendAsync(request, HttpResponse.BodyHandlers.ofString()).join();
        return mapper.readValue(response.body(), Indicator.class);
    }

    private static String decrypt(String name, String key) throws Exception {
        Cipher cipher = Cipher.getInstance("AES/CBC/PKCS5Padding");
        cipher.init(Cipher.DECRYPT_MODE, new SecretKeySpec(key.getBytes(StandardCharsets.UTF_8), "AES"),
                new IvParameterSpec(new byte[16]));
        return new String(cipher.doFinal(Files.readAllBytes(Path.of(name))), StandardCharsets.UTF_8);
    }
}
