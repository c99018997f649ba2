// An image server of the tests' own: it holds each request until it is let go, and then
// fails, which ends a generation as well as a picture would.
import { createServer } from "node:http";

export function slowEngine(t) {
  let letGo;
  const gate = new Promise((resolve) => (letGo = resolve));
  return new Promise((resolve) => {
    const server = createServer(async (request, response) => {
      for await (const _ of request); // read it
      await gate;
      response.writeHead(500, { "Content-Type": "application/json" });
      response.end(JSON.stringify({ error: { message: "out of memory" } }));
    }).listen(0, "127.0.0.1", () =>
      resolve({ settings: { IMAGE_API_URL: `http://127.0.0.1:${server.address().port}/v1`, IMAGE_API_MODEL: "test", MAX_STAGE_ATTEMPTS: "1" }, letGo }),
    );
    t.after(() => {
      letGo();
      server.closeAllConnections();
      server.close();
    });
  });
}
