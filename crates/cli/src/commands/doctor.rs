//! `kerf doctor`: what works here and what does not, and why.

use crate::{
    exit::Exit,
    output::{Output, Style, visible},
};
use kerf_engine::Engine;
use kerf_protocol::{
    Failure,
    request::{CheckState, Examine, method},
};

pub(crate) async fn run(
    engine: &Engine,
    folder: &str,
    deep: bool,
    output: &Output,
) -> Result<Exit, Failure> {
    let checks = engine
        .call::<method::Doctor>(Examine {
            folder: folder.to_owned(),
            deep,
        })
        .await?;
    let failed = checks.iter().any(|check| check.state == CheckState::Failed);
    for check in &checks {
        if output.json() {
            output.object(check);
            continue;
        }
        let state = match check.state {
            CheckState::Ok => output.styled(Style::Good, "ok     "),
            CheckState::Warning => output.styled(Style::Notice, "note   "),
            CheckState::Failed => output.styled(Style::Bad, "failed "),
        };
        output.line(&format!(
            "{state} {:<14} {}",
            check.name,
            visible(&check.detail)
        ));
        if !check.hint.is_empty() {
            output.line(&format!("        {:<14} {}", "", visible(&check.hint)));
        }
    }
    output.flush();
    Ok(if failed { Exit::Failed } else { Exit::Done })
}
