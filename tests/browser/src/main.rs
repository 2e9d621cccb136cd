//! For tests only: the interface in a plain browser, at a loopback server around the engine.
//!
//! `ui-server [--ui FOLDER] [--script FILE]` serves the built interface, requests by `POST /rpc` and events by
//! server-sent events from `/events`. It prints its address on one line and runs until its standard input closes.
//! With `--script` it plays the model too (`crates/test-support/SCRIPT.md`) and prints that address on a second line;
//! without it `KERF_BASE_URL` names the model as for the command line. `KERF_HOME` should name a new folder.
//!
//! The product has nothing like it: the engine opens no port. It listens on this machine alone, for requests that
//! name its own address, so that no page of the web can reach it.
//!
//! Start with [`main`]; `answer.rs` is what it answers.

mod answer;

use answer::Site;
use anyhow::{Context, bail};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use kerf_engine::{Engine, Options};
use kerf_protocol::Failure;
use kerf_test_support::{ModelServer, Script};
use std::{env, fs, io::Write, path::PathBuf, sync::Arc};
use tokio::{io::AsyncReadExt, net::TcpListener};

const USAGE: &str = "usage: ui-server [--ui FOLDER] [--script FILE]";

fn main() -> anyhow::Result<()> {
    // A sandboxed command is started by this same program.
    kerf_engine::run_if_helper();
    let mut ui = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../ui/dist");
    let mut script = None;
    let mut arguments = env::args().skip(1);
    while let Some(option) = arguments.next() {
        let value = arguments.next().context(USAGE)?;
        match option.as_str() {
            "--ui" => ui = value.into(),
            "--script" => script = Some(value),
            _ => bail!(USAGE),
        }
    }
    if !ui.join("index.html").is_file() {
        bail!(
            "{} holds no interface; run `npm run build` in ui",
            ui.display()
        );
    }
    let model = script.map(|path| play(&path)).transpose()?;
    tokio::runtime::Runtime::new()?.block_on(run(ui, model))
}

fn play(path: &str) -> anyhow::Result<ModelServer> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
    let script = Script::from_json(&text).with_context(|| format!("{path} is no script"))?;
    Ok(ModelServer::start(script))
}

async fn run(ui: PathBuf, model: Option<ModelServer>) -> anyhow::Result<()> {
    let mut options = Options::of_this_process(true).map_err(as_error)?;
    if let Some(model) = &model {
        options.environment.base_url = Some(model.base_url());
        let name = options.environment.model.take();
        options.environment.model = Some(name.unwrap_or_else(|| "scripted".to_owned()));
    }
    let engine = Engine::open(options).await.map_err(as_error)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "http://{address}/")?;
    if let Some(model) = &model {
        writeln!(stdout, "{}", model.base_url())?;
    }
    stdout.flush()?;

    let site = Arc::new(Site::new(ui, address, engine)?);
    let serving = async {
        loop {
            let (stream, _) = listener.accept().await?;
            let site = Arc::clone(&site);
            tokio::spawn(async move {
                let service = service_fn(|request| site.answer(request));
                // An error here is a browser that went away.
                let _ended = http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    };
    let mut stdin = tokio::io::stdin();
    let mut nothing = Vec::new();
    tokio::select! {
        failed = serving => failed,
        closed = stdin.read_to_end(&mut nothing) => {
            closed?;
            // The thread that read standard input must not hold the program.
            std::process::exit(0)
        }
    }
}

fn as_error(failure: Failure) -> anyhow::Error {
    anyhow::anyhow!("{}. {}", failure.message, failure.hint)
}
