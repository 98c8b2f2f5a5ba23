import assert from "node:assert/strict";
import { test } from "node:test";

import { call, Problem, Unreachable } from "/static/js/api.js";
import { serve } from "./server.js";

test("an answer is its data, its version and its status", async (t) => {
  const asked = [];
  const home = await serve(t, async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    asked.push([request.method, request.headers["content-type"], request.headers["if-match"], body]);
    response.writeHead(201, { "Content-Type": "application/json", ETag: '"1"' }).end('{"id": 7}');
  });
  const answer = await call("PUT", `${home}/x`, { body: { a: "头" }, headers: { "If-Match": "*" } });
  assert.deepEqual(answer, { data: { id: 7 }, etag: '"1"', status: 201 });
  await call("GET", `${home}/x`);
  assert.deepEqual(asked, [
    ["PUT", "application/json", "*", '{"a":"头"}'],
    ["GET", undefined, undefined, ""],
  ]);
});

for (const [type, body, message, errors] of [
  ["application/problem+json", '{"title": "T", "detail": "D", "errors": [{"field": "f"}]}', "D", [{ field: "f" }]],
  ["application/problem+json", '{"title": "T", "errors": "no list"}', "T", []],
  ["application/json", "null", "The server answered 422.", []],
  ["application/json", "{broken", "The server answered 422.", []],
  ["text/html", "<h1>proxy</h1>", "The server answered 422.", []],
])
  test(`a refusal as ${type} ${body} can be shown`, async (t) => {
    const home = await serve(t, (_, response) => response.writeHead(422, { "Content-Type": type }).end(body));
    await assert.rejects(call("GET", home), (error) => {
      assert.ok(error instanceof Problem);
      assert.deepEqual([error.status, error.message, error.errors], [422, message, errors]);
      return true;
    });
  });

test("a line that is cut is no answer", async (t) => {
  const home = await serve(t, (request) => request.socket.destroy());
  await assert.rejects(call("GET", home), (error) => error instanceof Unreachable && error.message === "No connection to the server.");
});

test("an answer without a body is empty", async (t) => {
  const home = await serve(t, (_, response) => response.writeHead(204).end());
  assert.deepEqual(await call("DELETE", home), { data: {}, etag: null, status: 204 });
});
