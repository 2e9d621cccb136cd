//! Which file refers to names that which file defines: the graph that ranks flow along.
//!
//! A name stands between the files that refer to it and those that define it, as a node of its own, so that a name
//! with a thousand of each costs two thousand edges and not a million. Where a file both defines a name and refers to
//! it, it is taken to mean its own, and there is no edge.
//!
//! The same references make the same graph, in whatever order they are told.

use super::weight;

/// Which of more files is meant by a name nobody can tell, and each would get next to nothing.
const MAX_DEFINERS: usize = 512;

/// References of all files, which are gone over some dozen times a call: 12 bytes and some nanoseconds each.
const MAX_REFERENCES: usize = 6 << 20;

/// What one file may have of them at most, its strongest, and at least, however many files there are.
const MOST_A_FILE: usize = 512;
const LEAST_A_FILE: usize = 16;

/// Names that other files refer to, and those that none does: these are only looked at for the words in play.
const MAX_REFERRED: usize = 2 << 20;
const MAX_UNREFERRED: usize = 1 << 19;

/// Pairs of a name and a file that defines it.
const MAX_DEFINITIONS: usize = 8 << 20;

/// Takes references, name by name.
pub(super) struct GraphMaker {
    weights: Vec<f32>,
    /// What a file may refer to, at most.
    most: usize,
    names: Vec<Told>,
    referred: usize,
    definers: Vec<u32>,
    references: Vec<Vec<Reference>>,
    /// For the numbers of one name; empty between.
    told: Vec<(u32, u32)>,
}

/// A name that was told of. Its number is its place.
struct Told {
    name: Box<str>,
    /// Its definers' places in [`GraphMaker::definers`].
    first: u32,
    count: u32,
}

/// That a file refers to a name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Reference {
    pub(super) name: u32,
    pub(super) weight: f32,
}

/// Files, names, and what leads from the ones to the others.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Graph {
    /// What each file counts by itself.
    pub(super) weights: Vec<f32>,
    /// In order.
    pub(super) names: Texts,
    references_at: Vec<u32>,
    references: Vec<Reference>,
    definers_at: Vec<u32>,
    definers: Vec<u32>,
    /// What of a name goes to each of its definers; the sum for a name is 1.
    shares: Vec<f32>,
}

/// Many short texts in one, a line each.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Texts {
    pub(super) text: String,
    ends: Vec<u32>,
}

impl GraphMaker {
    /// Takes the paths of all files. A file is told by its place among them from now on.
    pub(super) fn new<'a>(paths: impl IntoIterator<Item = &'a str>) -> Self {
        let weights: Vec<f32> = paths.into_iter().map(weight::of_path).collect();
        Self {
            most: (MAX_REFERENCES / weights.len().max(1)).clamp(LEAST_A_FILE, MOST_A_FILE),
            references: vec![Vec::new(); weights.len()],
            weights,
            names: Vec::new(),
            referred: 0,
            definers: Vec::new(),
            told: Vec::new(),
        }
    }

    /// Takes a name, the files that define it, and those that refer to it with how often. A name may come again with
    /// another meaning, as it has in another language. Files that are not known are passed over.
    pub(super) fn add(
        &mut self,
        name: &str,
        definers: &[u32],
        referrers: impl IntoIterator<Item = (u32, u32)>,
    ) {
        let files = self.weights.len();
        let first = self.definers.len();
        self.definers
            .extend(definers.iter().filter(|file| (**file as usize) < files));
        self.definers[first..].sort_unstable();
        let mut own = self.definers.split_off(first);
        own.dedup();
        if own.is_empty()
            || own.len() > MAX_DEFINERS
            || first + own.len() > MAX_DEFINITIONS
            || name.contains('\n')
        {
            return;
        }
        let mut told = std::mem::take(&mut self.told);
        told.extend(referrers.into_iter().filter(|(file, count)| {
            *count > 0 && (*file as usize) < files && own.binary_search(file).is_err()
        }));
        let is_referred = !told.is_empty();
        let unreferred = self.names.len() - self.referred;
        let has_room = if is_referred {
            self.referred < MAX_REFERRED
        } else {
            unreferred < MAX_UNREFERRED
        };
        if has_room {
            self.referred += usize::from(is_referred);
            let number = self.names.len() as u32;
            self.names.push(Told {
                name: name.into(),
                first: first as u32,
                count: own.len() as u32,
            });
            let strength = weight::of_name(name, own.len(), told.len(), files);
            self.definers.append(&mut own);
            for &(file, count) in &told {
                let weight = strength * (count as f32).sqrt();
                self.refer(
                    file,
                    Reference {
                        name: number,
                        weight,
                    },
                );
            }
        }
        told.clear();
        self.told = told;
    }

    fn refer(&mut self, file: u32, reference: Reference) {
        let all = &mut self.references[file as usize];
        all.push(reference);
        // The strongest of all that come are the strongest of those kept and of those that come yet.
        if all.len() >= 2 * self.most {
            keep_strongest(all, self.most, &self.names);
        }
    }

    /// The graph of what was told.
    pub(super) fn finish(mut self) -> Graph {
        let definers_of = |told: &Told| {
            let first = told.first as usize;
            &self.definers[first..first + told.count as usize]
        };
        let mut order: Vec<u32> = (0..self.names.len() as u32).collect();
        order.sort_unstable_by(|&one, &other| {
            let (one, other) = (&self.names[one as usize], &self.names[other as usize]);
            (one.name.cmp(&other.name)).then_with(|| definers_of(one).cmp(definers_of(other)))
        });
        let mut graph = Graph::default();
        let mut places = vec![0_u32; order.len()];
        graph.definers_at.push(0);
        for (place, &number) in order.iter().enumerate() {
            let told = &self.names[number as usize];
            let definers = definers_of(told);
            let whole: f32 = definers
                .iter()
                .map(|&file| self.weights[file as usize])
                .sum();
            places[number as usize] = place as u32;
            graph.names.push(&told.name);
            graph.definers.extend(definers);
            (graph.shares).extend(
                definers
                    .iter()
                    .map(|&file| self.weights[file as usize] / whole),
            );
            graph.definers_at.push(graph.definers.len() as u32);
        }
        graph.references_at.push(0);
        for all in &mut self.references {
            if all.len() > self.most {
                keep_strongest(all, self.most, &self.names);
            }
            for reference in &mut *all {
                reference.name = places[reference.name as usize];
            }
            all.sort_unstable_by_key(|reference| reference.name);
            graph.references.append(all);
            graph.references_at.push(graph.references.len() as u32);
        }
        graph.weights = self.weights;
        graph
    }
}

