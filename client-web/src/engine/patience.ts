// Calls that only look, made again for as long as the server says that they come too often: nobody need hear of that.

import { Failure } from "../api/error";

/** What a call answers, when its turn has come. */
export async function patiently<Answer>(call: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    try {
      return await call();
    } catch (thrown) {
      const { retryAfter } = Failure.from(thrown);
      if (retryAfter === undefined) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, retryAfter));
    }
  }
}
