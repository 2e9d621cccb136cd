//! What endpoints say when they fail, as a kind. Codes and types decide; words only where a vendor has no code.

use crate::error::ErrorKind;
use serde_json::Value;
use std::time::Duration;

/// A failed try: what happened, and whether the same request may be sent again.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) kind: ErrorKind,
    /// A later try may succeed.
    pub(crate) again: bool,
    /// The wait that the endpoint asked for.
    pub(crate) wait: Option<Duration>,
}

impl From<ErrorKind> for Fault {
    fn from(kind: ErrorKind) -> Self {
        Self {
            kind,
            again: false,
            wait: None,
        }
    }
}

impl Fault {
    pub(crate) fn again(kind: ErrorKind) -> Self {
        Self {
            again: true,
            ..kind.into()
        }
    }
}

/// Codes and types that mean: the conversation is too long.
const CONTEXT_CODES: &[&str] = &[
    "context_length_exceeded",
    "context_window_exceeded",
    "exceed_context_size_error",
    "model_context_window_exceeded",
    "request_too_large",
    "string_above_max_length",
];

/// Words for the same, of endpoints that give no code for it. Lower case. The only place where words decide.
const CONTEXT_WORDS: &[&str] = &[
    "prompt is too long",
    "exceed context limit",
    "maximum context length",
    "maximum prompt length",
    "exceeds the context window",
    "exceeds the available context size",
    "exceeds the context length",
    "longer than the model's context length",
    "with context length of only",
    "input token count exceeds the maximum",
    "exceeds the maximum number of tokens",
    "reduce the length of the messages",
    "too many input tokens",
    "context size has been exceeded",
];

const QUOTA_CODES: &[&str] = &[
    "insufficient_quota",
    "billing_error",
    "billing_hard_limit_reached",
    "billing_not_active",
    "insufficient_balance",
];

const REFUSAL_CODES: &[&str] = &[
    "content_filter",
    "content_policy_violation",
    "ResponsibleAIPolicyViolation",
    "invalid_prompt",
    "PROHIBITED_CONTENT",
];

const KEY_CODES: &[&str] = &[
    "authentication_error",
    "permission_error",
    "invalid_api_key",
    "API_KEY_INVALID",
    "UNAUTHENTICATED",
];

const RATE_CODES: &[&str] = &[
    "rate_limit_error",
    "rate_limit_exceeded",
    "rate_limited",
    "too_many_requests",
    "RESOURCE_EXHAUSTED",
];

const PASSING_CODES: &[&str] = &[
    "overloaded_error",
    "overloaded",
    "api_error",
    "server_error",
    "internal_error",
    "timeout_error",
    "UNAVAILABLE",
    "INTERNAL",
];

/// The parts of an error body that are worth reading, whoever sent it.
struct Told {
    codes: Vec<String>,
    message: String,
    wait: Option<Duration>,
}

fn read(body: &Value) -> Told {
    // Some send a list of one.
    let body = body
        .as_array()
        .and_then(|list| list.first())
        .unwrap_or(body);
    let error = body
        .get("error")
        .filter(|error| !error.is_null())
        .unwrap_or(body);
    let mut codes = Vec::new();
    let mut wait = None;
    for key in ["code", "type", "status"] {
        for holder in [error, body] {
            match holder.get(key) {
                Some(Value::String(code)) => codes.push(code.clone()),
                Some(Value::Number(code)) => codes.push(code.to_string()),
                _ => {}
            }
        }
    }
    for detail in error
        .get("details")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        if let Some(reason) = detail.get("reason").and_then(Value::as_str) {
            codes.push(reason.to_owned());
        }
        wait = wait.or_else(|| {
            let seconds = detail.get("retryDelay")?.as_str()?.strip_suffix('s')?;
            Duration::try_from_secs_f64(seconds.parse().ok()?).ok()
        });
    }
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    };
    let message = [
        error.get("message"),
        body.get("message"),
        body.get("detail"),
        Some(error),
    ]
    .into_iter()
    .flatten()
    .find_map(text)
    .unwrap_or_default();
    Told {
        codes,
        message,
        wait,
    }
}

