/** What tokens cost, by the prices that the user gave for an endpoint. */

import type { Prices } from '../protocol/Prices';
import type { Usage } from '../protocol/Usage';

/** A price is in hundredths of a cent for a million tokens. */
const UNIT = 1e4 * 1e6;

/** The cost in whole units of the currency; none where there is no price. */
export function costOf(usage: Usage, prices: Prices | undefined): number | undefined {
  if (!prices || (prices.input === 0 && prices.output === 0)) return undefined;
  const fresh = Math.max(0, usage.input_tokens - usage.cached_input_tokens);
  // Who says no price for the cache is not told that it costs nothing.
  const cached = prices.cached_input || prices.input;
  const cost =
    fresh * prices.input + usage.cached_input_tokens * cached + usage.output_tokens * prices.output;
  return cost / UNIT;
}

/** A cost in words: as many digits as say something. */
export function costWords(cost: number): string {
  const digits = cost > 0 && cost < 1 ? Math.min(6, 1 - Math.floor(Math.log10(cost))) : 2;
  return `$${cost.toFixed(Math.max(2, digits))}`;
}

/** A price as it is written in a field, and back. */
export function priceText(price: number): string {
  return price === 0 ? '' : (price / 1e4).toFixed(4).replace(/0{1,2}$/, '');
}

/** The price that a text says; none when it says none. */
export function priceOf(text: string): number | undefined {
  const trimmed = text.trim().replace(',', '.');
  if (trimmed === '') return 0;
  if (!/^\d{0,6}(\.\d{0,4})?$/.test(trimmed) || trimmed === '.') return undefined;
  return Math.round(Number(trimmed) * 1e4);
}
