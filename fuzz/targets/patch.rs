//! The patch format, held against files and applied.
//!
//! A NUL parts the text of a file from the patch. A patch that fails leaves every file as it was; one that is
//! applied touches nothing outside of the folder and nothing of git's.
#![no_main]

use kerf_test_support::MemFs;
use kerf_workspace::{
    Workspace,
    patch::{parse_patch, plan_patch},
    write::{unified_diff, write_all},
};
use libfuzzer_sys::fuzz_target;
use std::{path::PathBuf, sync::Arc};

fuzz_target!(|text: &str| {
    let (file, patch) = text.split_once('\0').unwrap_or(("one\ntwo\nthree\n", text));
    let Ok(patch) = parse_patch(patch) else {
        return;
    };
    let fs = MemFs::new("//- /.git/config\n[core]\n//- /b/c\nx\n");
    fs.user_writes("a", file.as_bytes().to_vec());
    let workspace = Workspace::with_fs(PathBuf::from("/project"), Arc::new(fs.clone()));
    let before = fs.tree();
    match plan_patch(&workspace, &patch) {
        Err(error) => {
            assert!(!error.to_string().is_empty());
            assert_eq!(fs.tree(), before);
        }
        Ok(writes) => {
            unified_diff(&writes);
            for write in &writes {
                assert!(
                    write
                        .path
                        .names()
                        .all(|name| name != ".." && name != ".git")
                );
            }
            if write_all(&workspace, &writes).is_err() {
                assert_eq!(fs.tree(), before);
            }
        }
    }
});
