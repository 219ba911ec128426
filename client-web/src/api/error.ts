// Why a call failed, decoded from google.rpc's details, as sentences for people.

import { Code, ConnectError } from "@connectrpc/connect";

import { ErrorReason } from "../gen/rookery/v1/error_pb";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../gen/google/rpc/error_details_pb";
import { span } from "./span";

/** Codes with which the server says no: nothing was stored, and repeating the call unchanged is of no use. */
const NO: ReadonlySet<Code> = new Set([
  Code.InvalidArgument,
  Code.NotFound,
  Code.AlreadyExists,
  Code.PermissionDenied,
  Code.ResourceExhausted,
  Code.FailedPrecondition,
  Code.OutOfRange,
  Code.Unimplemented,
  Code.Unauthenticated,
]);

/** Codes that a broken connection may have, too: then their words mean nothing to people. */
const UNCLEAR: ReadonlySet<Code> = new Set([Code.Unavailable, Code.Unknown, Code.Internal, Code.Aborted]);

/** Why a call failed. `message` is a sentence for people. */
export class Failure extends Error {
  constructor(
    readonly code: Code,
    message: string,
    /** The server's own reason; none if the failure is not the server's answer, or newer than this client. */
    readonly reason?: ErrorReason,
    /** Fields that break their rule, and what is wrong with each. */
    readonly fields: ReadonlyMap<string, string> = new Map(),
    /** How long to wait before the same call may work, in milliseconds. */
    readonly retryAfter?: number,
  ) {
    super(message);
  }

  /** Whatever was thrown, as a failure. */
  static from(thrown: unknown): Failure {
    if (thrown instanceof Failure) return thrown;
    const error = ConnectError.from(thrown);
    const [info] = error.findDetails(ErrorInfoSchema);
    const [retry] = error.findDetails(RetryInfoSchema);
    const violations = error.findDetails(BadRequestSchema).flatMap((bad) => bad.fieldViolations);
    const reason = info?.domain === "rookery" ? reasonOf(info.reason) : undefined;
    const fields = new Map(violations.map(({ field, description }) => [field, sentence(description)]));
    const retryAfter = retry?.retryDelay && span(retry.retryDelay, 0);
    return new Failure(error.code, words(error, reason), reason, fields, retryAfter);
  }

  /** The server said no. */
  get isNo(): boolean {
    return NO.has(this.code);
  }

  /** Nobody knows what came of it: repeat it with the same requestId. */
  get isMaybe(): boolean {
    return !this.isNo;
  }

  /** The session has ended or its secret is wrong: sign in again. */
  get isSignedOut(): boolean {
    return this.code === Code.Unauthenticated;
  }
}

/** A reason by its name in the protocol. */
export function reasonOf(name: string): ErrorReason | undefined {
  const value = (ErrorReason as unknown as Record<string, unknown>)[name];
  return typeof value === "number" ? value : undefined;
}

function words(error: ConnectError, reason: ErrorReason | undefined): string {
  if (error.code === Code.DeadlineExceeded) return "The server did not answer in time.";
  if (error.code === Code.Canceled) return "The connection was closed.";
  if (reason === undefined && UNCLEAR.has(error.code)) return "The server cannot be reached.";
  return sentence(error.rawMessage);
}

/** A server's words as a sentence. */
export function sentence(words: string): string {
  const [trimmed, first = ""] = [words.trim(), ...words.trim()];
  const end = /[.!?…]$/.test(trimmed) ? "" : ".";
  return first.toUpperCase() + trimmed.slice(first.length) + end;
}
