/** The folder that the tests of search stand on. */

export const MONEY = `//! Amounts in the smallest unit of their currency.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Money {
    pub minor: i64,
    pub currency: Currency,
}

impl Money {
    /// Splits an amount into equal parts.
    pub fn split(self, parts: u32) -> Vec<Money> {
        let total = self.minor;
        let share = div_half_even(total, parts as i64);
        let rest = total - share * parts as i64;
        (0..parts).map(|part| Money::new(share + first(part, rest), self.currency)).collect()
    }
}

/// Divides, rounding halves to the even neighbour.
fn div_half_even(n: i64, d: i64) -> i64 {
    let (q, r) = (n.div_euclid(d), n.rem_euclid(d));
    match (2 * r).cmp(&d) {
        Ordering::Greater => q + 1,
        Ordering::Equal => q + (q & 1),
        Ordering::Less => q,
    }
}
`;

export const REFUND = `use crate::money::Money;

/// A refund never rounds up.
pub fn refund(paid: Money, parts: u32) -> Vec<Money> {
    // Rounding is the money's own matter.
    paid.split(parts)
}
`;

export const FILES: Record<string, string> = {
  'crates/money/src/money.rs': MONEY,
  'crates/money/src/refund.rs': REFUND,
  'crates/money/tests/rounding.rs': `#[test]
fn rounds_half_to_even() {
    assert_eq!(div_half_even(5, 2), 2);
    assert_eq!(div_half_even(7, 2), 4);
}
`,
  'web/src/money.ts': `export function split(total: number, parts: number): number[] {
  return Array.from({ length: parts }, () => Math.round(total / parts));
}
`,
  'docs/rounding.md': '# Rounding\n\nRefunds round half to even. See `div_half_even`.\n',
  '.github/workflows/test.yml': 'on: push\njobs:\n  rounding: {}\n',
  'src/evil\u202ecod.rs': 'fn evil() { /* \u202e round */ }\n',
};
