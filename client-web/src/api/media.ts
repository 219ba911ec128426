// Files over HTTP: where their bytes are, and how they get to the server. `POST /media` rather than a call of the protocol,
// because a browser can send a file from its disk that way, and tells how far it is.

import { fromJsonString } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";

import { Failure, reasonOf, sentence } from "./error";
import { type Media, MediaSchema } from "./protocol";

/** How far an upload is, in bytes. */
export type OnProgress = (sent: number, total: number) => void;

/** Keeps a file on the server. What it throws is a Failure. */
export type Upload = (content: Blob, name: string, onProgress?: OnProgress, signal?: AbortSignal) => Promise<Media>;

/** An upload that has not moved for so long is dead. */
const SILENCE = 30_000;

/** The file itself. */
export const fileUrl = (id: string) => `/media/${id}`;

/** A picture's first frame, at most 480 pixels a side. */
export const thumbnailUrl = (id: string) => `/media/${id}/thumbnail`;

/** Sends it in one piece. */
export const upload: Upload = (content, name, onProgress, signal) =>
  new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const expect = () => {
      clearTimeout(timer);
      timer = setTimeout(() => request.abort(), SILENCE);
    };
    const abort = () => request.abort();
    const unclear = () => reject(new Failure(Code.Unavailable, "The server cannot be reached."));
    request.upload.onprogress = ({ loaded, total }) => {
      expect();
      onProgress?.(loaded, total);
    };
    request.onload = () => {
      try {
        if (request.status === 200) resolve(fromJsonString(MediaSchema, request.responseText, { ignoreUnknownFields: true }));
        else reject(refusal(request.status, request.responseText, request.getResponseHeader("retry-after")));
      } catch {
        unclear();
      }
    };
    request.onerror = request.onabort = unclear;
    request.onloadend = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    };
    if (signal?.aborted) return unclear();
    signal?.addEventListener("abort", abort);
    request.open("POST", "/media");
    request.setRequestHeader("x-rookery-name", encodeURIComponent(name.replace(/\p{Surrogate}/gu, "\uFFFD")));
    request.setRequestHeader("content-type", "application/octet-stream");
    expect();
    // Without its type: the server looks at the content, and the header above is the same for all.
    request.send(content.type ? content.slice(0, content.size, "") : content);
  });

/** What a status means where the answer does not say more, as behind a proxy that refuses by itself. */
const CODES: Readonly<Record<number, Code>> = {
  400: Code.InvalidArgument,
  401: Code.Unauthenticated,
  403: Code.PermissionDenied,
  404: Code.NotFound,
  413: Code.ResourceExhausted,
  429: Code.ResourceExhausted,
};

/** The server's no, decoded: `{"code", "reason", "message"}`. */
export function refusal(status: number, body: string, retryAfter: string | null): Failure {
  let said: { code?: unknown; reason?: unknown; message?: unknown } = {};
  try {
    said = JSON.parse(body) as typeof said;
  } catch {
    // Not the server's own words.
  }
  const named = typeof said.code === "string" ? codeOf(said.code) : undefined;
  const code = named ?? CODES[status] ?? Code.Unavailable;
  const usual = status === 413 ? "The file is too large." : "The file could not be uploaded.";
  const words = typeof said.message === "string" && said.message !== "" ? sentence(said.message) : usual;
  const reason = typeof said.reason === "string" ? reasonOf(said.reason) : undefined;
  const wait = Number(retryAfter ?? Number.NaN) * 1_000;
  const tooMany = status === 429 ? 5_000 : undefined;
  return new Failure(code, words, reason, new Map(), Number.isFinite(wait) && wait > 0 ? wait : tooMany);
}

/** A code by its name in the protocol, as in RESOURCE_EXHAUSTED. */
function codeOf(name: string): Code | undefined {
  const camel = name.toLowerCase().replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const value = (Code as unknown as Record<string, unknown>)[camel];
  return typeof value === "number" ? value : undefined;
}
