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
