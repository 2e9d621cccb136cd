//! Servers on this machine for tests: git over HTTP behind a name and a password, by git's own `http-backend`; and a host
//! that takes pull requests.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::Value;
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc,
    thread,
};

pub(crate) const NAME: &str = "ada";
pub(crate) const PASSWORD: &str = "correct horse battery";

/// Serves the repositories in a folder until the process ends.
pub(crate) fn serve(root: &Path) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let root = root.to_owned();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let root = root.clone();
            // A client that went away is no failure of the test.
            thread::spawn(move || drop(answer(&stream, &root)));
        }
    });
    format!("http://{address}")
}

fn answer(mut stream: &TcpStream, root: &PathBuf) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.push((name.to_lowercase(), value.to_owned())),
            None => break,
        }
    }
    let header = |wanted: &str| {
        let found = headers.iter().find(|(name, _)| name == wanted);
        found.map_or("", |(_, value)| value.as_str())
    };
    let mut body = vec![0; header("content-length").parse().unwrap_or(0)];
    reader.read_exact(&mut body)?;
    let wanted = format!(
        "Basic {}",
        BASE64_STANDARD.encode(format!("{NAME}:{PASSWORD}"))
    );
    if header("authorization") != wanted {
        stream.write_all(
            b"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"here\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        )?;
        return stream.shutdown(Shutdown::Write);
    }
    let mut words = first.split(' ');
    let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    #[expect(
        clippy::disallowed_methods,
        reason = "the server of a test is git's own"
    )]
    let mut backend = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REMOTE_USER", NAME)
        .env("REQUEST_METHOD", method)
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("CONTENT_TYPE", header("content-type"))
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("HTTP_GIT_PROTOCOL", header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    if let Some(mut input) = backend.stdin.take() {
        input.write_all(&body)?;
    }
    let said = backend.wait_with_output()?.stdout;
    let end = said
        .windows(4)
        .position(|part| part == b"\r\n\r\n")
        .unwrap_or(0);
    let head = String::from_utf8_lossy(&said[..end]).into_owned();
    let status = head
        .lines()
        .find_map(|line| line.strip_prefix("Status: "))
        .unwrap_or("200 OK");
    write!(
        stream,
        "HTTP/1.1 {status}\r\nConnection: close\r\n{head}\r\n\r\n"
    )?;
    stream.write_all(&said[(end + 4).min(said.len())..])?;
    stream.shutdown(Shutdown::Write)
}

/// What a host was sent: first line, headers, body.
pub(crate) struct Sent {
    pub(crate) line: String,
    pub(crate) headers: Vec<String>,
    pub(crate) body: Value,
}

/// A host that answers each request with the next of these.
pub(crate) fn host(answers: Vec<(u16, Value)>) -> (String, mpsc::Receiver<Sent>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (sender, sent) = mpsc::channel();
    thread::spawn(move || {
        for (status, answer) in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut lines = Vec::new();
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if line.trim_end().is_empty() {
                    break;
                }
                lines.push(line.trim_end().to_owned());
            }
            let length = lines.iter().find_map(|line| {
                line.to_lowercase()
                    .strip_prefix("content-length: ")
                    .map(str::to_owned)
            });
            let mut body = vec![0; length.unwrap().parse().unwrap()];
            reader.read_exact(&mut body).unwrap();
            let text = answer.to_string();
            write!(
                stream,
                "HTTP/1.1 {status} x\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
                text.len()
            )
            .unwrap();
            let sent = Sent {
                line: lines.remove(0),
                headers: lines,
                body: serde_json::from_slice(&body).unwrap(),
            };
            sender.send(sent).unwrap();
        }
    });
    (address, sent)
}
