//! Completions and the manual page, made from the command line's own description.

use crate::{args::Arguments, exit::Exit, output::Output};
use clap::CommandFactory;
use clap_complete::{Shell, generate};
use kerf_protocol::{Code, Failure};
use std::io;

pub(crate) fn completions(shell: Shell, output: &Output) -> Result<Exit, Failure> {
    let mut text = Vec::new();
    generate(shell, &mut Arguments::command(), "kerf", &mut text);
    output.bytes(&text);
    output.flush();
    Ok(Exit::Done)
}

pub(crate) fn man(output: &Output) -> Result<Exit, Failure> {
    let mut command = Arguments::command();
    command.build();
    let failed = |error: io::Error| Failure {
        code: Code::Internal,
        message: format!("the manual page cannot be made: {error}"),
        hint: String::new(),
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(command.clone())
        .render(&mut text)
        .map_err(failed)?;
    for subcommand in command
        .get_subcommands()
        .filter(|subcommand| subcommand.get_name() != "help")
    {
        clap_mangen::Man::new(subcommand.clone())
            .render(&mut text)
            .map_err(failed)?;
    }
    output.bytes(&text);
    output.flush();
    Ok(Exit::Done)
}
