//! The `kerf` program: the engine on a command line.
//!
//! It parses arguments, carries requests to the engine and prints what comes back, for people or as one JSON
//! object a line. It holds no logic of its own: whatever it can do, every other front can do.
//!
//! Exit codes: 0 done, 1 the work failed, 2 usage or configuration, 3 needs an approval that nobody can give,
//! 130 cancelled. Standard output carries the answer, standard error everything else.
//!
//! Start with `args.rs`, which is the whole command line; each command is a file in `commands/`.

mod args;
mod commands;
mod exit;
mod output;
mod show;

use args::{Arguments, Command};
use clap::Parser;
use exit::Exit;
use kerf_engine::{Engine, Options};
use kerf_protocol::{Code, Failure};
use output::Output;
use std::{env, io::IsTerminal, process::ExitCode};

fn main() -> ExitCode {
    // A sandboxed command is started by this same program.
    kerf_engine::run_if_helper();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return no_arguments(&error).into(),
    };
    start_log();
    let output = Output::new(arguments.json);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            output.failure(&Failure {
                code: Code::Internal,
                message: format!("Kerf cannot start: {error}"),
                hint: String::new(),
            });
            return Exit::Failed.into();
        }
    };
    let exit = match runtime.block_on(run(arguments, &output)) {
        Ok(exit) => exit,
        Err(failure) => {
            output.failure(&failure);
            Exit::from(failure.code)
        }
    };
    // Work that nobody waits for any more, such as a search that was stopped, must not hold the program.
    runtime.shutdown_background();
    exit.into()
}

/// Help and versions are answers; everything else is an error of usage, for programs as an object like all errors.
fn no_arguments(error: &clap::Error) -> Exit {
    if !error.use_stderr() {
        // A reader that went away is no error.
        let _ = error.print();
        return Exit::Done;
    }
    let json = env::args_os()
        .take_while(|argument| argument != "--")
        .any(|argument| argument == "--json");
    if json {
        let text = error.to_string();
        let text = text.strip_prefix("error: ").unwrap_or(&text);
        let (message, hint) = text.split_once("\n\n").unwrap_or((text, ""));
        let failure = Failure {
            code: Code::Usage,
            message: message.split_whitespace().collect::<Vec<_>>().join(" "),
            hint: hint.trim().to_owned(),
        };
        Output::new(true).failure(&failure);
    } else {
        // Where standard error is closed there is nobody to tell.
        let _ = error.print();
    }
    Exit::Usage
}

async fn run(arguments: Arguments, output: &Output) -> Result<Exit, Failure> {
    let folder = arguments.folder();
    if let Command::App { project } = &arguments.command {
        return commands::app::run(arguments.window_folder(project.as_deref()), output);
    }
    match arguments.command {
        Command::Completions { shell } => return commands::shell::completions(shell, output),
        Command::Man => return commands::shell::man(output),
        Command::ApplyPatch => return commands::patch::apply(&folder, output),
        _ => {}
    }
    // What is over soon looks at the folder itself; watching it would take longer.
    let works = matches!(arguments.command, Command::Exec(_) | Command::Resume(_));
    let engine = open_engine(output.json(), works).await?;
    let done = match arguments.command {
        Command::Exec(exec) => commands::exec::exec(&engine, &folder, exec, output).await,
        Command::Resume(resume) => commands::exec::resume(&engine, &folder, resume, output).await,
        Command::Attempts(attempts) => {
            commands::attempts::run(&engine, &folder, attempts, output).await
        }
        Command::Worktrees { command } => {
            commands::worktrees::run(&engine, &folder, command.unwrap_or_default(), output).await
        }
        Command::Diff(arguments) => commands::diff::diff(&engine, &folder, arguments, output).await,
        Command::Accept(target) => {
            commands::review::decide(
                &engine,
                &folder,
                kerf_protocol::review::Decision::Accept,
                target,
                output,
            )
            .await
        }
        Command::Reject(target) => {
            commands::review::decide(
                &engine,
                &folder,
                kerf_protocol::review::Decision::Reject,
                target,
                output,
            )
            .await
        }
        Command::Undo { session } => {
            commands::review::undo(&engine, &folder, &session, output).await
        }
        Command::Checkpoints { session } => {
            commands::checkpoints::list(&engine, &folder, &session, output).await
        }
        Command::Restore(restore) => {
            commands::checkpoints::restore(&engine, &folder, restore, output).await
        }
        Command::Comment(comment) => {
            commands::review::comment(&engine, &folder, comment, output).await
        }
        Command::Sessions { command } => {
            commands::sessions::run(&engine, &folder, command.unwrap_or_default(), output).await
        }
        Command::Endpoints { command } => {
            commands::endpoints::run(&engine, command.unwrap_or_default(), output).await
        }
        Command::Ledger { command } => {
            commands::ledger::run(&engine, &folder, command.unwrap_or_default(), output).await
        }
        Command::Rules { command } => {
            commands::rules::run(&engine, &folder, command.unwrap_or_default(), output).await
        }
        Command::Trust(trust) => commands::trust::run(&engine, &folder, trust, output).await,
        Command::Search(search) => commands::search::run(&engine, &folder, search, output).await,
        Command::Index { command } => commands::index::run(&engine, &folder, command, output).await,
        Command::Data(asked) => commands::data::run(&engine, asked, output).await,
        Command::Doctor { deep } => commands::doctor::run(&engine, &folder, deep, output).await,
        Command::App { .. } | Command::ApplyPatch | Command::Completions { .. } | Command::Man => {
            Ok(Exit::Done)
        }
    };
    if works {
        // All output is out; once a day this takes a moment.
        engine.back_up_daily().await;
        engine.collect_before_end().await;
    }
    engine.close().await;
    done
}

async fn open_engine(json: bool, watch: bool) -> Result<Engine, Failure> {
    let attended = !json && std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let options = Options {
        watch,
        ..Options::of_this_process(attended)?
    };
    let engine = Engine::open(options).await?;
    if let Some(notice) = engine.recovery_notice() {
        eprintln!("kerf: {}", output::visible(&notice));
    }
    Ok(engine)
}

/// Logs go to standard error, and only when `KERF_LOG` asks for them, as `KERF_LOG=debug`.
fn start_log() {
    if let Ok(filter) = env::var("KERF_LOG") {
        tracing_subscriber::fmt()
            .with_env_filter(tracing_subscriber::EnvFilter::new(filter))
            .with_writer(std::io::stderr)
            .init();
    }
}
