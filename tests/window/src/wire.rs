//! The wire of WebDriver: JSON over HTTP on this machine, one connection a call.

use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// A call that has no answer by then never has one.
const LIMIT: Duration = Duration::from_secs(60);

/// The value that the driver answers with, or what it says is wrong.
pub(crate) fn call(
    driver: SocketAddr,
    method: &str,
    path: &str,
    body: &Value,
) -> Result<Value, String> {
    let io = |error: std::io::Error| format!("{method} {path}: {error}");
    let mut stream = TcpStream::connect(driver).map_err(io)?;
    stream.set_read_timeout(Some(LIMIT)).map_err(io)?;
    let body = if method == "POST" {
        body.to_string()
    } else {
        String::new()
    };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {driver}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).map_err(io)?;
    let mut answer = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        answer.read_line(&mut line).map_err(io)?;
        let line = line.trim().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if line.is_empty() {
            break;
        }
    }
    let mut bytes = vec![0; length];
    answer.read_exact(&mut bytes).map_err(io)?;
    let mut answer: Value = serde_json::from_slice(&bytes)
        .map_err(|error| format!("{method} {path}: the answer is no JSON: {error}"))?;
    let value = answer["value"].take();
    match value["error"].as_str() {
        Some(error) => Err(format!("{method} {path}: {error}: {}", value["message"])),
        None => Ok(value),
    }
}
