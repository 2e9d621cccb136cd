//! A small HTTP client on a plain socket: it shows exactly what came, also when it is not whole.

use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

pub(crate) struct Answer {
    /// All bytes, as they came.
    pub(crate) raw: Vec<u8>,
    pub(crate) head: String,
    /// The body without its chunk frames.
    pub(crate) body: Vec<u8>,
    /// Whether HTTP saw the body's end.
    pub(crate) whole: bool,
    /// Whether the connection ended with an error instead of an orderly close.
    pub(crate) reset: bool,
}

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .unwrap_or(0)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("UTF-8")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// The events: name (empty without one) and data.
    pub(crate) fn events(&self) -> Vec<(String, String)> {
        let text = self.text().replace("\r\n", "\n").replace('\r', "\n");
        let blocks = text
            .split("\n\n")
            .filter(|block| !block.is_empty() && !block.starts_with(':'));
        blocks
            .map(|block| {
                let field = |name: &str| {
                    block
                        .lines()
                        .find_map(|line| line.strip_prefix(name))
                        .unwrap_or_default()
                };
                (field("event: ").to_owned(), field("data: ").to_owned())
            })
            .collect()
    }

    /// The data of every event but `[DONE]`.
    pub(crate) fn data(&self) -> Vec<Value> {
        let events = self.events();
        let data = events.iter().filter(|(_, data)| data != "[DONE]");
        data.map(|(_, data)| serde_json::from_str(data).expect("JSON"))
            .collect()
    }
}

pub(crate) const CHAT: &str = "/v1/chat/completions";
pub(crate) const RESPONSES: &str = "/v1/responses";
pub(crate) const MESSAGES: &str = "/v1/messages";
pub(crate) const ALL: [&str; 3] = [CHAT, RESPONSES, MESSAGES];

/// A good request for a wire, with this user text.
pub(crate) fn request(path: &str, text: &str) -> Value {
    let messages = json!([{"role": "user", "content": text}]);
    match path {
        CHAT => {
            json!({"model": "m", "stream": true, "messages": messages, "stream_options": {"include_usage": true}})
        }
        RESPONSES => json!({"model": "m", "stream": true, "input": messages}),
        _ => json!({"model": "m", "stream": true, "messages": messages, "max_tokens": 100}),
    }
}

pub(crate) fn ask(address: SocketAddr, path: &str) -> Answer {
    post(address, path, &request(path, "hello"), "")
}

pub(crate) fn post(address: SocketAddr, path: &str, body: &Value, headers: &str) -> Answer {
    let mut stream = open(address, path, body, headers);
    read(&mut stream)
}

/// Sends a request and leaves the answer to be read.
pub(crate) fn open(address: SocketAddr, path: &str, body: &Value, headers: &str) -> TcpStream {
    let body = body.to_string();
    let mut stream = TcpStream::connect(address).expect("the server listens");
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nanthropic-version: 2023-06-01\r\nconnection: close\r\n"
    );
    write!(
        stream,
        "{head}content-length: {length}\r\n{headers}\r\n{body}"
    )
    .expect("the server reads");
    stream
}

pub(crate) fn get(address: SocketAddr, path: &str, headers: &str) -> Answer {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n"
    )
    .expect("the server reads");
    read(&mut stream)
}

/// Reads until the connection ends.
pub(crate) fn read(stream: &mut TcpStream) -> Answer {
    let mut raw = Vec::new();
    let reset = stream.read_to_end(&mut raw).is_err();
    let Some(at) = raw.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Answer {
            raw,
            head: String::new(),
            body: Vec::new(),
            whole: false,
            reset,
        };
    };
    let head = String::from_utf8_lossy(&raw[..at]).into_owned();
    let rest = &raw[at + 4..];
    let (body, whole) = if head
        .to_ascii_lowercase()
        .contains("transfer-encoding: chunked")
    {
        unchunk(rest)
    } else {
        (rest.to_vec(), true)
    };
    Answer {
        head,
        body,
        whole,
        reset,
        raw,
    }
}

fn unchunk(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(at) = rest.windows(2).position(|window| window == b"\r\n") {
        let size = std::str::from_utf8(&rest[..at]).expect("a chunk size");
        let size = usize::from_str_radix(size, 16).expect("a chunk size");
        if size == 0 {
            return (body, true);
        }
        let chunk = &rest[at + 2..];
        body.extend_from_slice(&chunk[..size.min(chunk.len())]);
        rest = chunk.get(size + 2..).unwrap_or_default();
    }
    (body, false)
}
