import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";

import { refusal } from "./media";
import { ErrorReason } from "./protocol";

test("a refused upload says why", () => {
  const body = JSON.stringify({ code: "RESOURCE_EXHAUSTED", reason: "LIMIT_REACHED", message: "your files are too many bytes" });
  const failure = refusal(413, body, null);
  expect([failure.code, failure.reason, failure.message]).toEqual([
    Code.ResourceExhausted,
    ErrorReason.LIMIT_REACHED,
    "Your files are too many bytes.",
  ]);
  expect(failure.isNo).toBe(true);
});

test("what a proxy says is understood by its status", () => {
  expect(refusal(413, "<html>", null).message).toBe("The file is too large.");
  expect(refusal(502, "", null).isMaybe).toBe(true);
  expect(refusal(429, "", "3").retryAfter).toBe(3_000);
  expect(refusal(429, "", null).retryAfter).toBe(5_000);
  expect(refusal(401, "{}", null).isSignedOut).toBe(true);
});
