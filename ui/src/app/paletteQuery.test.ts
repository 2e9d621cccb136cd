import { expect, test } from 'vitest';
import { readQuery } from './paletteQuery';

const F = '/projects/ledgerd';

test.each([
  ['', { only: null, words: '', line: null }],
  ['  split ', { only: null, words: 'split', line: null }],
  ['>ledger', { only: 'commands', words: 'ledger', line: null }],
  [' > new task', { only: 'commands', words: 'new task', line: null }],
  ['@Money::split', { only: 'symbols', words: 'Money::split', line: null }],
  ['/"minor units"', { only: 'text', words: '"minor units"', line: null }],
  ['?refund', { only: 'history', words: 'refund', line: null }],
  ['money.rs:41', { only: null, words: 'money.rs', line: 41 }],
  ['money.rs:41:7:', { only: null, words: 'money.rs', line: 41 }],
  ['money.rs:0', { only: null, words: 'money.rs', line: 1 }],
  // Two colons belong to a name.
  ['Money::3', { only: null, words: 'Money::3', line: null }],
  [`${F}/src/money.rs:9`, { only: null, words: 'src/money.rs', line: 9 }],
  [`${F}/@types/a.ts`, { only: null, words: '@types/a.ts', line: null }],
])('reads %j', (typed, expected) => expect(readQuery(typed, F)).toEqual(expected));
