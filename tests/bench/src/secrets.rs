//! How fast secrets are looked for in ordinary code: Kerf's own, and the trees that are named.

use crate::{
    Asked, Done,
    numbers::{median, millis},
    table::{Table, Unit},
};
use kerf_index::{FindQuery, find_files};
use kerf_secrets::Vault;
use kerf_workspace::{RelPath, Workspace};
use std::{collections::BTreeMap, fs, path::Path, sync::atomic::AtomicBool, time::Instant};

/// Times that each tree is gone through; the median counts.
const ROUNDS: usize = 5;
/// 100 MB in a second.
const LIMIT: f64 = 10.0;
/// Endings of which there is less are told with the others alone, in bytes.
const WORTH_A_LINE: usize = 1_000_000;
/// A larger file is no ordinary text, in bytes.
const MAX_FILE: usize = 4_000_000;

pub(crate) fn run(asked: &Asked, table: &mut Table) -> Done {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let own = own.canonicalize().map_err(|error| error.to_string())?;
    // The rules are read with the first text.
    Vault::new([1; 32]).conceal("token");
    for root in std::iter::once(&own).chain(&asked.trees) {
        let texts = texts(root)?;
        let name = root.file_name().unwrap_or_default().to_string_lossy();
        let all: Vec<&String> = texts.values().flatten().collect();
        let what = format!("secrets: 1 MB of {name} ({})", megabytes(&all));
        table.limited(&what, Unit::Millis, Some(a_megabyte(&all)), LIMIT);
        for (ending, texts) in &texts {
            let texts: Vec<&String> = texts.iter().collect();
            if bytes(&texts) >= WORTH_A_LINE {
                let what = format!("– its .{ending} files ({})", megabytes(&texts));
                table.compare(&what, Unit::Millis, Some(a_megabyte(&texts)));
            }
        }
    }
    Ok(())
}

/// The texts of a folder by the endings of their names.
fn texts(root: &Path) -> Done<BTreeMap<String, Vec<String>>> {
    let workspace = Workspace::open(root).map_err(|error| error.to_string())?;
    let query = FindQuery {
        pattern: String::new(),
        under: RelPath::root(),
        limit: usize::MAX,
    };
    let found = find_files(&workspace, &query, &AtomicBool::new(false));
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for path in found.map_err(|error| error.to_string())?.paths {
        // What is no text is not sent either.
        let Ok(text) = fs::read_to_string(root.join(path.as_path())) else {
            continue;
        };
        let ending = path.as_path().extension().unwrap_or_default();
        if text.len() <= MAX_FILE {
            let ending = ending.to_string_lossy().into_owned();
            texts.entry(ending).or_default().push(text);
        }
    }
    Ok(texts)
}

fn bytes(texts: &[&String]) -> usize {
    texts.iter().map(|text| text.len()).sum()
}

fn megabytes(texts: &[&String]) -> String {
    format!("{} MB", bytes(texts) / 1_000_000)
}

/// Milliseconds for a million bytes.
#[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
fn a_megabyte(texts: &[&String]) -> f64 {
    let times: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let mut vault = Vault::new([1; 32]);
            let begun = Instant::now();
            for text in texts {
                vault.conceal(text);
            }
            millis(begun.elapsed())
        })
        .collect();
    median(&times) / bytes(texts) as f64 * 1e6
}