/// Leaves the strongest references, equal ones by name.
fn keep_strongest(all: &mut Vec<Reference>, most: usize, names: &[Told]) {
    all.select_nth_unstable_by(most - 1, |one, other| {
        (other.weight.total_cmp(&one.weight)).then_with(|| {
            names[one.name as usize]
                .name
                .cmp(&names[other.name as usize].name)
        })
    });
    all.truncate(most);
}

impl Graph {
    /// How many files there are.
    pub(super) fn files(&self) -> usize {
        self.weights.len()
    }

    /// The names that a file refers to.
    pub(super) fn references(&self, file: usize) -> &[Reference] {
        &self.references[self.references_at[file] as usize..self.references_at[file + 1] as usize]
    }

    /// How many references there are.
    #[cfg(test)]
    pub(super) fn edges(&self) -> usize {
        self.references.len()
    }

    /// The files that define a name, with what of it goes to each.
    pub(super) fn definers(&self, name: usize) -> impl Iterator<Item = (u32, f32)> {
        let range = self.definers_at[name] as usize..self.definers_at[name + 1] as usize;
        let files = self.definers[range.clone()].iter().copied();
        files.zip(self.shares[range].iter().copied())
    }
}

impl Texts {
    /// Adds a text without line breaks. What does not fit into 4 GB any more is empty.
    pub(super) fn push(&mut self, text: &str) {
        if self.text.len() + text.len() < u32::MAX as usize - self.ends.len() {
            self.text.push_str(text);
        }
        self.text.push('\n');
        self.ends.push(self.text.len() as u32);
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn get(&self, number: usize) -> &str {
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]) as usize;
        &self.text[start..self.ends[number] as usize - 1]
    }

    /// The numbers of the texts that are this one, when all are in order.
    pub(super) fn find(&self, text: &str) -> impl Iterator<Item = usize> {
        let (mut from, mut to) = (0, self.len());
        while from < to {
            let middle = from + (to - from) / 2;
            if self.get(middle) < text {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        let is_same = move |&number: &usize| number < self.len() && self.get(number) == text;
        (from..self.len()).take_while(is_same)
    }

    /// Where the next one begins.
    pub(super) fn end(&self, number: usize) -> usize {
        self.ends[number] as usize
    }

    /// Which text holds the byte `at` of all.
    pub(super) fn at(&self, at: usize) -> usize {
        self.ends.partition_point(|end| *end as usize <= at)
    }
}
