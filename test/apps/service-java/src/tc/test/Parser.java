package tc.test;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads the JSON of messages: objects, lists, texts, and anything else as the text that it is. */
final class Parser {
    private final String text;
    private int at;

    Parser(String text) {
        this.text = text;
    }

    Object value() {
        switch (peek()) {
            case '{': {
                Map<String, Object> map = new LinkedHashMap<>();
                for (at++; peek() != '}'; skip(',')) {
                    String name = string();
                    skip(':');
                    map.put(name, value());
                }
                at++;
                return map;
            }
            case '[': {
                List<Object> list = new ArrayList<>();
                for (at++; peek() != ']'; skip(',')) {
                    list.add(value());
                }
                at++;
                return list;
            }
            case '"':
                return string();
            default: {
                int from = at;
                while (",]}".indexOf(text.charAt(at)) < 0) {
                    at++;
                }
                return text.substring(from, at).trim();
            }
        }
    }

    private char peek() {
        while (Character.isWhitespace(text.charAt(at))) {
            at++;
        }
        return text.charAt(at);
    }

    private void skip(char c) {
        if (peek() == c) {
            at++;
        }
    }

    private String string() {
        peek();
        int from = at++;
        while (text.charAt(at) != '"') {
            at += text.charAt(at) == '\\' ? 2 : 1;
        }
        at++;
        return Json.text(text.substring(from, at));
    }
}
