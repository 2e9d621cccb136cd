//! What the figures were measured on.

use std::{env::consts, fs, thread};

/// Cores, processor, memory, kernel and load, in one line.
pub(crate) fn facts() -> String {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let mut facts = vec![format!("{cores} cores")];
    facts.extend(field("/proc/cpuinfo", "model name"));
    let memory = field("/proc/meminfo", "MemTotal")
        .and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
    facts.extend(memory.map(|kib| format!("{} MiB of memory", kib / 1024)));
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    facts.push(format!(
        "{} {} {}",
        consts::OS,
        release.trim(),
        consts::ARCH
    ));
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    facts.extend(
        load.split(' ')
            .next()
            .filter(|load| !load.is_empty())
            .map(|load| format!("load {load} at the end")),
    );
    format!("Machine: {}.", facts.join(", "))
}

fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
