import { describe, expect, test } from 'vitest';
import type { EventBody } from '../protocol/EventBody';
import type { Item } from '../protocol/Item';
import { session } from '../testing';
import { Conversation } from './conversation.svelte';

const { usage } = session();
const base = { turn_id: 't1', created_at: 0, status: 'running', step: 1, part: 1 } as const;
const told = (text: string): Item => ({ ...base, id: 'm1', type: 'agent_message', text });
const question = {
  id: 'q1',
  item_id: 'c1',
  about: { type: 'ask' as const, question: 'Which?', options: [] },
};
const asks: Item = { ...base, id: 'a1', status: 'waiting', type: 'approval', question, answer: null };
const begun: EventBody = { type: 'turn.started', turn_id: 't1', instructions: [] };
const opened: EventBody = { type: 'item.started', item: told('') };
const grew = (delta: string): EventBody => ({ type: 'item.updated', item_id: 'm1', delta });
const asked: EventBody[] = [
  { type: 'item.started', item: asks },
  { type: 'approval.requested', question },
];

/** Applies events with these numbers, or one after the other. */
function after(events: EventBody[], seqs?: number[]) {
  const conversation = new Conversation();
  events.forEach((event, at) => conversation.apply({ session_id: 's', seq: seqs?.[at] ?? at + 1, ...event }));
  const { entries, turns, running } = conversation;
  return {
    texts: entries.map(({ item }) => ('text' in item ? item.text : item.type)),
    turns: turns.map(({ state }) => state),
    question: conversation.question?.id ?? null,
    running,
  };
}

describe('events become a conversation', () => {
  const cases: [string, EventBody[], number[] | undefined, ReturnType<typeof after>][] = [
    [
      'a turn that runs',
      [begun, opened, grew('a'), grew('b')],
      undefined,
      { texts: ['ab'], turns: ['running'], question: null, running: true },
    ],
    [
      'an event that comes twice counts once',
      [begun, opened, grew('a'), grew('a')],
      [1, 2, 3, 3],
      { texts: ['a'], turns: ['running'], question: null, running: true },
    ],
    [
      'numbers may leave gaps',
      [begun, opened, grew('abc')],
      [1, 5, 90],
      { texts: ['abc'], turns: ['running'], question: null, running: true },
    ],
    [
      'a delta of an unknown item is dropped',
      [begun, grew('lost'), opened],
      undefined,
      { texts: [''], turns: ['running'], question: null, running: true },
    ],
    [
      'a question waits',
      [begun, ...asked],
      undefined,
      { texts: ['approval'], turns: ['running'], question: 'q1', running: true },
    ],
    [
      'an answer ends the question',
      [
        begun,
        ...asked,
        {
          type: 'item.completed',
          item: { ...asks, status: 'completed', answer: { type: 'text', text: 'this' } },
        },
      ],
      undefined,
      { texts: ['approval'], turns: ['running'], question: null, running: true },
    ],
    [
      'a stop ends turn and question',
      [begun, ...asked, { type: 'turn.completed', turn_id: 't1', usage, cancelled: true }],
      undefined,
      { texts: ['approval'], turns: ['cancelled'], question: null, running: false },
    ],
    [
      'a failure ends the turn',
      [
        begun,
        opened,
        { type: 'turn.failed', turn_id: 't1', usage, error: { code: 'internal', message: 'x', hint: '' } },
      ],
      undefined,
      { texts: [''], turns: ['failed'], question: null, running: false },
    ],
  ];
  test.each(cases)('%s', (_, events, seqs, expected) => {
    expect(after(events, seqs)).toEqual(expected);
  });
});
