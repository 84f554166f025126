// A MongoDB-compatible server for tests: mongo-java-server on an H2 file, on an address of the loopback.

import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import java.io.File;
import java.net.InetSocketAddress;
import java.util.List;

public class Server {
    // It says of its 5.0 that it speaks the protocol of 4.2, which today's drivers refuse to speak with.
    private static final class Five implements MongoVersion {
        @Override
        public List<Integer> getVersionArray() {
            return List.of(5, 0, 0);
        }

        @Override
        public int getWireVersion() {
            return 13;
        }
    }

    public static void main(String[] arguments) throws Exception {
        String directory = null;
        String address = "127.0.0.1:0";
        boolean remove = false;
        for (int i = 0; i < arguments.length; i++) {
            switch (arguments[i]) {
                case "-directory" -> directory = arguments[++i];
                case "-address" -> address = arguments[++i];
                case "-remove" -> remove = true;
                default -> throw new IllegalArgumentException(arguments[i]);
            }
        }
        File file = new File(directory, "documents.mv");
        MongoServer server = new MongoServer(new H2Backend(file.getPath()).version(new Five()));
        String[] parts = address.split(":");
        InetSocketAddress bound = new InetSocketAddress(parts[0], Integer.parseInt(parts[1]));
        server.bind(bound);
        System.out.println("URL mongodb://" + parts[0] + ":" + server.getLocalAddress().getPort() + "/");
        // A test that is killed closes the pipe; no server is left behind.
        while (System.in.read() >= 0) {}
        server.shutdownNow();
        if (remove) {
            file.delete();
            new File(directory).delete();
        }
        System.exit(0);
    }
}
