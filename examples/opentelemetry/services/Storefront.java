import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Executors;

/** Answers who it is. A path such as /cart/prices is passed on: to cart, with the path /prices. */
public class Storefront {
  static final HttpClient CLIENT = HttpClient.newHttpClient();

  public static void main(String[] arguments) throws Exception {
    String host = System.getenv().getOrDefault("HOST", "0.0.0.0");
    HttpServer server = HttpServer.create(new InetSocketAddress(host, 8080), 0);
    server.createContext(
        "/",
        exchange -> {
          String[] path = exchange.getRequestURI().getPath().split("/", 3);
          String next = path[1].isEmpty() ? "null" : ask(path[1], path.length > 2 ? path[2] : "");
          String answer = "{\"pod\": \"" + System.getenv("POD") + "\", \"next\": " + next + "}\n";
          byte[] body = answer.getBytes(StandardCharsets.UTF_8);
          exchange.getResponseHeaders().set("content-type", "application/json");
          exchange.sendResponseHeaders(200, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    server.setExecutor(Executors.newCachedThreadPool());
    server.start();
  }

  static String ask(String service, String rest) {
    URI address = URI.create("http://" + service + ":8080/" + rest);
    try {
      return CLIENT.send(HttpRequest.newBuilder(address).build(), BodyHandlers.ofString()).body();
    } catch (Exception error) {
      return "\"" + error + "\"";
    }
  }
}
