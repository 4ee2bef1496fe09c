import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;

/**
 * Greets somebody. It is given its parameters as system properties, and writes a variable for the
 * next App of the Playbook. It ends with 0 if all went well, with another code if it failed.
 */
public final class Main {
    public static void main(String[] args) throws Exception {
        // A parameter is text, or it names a variable that an App before this one wrote.
        String who = System.getProperty("who", "");
        if (who.startsWith("#App:")) {
            String json = variable("GET", who, BodyPublishers.noBody());
            who = json.substring(1, json.length() - 1); // a text in quotes; bundle a library that reads and writes JSON
        }
        System.out.println("Hello, " + who + "!"); // is seen in the logs of the execution
        String greeting = "\"Hello, " + who + "!\"";
        for (String name : System.getProperty("tc_playbook_out_variables", "").split(",")) { // those that the Playbook wants
            if (name.endsWith(":NAME.greeting!String")) {
                variable("PUT", name, BodyPublishers.ofString(greeting));
            }
        }
    }

    private static String variable(String method, String name, BodyPublisher body) throws Exception {
        URI uri = URI.create(System.getProperty("tc_playbook_db_path") + "/" + URLEncoder.encode(name, StandardCharsets.UTF_8));
        HttpRequest request = HttpRequest.newBuilder(uri).method(method, body)
                .header("Authorization", "TC-Token " + System.getProperty("tc_token")).build();
        HttpResponse<String> answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() != 200) {
            throw new IllegalStateException(method + " of " + name + " was answered with " + answer.statusCode());
        }
        return answer.body();
    }
}
