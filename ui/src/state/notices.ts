/** What the system tells the user of a task while the window is not in front. */

import type { Event } from '../protocol/Event';
import type { QuestionAbout } from '../protocol/QuestionAbout';

/** What to say of an event; null: nothing. */
export function noticeOf(event: Event): string | null {
  switch (event.type) {
    case 'approval.requested':
      return asked(event.question.about);
    case 'turn.completed':
      // Who stopped a task knows that it ended.
      return event.cancelled ? null : 'Done';
    case 'turn.failed':
      return `Stopped: ${event.error.message}`;
    default:
      return null;
  }
}

/** Says that it asks, without what it asks about: a notice is seen by everyone who sees the screen. */
function asked(about: QuestionAbout): string {
  if (about.type === 'interrupted') return 'Stopped in the middle and waits for you';
  return about.type === 'ask' ? 'Asks you a question' : 'Asks for your approval';
}
