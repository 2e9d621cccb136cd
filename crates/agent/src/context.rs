//! How full the context is, counted by the endpoint's own usage and estimated in between.

use kerf_protocol::{endpoint::Usage, event::ContextUse};

/// What is assumed of an endpoint that does not tell its window.
const DEFAULT_WINDOW: u64 = 128_000;
/// Bytes a token, until the endpoint's usage tells better. Code is denser than prose.
const DEFAULT_BYTES_PER_TOKEN: f64 = 3.4;
/// Above this part of the window old outputs are trimmed, then the history is summarised.
const FULL: f64 = 0.85;
/// What trimming goes down to, so that it is seldom needed: each trim costs the endpoint's cache.
const AFTER_TRIM: f64 = 0.55;
/// How much of the window stays word for word beside a summary.
const TAIL: f64 = 0.25;

/// Counts tokens.
#[derive(Debug)]
pub(crate) struct Meter {
    window: u64,
    bytes_per_token: f64,
}

/// A smaller count of a request is no count: the system prompt alone is longer.
const LEAST_COUNT: u64 = 100;

impl Meter {
    pub(crate) fn new(window: Option<u64>) -> Self {
        Self {
            window: window
                .filter(|&window| window > 0)
                .unwrap_or(DEFAULT_WINDOW),
            bytes_per_token: DEFAULT_BYTES_PER_TOKEN,
        }
    }

    /// The model's window, in tokens.
    pub(crate) fn window(&self) -> u64 {
        self.window
    }

    /// Learns from a request of `bytes` what a token is worth there.
    pub(crate) fn learn(&mut self, bytes: usize, usage: &Usage) {
        if counts(usage) {
            self.bytes_per_token = (bytes as f64 / usage.input_tokens as f64).clamp(1.0, 12.0);
        }
    }

    /// The endpoint said that `bytes` are too many.
    pub(crate) fn learn_too_many(&mut self, bytes: usize) {
        self.window = self.window.min((self.tokens(bytes) as f64 * 0.9) as u64);
    }

    pub(crate) fn tokens(&self, bytes: usize) -> u64 {
        (bytes as f64 / self.bytes_per_token) as u64
    }

    /// How full the context is after a reply: what the endpoint counted of the request and the reply, or else an
    /// estimate from `bytes`, which are both together.
    pub(crate) fn context(&self, bytes: usize, usage: Option<&Usage>) -> ContextUse {
        let counted = usage.filter(|usage| counts(usage));
        ContextUse {
            tokens: counted.map_or_else(
                || self.tokens(bytes),
                |usage| usage.input_tokens.saturating_add(usage.output_tokens),
            ),
            window: self.window,
            estimated: counted.is_none(),
        }
    }

    pub(crate) fn is_full(&self, bytes: usize) -> bool {
        self.tokens(bytes) as f64 > self.window as f64 * FULL
    }

    /// In bytes: what trimming aims at.
    pub(crate) fn trim_target(&self) -> usize {
        (self.window as f64 * AFTER_TRIM * self.bytes_per_token) as usize
    }

    /// In bytes: what stays word for word.
    pub(crate) fn tail(&self) -> usize {
        (self.window as f64 * TAIL * self.bytes_per_token) as usize
    }
}

/// Whether a usage is the endpoint's own count.
fn counts(usage: &Usage) -> bool {
    usage.input_tokens > LEAST_COUNT && !usage.estimated
}

/// Adds up the tokens of several requests.
pub(crate) fn add(total: &mut Usage, usage: &Usage) {
    total.input_tokens += usage.input_tokens;
    total.cached_input_tokens += usage.cached_input_tokens;
    total.cache_write_tokens += usage.cache_write_tokens;
    total.output_tokens += usage.output_tokens;
    total.reasoning_tokens += usage.reasoning_tokens;
    total.estimated |= usage.estimated;
}
