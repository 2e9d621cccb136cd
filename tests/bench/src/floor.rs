//! A client that does nothing: it sends requests and reads the replies away. What it takes is the server's share.

use crate::{Done, child::RUN_LIMIT};
use std::{
    io::{self, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

/// The end of a chunked body.
const END: &[u8] = b"\r\n0\r\n\r\n";

/// Sends the bodies one after another on one connection, each when the reply to the last has ended.
pub(crate) fn replay(server: SocketAddr, bodies: &[Vec<u8>]) -> Done<Duration> {
    let begun = Instant::now();
    let mut stream = TcpStream::connect(server).map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    stream.set_read_timeout(Some(RUN_LIMIT)).map_err(failed)?;
    for body in bodies {
        let head = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: {server}\r\ncontent-type: application/json\r\n\
             authorization: Bearer bench\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream
            .write_all(&[head.as_bytes(), body.as_slice()].concat())
            .map_err(failed)?;
        read_reply(&mut stream)?;
    }
    Ok(begun.elapsed())
}

fn read_reply(stream: &mut TcpStream) -> Done {
    let mut buffer = vec![0; 64 * 1024];
    let mut tail = Vec::new();
    while !tail.ends_with(END) {
        let count = stream.read(&mut buffer).map_err(failed)?;
        if count == 0 {
            return Err(failed(ErrorKind::UnexpectedEof.into()));
        }
        if tail.is_empty() && !buffer[..count].starts_with(b"HTTP/1.1 200") {
            let head = String::from_utf8_lossy(&buffer[..count.min(200)]);
            return Err(format!(
                "the server does not take the request from the client that does nothing: {head}"
            ));
        }
        tail.extend_from_slice(&buffer[..count]);
        tail.drain(..tail.len().saturating_sub(END.len()));
    }
    Ok(())
}

fn failed(error: io::Error) -> String {
    format!("the server's share cannot be measured: {error}")
}
