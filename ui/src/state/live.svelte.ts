/**
 * A question that is asked while one types: the newest alone counts. At most one is asked in a frame, and an answer
 * that was overtaken is dropped. The last answer stays until the next one comes, so that a list does not blink.
 */

import { failureOf } from '../backend/backend';
import type { Failure } from '../protocol/Failure';

export class Live<Asked, Answer> {
  /** What is asked now; null: nothing. */
  asked: Asked | null = $state.raw(null);
  /** What `answer` or `failure` belongs to. */
  answered: Asked | null = $state.raw(null);
  answer: Answer | null = $state.raw(null);
  failure: Failure | null = $state.raw(null);
  /** Whether the answer to what is asked now is still to come. */
  waiting: boolean = $derived(this.asked !== this.answered);

  #carry: (asked: Asked) => Promise<Answer>;
  #frame = 0;
  #told: (() => void)[] = [];

  constructor(carry: (asked: Asked) => Promise<Answer>) {
    this.#carry = carry;
  }

  /** Asks in the next frame; null forgets what was asked and what was answered. */
  ask(asked: Asked | null) {
    this.asked = asked;
    if (asked === null) {
      this.answered = null;
      this.answer = null;
      this.failure = null;
      this.#tell();
      return;
    }
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      void this.#run();
    });
  }

  /** Resolves when nothing is waited for. */
  settled(): Promise<void> {
    if (!this.waiting) return Promise.resolve();
    return new Promise((resolve) => this.#told.push(resolve));
  }

  async #run() {
    const { asked } = this;
    if (asked === null) return;
    let answer: Answer | null = null;
    let failure: Failure | null = null;
    try {
      answer = await this.#carry(asked);
    } catch (thrown) {
      failure = failureOf(thrown);
    }
    if (this.asked !== asked) return;
    this.answer = answer;
    this.failure = failure;
    this.answered = asked;
    this.#tell();
  }

  #tell() {
    const told = this.#told;
    this.#told = [];
    told.forEach((tell) => tell());
  }
}
