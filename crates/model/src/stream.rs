//! One request and its reply: the tries, the stream, and what is left when it breaks off.

use crate::{
    call::{Delta, Door, Reply, Request, Target},
    error::{ErrorKind, ModelError},
    practice,
    retry::{LONGEST_WAIT, Pace},
    source::{Source, open},
    sse,
    vendor_error::{self, Fault},
    wire::{self, Decode, Encoded, Progress},
};
use kerf_egress::Outbound;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use url::Url;

/// Sends a request and reads the reply, telling `on` its pieces as they come.
///
/// The request is sent again only while nothing of a reply was told: at most four times, with growing waits, or
/// after the wait that the endpoint asks for. Dropping the future or `cancel` ends it at once.
///
/// # Errors
/// [`ModelError`] says what happened and holds the text and reasoning received so far, never a tool call.
pub async fn stream(
    door: &Door,
    target: &Target,
    request: &Request<'_>,
    cancel: &CancellationToken,
    on: &mut (dyn FnMut(Delta) + Send),
) -> Result<Reply, ModelError> {
    let local = Url::parse(&target.endpoint.base_url).is_ok_and(|url| is_local(&url));
    stream_at(&Pace::new(local), door, target, request, cancel, on).await
}

pub(crate) fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

pub(crate) async fn stream_at(
    pace: &Pace,
    door: &Door,
    target: &Target,
    request: &Request<'_>,
    cancel: &CancellationToken,
    on: &mut (dyn FnMut(Delta) + Send),
) -> Result<Reply, ModelError> {
    let fail =
        |kind: ErrorKind| ModelError::new(&target.endpoint.name, kind.cleaned(target.key.as_ref()));
    let encoded = wire::encode(target, request).map_err(fail)?;
    let mut waits = pace.waits();
    let mut attempt = 1;
    loop {
        let mut decoder = wire::decoder(&target.endpoint, request);
        let mut begun = false;
        let mut told = |delta: Delta| {
            begun = true;
            on(delta);
        };
        let exchange = exchange(
            pace,
            door,
            &encoded,
            request,
            decoder.as_mut(),
            cancel,
            &mut told,
        );
        let ended = tokio::select! {
            biased;
            () = cancel.cancelled() => Err(ErrorKind::Cancelled.into()),
            ended = exchange => ended,
        };
        let ended = match ended {
            Ok(()) => decoder.finish().map_err(Fault::from),
            Err(fault) => Err(fault),
        };
        let fault = match ended {
            Ok(reply) => return Ok(reply),
            Err(fault) => fault,
        };
        let asked = fault.wait.unwrap_or_default();
        let retry = (fault.again && !begun).then(|| waits.next()).flatten();
        let Some(wait) = retry.filter(|_| asked <= LONGEST_WAIT) else {
            let (partial, usage) = decoder.partial();
            let kind = match fault.kind {
                // Whatever the status, the wait is what the user has to know.
                kind if fault.again && !begun && asked > LONGEST_WAIT => ErrorKind::RateLimited {
                    retry_after: Some(asked),
                    message: words(kind),
                },
                ErrorKind::RateLimited { message, .. } => ErrorKind::RateLimited {
                    retry_after: fault.wait,
                    message,
                },
                kind => kind,
            };
            return Err(ModelError {
                partial,
                usage,
                ..fail(kind)
            });
        };
        // "0" asks for no wait; without one every client would come back at the same moment.
        let wait = fault.wait.filter(|asked| !asked.is_zero()).unwrap_or(wait);
        attempt += 1;
        on(Delta::Retry {
            attempt,
            wait,
            reason: fault.kind.cleaned(target.key.as_ref()).to_string(),
        });
        tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(fail(ErrorKind::Cancelled)),
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// The endpoint's own words, without ours around them.
fn words(kind: ErrorKind) -> String {
    match kind {
        ErrorKind::RateLimited { message, .. }
        | ErrorKind::Status { message, .. }
        | ErrorKind::InBand { message } => message,
        other => other.to_string(),
    }
}

/// One try: sends the request and reads the reply.
async fn exchange(
    pace: &Pace,
    door: &Door,
    encoded: &Encoded,
    request: &Request<'_>,
    decoder: &mut dyn Decode,
    cancel: &CancellationToken,
    on: &mut (dyn FnMut(Delta) + Send),
) -> Result<(), Fault> {
    let source = match door {
        Door::Practice => Source::Here(practice::reply(&encoded.body).into_iter()),
        Door::Egress(egress) => {
            let outbound = Outbound {
                method: http::Method::POST,
                url: encoded.url.clone(),
                headers: encoded.headers.clone(),
                body: encoded.body.clone(),
                about: request.about.clone(),
                timeouts: pace.timeouts,
            };
            open(egress, outbound).await?
        }
    };
    receive(pace, source, decoder, cancel, on).await
}

/// Feeds the decoder until the message is complete.
pub(crate) async fn receive(
    pace: &Pace,
    mut source: Source,
    decoder: &mut dyn Decode,
    cancel: &CancellationToken,
    on: &mut (dyn FnMut(Delta) + Send),
) -> Result<(), Fault> {
    source.expect_events().await?;
    let mut sse = sse::Decoder::new(sse::MAX_FRAME);
    let mut frames = Vec::new();
    let mut read = Read::default();
    let mut heard = Instant::now();
    loop {
        let patience = if decoder.complete() {
            pace.rest
        } else {
            pace.silence.saturating_sub(heard.elapsed())
        };
        let chunk = timeout(patience, source.chunk()).await;
        // A complete message is a reply, whatever becomes of the connection after it.
        let chunk = match chunk {
            Ok(Ok(Some(chunk))) => chunk,
            _ if decoder.complete() => return Ok(()),
            Ok(Ok(None)) => return Err(read.ended()),
            Ok(Err(fault)) => return Err(fault),
            Err(_) => {
                return Err(ErrorKind::TimedOut {
                    reason: format!("only pings for {} s", pace.silence.as_secs()),
                }
                .into());
            }
        };
        read.see(&chunk)?;
        sse.push(&chunk, &mut frames)
            .map_err(|sse::FrameTooLarge| ErrorKind::TooLarge {
                reason: format!("one event of more than {} MiB", sse::MAX_FRAME >> 20),
            })?;
        for frame in frames.drain(..) {
            if cancel.is_cancelled() {
                return Err(ErrorKind::Cancelled.into());
            }
            read.frames = true;
            match decoder.frame(&frame, &mut |delta| on(delta))? {
                Progress::Idle => {}
                Progress::Some => heard = Instant::now(),
                Progress::End if decoder.complete() => {
                    source.drain().await;
                    return Ok(());
                }
                Progress::End => return Err(read.ended()),
            }
        }
    }
}

/// What was seen of an answer, to say what was wrong with it.
#[derive(Default)]
struct Read {
    start: Vec<u8>,
    frames: bool,
}

impl Read {
    fn see(&mut self, chunk: &[u8]) -> Result<(), Fault> {
        if self.frames || self.start.len() >= 64 {
            return Ok(());
        }
        self.start.extend(chunk.iter().take(64));
        if vendor_error::looks_like_html(&String::from_utf8_lossy(&self.start)) {
            return Err(ErrorKind::NotThisApi {
                reason: "an HTML page instead of a stream of events".to_owned(),
            }
            .into());
        }
        Ok(())
    }

    /// The fault of an answer that ended too soon.
    fn ended(&self) -> Fault {
        if self.frames || self.start.is_empty() {
            return Fault::again(ErrorKind::BrokeOff {
                reason: "the message is not complete".to_owned(),
            });
        }
        let start = String::from_utf8_lossy(&self.start);
        // Comments only, or half of the first event: it is the right kind of answer.
        if [":", "data", "event", "id", "retry", "\u{feff}"]
            .iter()
            .any(|word| start.trim_start().starts_with(word) || word.starts_with(&*start))
        {
            return Fault::again(ErrorKind::BrokeOff {
                reason: "it ended before the first event".to_owned(),
            });
        }
        ErrorKind::NotThisApi {
            reason: "something that is not a stream of events".to_owned(),
        }
        .into()
    }
}
