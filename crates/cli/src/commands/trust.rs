//! `kerf trust`: what a project brings that counts only with the user's trust.

use crate::{
    args::Trust,
    commands::sessions::time,
    exit::Exit,
    output::{Output, visible},
};
use kerf_engine::Engine;
use kerf_protocol::{
    Failure,
    request::{Folder, Nothing, method},
    rule::{SetTrust, TrustItem, TrustPin, TrustShown, TrustState},
};

pub(crate) async fn run(
    engine: &Engine,
    folder: &str,
    command: Trust,
    output: &Output,
) -> Result<Exit, Failure> {
    let folder = command.project.unwrap_or_else(|| folder.to_owned());
    if command.list {
        for trust in engine.call::<method::TrustList>(Nothing {}).await? {
            if output.json() {
                output.object(&trust);
            } else {
                output.line(&format!(
                    "{}  {}  {}",
                    time(trust.made_at),
                    visible(&trust.folder),
                    visible(&trust.pin.name)
                ));
            }
        }
    } else if command.revoke {
        engine
            .call::<method::TrustRevoke>(Folder { folder })
            .await?;
    } else {
        let shown = engine
            .call::<method::TrustShow>(Folder {
                folder: folder.clone(),
            })
            .await?;
        if output.json() {
            output.object(&shown);
        } else {
            print(&shown, output);
        }
        if !command.show && shown.waits {
            // What was printed just now is what is trusted: another content has another hash.
            let items = shown.items.into_iter().map(|item| TrustPin {
                kind: item.kind,
                name: item.name,
                hash: item.hash,
            });
            let set = SetTrust {
                folder,
                items: items.collect(),
            };
            engine.call::<method::TrustSet>(set).await?;
            if !output.json() {
                output.line("trusted as it is now; a change asks again");
            }
        }
    }
    output.flush();
    Ok(Exit::Done)
}

/// Says once on standard error that a project brings rules which do not count yet.
pub(crate) async fn say_what_waits(engine: &Engine, folder: &str) {
    let folder = folder.to_owned();
    let shown = engine.call::<method::TrustShow>(Folder { folder }).await;
    if shown.is_ok_and(|shown| shown.waits) {
        eprintln!(
            "kerf: this project brings rules of its own, which do not count yet; `kerf trust --show` shows them, `kerf trust` trusts them"
        );
    }
}

fn print(shown: &TrustShown, output: &Output) {
    if shown.items.is_empty() {
        output.line("this project brings nothing that needs your trust");
    }
    for TrustItem {
        name,
        hash,
        text,
        brings,
        state,
        ..
    } in &shown.items
    {
        let state = match state {
            TrustState::Waiting => "waits for your trust",
            TrustState::Changed => "has changed since you trusted it",
            TrustState::Trusted => "trusted",
        };
        output.line(&format!("{}: {state}\nblake3 {hash}", visible(name)));
        output.line("it allows, unasked:");
        for brought in brings {
            output.line(&format!("  {}", visible(brought)));
        }
        output.line("all of it:");
        output.line(&visible(text));
    }
}
