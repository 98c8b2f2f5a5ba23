import assert from "node:assert/strict";
import { test } from "node:test";

import { boundaryOf, find, parts } from "/static/js/viewer/multipart.js";
import { chance } from "../chance.js";

const bytes = (text) => new TextEncoder().encode(text);
const texts = (found) => found.map(({ body }) => new TextDecoder().decode(body));
const TYPE = 'multipart/related; type="application/octet-stream"; boundary=b';

test("an answer is taken apart, with its headers", () => {
  const found = parts(bytes("preamble\r\n--b\r\nContent-Type: a/b\r\nX-Y:  z \r\n\r\nfirst\r\n--b\r\n\r\n\r\n--b--\r\nepilogue"), TYPE);
  assert.deepEqual(texts(found), ["first", ""]);
  assert.deepEqual(found[0].headers, { "content-type": "a/b", "x-y": "z" });
});

test("a line that begins with the boundary ends the part, whatever follows on the line (RFC 2046)", () => {
  const found = parts(bytes("--b\r\nContent-Type: a/b\r\n\r\nfirst\r\n--b-not-yet\r\n--b\r\nX: 1\r\n\r\n\r\n--b--\r\n"), TYPE);
  assert.equal(texts(found)[0], "first");
});

test("an answer that is not multipart is one part", () => {
  const found = parts(new Uint8Array([1, 2]), "application/octet-stream");
  assert.deepEqual(found, [{ headers: { "content-type": "application/octet-stream" }, body: new Uint8Array([1, 2]) }]);
  assert.equal(parts(new Uint8Array([1]), null).length, 1);
});

for (const [type, boundary] of [
  ['multipart/related; boundary="a b;c"', "a b;c"],
  ["multipart/related; Boundary=x; type=y", "x"],
  ["multipart/related", null],
  [null, null],
])
  test(`the boundary of ${type} is ${boundary}`, () => assert.equal(boundaryOf(type), boundary));

test("a cut answer is refused and never hangs", () => {
  const whole = "--b\r\nContent-Type: a/b\r\n\r\n0123456789\r\n--b--\r\n";
  for (let length = 0; length < whole.length; length += 1) {
    let bodies;
    try {
      bodies = parts(bytes(whole.slice(0, length)), TYPE).map(({ body }) => body.length);
    } catch (error) {
      assert.match(error.message, /^multipart answer (is cut off|has no part)$/);
      continue;
    }
    assert.ok(length >= whole.length - 4, `${length} bytes give ${bodies}`);
    assert.deepEqual(bodies, [10]);
  }
});

test("any bytes come out as they went in", () => {
  const random = chance(2046);
  for (let round = 0; round < 200; round += 1) {
    const bodies = Array.from({ length: 1 + Math.floor(random() * 4) }, () =>
      Uint8Array.from({ length: Math.floor(random() * 40) }, () => [13, 10, 45, 98, 0, 255][Math.floor(random() * 6)]),
    );
    const mark = "0f9c6f4a";
    const sent = bodies.flatMap((body) => [...bytes(`\r\n--${mark}\r\nX: 1\r\n\r\n`), ...body]);
    const found = parts(Uint8Array.from([...sent, ...bytes(`\r\n--${mark}--`)]), `multipart/related; boundary=${mark}`);
    assert.deepEqual(
      found.map(({ body }) => [...body]),
      bodies.map((body) => [...body]),
    );
  }
});

test("what is looked for is found where it begins first, at the very end too", () => {
  assert.equal(find(bytes("aaab"), bytes("aab")), 1);
  assert.equal(find(bytes("aaab"), bytes("b")), 3);
  assert.equal(find(bytes("aaab"), bytes("aab"), 2), -1);
  assert.equal(find(bytes(""), bytes("a")), -1);
});

test("an answer of a million boundaries has an end", () => {
  assert.equal(parts(bytes("\r\n--b\r\n\r\n".repeat(5000)), TYPE).length, 1000);
});
