//! `model-server SCRIPT.json [--port N] [--record FILE]`: the scripted model server for shells and benches.
//!
//! Prints its base URL on one line and runs until its standard input closes. With `--record` it writes, at the
//! end, one JSON line a request: method, path, headers, body as text, connection and outcome. `SCRIPT.json` may
//! be `-` for a script that answers every request with "ok".

use kerf_test_support::{ModelServer, Recorded, Script, Turn};
use serde_json::{Value, json};
use std::error::Error;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::process::ExitCode;

const USAGE: &str = "usage: model-server SCRIPT.json|- [--port N] [--record FILE]";

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("model-server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut arguments: impl Iterator<Item = String>) -> Result<(), Box<dyn Error>> {
    let path = arguments.next().ok_or(USAGE)?;
    let (mut port, mut record) = (0, None);
    while let Some(option) = arguments.next() {
        let value = arguments.next().ok_or(USAGE)?;
        match option.as_str() {
            "--port" => port = value.parse()?,
            "--record" => record = Some(value),
            _ => return Err(USAGE.into()),
        }
    }
    let script = if path == "-" {
        Script::new().otherwise(Turn::text("ok"))
    } else {
        let text = std::fs::read_to_string(&path)
            .map_err(|error| format!("cannot read `{path}`: {error}"))?;
        Script::from_json(&text).map_err(|error| format!("`{path}` is no script: {error}"))?
    };
    let server = ModelServer::start_on(script, port);
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{}", server.base_url())?;
    stdout.flush()?;
    std::io::copy(&mut std::io::stdin().lock().by_ref(), &mut std::io::sink())?;
    if let Some(path) = record {
        let mut lines = String::new();
        for request in server.requests() {
            writeln!(lines, "{}", line(&request))?;
        }
        std::fs::write(&path, lines).map_err(|error| format!("cannot write `{path}`: {error}"))?;
    }
    Ok(())
}

fn line(request: &Recorded) -> Value {
    let headers: Vec<Value> = request
        .headers
        .iter()
        .map(|(name, value)| json!([name.as_str(), String::from_utf8_lossy(value.as_bytes())]))
        .collect();
    json!({
        "method": request.method.as_str(),
        "path": request.path,
        "headers": headers,
        "body": String::from_utf8_lossy(&request.body),
        "connection": request.connection,
        "outcome": format!("{:?}", request.outcome).to_lowercase(),
    })
}