/// Whether `body` is how endpoints say that something failed.
pub(crate) fn is_error(body: &Value) -> bool {
    let body = body
        .as_array()
        .and_then(|list| list.first())
        .unwrap_or(body);
    body.get("error").is_some_and(|error| !error.is_null())
        || body.get("type").and_then(Value::as_str) == Some("error")
        || (body.get("detail").is_some() && body.get("choices").is_none())
}

/// The fault of an answer with an HTTP error.
pub(crate) fn from_status(status: u16, body: &str) -> Fault {
    let json: Option<Value> = serde_json::from_str(body).ok();
    let told = match &json {
        Some(json) => read(json),
        None if looks_like_html(body) => Told {
            codes: Vec::new(),
            message: "an HTML page".to_owned(),
            wait: None,
        },
        None => Told {
            codes: Vec::new(),
            message: body.trim().to_owned(),
            wait: None,
        },
    };
    let message = if told.message.is_empty() {
        "no explanation".to_owned()
    } else {
        told.message.clone()
    };
    if let Some(kind) = by_code(&told, &message, Some(status)) {
        return kind.into();
    }
    let words_count = matches!(status, 400 | 413 | 422 | 500);
    if status == 413 || (words_count && has_context_words(&message)) {
        return ErrorKind::ContextFull { message }.into();
    }
    let html = json.is_none() && looks_like_html(body);
    let kind = match status {
        401 | 403 if status == 401 || !html => ErrorKind::Unauthorized { message },
        429 => ErrorKind::RateLimited {
            retry_after: told.wait,
            message,
        },
        300..=399 => ErrorKind::NotThisApi {
            reason: format!("a redirect (status {status}), which Kerf does not follow"),
        },
        400..=407 if html => ErrorKind::NotThisApi {
            reason: format!("an HTML page with status {status}"),
        },
        code => ErrorKind::Status { code, message },
    };
    Fault {
        again: matches!(status, 408 | 409 | 429 | 500 | 502 | 503 | 504 | 529),
        wait: told.wait,
        kind,
    }
}

/// The fault of an error inside a stream that began well.
pub(crate) fn from_body(body: &Value) -> Fault {
    let told = read(body);
    let message = told.message.clone();
    if let Some(kind) = by_code(&told, &message, None) {
        return kind.into();
    }
    if has_context_words(&message) {
        return ErrorKind::ContextFull { message }.into();
    }
    let has = |known: &[&str]| told.codes.iter().any(|code| known.contains(&code.as_str()));
    let status = told
        .codes
        .iter()
        .find_map(|code| code.parse::<u16>().ok())
        .unwrap_or(0);
    if has(RATE_CODES) || status == 429 {
        return Fault {
            wait: told.wait,
            ..Fault::again(ErrorKind::RateLimited {
                retry_after: told.wait,
                message,
            })
        };
    }
    if status == 401 || status == 403 {
        return ErrorKind::Unauthorized { message }.into();
    }
    Fault {
        kind: ErrorKind::InBand { message },
        again: has(PASSING_CODES) || (500..600).contains(&status),
        wait: told.wait,
    }
}

/// The kinds that a code or a type alone decides. None of them is worth a second try.
fn by_code(told: &Told, message: &str, status: Option<u16>) -> Option<ErrorKind> {
    let has = |known: &[&str]| told.codes.iter().any(|code| known.contains(&code.as_str()));
    let message = message.to_owned();
    if has(CONTEXT_CODES) {
        Some(ErrorKind::ContextFull { message })
    } else if has(KEY_CODES) {
        Some(ErrorKind::Unauthorized { message })
    } else if has(REFUSAL_CODES) {
        Some(ErrorKind::Refused { message })
    } else if has(QUOTA_CODES) {
        Some(match status {
            Some(code) => ErrorKind::Status { code, message },
            None => ErrorKind::InBand { message },
        })
    } else {
        None
    }
}

fn has_context_words(message: &str) -> bool {
    let message = message.to_lowercase();
    CONTEXT_WORDS.iter().any(|words| message.contains(words))
}

/// Whether a body begins like a page for people.
pub(crate) fn looks_like_html(body: &str) -> bool {
    body.trim_start_matches('\u{feff}')
        .trim_start()
        .starts_with('<')
}
