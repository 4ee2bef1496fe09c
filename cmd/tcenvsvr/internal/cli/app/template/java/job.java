import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Greets somebody. It is given its parameters as system properties, and ends with 0 if all went
 * well, with 3 if it did a part of its work, with another code if it failed.
 */
public final class Main {
    public static void main(String[] args) throws IOException {
        String who = System.getProperty("who"); // a parameter of install.json
        System.out.println("Hello, " + who + "!"); // is seen in the logs of the execution

        // The last line that people see of the execution, and what the next run of this Job is given.
        Path out = Path.of(System.getProperty("tc_out_path")); // what the platform gives every App begins with tc_
        Files.writeString(out.resolve("message.tc"), "greeted " + who + "\n");
        Files.writeString(out.resolve("results.tc"), "who = " + who + "\n");
    }
}
