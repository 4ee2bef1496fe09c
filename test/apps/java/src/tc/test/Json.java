package tc.test;

import java.util.HashMap;
import java.util.Map;

/** As much JSON as an App with text parameters needs. */
final class Json {
    private final String text;
    private int at;

    private Json(String text) {
        this.text = text;
    }

    /** Reads {"name":"value",…}. */
    static Map<String, String> texts(String text) {
        Json json = new Json(text);
        Map<String, String> map = new HashMap<>();
        json.expect('{');
        while (json.peek() != '}') {
            String name = json.string();
            json.expect(':');
            map.put(name, json.string());
            if (json.peek() == ',') {
                json.at++;
            }
        }
        return map;
    }

    /** Reads a text; null is the empty one. */
    static String text(String text) {
        return text.equals("null") ? "" : new Json(text).string();
    }

    static String quote(String s) {
        StringBuilder b = new StringBuilder("\"");
        for (char c : s.toCharArray()) {
            if (c == '"' || c == '\\' || c < ' ') {
                b.append(String.format("\\u%04x", (int) c));
            } else {
                b.append(c);
            }
        }
        return b.append('"').toString();
    }

    private char peek() {
        while (Character.isWhitespace(text.charAt(at))) {
            at++;
        }
        return text.charAt(at);
    }

    private void expect(char c) {
        if (peek() != c) {
            throw new IllegalArgumentException("'" + c + "' expected at " + at);
        }
        at++;
    }

    private String string() {
        expect('"');
        StringBuilder b = new StringBuilder();
        while (text.charAt(at) != '"') {
            char c = text.charAt(at++);
            if (c == '\\') {
                c = text.charAt(at++);
                switch (c) {
                    case 'n' -> c = '\n';
                    case 'r' -> c = '\r';
                    case 't' -> c = '\t';
                    case 'b' -> c = '\b';
                    case 'f' -> c = '\f';
                    case 'u' -> {
                        c = (char) Integer.parseInt(text.substring(at, at + 4), 16);
                        at += 4;
                    }
                    default -> { }
                }
            }
            b.append(c);
        }
        at++;
        return b.toString();
    }
}
