package tc.test;

import java.io.InputStream;
import java.io.RandomAccessFile;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchService;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

/** Does what ordinary Java Apps do on a host, and says of each thing whether it went. */
public final class Main {
    private interface Check {
        void run() throws Exception;
    }

    private static final Map<String, String> found = new LinkedHashMap<>();

    public static void main(String[] args) throws Exception {
        check("name by DNS and certificate", () -> want(fetch(System.getProperty("feed")), "hello"));
        check("localhost", () -> {
            want(InetAddress.getByName("localhost").isLoopbackAddress(), true);
            want(fetch(System.getProperty("local")), "hello");
        });
        check("own server", () -> {
            try (ServerSocket s = new ServerSocket(0, 1, InetAddress.getLoopbackAddress()); Socket c = new Socket(s.getInetAddress(), s.getLocalPort()); Socket peer = s.accept()) {
                peer.getOutputStream().write(7);
                want(c.getInputStream().read(), 7);
            }
        });
        check("tmpdir", () -> {
            Path folder = Path.of(System.getProperty("java.io.tmpdir"));
            Path file = Files.createTempFile("ordinary", ".bin");
            want(file.startsWith(folder), true);
            Files.write(file, new byte[4 << 20]);
            Files.delete(file);
            Files.delete(Files.createTempDirectory("ordinary"));
            Files.delete(Files.createTempFile(Path.of("/tmp"), "ordinary", ""));
        });
        check("threads", () -> {
            ExecutorService pool = Executors.newFixedThreadPool(200);
            CountDownLatch all = new CountDownLatch(200);
            Future<?>[] list = new Future<?>[200];
            for (int i = 0; i < 200; i++) {
                list[i] = pool.submit(() -> {
                    all.countDown();
                    return all.await(60, TimeUnit.SECONDS);
                });
            }
            for (Future<?> f : list) {
                want(f.get(), true);
            }
            pool.shutdown();
            want(IntStream.range(0, 100_000).parallel().mapToLong(i -> i).sum(), 4999950000L);
        });
        check("processes", () -> {
            Process p = new ProcessBuilder("sh", "-c", "echo $0 | tr a-z A-Z", "ran").start();
            want(new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8), "RAN\n");
            want(p.waitFor(), 0);
            want(new ProcessBuilder(System.getProperty("java.home") + "/bin/java", "-version").start().waitFor(), 0);
            want(ProcessHandle.allProcesses().anyMatch(h -> h.pid() == ProcessHandle.current().pid()), true);
            Process sleeper = new ProcessBuilder("sleep", "60").start();
            sleeper.destroyForcibly();
            want(sleeper.waitFor() != 0, true);
        });
        check("mapped and locked file", () -> {
            Path file = Files.createTempFile("ordinary", "");
            try (RandomAccessFile f = new RandomAccessFile(file.toFile(), "rw"); FileChannel c = f.getChannel()) {
                c.map(FileChannel.MapMode.READ_WRITE, 0, 1 << 20).put(0, (byte) 1);
                c.lock().release();
            }
        });
        check("watch", () -> {
            try (WatchService w = FileSystems.getDefault().newWatchService()) {
                Path folder = Files.createTempDirectory("ordinary");
                folder.register(w, StandardWatchEventKinds.ENTRY_CREATE);
                Files.createFile(folder.resolve("größe-世界"));
                want(w.poll(30, TimeUnit.SECONDS) != null, true);
            }
        });
        check("what the JVM reads", () -> {
            want(Runtime.getRuntime().availableProcessors() > 0, true);
            want(ManagementFactory.getRuntimeMXBean().getPid() > 0, true);
            want(ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage() >= 0, true);
        });
        check("resources and randomness", () -> {
            try (InputStream in = Main.class.getResourceAsStream("/META-INF/MANIFEST.MF")) {
                want(in.readAllBytes().length > 0, true);
            }
            want(new java.security.SecureRandom().generateSeed(8).length, 8);
        });
        Path out = Path.of(System.getProperty("tc_out_path"));
        StringBuilder json = new StringBuilder("{");
        found.forEach((what, how) -> json.append(json.length() > 1 ? "," : "").append(quote(what)).append(":").append(quote(how)));
        Files.writeString(out.resolve("found.json"), json + "}");
        Files.writeString(out.resolve("message.tc"), found.size() + " things\n");
    }

    private static String fetch(String url) throws Exception {
        return HttpClient.newBuilder().proxy(HttpClient.Builder.NO_PROXY).build().send(HttpRequest.newBuilder(URI.create(url)).build(), HttpResponse.BodyHandlers.ofString()).body();
    }

    private static void check(String what, Check check) {
        try {
            check.run();
            found.put(what, "ok");
        } catch (Exception | AssertionError e) {
            found.put(what, e.toString());
        }
    }

    private static void want(Object got, Object wanted) {
        if (!wanted.equals(got)) {
            throw new AssertionError("got " + got + ", want " + wanted);
        }
    }

    private static String quote(String text) {
        return "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"").replaceAll("\\p{Cntrl}", " ") + "\"";
    }
}
