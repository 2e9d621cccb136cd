//! The sandbox helper by itself, and a small front to try the sandbox by hand.
//!
//! `sandbox-helper WORKSPACE read-only|workspace-write|off LINE` runs LINE in WORKSPACE and prints what it says.
//! It is not shipped: the `kerf` program is its own helper. The tests use it as the program that is killed.

use kerf_protocol::policy::SandboxMode;
use kerf_sandbox::{End, Invocation, Job, Sandbox, run_if_helper};
use std::{env, io::Write, path::PathBuf, process::ExitCode};
use tokio_util::sync::CancellationToken;

#[tokio::main(flavor = "current_thread")]
async fn front(
    workspace: PathBuf,
    mode: SandboxMode,
    line: String,
) -> Result<End, Box<dyn std::error::Error>> {
    let sandbox = Sandbox::new(env::current_exe()?);
    eprintln!("{:?}", sandbox.isolation(mode));
    let job = Job {
        command: Invocation::Shell(line),
        cwd: workspace.clone(),
        workspace,
        mode,
        timeout: None,
        env: Vec::new(),
        writable: Vec::new(),
        output_cap: 1 << 20,
        network: None,
        commits: None,
        lent: Vec::new(),
        withheld: Vec::new(),
    };
    let print = |bytes: &[u8]| {
        // Whoever reads may be gone; the command goes on.
        let _ = std::io::stdout().write_all(bytes);
        let _ = std::io::stdout().flush();
    };
    let outcome = sandbox.run(job, CancellationToken::new(), print).await?;
    eprintln!("{:?} after {:?}", outcome.end, outcome.duration);
    Ok(outcome.end)
}

fn main() -> ExitCode {
    run_if_helper();
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [workspace, mode, line] = arguments.as_slice() else {
        eprintln!("usage: sandbox-helper WORKSPACE read-only|workspace-write|off LINE");
        return ExitCode::from(2);
    };
    let mode = match mode.as_str() {
        "read-only" => SandboxMode::ReadOnly,
        "off" => SandboxMode::Off,
        _ => SandboxMode::WorkspaceWrite,
    };
    match front(workspace.into(), mode, line.clone()) {
        Ok(End::Exited(code)) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
