//! The three wire APIs behind one pair of functions: [`encode`] makes the request, [`decoder`] reads the stream.
//!
//! What a wire wants back unchanged travels in [`Part::Reasoning`]'s `opaque` as
//! `{"wire": …, "base": …, …}`. [`own_opaque`] is the only way to it, so data of one endpoint never reaches another.

mod anthropic;
mod chat;
mod draft;
mod responses;

use crate::{
    call::{Delta, Message, Part, Reply, Request, Target},
    error::ErrorKind,
    sse::Frame,
    vendor_error::Fault,
};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, header};
use kerf_protocol::endpoint::{Endpoint, Usage, Wire};
use secrecy::ExposeSecret;
use serde::{Serialize, Serializer};
use serde_json::{Value, json, value::RawValue};
use std::{collections::HashSet, fmt};
use url::Url;

/// A request, ready to be sent.
pub(crate) struct Encoded {
    pub(crate) url: Url,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Bytes,
}

/// What a frame meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// A sign of life without content.
    Idle,
    /// Part of the message.
    Some,
    /// The end mark: nothing comes after it.
    End,
}

/// Reads one reply of one wire.
pub(crate) trait Decode: Send {
    fn frame(&mut self, frame: &Frame, on: &mut dyn FnMut(Delta)) -> Result<Progress, Fault>;
    /// Whether the message is complete, so that only an end mark or usage can follow.
    fn complete(&self) -> bool;
    /// The reply. Called only when complete.
    fn finish(&mut self) -> Result<Reply, ErrorKind>;
    /// What there is of text and reasoning.
    fn partial(&self) -> (Vec<Part>, Option<Usage>);
}

/// The request's URL, headers and body.
pub(crate) fn encode(target: &Target, request: &Request<'_>) -> Result<Encoded, ErrorKind> {
    let endpoint = &target.endpoint;
    if endpoint.model.is_empty() {
        return Err(ErrorKind::NotConfigured {
            what: "no model is chosen".to_owned(),
        });
    }
    let (path, body) = match endpoint.wire {
        Wire::Chat => ("chat/completions", chat::encode(endpoint, request)),
        Wire::Responses => ("responses", responses::encode(endpoint, request)),
        Wire::Anthropic => ("messages", anthropic::encode(endpoint, request)),
    };
    let body = body.map_err(|error| ErrorKind::NotConfigured {
        what: format!("the request could not be written as JSON: {error}"),
    })?;
    let mut headers = headers(target)?;
    headers.push((
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    ));
    headers.push((
        header::ACCEPT,
        HeaderValue::from_static("text/event-stream"),
    ));
    Ok(Encoded {
        url: url(endpoint, path)?,
        headers,
        body: body.into(),
    })
}

/// A decoder for the reply to `request`.
pub(crate) fn decoder(endpoint: &Endpoint, request: &Request<'_>) -> Box<dyn Decode> {
    let draft = draft::Draft::new(taken_ids(request.messages));
    match endpoint.wire {
        Wire::Chat => Box::new(chat::Decoder::new(draft, endpoint)),
        Wire::Responses => Box::new(responses::Decoder::new(draft, endpoint)),
        Wire::Anthropic => Box::new(anthropic::Decoder::new(draft, endpoint)),
    }
}

fn taken_ids(messages: &[std::sync::Arc<Message>]) -> HashSet<String> {
    messages
        .iter()
        .flat_map(|message| &message.parts)
        .filter_map(|part| match part {
            Part::ToolCall { call_id, .. } => Some(call_id.clone()),
            _ => None,
        })
        .collect()
}

/// `path` beneath the base URL; a query of the base URL is kept.
pub(crate) fn url(endpoint: &Endpoint, path: &str) -> Result<Url, ErrorKind> {
    let wrong = |why: String| ErrorKind::NotConfigured {
        what: format!("the base URL `{}` is wrong: {why}", endpoint.base_url),
    };
    let mut url = Url::parse(&endpoint.base_url).map_err(|error| wrong(error.to_string()))?;
    url.path_segments_mut()
        .map_err(|()| wrong("it cannot have a path".to_owned()))?
        .pop_if_empty()
        .extend(path.split('/'));
    Ok(url)
}

/// The headers that carry the key and the API's version.
pub(crate) fn headers(target: &Target) -> Result<Vec<(HeaderName, HeaderValue)>, ErrorKind> {
    let mut headers = Vec::new();
    if target.endpoint.wire == Wire::Anthropic {
        headers.push((
            HeaderName::from_static("anthropic-version"),
            HeaderValue::from_static("2023-06-01"),
        ));
    }
    let key = target.key.as_ref().map(|key| key.expose_secret().trim());
    if let Some(key) = key.filter(|key| !key.is_empty()) {
        let (name, value) = match target.endpoint.wire {
            Wire::Chat | Wire::Responses => (
                header::AUTHORIZATION,
                HeaderValue::try_from(format!("Bearer {key}")),
            ),
            Wire::Anthropic => (
                HeaderName::from_static("x-api-key"),
                HeaderValue::try_from(key),
            ),
        };
        let mut value = value.map_err(|_| ErrorKind::NotConfigured {
            what: "the key holds characters that no key has".to_owned(),
        })?;
        value.set_sensitive(true);
        headers.push((name, value));
    }
    Ok(headers)
}

