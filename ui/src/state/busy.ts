/** Work that a part of the window waits for: it is busy meanwhile, and tells why the last of it failed. */

import { failureOf } from '../backend/backend';
import type { Failure } from '../protocol/Failure';

interface Part {
  busy: boolean;
  failure: Failure | null;
}

export async function busyWith(part: Part, work: () => Promise<unknown>) {
  part.busy = true;
  try {
    await work();
    part.failure = null;
  } catch (thrown) {
    part.failure = failureOf(thrown);
  }
  part.busy = false;
}
