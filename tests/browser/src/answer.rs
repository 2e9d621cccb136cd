//! What the server answers: files of the interface, requests, events.

use anyhow::Context;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, ORIGIN},
};
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::body::{Frame, Incoming};
use kerf_engine::{Engine, FeedMessage};
use kerf_protocol::{Code, Failure};
use serde_json::{Value, json};
use std::{
    convert::Infallible,
    net::SocketAddr,
    path::{Component, Path, PathBuf},
};

/// The window's own settings, for its content policy: what the window forbids, the browser forbids here too.
const WINDOW: &str = include_str!("../../../src-tauri/tauri.conf.json");

type Answer = Response<BoxBody<Bytes, Infallible>>;

pub(crate) struct Site {
    ui: PathBuf,
    host: String,
    policy: HeaderValue,
    engine: Engine,
}

impl Site {
    pub(crate) fn new(ui: PathBuf, address: SocketAddr, engine: Engine) -> anyhow::Result<Self> {
        let window: Value = serde_json::from_str(WINDOW)?;
        let policy = window["app"]["security"]["csp"]
            .as_str()
            .context("the window has no content policy")?;
        Ok(Self {
            ui,
            host: address.to_string(),
            policy: HeaderValue::from_str(policy)?,
            engine,
        })
    }

    pub(crate) async fn answer(&self, request: Request<Incoming>) -> Result<Answer, Infallible> {
        if !self.is_asked_by_itself(&request) {
            return Ok(plain(
                StatusCode::FORBIDDEN,
                "another address was asked for",
            ));
        }
        let path = request.uri().path().to_owned();
        Ok(match (request.method(), path.as_str()) {
            (&Method::POST, "/rpc") => self.rpc(request).await,
            (&Method::GET, "/events") => self.events(),
            (&Method::GET, path) => self.file(path).await,
            _ => plain(StatusCode::METHOD_NOT_ALLOWED, "no"),
        })
    }

    /// Whether the request is from this server's own pages, or from no page at all.
    fn is_asked_by_itself(&self, request: &Request<Incoming>) -> bool {
        let headers = request.headers();
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        let own = format!("http://{}", self.host);
        host == Some(self.host.as_str()) && headers.get(ORIGIN).is_none_or(|origin| origin == &own)
    }

    async fn rpc(&self, request: Request<Incoming>) -> Answer {
        let reply = match self.carry_out(request).await {
            Ok(answer) => json!({ "ok": answer }),
            Err(failure) => json!({ "error": failure }),
        };
        respond(StatusCode::OK, "application/json", reply.to_string().into())
    }

    async fn carry_out(&self, request: Request<Incoming>) -> Result<Value, Failure> {
        let body = request.into_body().collect().await.map_err(usage)?;
        let request = serde_json::from_slice(&body.to_bytes()).map_err(usage)?;
        let engine = self.engine.clone();
        // In a task of its own: a page that is loaded again stops nothing, and a panic is an answer.
        let done = tokio::spawn(async move { engine.dispatch(request).await }).await;
        done.map_err(|error| failure(Code::Internal, error))?
    }

    fn events(&self) -> Answer {
        let feed = stream::unfold(self.engine.feed(), |mut feed| async {
            let text = match feed.next().await {
                FeedMessage::Events(events) => match serde_json::to_string(&events) {
                    Ok(events) => format!("data: {events}\n\n"),
                    Err(error) => format!(": {error}\n\nevent: gap\ndata: {{}}\n\n"),
                },
                FeedMessage::Gap => "event: gap\ndata: {}\n\n".to_owned(),
                FeedMessage::Git(folder) => match serde_json::to_string(&folder) {
                    Ok(text) => format!("event: git\ndata: {text}\n\n"),
                    Err(error) => format!(": {error}\n\n"),
                },
                FeedMessage::Index(status) => match serde_json::to_string(&status) {
                    Ok(text) => format!("event: index\ndata: {text}\n\n"),
                    Err(error) => format!(": {error}\n\n"),
                },
            };
            Some((text, feed))
        });
        // A first comment, so that the browser has an answer before the first event.
        let lines = stream::iter([": events follow\n\n".to_owned()]).chain(feed);
        let frames = lines.map(|text| Ok(Frame::data(Bytes::from(text))));
        let mut answer = Response::new(BoxBody::new(StreamBody::new(frames)));
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        answer
    }

    async fn file(&self, path: &str) -> Answer {
        let name = match path.trim_start_matches('/') {
            "" => "index.html",
            name => name,
        };
        let relative = Path::new(name);
        let inside = relative
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        let Ok(bytes) = (match inside {
            true => tokio::fs::read(self.ui.join(relative)).await,
            false => Err(std::io::ErrorKind::NotFound.into()),
        }) else {
            return plain(StatusCode::NOT_FOUND, "there is no such file");
        };
        let kind = match relative.extension().and_then(|end| end.to_str()) {
            Some("html") => "text/html; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("json") => "application/json",
            Some("svg") => "image/svg+xml",
            Some("png") => "image/png",
            Some("wasm") => "application/wasm",
            Some("woff2") => "font/woff2",
            _ => "application/octet-stream",
        };
        let mut answer = respond(StatusCode::OK, kind, bytes.into());
        let headers = answer.headers_mut();
        headers.insert(CONTENT_SECURITY_POLICY, self.policy.clone());
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        answer
    }
}

fn respond(status: StatusCode, kind: &'static str, body: Bytes) -> Answer {
    let mut answer = Response::new(BoxBody::new(Full::new(body)));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}

fn plain(status: StatusCode, text: &'static str) -> Answer {
    respond(status, "text/plain", Bytes::from_static(text.as_bytes()))
}

fn usage(error: impl std::fmt::Display) -> Failure {
    failure(Code::Usage, error)
}

fn failure(code: Code, error: impl std::fmt::Display) -> Failure {
    Failure {
        code,
        message: error.to_string(),
        hint: String::new(),
    }
}
