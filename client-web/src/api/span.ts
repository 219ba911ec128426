// Spans of time from the protocol.

import type { Duration } from "@bufbuild/protobuf/wkt";

/** A span in milliseconds; `usual` where the server said none. */
export function span(told: Duration | undefined, usual: number): number {
  const milliseconds = told ? Number(told.seconds) * 1000 + told.nanos / 1_000_000 : 0;
  return milliseconds > 0 ? milliseconds : usual;
}
