//! Ordinary tools work as if nothing were there.

use crate::room::{Room, has};
use kerf_protocol::policy::SandboxMode::{Off, ReadOnly, WorkspaceWrite};
use kerf_sandbox::End;
use rstest::rstest;

#[rstest]
#[case::cargo("cargo", "cargo --version")]
#[case::node(
    "node",
    "node -e 'require(\"child_process\").execFile(\"echo\", [\"child\"], (_, out) => console.log(out))'"
)]
#[case::python(
    "python3",
    "python3 -c 'import subprocess; print(subprocess.check_output([\"echo\", \"child\"]))'"
)]
#[case::make(
    "make",
    "printf 'all: a b\\na b:\\n\\techo $@\\n' > Makefile && make -j2"
)]
#[case::compiler("cc", "echo 'int main(void){return 0;}' > a.c && cc a.c -o a && ./a")]
#[case::cargo_build(
    "cargo",
    "mkdir -p t/src && cd t && printf '[package]\nname = \"t\"\nedition = \"2021\"\n[workspace]\n' > Cargo.toml && echo 'fn main() { println!(\"built\"); }' > src/main.rs && cargo build --offline --target-dir out && ./out/debug/t"
)]
#[case::npm(
    "npm",
    "printf '{\"name\":\"t\",\"scripts\":{\"test\":\"node -e 0 && echo tested\"}}' > package.json && npm test --offline"
)]
#[case::multiprocessing(
    "python3",
    "printf 'import multiprocessing as m\ndef f(x): return x * x\nif __name__ == \"__main__\":\n    with m.Pool(2) as p: assert p.map(f, [1, 2]) == [1, 4]\n    q = m.Queue(); m.Process(target=q.put, args=(1,)).start(); assert q.get() == 1\n' > t.py && python3 t.py"
)]
#[case::temporary_files(
    "python3",
    "python3 -c 'import tempfile; tempfile.TemporaryFile().write(b\"x\")' && t=$(mktemp) && echo x > $t && mv $t moved"
)]
#[case::tar("tar", "echo x > x && tar cf x.tar x && tar xf x.tar")]
#[case::bash("bash", "bash -c 'cat <(echo child) && echo x > /dev/stdout'")]
#[tokio::test]
async fn it_works_in_a_workspace(#[case] program: &str, #[case] line: &str) {
    if !has(program) {
        return;
    }
    let outcome = Room::new().run(WorkspaceWrite, line).await;
    assert_eq!(outcome.end, End::Exited(0), "{}", outcome.output.to_text());
}

/// Git shows everything; a commit is refused with a reason.
#[tokio::test]
async fn git_shows_and_does_not_commit() {
    if !has("git") {
        return;
    }
    let room = Room::new();
    room.run(
        Off,
        "git init -q . && echo one > x && git add x && git -c user.name=a -c user.email=a@b commit -qm first && echo two > x",
    )
    .await;
    let line = "git status --short && git log --format=%s && git diff --stat && git show HEAD:x && git blame -s x | wc -l && git stash list && git branch --format='%(refname:short)' | wc -l";
    let outcome = room.run(WorkspaceWrite, line).await;
    let said = outcome.output.to_text();
    assert_eq!(outcome.end, End::Exited(0), "{said}");
    assert!(said.starts_with(" M x\nfirst\n x | 2 +-\n"), "{said}");
    if room.is_full() {
        let line = "git -c user.name=a -c user.email=a@b commit -qam second";
        let outcome = room.run(WorkspaceWrite, line).await;
        assert_ne!(outcome.end, End::Exited(0));
        let said = outcome.output.to_text();
        assert!(
            said.contains(".git/index.lock") && said.contains("Read-only file system"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn git_reads_where_nothing_may_be_written() {
    if !has("git") {
        return;
    }
    let room = Room::new();
    room.run(Off, "git init -q . && echo x > new").await;
    let outcome = room.run(ReadOnly, "git status --short").await;
    assert_eq!(
        (outcome.end, outcome.output.to_text().as_str()),
        (End::Exited(0), "?? new\n")
    );
}
