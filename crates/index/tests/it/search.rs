//! The one entry for all fronts, in a small shop written for it.

mod exact;
mod hostile;
mod ranked;
mod symbols;

use crate::{
    folder::Folder,
    index::{Indexed, age},
};
use kerf_index::{Answer, Hit, HitKind, Index, Known, Mode, Query, Wanted};
use kerf_workspace::RelPath;
use std::sync::atomic::AtomicBool;

/// A shop: what it sells, what it gives back, and what talks about it.
pub(crate) const SHOP: &[(&str, &str)] = &[
    (
        "src/money.rs",
        "//! Amounts of money.\n\n\
         /// An amount in cents.\n\
         pub struct Money { cents: i64 }\n\n\
         impl Money {\n    \
             /// Rounds to whole cents, half up.\n    \
             pub fn round_half_up(value: f64) -> Self {\n        \
                 Self { cents: (value + 0.5).floor() as i64 }\n    \
             }\n\n    \
             pub fn parse(text: &str) -> Option<Self> { None }\n\
         }\n",
    ),
    (
        "src/refund.rs",
        "use crate::money::Money;\n\n\
         // What a customer gets back.\n\
         pub fn round_refund(amount: f64) -> Money {\n    \
             // Refunds are rounded in favour of the customer.\n    \
             Money::round_half_up(amount)\n\
         }\n\n\
         pub fn issueRefund(order: u32) -> Money {\n    \
             let refund = round_refund(order as f64 * 0.1);\n    \
             refund\n\
         }\n",
    ),
    (
        "src/http/server.py",
        "class HttpServer:\n    \
             def parse(self, request):\n        \
                 \"\"\"Reads a request.\"\"\"\n        \
                 return retry_after(request)\n\n\
         def retry_after(response):\n    \
             # seconds to wait before the next attempt\n    \
             return int(response.headers['Retry-After'])\n",
    ),
    (
        "src/http/client.ts",
        "import { retryAfter } from './wait';\n\n\
         export class HttpClient {\n  \
             fetchInvoice(id: string) { return retryAfter(id, 'retryAfter'); }\n\
         }\n",
    ),
    (
        "src/http/wait.ts",
        "// retryAfter is told by the server\nexport function retryAfter(id: string, name: string) {\n  return name;\n}\n",
    ),
    (
        "tests/refund_test.rs",
        "#[test]\nfn refunds_are_rounded() {\n    let refund = round_refund(1.0);\n    assert_round_refund(refund);\n}\n",
    ),
    (
        "vendor/refund/refund.rs",
        "pub fn round_refund(amount: f64) -> f64 { amount.round() }\n// refund refund refunds rounded\n",
    ),
    (
        "docs/refunds.md",
        "# Refunds\n\nHow refunds work: a customer asks, and the shop pays.\n\n## Rounding\n\nSee the code.\n",
    ),
    ("notes.txt", "buy milk\nretry after lunch\n"),
    (".hidden/secret.rs", "pub fn hidden_refund() {}\n"),
    (
        "src/inventory.go",
        "package inventory\n\ntype Stock struct { Count int }\n\nfunc (s *Stock) Reserve(n int) error {\n\treturn nil\n}\n",
    ),
];

pub(crate) fn shop() -> (Folder, Indexed) {
    let files: Vec<(&str, &[u8])> = SHOP
        .iter()
        .map(|(path, text)| (*path, text.as_bytes()))
        .collect();
    let folder = Folder::new(&files);
    age(folder.path());
    let indexed = Indexed::of(&folder);
    (folder, indexed)
}

pub(crate) fn read(text: &str, mode: Mode) -> Query {
    Query::parse(text, mode, &Known::all()).unwrap()
}

pub(crate) fn search(index: &Index, text: &str) -> Answer {
    search_as(index, text, Mode::Words)
}

pub(crate) fn search_as(index: &Index, text: &str, mode: Mode) -> Answer {
    let query = read(text, mode);
    ask(index, &query, &[])
}

pub(crate) fn ask(index: &Index, query: &Query, recent: &[RelPath]) -> Answer {
    let wanted = Wanted {
        query,
        limit: 50,
        recent,
        hidden: false,
        ignore_case: false,
    };
    let answer = index.search(&wanted, &AtomicBool::new(false)).unwrap();
    check(&answer);
    answer
}

/// What holds of every answer.
#[track_caller]
fn check(answer: &Answer) {
    assert!(answer.hits.len() <= answer.total, "{answer:?}");
    for hit in &answer.hits {
        let mut at = 0;
        for mark in &hit.marks {
            assert!(at <= mark.start && mark.start < mark.end, "{hit:?}");
            assert!(hit.text.get(mark.clone()).is_some(), "{hit:?}");
            at = mark.end;
        }
        assert!(
            hit.line > 0 && hit.column > 0 && hit.last_line >= hit.line,
            "{hit:?}"
        );
        assert!(hit.score.is_finite(), "{hit:?}");
        assert_eq!(hit.symbol.is_some(), hit.symbol_kind.is_some(), "{hit:?}");
    }
    let ranked = |hit: &Hit| hit.kind != HitKind::Text || hit.score != 0.0;
    if answer.hits.iter().all(ranked) {
        assert!(
            answer.hits.is_sorted_by(|a, b| a.score >= b.score),
            "{answer:?}"
        );
    }
}

/// `path:line` and `[symbol]` of each hit.
pub(crate) fn places(answer: &Answer) -> Vec<String> {
    let place = |hit: &Hit| match &hit.symbol {
        Some(symbol) => format!("{}:{} {symbol}", hit.path, hit.line),
        None => format!("{}:{}", hit.path, hit.line),
    };
    answer.hits.iter().map(place).collect()
}

pub(crate) fn paths(answer: &Answer) -> Vec<String> {
    answer.hits.iter().map(|hit| hit.path.to_string()).collect()
}

/// The marked parts of a hit.
pub(crate) fn marked(hit: &Hit) -> Vec<&str> {
    hit.marks
        .iter()
        .map(|mark| &hit.text[mark.clone()])
        .collect()
}
