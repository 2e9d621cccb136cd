//! `kerf data`: where Kerf's data is, how much there is of it, and freeing what nothing needs.

use crate::{
    commands::size,
    exit::Exit,
    output::{Output, visible},
};
use kerf_engine::Engine;
use kerf_protocol::{
    Failure,
    request::{Nothing, method},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Data {
    /// Give up the oldest checkpoints, as far as they are more than their room, and free what nothing needs
    #[arg(long)]
    collect: bool,
}

pub(crate) async fn run(engine: &Engine, asked: Data, output: &Output) -> Result<Exit, Failure> {
    if asked.collect {
        let done = engine.call::<method::DataCollect>(Nothing {}).await?;
        if output.json() {
            output.object(&done);
        } else if let Some(why) = &done.postponed {
            output.line(&format!("nothing was freed: {}", visible(why)));
        } else {
            output.line(&match done.checkpoints {
                0 => format!("{} freed", size(done.bytes)),
                1 => format!("{} freed; 1 checkpoint was given up", size(done.bytes)),
                many => format!(
                    "{} freed; {many} checkpoints were given up",
                    size(done.bytes)
                ),
            });
        }
        output.flush();
        return Ok(match done.postponed {
            Some(_) => Exit::Failed,
            None => Exit::Done,
        });
    }
    let data = engine.call::<method::DataShow>(Nothing {}).await?;
    if output.json() {
        output.object(&data);
    } else {
        output.line(&format!("data           {}", visible(&data.folder)));
        output.line(&format!("configuration  {}", visible(&data.configuration)));
        output.line(&format!("database       {}", size(data.database_bytes)));
        output.line(&format!(
            "checkpoints    {} of {}",
            size(data.blob_bytes),
            size(data.blob_room)
        ));
        output.line(&format!("conversations  {}", data.sessions));
    }
    output.flush();
    Ok(Exit::Done)
}
