//! `kerf apply-patch`: the patch tool alone, on the folder.

use crate::{
    commands::usage,
    exit::Exit,
    output::{Output, visible},
};
use kerf_protocol::{Failure, item::ChangeKind};
use std::{io::Read, path::Path};

pub(crate) fn apply(folder: &str, output: &Output) -> Result<Exit, Failure> {
    let folder = Path::new(folder);
    if !folder.is_dir() {
        return Err(usage(
            format!("{} is not a folder that can be opened", folder.display()),
            "Give a folder that exists",
        ));
    }
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).map_err(|error| {
        usage(
            format!("the patch cannot be read from standard input: {error}"),
            "",
        )
    })?;
    let patch = String::from_utf8(bytes).map_err(|_| usage("the patch is not UTF-8 text", ""))?;
    let changes = match kerf_engine::apply_patch(folder, &patch) {
        Ok(changes) => changes,
        // The command line was right; it is the patch that does not apply.
        Err(failure) => {
            output.failure(&failure);
            return Ok(Exit::Failed);
        }
    };
    for change in &changes {
        if output.json() {
            output.object(change);
            continue;
        }
        let letter = match change.kind {
            ChangeKind::Created => 'A',
            ChangeKind::Modified => 'M',
            ChangeKind::Deleted => 'D',
        };
        output.line(&format!("{letter} {}", visible(&change.path)));
    }
    output.flush();
    Ok(Exit::Done)
}
