import { describe, expect, test } from 'vitest';
import { costOf, costWords, priceOf, priceText } from './cost';

const usage = {
  input_tokens: 1_000_000,
  cached_input_tokens: 400_000,
  cache_write_tokens: 0,
  output_tokens: 100_000,
  reasoning_tokens: 0,
  estimated: false,
};

describe('cost', () => {
  test('counts what came from the cache at its own price', () => {
    expect(costOf(usage, { input: 30_000, cached_input: 3_000, output: 150_000 })).toBeCloseTo(
      1.8 + 0.12 + 1.5,
    );
  });

  test('counts what came from the cache as sent where it has no price', () => {
    expect(costOf(usage, { input: 30_000, cached_input: 0, output: 0 })).toBeCloseTo(3);
  });

  test('is not known without a price', () => {
    expect(costOf(usage, undefined)).toBeUndefined();
    expect(costOf(usage, { input: 0, cached_input: 0, output: 0 })).toBeUndefined();
  });

  test.each([
    [0, '$0.00'],
    [0.0042, '$0.0042'],
    [0.5, '$0.50'],
    [12.345, '$12.35'],
  ])('%f is said as %s', (cost, words) => expect(costWords(cost)).toBe(words));
});

describe('a price', () => {
  test.each([
    ['3', 30_000, '3.00'],
    ['0.075', 750, '0.075'],
    ['0,0375', 375, '0.0375'],
    ['', 0, ''],
  ])('%s is understood', (text, price, shown) => {
    expect(priceOf(text)).toBe(price);
    expect(priceText(price)).toBe(shown);
  });

  test.each(['three', '-1', '1.23456', '.', '12345678'])('%s is none', (text) =>
    expect(priceOf(text)).toBeUndefined(),
  );
});
