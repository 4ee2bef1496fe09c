package tc.test;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Map;
import javax.crypto.Cipher;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * A Playbook App in Java: reads a String variable, writes it reversed, and leaves a message.
 * Its parameters come as system properties or in the encrypted file.
 */
public final class Main {
    private static Map<String, String> file = Map.of();

    public static void main(String[] args) throws Exception {
        boolean properties = System.getProperty("tc_api_path") != null;
        if (!properties) {
            file = Json.texts(decrypt(System.getenv("TC_APP_PARAM_FILE"), System.getenv("TC_APP_PARAM_KEY")));
        }
        String input = param("in_string");
        String value = input.startsWith("#") ? Json.text(call("GET", input, null)) : input;
        String result = new StringBuilder(value).reverse().toString();
        int written = 0;
        for (String variable : param("tc_playbook_out_variables").split(",")) {
            if (variable.endsWith(":out.string!String")) {
                call("PUT", variable, Json.quote(result));
                if (!result.equals(Json.text(call("GET", variable, null)))) {
                    exit(1, variable + " does not read back as it was written");
                }
                written++;
            }
        }
        for (String secret : new String[] {param("secret"), param("tc_token")}) {
            if (!secret.isEmpty() && commandLine().contains(secret)) {
                exit(1, "the arguments of the process show a secret");
            }
        }
        log("App has run");
        System.out.println("Java App on " + System.getProperty("java.version") + " with "
                + (properties ? "system properties" : "the encrypted file"));
        exit(0, "result=" + result + " written=" + written + " flag=" + param("flag") + " secret_sha256=" + digest(param("secret")));
    }

    private static String param(String name) {
        return System.getProperty(name, file.getOrDefault(name, ""));
    }

    private static String decrypt(String name, String key) throws Exception {
        Cipher cipher = Cipher.getInstance("AES/CBC/PKCS5Padding");
        cipher.init(Cipher.DECRYPT_MODE, new SecretKeySpec(key.getBytes(StandardCharsets.UTF_8), "AES"),
                new IvParameterSpec(new byte[16]));
        return new String(cipher.doFinal(Files.readAllBytes(Path.of(name))), StandardCharsets.UTF_8);
    }

    private static String call(String method, String variable, String body) throws Exception {
        URI uri = URI.create(param("tc_playbook_db_path") + "/" + URLEncoder.encode(variable, StandardCharsets.UTF_8));
        HttpRequest request = HttpRequest.newBuilder(uri)
                .header("Authorization", "TC-Token " + param("tc_token"))
                .method(method, body == null ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(body))
                .build();
        HttpResponse<String> response = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() != 200) {
            exit(1, method + " of " + variable + " was answered with " + response.statusCode());
        }
        return response.body();
    }

    private static String commandLine() {
        try {
            return Files.readString(Path.of("/proc/self/cmdline"), StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return ""; // not on this system
        }
    }

    private static String digest(String text) throws Exception {
        byte[] sum = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
        return HexFormat.of().formatHex(sum).substring(0, 12);
    }

    private static void log(String text) throws IOException {
        Files.writeString(Path.of(param("tc_log_path"), "Main.log"), text + "\n");
    }

    private static void exit(int code, String message) {
        try {
            Files.writeString(Path.of(param("tc_out_path"), "message.tc"), message + "\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        System.exit(code);
    }
}
