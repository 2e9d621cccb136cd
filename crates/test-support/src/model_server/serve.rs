//! The server's thread: accepts, records, chooses the turn, answers.

use super::connection::{Connection, Ending, Play, Socket};
use super::{Asked, Outcome, Recorded, Shared, State, error_body};
use crate::sse::{self, Frame};
use crate::turn::{Answer, Turn};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use kerf_protocol::endpoint::Wire;
use serde_json::{Value, json};
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;
use tokio_util::sync::CancellationToken;

pub(super) fn run(listener: TcpListener, shared: Arc<Shared>, stop: CancellationToken) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap_or_else(|error| panic!("the model server gets no runtime: {error}"));
    runtime.block_on(async {
        tokio::select! {
            () = stop.cancelled() => {}
            error = accept(listener, &shared) => panic!("the model server cannot accept: {error}"),
        }
    });
    // Dropping the runtime drops every connection's task and closes its socket.
}

async fn accept(listener: TcpListener, shared: &Arc<Shared>) -> io::Error {
    let listener = match listener
        .set_nonblocking(true)
        .and_then(|()| tokio::net::TcpListener::from_std(listener))
    {
        Ok(listener) => listener,
        Err(error) => return error,
    };
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => return error,
        };
        if let Err(error) = stream.set_nodelay(true) {
            return error;
        }
        let connection = Connection::new(Arc::clone(shared));
        let socket = Socket::new(stream, Arc::clone(&connection));
        let shared = Arc::clone(shared);
        tokio::spawn(async move {
            let service =
                service_fn(|request| answer(Arc::clone(&shared), Arc::clone(&connection), request));
            // An error here is a client that went away or a fault of the script; both are recorded.
            let _ended = http1::Builder::new()
                .serve_connection(socket, service)
                .await;
        });
    }
}

async fn answer(
    shared: Arc<Shared>,
    connection: Arc<Connection>,
    request: Request<Incoming>,
) -> Result<Response<Play>, io::Error> {
    let head_at = Instant::now();
    let number = shared.change(|state| {
        state.heads += 1;
        state.heads - 1
    });
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let body_at = Instant::now();
    let json: Value = serde_json::from_slice(&body).unwrap_or_default();
    let chosen = shared.change(|state| {
        let chosen = choose(state, &head.method, head.uri.path(), &head.headers, &json);
        let turn = chosen.turn.as_ref().and_then(|(index, _)| *index);
        let path = head
            .uri
            .path_and_query()
            .map_or_else(String::new, ToString::to_string);
        state.requests.push(Recorded {
            number,
            connection: connection.number,
            method: head.method,
            path,
            headers: head.headers,
            body,
            head_at,
            body_at,
            turn,
            outcome: Outcome::Running,
        });
        chosen
    });
    let ending = Ending::new(Arc::clone(&shared), number);
    let Some((_, turn)) = chosen.turn else {
        let actions = sse::plain_actions(
            chosen.body.to_string().as_bytes(),
            &Turn::status(200).faults,
        );
        let headers = [("content-type".to_owned(), "application/json".to_owned())];
        return respond(
            chosen.status,
            &headers,
            Play::new(actions, connection, false, ending),
        );
    };
    if turn.faults.stall_first {
        Arc::clone(&shared.gate).wait().await;
    }
    let mut headers = turn.headers.clone();
    let mut default_type = |kind: &str| {
        if !headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        {
            headers.push(("content-type".to_owned(), kind.to_owned()));
        }
    };
    let (status, actions) = match &turn.answer {
        Answer::HangUp { reset } => {
            connection.reset.store(*reset, Ordering::SeqCst);
            ending.cut();
            return Err(io::Error::other("the script hangs up here"));
        }
        Answer::Plain { status, body } => {
            default_type("application/json");
            let body = body.clone().unwrap_or_else(|| match status {
                400.. => Bytes::from(error_body(chosen.wire, *status, "scripted").to_string()),
                _ => Bytes::new(),
            });
            (*status, sse::plain_actions(&body, &turn.faults))
        }
        Answer::Stream(steps) => {
            default_type("text/event-stream; charset=utf-8");
            let model = json["model"].as_str().unwrap_or("scripted").to_owned();
            let asked = Asked {
                wire: chosen.wire,
                number,
                model,
                json,
            };
            let frames: Vec<Frame> = asked.frames(&turn, steps);
            (200, sse::actions(&frames, &turn.faults))
        }
    };
    respond(
        status,
        &headers,
        Play::new(actions, connection, turn.faults.reset, ending),
    )
}

