//! `kerf search`: a line a hit, best first.

use crate::{
    args::Search as Arguments,
    exit::Exit,
    output::{Output, Style, visible},
};
use kerf_engine::Engine;
use kerf_protocol::{
    Failure,
    request::method,
    search::{HitKind, Search, SearchAnswer, SearchHit, SearchMode, SearchWithin},
};

/// As many ranked hits as a person looks at.
const RANKED: u32 = 20;

pub(crate) async fn run(
    engine: &Engine,
    folder: &str,
    arguments: Arguments,
    output: &Output,
) -> Result<Exit, Failure> {
    let mode = match &arguments {
        Arguments { exact: true, .. } => SearchMode::Exact,
        Arguments { regex: true, .. } => SearchMode::Regex,
        Arguments { symbol: true, .. } => SearchMode::Symbol,
        Arguments { path: true, .. } => SearchMode::Path,
        _ => SearchMode::Words,
    };
    let all = if mode == SearchMode::Words {
        RANKED
    } else {
        u32::MAX
    };
    let answer = engine
        .call::<method::SearchRun>(Search {
            folder: folder.to_owned(),
            query: arguments.query,
            mode,
            within: SearchWithin {
                paths: arguments.paths,
                languages: arguments.languages,
                hidden: arguments.hidden,
                ignore_case: arguments.ignore_case,
                multi_line: arguments.multi_line,
            },
            limit: arguments.limit.unwrap_or(all),
            ..Search::default()
        })
        .await?;
    for hit in &answer.hits {
        if output.json() {
            output.object(hit);
        } else {
            output.line(&line(hit, output));
        }
    }
    output.flush();
    notes(&answer);
    Ok(Exit::Done)
}

/// `path:line:column: text`; a file is its path alone.
fn line(hit: &SearchHit, output: &Output) -> String {
    let path = visible(&hit.path);
    if hit.kind == HitKind::File {
        return path.into_owned();
    }
    let place = format!("{path}:{}:{}:", hit.line, hit.column);
    let text = match (&hit.symbol, hit.kind) {
        (Some(symbol), HitKind::Definition) => {
            let kind = hit.symbol_kind.as_deref().unwrap_or_default();
            format!("{kind} {}", visible(symbol))
        }
        _ => visible(hit.text.trim_end()).into_owned(),
    };
    format!("{} {text}", output.styled(Style::Faint, &place))
}

/// What a reader of the hits should know, on standard error.
fn notes(answer: &SearchAnswer) {
    if answer.more {
        let shown = answer.hits.len();
        eprintln!("{shown} of {} hits; --limit shows more", answer.total);
    }
    if let Some(why) = &answer.scanned {
        tracing::info!(%why, "the files were read one by one");
    }
    for skipped in &answer.skipped {
        eprintln!(
            "not searched: {}: {}",
            visible(&skipped.path),
            visible(&skipped.reason)
        );
    }
}
