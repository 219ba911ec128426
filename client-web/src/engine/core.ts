// What the parts of the engine share.

import type { Api } from "../api/transport";
import type { State } from "../state/state";
import type { Update } from "../state/update";
import type { Ambient } from "./ambient";

/** The engine, as its parts see it. */
export interface Core {
  readonly api: Api;
  readonly ambient: Ambient;
  /** Made of the very updates that are emitted; the parts decide by it. */
  readonly state: State;
  /** Ready has come on the present stream. */
  readonly ready: boolean;
  /** Everything that the reducer is to know goes through here, in order. */
  emit(update: Update): void;
  /** There may be something to do. */
  wake(): void;
}

/** The earliest of some moments; none if there is none. */
export function earliest(moments: Iterable<number | undefined>): number | undefined {
  let first: number | undefined;
  for (const moment of moments) {
    if (moment !== undefined && (first === undefined || moment < first)) first = moment;
  }
  return first;
}
