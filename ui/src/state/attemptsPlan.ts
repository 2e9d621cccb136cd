/** What the user chose for several attempts of the next request. */

import type { AttemptBy } from '../protocol/AttemptBy';
import type { Budget } from '../protocol/Budget';
import { priceOf } from './cost';

export const MAX_ATTEMPTS = 8;

export interface AttemptsPlan {
  /** Who makes each. */
  by: AttemptBy[];
  budget: Budget;
}

interface BudgetText {
  tokens: string;
  minutes: string;
  cost: string;
}

export function budgetText(budget: Budget | undefined): BudgetText {
  const text = (n: number | null | undefined, scale = 1) => (n == null ? '' : String(n / scale));
  return {
    tokens: text(budget?.tokens),
    minutes: text(budget?.seconds, 60),
    cost: text(budget?.cost, 1e4),
  };
}

/** The budget that texts say, and what is wrong with those that say none. */
export function budgetOf(text: BudgetText) {
  const whole = (from: string) => {
    const trimmed = from.trim().replaceAll(/[\s,.]/g, '');
    if (trimmed === '') return null;
    const number = /^\d{1,12}$/.test(trimmed) ? Number(trimmed) : 0;
    return number > 0 ? number : undefined;
  };
  const tokens = whole(text.tokens);
  const minutes = whole(text.minutes);
  const price = priceOf(text.cost);
  const cost = text.cost.trim() === '' ? null : price || undefined;
  const wrong = {
    tokens: tokens === undefined ? 'A whole number' : '',
    minutes: minutes === undefined ? 'A whole number' : '',
    cost: cost === undefined ? 'As 1.50' : '',
  };
  const budget: Budget = {
    tokens: tokens ?? null,
    cost: cost ?? null,
    seconds: minutes == null ? null : minutes * 60,
  };
  return { budget, wrong, fits: Object.values(wrong).every((word) => word === '') };
}
