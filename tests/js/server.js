import { createServer } from "node:http";

/** A server on this machine that answers as `handler` says; gives its address. It ends with the test. */
export async function serve(test, handler) {
  const server = createServer(handler);
  await new Promise((ready) => {
    server.listen(0, "127.0.0.1", ready);
  });
  test.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${server.address().port}`;
}
