package tc.test;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** An API service in Java that answers as the one in Python does. Its parameters are system properties. */
public final class Service {
    private static final HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private static final String topic = param("tc_svc_client_topic");
    private static Mqtt mqtt;

    public static void main(String[] args) throws Exception {
        mqtt = new Mqtt(param("tc_svc_broker_host"), Integer.parseInt(param("tc_svc_broker_port")), param("tc_svc_broker_token"),
                param("tc_svc_broker_jks_file"), param("tc_svc_broker_jks_pwd"));
        mqtt.subscribe(param("tc_svc_server_topic"));
        say("Ready", "");
        System.out.println("ready " + ProcessHandle.current().pid());
        keepAlive();
        ExecutorService workers = Executors.newFixedThreadPool(16);
        while (true) {
            @SuppressWarnings("unchecked")
            Map<String, Object> m = (Map<String, Object>) new Parser(mqtt.next()).value();
            switch ((String) m.get("command")) {
                case "Heartbeat" -> say("Heartbeat", ",\"metric\":{\"Requests\":1}");
                case "RunService" -> workers.submit(() -> answer(m));
                case "Shutdown" -> {
                    say("Acknowledged", ",\"type\":\"Shutdown\"");
                    mqtt.close();
                    Files.writeString(Path.of(param("tc_out_path"), "message.tc"), "Success\n");
                    System.exit(0);
                }
                default -> { }
            }
        }
    }

    private static void answer(Map<String, Object> m) {
        try {
            String key = (String) m.get("requestKey");
            String path = (String) m.get("path");
            byte[] body = call("GET", key, (String) m.get("bodyVariable"), null);
            if (Arrays.equals(body, "null".getBytes())) {
                body = new byte[0];
            }
            if (!path.equals("/echo")) {
                body = ("{\"method\": " + Json.quote((String) m.get("method")) + ", \"path\": " + Json.quote(path) + "}").getBytes();
            }
            String echo = "";
            for (Object h : (List<?>) m.get("headers")) {
                Map<?, ?> header = (Map<?, ?>) h;
                if ("x-in".equalsIgnoreCase((String) header.get("name"))) {
                    echo = ",{\"name\":\"x-out\",\"value\":" + Json.quote((String) header.get("value")) + "}";
                }
            }
            call("PUT", key, "response.body", body);
            String status = m.get("method").equals("POST") ? "201" : "200";
            say("Acknowledged", ",\"type\":\"RunService\",\"requestKey\":" + Json.quote(key) + ",\"status\":\"OK\",\"statusCode\":\"" + status
                    + "\",\"bodyVariable\":\"response.body\",\"headers\":[{\"name\":\"x-unicode\",\"value\":\"grüße\"}" + echo + "]");
        } catch (Exception e) { // the service goes on
            System.err.println(e);
        }
    }

    private static byte[] call(String method, String context, String key, byte[] body) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create(param("tc_api_path") + "/internal/playbooks/keyValue/" + context + "/" + key))
                .header("Authorization", "TC-Token " + param("tc_token"))
                .method(method, body == null ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofByteArray(body))
                .build();
        HttpResponse<byte[]> answer = http.send(request, HttpResponse.BodyHandlers.ofByteArray());
        if (answer.statusCode() >= 400) {
            throw new IllegalStateException(method + " of " + key + " was answered with " + answer.statusCode());
        }
        return answer.body();
    }

    private static void keepAlive() {
        Thread pings = new Thread(() -> {
            try {
                while (true) {
                    Thread.sleep(30_000);
                    mqtt.ping();
                }
            } catch (Exception e) { // it is over
            }
        });
        pings.setDaemon(true);
        pings.start();
    }

    private static void say(String command, String more) throws Exception {
        mqtt.publish(topic, "{\"command\":\"" + command + "\"" + more + "}");
    }

    private static String param(String name) {
        return System.getProperty(name, "");
    }
}