/// What answers a request: a turn with its place in the script, or a plain status and body.
struct Chosen {
    wire: Wire,
    turn: Option<(Option<usize>, Turn)>,
    status: u16,
    body: Value,
}

fn choose(
    state: &mut State,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    json: &Value,
) -> Chosen {
    let plain = |wire, status, body| Chosen {
        wire,
        turn: None,
        status,
        body,
    };
    let refuse =
        |wire, status, message: &str| plain(wire, status, error_body(wire, status, message));
    let wire = match (method, path) {
        (&Method::POST, "/v1/chat/completions") => Wire::Chat,
        (&Method::POST, "/v1/responses") => Wire::Responses,
        (&Method::POST, "/v1/messages") => Wire::Anthropic,
        (&Method::GET, "/v1/models") => {
            if let Some(key) = &state.script.key
                && !has_bearer(headers, key)
                && !has_api_key(headers, key)
            {
                return refuse(Wire::Chat, 401, "this key is not valid");
            }
            return plain(Wire::Chat, 200, models(&state.script.models));
        }
        _ => {
            return refuse(
                Wire::Chat,
                404,
                &format!("there is no {method} {path} here"),
            );
        }
    };
    if let Some(key) = &state.script.key {
        let has_key = if wire == Wire::Anthropic {
            has_api_key(headers, key)
        } else {
            has_bearer(headers, key)
        };
        if !has_key {
            return refuse(wire, 401, "this key is not valid");
        }
    }
    if let Some(message) = not_of_this_wire(wire, headers, json) {
        return refuse(wire, 400, message);
    }
    let turns = state.script.turns.iter().enumerate();
    let found = turns
        .zip(&state.used)
        .find(|((_, turn), used)| (turn.always || !**used) && turn.fits(json));
    let turn = match found {
        Some(((index, turn), _)) => Some((Some(index), turn.clone())),
        None => state.script.otherwise.clone().map(|turn| (None, turn)),
    };
    if let Some((Some(index), _)) = turn {
        state.used[index] = true;
    }
    if turn.is_none() {
        return refuse(wire, 400, "the script has no turn for this request");
    }
    Chosen {
        wire,
        turn,
        status: 200,
        body: Value::Null,
    }
}

/// What every real server of the wire would refuse as well.
fn not_of_this_wire(wire: Wire, headers: &HeaderMap, json: &Value) -> Option<&'static str> {
    if !json.is_object() {
        return Some("the body is not a JSON object");
    }
    if !json["model"].is_string() {
        return Some("`model` is missing");
    }
    if json["stream"] != json!(true) {
        return Some("this server only streams: set `stream` to true");
    }
    match wire {
        Wire::Chat if !json["messages"].is_array() => Some("`messages` is missing"),
        Wire::Responses if json["input"].is_null() => Some("`input` is missing"),
        Wire::Anthropic if !json["messages"].is_array() => Some("`messages` is missing"),
        Wire::Anthropic if !json["max_tokens"].is_u64() => Some("`max_tokens` is missing"),
        Wire::Anthropic if !headers.contains_key("anthropic-version") => {
            Some("anthropic-version: header is required")
        }
        _ => None,
    }
}

fn has_bearer(headers: &HeaderMap, key: &str) -> bool {
    let value = headers
        .get(http::header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    value.and_then(|value| value.strip_prefix("Bearer ")) == Some(key)
}

fn has_api_key(headers: &HeaderMap, key: &str) -> bool {
    headers
        .get("x-api-key")
        .is_some_and(|value| value.as_bytes() == key.as_bytes())
}

fn models(entries: &[Value]) -> Value {
    let scripted = [json!({"id": "scripted"})];
    let entries = if entries.is_empty() {
        &scripted
    } else {
        entries
    };
    let data: Vec<Value> = entries
        .iter()
        .map(|entry| {
            let mut model =
                json!({"object": "model", "created": 1_700_000_000, "owned_by": "scripted"});
            if let (Some(model), Some(fields)) = (model.as_object_mut(), entry.as_object()) {
                model.extend(fields.clone());
            }
            model
        })
        .collect();
    json!({"object": "list", "data": data})
}

fn respond(
    status: u16,
    headers: &[(String, String)],
    body: Play,
) -> Result<Response<Play>, io::Error> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).map_err(io::Error::other)?;
    for (name, value) in headers {
        let name: HeaderName = name.parse().map_err(io::Error::other)?;
        response.headers_mut().append(
            name,
            HeaderValue::from_str(value).map_err(io::Error::other)?,
        );
    }
    Ok(response)
}