fn wire_word(wire: Wire) -> &'static str {
    match wire {
        Wire::Chat => "chat",
        Wire::Responses => "responses",
        Wire::Anthropic => "anthropic",
    }
}

/// `fields` (a JSON object) marked as belonging to this endpoint.
fn mark_opaque(endpoint: &Endpoint, fields: Value) -> Value {
    let mut opaque = json!({
        "wire": wire_word(endpoint.wire),
        "base": endpoint.base_url,
    });
    if let (Value::Object(opaque), Value::Object(fields)) = (&mut opaque, fields) {
        opaque.extend(fields);
    }
    opaque
}

/// `opaque` when this very endpoint made it.
fn own_opaque<'a>(endpoint: &Endpoint, opaque: &'a Option<Value>) -> Option<&'a Value> {
    opaque.as_ref().filter(|opaque| {
        opaque["wire"] == wire_word(endpoint.wire) && opaque["base"] == endpoint.base_url.as_str()
    })
}

/// The parts of a reply without reasoning at its end. Endpoints refuse reasoning that nothing follows, and that is
/// what a reply leaves behind that broke off or whose tool calls were dropped.
fn without_loose_end(parts: &[Part]) -> &[Part] {
    let end = parts
        .iter()
        .rposition(|part| match part {
            Part::Reasoning { .. } => false,
            Part::Text(text) => !text.trim().is_empty(),
            _ => true,
        })
        .map_or(0, |last| last + 1);
    &parts[..end]
}

/// Texts as one JSON string, an empty line between them, without joining them in memory.
struct Joined<'a>(Vec<&'a str>);

impl fmt::Display for Joined<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, text) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str("\n\n")?;
            }
            f.write_str(text)?;
        }
        Ok(())
    }
}

impl Serialize for Joined<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A tool's output for wires that have no mark for failures: the text says it.
struct Output<'a> {
    text: &'a str,
    failed: bool,
}

/// How a failed output begins on such wires.
pub(crate) const FAILED: &str = "Error: ";

impl Serialize for Output<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.failed {
            serializer.collect_str(&format_args!("{FAILED}{}", self.text))
        } else {
            serializer.serialize_str(self.text)
        }
    }
}

/// A picture as a `data:` URL.
struct DataUrl<'a>(&'a kerf_protocol::item::Image);

impl Serialize for DataUrl<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!(
            "data:{};base64,{}",
            self.0.media_type, self.0.data
        ))
    }
}

/// A call's id as a wire with rules for ids takes it: as it is, or, when it came from another wire, a stand-in that is
/// the same in every request.
struct WireId<'a>(&'a str);

impl Serialize for WireId<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fits = (1..=64).contains(&self.0.len())
            && self
                .0
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        if fits {
            return serializer.serialize_str(self.0);
        }
        // FNV-1a: short, and the same on every machine.
        let hash = self
            .0
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
            });
        serializer.collect_str(&format_args!("call_{hash:016x}"))
    }
}

/// A call's arguments as JSON instead of text. Nothing but a JSON object gets this far; anything else becomes `{}`.
struct Arguments<'a>(&'a str);

impl Serialize for Arguments<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match serde_json::from_str::<&RawValue>(self.0) {
            Ok(object) if object.get().starts_with('{') => object.serialize(serializer),
            _ => serializer.collect_map(std::iter::empty::<(&str, &str)>()),
        }
    }
}

/// Whether a schema keeps the rules of the `strict` mode, which endpoints enforce exactly but accept only for schemas
/// whose objects name all their properties, require them all and allow no others.
fn fits_strict(schema: &Value) -> bool {
    match schema {
        Value::Object(object) => {
            let closed = match object.get("properties").and_then(Value::as_object) {
                Some(properties) => {
                    let required: HashSet<&str> = object
                        .get("required")
                        .and_then(Value::as_array)
                        .into_iter()
                        .flatten()
                        .filter_map(Value::as_str)
                        .collect();
                    object.get("additionalProperties") == Some(&Value::Bool(false))
                        && properties.keys().all(|key| required.contains(key.as_str()))
                }
                None => object.get("type").and_then(Value::as_str) != Some("object"),
            };
            closed && object.values().all(fits_strict)
        }
        Value::Array(list) => list.iter().all(fits_strict),
        _ => true,
    }
}

/// The JSON of a frame; what is not JSON is not this API.
fn parse(frame: &Frame) -> Result<Value, Fault> {
    serde_json::from_str(&frame.data).map_err(|error| {
        ErrorKind::NotThisApi {
            reason: format!("an event that is not JSON ({error})"),
        }
        .into()
    })
}

/// A count of tokens; anything but a whole number that is not negative is no count.
fn count(usage: &Value, path: &[&str]) -> Option<u64> {
    path.iter()
        .try_fold(usage, |value, key| value.get(key))?
        .as_u64()
}
