//! The same work for each of many files, on all cores.

use std::{num::NonZero, panic::resume_unwind, thread};

/// For fewer files no thread is started: that costs as much as reading them.
const FILES_FOR_A_THREAD: usize = 16;

/// What the work makes of each, in their order. Blocks.
pub(super) fn each<T: Sync, R: Send>(all: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = thread::available_parallelism()
        .map_or(1, NonZero::get)
        .min(all.len() / FILES_FOR_A_THREAD)
        .max(1);
    let part = all.len().div_ceil(threads).max(1);
    let work = |some: &[T]| some.iter().map(&work).collect::<Vec<R>>();
    let work = &work;
    thread::scope(|scope| {
        let mut parts = all.chunks(part);
        let first = parts.next().unwrap_or_default();
        let others: Vec<_> = parts.map(|some| scope.spawn(move || work(some))).collect();
        let mut done = work(first);
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        done
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_stays() {
        for count in [0, 1, 15, 16, 17, 31, 32, 33, 1000] {
            let all: Vec<usize> = (0..count).collect();
            assert_eq!(each(&all, |number| *number), all, "of {count}");
        }
    }
}
