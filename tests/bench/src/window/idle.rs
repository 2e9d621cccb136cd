//! What an open window takes while nobody does anything: memory and CPU of all its processes.

use super::{
    frames::Frames,
    opened::{EMPTY, KERF, Opened, pass},
};
use crate::{
    Done,
    numbers::mib,
    room,
    table::{Table, Unit},
};
use kerf_test_support::{ModelServer, Script};
use std::{path::Path, time::Duration};
use window_tests::Desk;

const IDLE: Duration = Duration::from_secs(10);
const WATCHED: Duration = Duration::from_secs(3);

struct Idle {
    mib: f64,
    cpu_millis: f64,
}

fn idle(opened: &Opened<'_>) -> Idle {
    let before = opened.cpu();
    pass(IDLE);
    Idle {
        cpu_millis: (opened.cpu() - before) * 1e3,
        mib: mib(opened.memory()),
    }
}

fn of(desk: &Desk, program: &'static str, folder: &Path) -> Done<(Idle, Frames)> {
    let opened = Opened::settled(desk, program, folder)?;
    let idle = idle(&opened);
    Frames::record(&opened.window);
    pass(WATCHED);
    Ok((idle, Frames::recorded(&opened.window)?))
}

pub(crate) fn run(table: &mut Table) -> Done {
    let project = room::repository();
    let model = ModelServer::start(Script::new());
    let desk = Desk::new(&model);
    // The first start makes what later ones find.
    drop(Opened::settled(&desk, KERF, project.path())?);
    let (empty, empty_frames) = of(&desk, EMPTY, project.path())?;
    let (kerf, _) = of(&desk, KERF, project.path())?;
    table.compare(
        "window, idle: memory of all processes",
        Unit::Mib,
        Some(kerf.mib),
    );
    table.compare("— the empty window", Unit::Mib, Some(empty.mib));
    table.limited(
        "— above the empty window",
        Unit::Mib,
        Some(kerf.mib - empty.mib),
        100.0 * 1e6 / f64::from(1 << 20),
    );
    table.limited(
        "window, idle: CPU of all processes in 10 s",
        Unit::Millis,
        Some(kerf.cpu_millis),
        50.0,
    );
    table.compare("— the empty window", Unit::Millis, Some(empty.cpu_millis));
    empty_frames.compare("the empty window, 3 s with nothing to draw", table);
    table.note("Memory of a window: the sum of the proportional set sizes (PSS) of the program and its descendants, WebKit's processes included. The frames of the empty window are what the machine can do: there is no graphics card, all is drawn by the processor.");
    Ok(())
}
