use super::{
    super::{
        graph::{Graph, GraphMaker, Texts},
        in_play,
    },
    *,
};
use proptest::prelude::*;
use rstest::rstest;
use std::collections::BTreeMap;

/// A file a line: `path: names defined > names referred to`; `*3` after a name says how often.
#[derive(Debug, Clone)]
struct Fixture {
    paths: Vec<String>,
    names: BTreeMap<String, (Definers, Referrers)>,
}

type Definers = Vec<u32>;
/// With how often.
type Referrers = Vec<(u32, u32)>;

impl Fixture {
    fn new(text: &str) -> Self {
        let mut lines: Vec<&str> = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        lines.sort_unstable();
        let mut fixture = Self {
            paths: Vec::new(),
            names: BTreeMap::new(),
        };
        for line in lines {
            let (path, names) = line.split_once(':').unwrap();
            let (defined, referred) = names.split_once('>').unwrap_or((names, ""));
            let file = fixture.paths.len() as u32;
            fixture.paths.push(path.to_owned());
            for name in defined.split_whitespace() {
                fixture
                    .names
                    .entry(name.to_owned())
                    .or_default()
                    .0
                    .push(file);
            }
            for name in referred.split_whitespace() {
                let (name, count) = name.split_once('*').unwrap_or((name, "1"));
                let referrers = &mut fixture.names.entry(name.to_owned()).or_default().1;
                referrers.push((file, count.parse().unwrap()));
            }
        }
        fixture
    }

    fn graph(&self) -> Graph {
        let mut maker = GraphMaker::new(self.paths.iter().map(String::as_str));
        for (name, (definers, referrers)) in &self.names {
            maker.add(name, definers, referrers.iter().copied());
        }
        maker.finish()
    }

    fn in_play(&self, graph: &Graph, files: &[&str], words: &[&str]) -> InPlay {
        let mut paths = Texts::default();
        self.paths.iter().for_each(|path| paths.push(path));
        let place = |file: &&str| self.paths.iter().position(|path| path == file).unwrap() as u32;
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        in_play::find(graph, &paths, files.iter().map(place).collect(), &words)
    }

    /// The paths by rank.
    fn order(&self, files: &[&str], words: &[&str]) -> Vec<&str> {
        let graph = self.graph();
        let ranks = ranked(&graph, &self.in_play(&graph, files, words));
        let mut order: Vec<usize> = (0..self.paths.len()).collect();
        order.sort_by(|&one, &other| ranks.files[other].total_cmp(&ranks.files[one]));
        order
            .iter()
            .map(|&file| self.paths[file].as_str())
            .collect()
    }
}

fn ranked(graph: &Graph, in_play: &InPlay) -> Ranks {
    rank(graph, in_play, &AtomicBool::new(false)).unwrap()
}

const HUB: &str = "
    app.rs: run_app > parse_text store_value
    hub.rs: parse_text
    store.rs: store_value > parse_text
    view.rs: draw_view > parse_text
";

/// Two parts that know nothing of each other, the first one larger.
const TWO: &str = "
    a/cart.rs: cart_total > money_round tax_rate
    a/money.rs: money_round
    a/order.rs: place_order > cart_total money_round
    a/tax.rs: tax_rate > money_round
    b/font.rs: load_font
    b/text.rs: layout_text > load_font
";

/// Everybody defines `new` and calls `new`, and `get` is short; `core.rs` is what matters.
const COMMON: &str = "
    a.rs: new > new get*50 Engine
    b.rs: new > new get*50 Engine
    c.rs: new > new get*50 start_engine
    core.rs: Engine start_engine new
    get.rs: get
";

/// The two words lead to files that nothing refers to.
const ALONE: &str = "
    a.rs: first_thing > second_thing
    b.rs: second_thing
    invoice_mail.rs: send
    y.rs: refundRounding
";

const NONE: &str = "b.rs: one\n a.rs: two\n c.rs:\n";

const TESTS: &str = "
    tests/parse.rs: helper_of_tests > parse_text
    src/parse.rs: parse_text
    tests/other.rs: > helper_of_tests
    tests/third.rs: > helper_of_tests
    src/main.rs: main > parse_text
";

#[rstest]
#[case::a_hub_wins(HUB, &[], &[], "hub.rs store.rs")]
#[case::a_file_in_play_wins(HUB, &["view.rs"], &[], "view.rs hub.rs")]
#[case::without_focus_the_larger_part_wins(TWO, &[], &[], "a/money.rs")]
#[case::a_file_in_play_lifts_what_it_needs(TWO, &["b/text.rs"], &[], "b/text.rs b/font.rs")]
#[case::and_what_needs_it(TWO, &["b/font.rs"], &[], "b/font.rs b/text.rs")]
#[case::words_lift_names(TWO, &[], &["layout"], "b/text.rs b/font.rs")]
#[case::words_lift_paths(TWO, &[], &["where are fonts loaded"], "b/font.rs")]
#[case::common_names_do_not_win(COMMON, &[], &[], "core.rs get.rs")]
#[case::names_without_referrers_are_known(ALONE, &[], &["refund"], "y.rs")]
#[case::paths_are_words(ALONE, &[], &["mails"], "invoice_mail.rs")]
#[case::unknown_words_change_nothing(TWO, &[], &["zebra"], "a/money.rs")]
#[case::equal_ranks_are_by_path(NONE, &[], &[], "a.rs b.rs c.rs")]
#[case::tests_say_less(TESTS, &[], &[], "src/parse.rs")]
fn comes_first(
    #[case] fixture: &str,
    #[case] files: &[&str],
    #[case] words: &[&str],
    #[case] expected: &str,
) {
    let fixture = Fixture::new(fixture);
    let order = fixture.order(files, words);
    let expected: Vec<&str> = expected.split_whitespace().collect();
    assert_eq!(order[..expected.len()], expected, "{order:?}");
}

#[test]
fn own_references_lead_nowhere() {
    let graph =
        Fixture::new("a.rs: parse_text > parse_text*100\n b.rs: other_text > parse_text").graph();
    assert_eq!(
        (graph.references(0).len(), graph.references(1).len()),
        (0, 1)
    );
}

#[test]
fn more_references_weigh_more_by_their_root() {
    let graph = Fixture::new("a.rs: aaaaa bbbbb\n b.rs: > aaaaa bbbbb*9").graph();
    let weights: Vec<f32> = graph
        .references(1)
        .iter()
        .map(|found| found.weight)
        .collect();
    assert!((weights[1] / weights[0] - 3.0).abs() < 1e-6, "{weights:?}");
}

#[test]
fn a_name_is_divided_among_its_definers_by_their_weight() {
    let fixture = Fixture::new(
        "a.rs: parse_text\n b.rs: parse_text\n c.rs: > parse_text\n vendor/d.rs: parse_text",
    );
    let graph = fixture.graph();
    let shares: Vec<f32> = graph.definers(0).map(|(_, share)| share).collect();
    let ranks = ranked(&graph, &InPlay::default());
    assert!((shares[0] / shares[2] - 10.0).abs() < 1e-4, "{shares:?}");
    assert!((ranks.files[0] - ranks.files[1]).abs() < 1e-9);
    assert!(ranks.files[0] > ranks.files[3]);
}

#[test]
fn nothing_is_ranked_without_files() {
    let ranks = ranked(&GraphMaker::new([]).finish(), &InPlay::default());
    assert_eq!((ranks.files.len(), ranks.names.len()), (0, 0));
}

#[test]
fn a_cancelled_ranking_ends() {
    let graph = Fixture::new(HUB).graph();
    let cancelled = rank(&graph, &InPlay::default(), &AtomicBool::new(true));
    assert!(matches!(cancelled, Err(SearchError::Cancelled)));
}

#[test]
fn a_name_that_everybody_defines_is_left_out() {
    let paths: Vec<String> = (0..10_000).map(|n| format!("f{n}.rs")).collect();
    let mut maker = GraphMaker::new(paths.iter().map(String::as_str));
    let all: Vec<u32> = (0..9_000).collect();
    maker.add("everywhere", &all, (9_000..10_000).map(|file| (file, 1)));
    maker.add("only_here", &[3], (0..10_000).map(|file| (file, 1)));
    let graph = maker.finish();
    assert_eq!((graph.names.len(), graph.edges()), (1, 9_999));
    assert_eq!(graph.names.get(0), "only_here");
}

#[test]
fn a_file_of_a_million_references_keeps_its_strongest() {
    let mut maker = GraphMaker::new(["a.rs", "b.rs"]);
    for n in 0..1_000_000 {
        let name = if n % 10_000 == 77 {
            format!("a_long_name_{n}")
        } else {
            format!("n{n}")
        };
        maker.add(&name, &[0], [(1, 1)]);
    }
    let graph = maker.finish();
    let kept: Vec<&str> = graph
        .references(1)
        .iter()
        .map(|found| graph.names.get(found.name as usize))
        .collect();
    assert_eq!(kept.len(), 512);
    assert_eq!(
        kept.iter()
            .filter(|name| name.starts_with("a_long_name_"))
            .count(),
        100
    );
}

#[test]
fn strange_input_is_passed_over() {
    let mut maker = GraphMaker::new(["a.rs", "b.rs"]);
    maker.add("unknown_files", &[7], [(1, 1)]);
    maker.add("two\nlines", &[0], [(1, 1)]);
    maker.add("", &[0, 0, 9], [(1, 0), (1, u32::MAX), (8, 1), (0, 4)]);
    let graph = maker.finish();
    assert_eq!((graph.names.len(), graph.edges()), (1, 1));
    assert!(
        ranked(&graph, &InPlay::default())
            .files
            .iter()
            .all(|rank| rank.is_finite())
    );
}

/// Names with their definers and referrers, in one order and in another.
type Names = Vec<(String, Definers, Referrers)>;

const FILES: u32 = 12;

fn names() -> impl Strategy<Value = (Names, Names)> {
    let of_one = (
        prop::collection::vec(0..FILES, 0..5),
        prop::collection::btree_map(0..FILES, 1..40_u32, 0..9),
    );
    prop::collection::btree_map("[a-zA-Z_]{1,12}", of_one, 0..40)
        .prop_map(|names| {
            let one = |(name, (definers, referrers)): (String, (Vec<u32>, BTreeMap<u32, u32>))| {
                (name, definers, referrers.into_iter().collect())
            };
            names.into_iter().map(one).collect::<Names>()
        })
        .prop_flat_map(|names| {
            let shuffled = Just(names.clone()).prop_shuffle().prop_map(|mut names| {
                for (_, definers, referrers) in &mut names {
                    definers.reverse();
                    referrers.reverse();
                }
                names
            });
            (Just(names), shuffled)
        })
}

fn graph_of(names: &Names) -> Graph {
    let paths: Vec<String> = (0..FILES).map(|n| format!("f{n:02}.rs")).collect();
    let mut maker = GraphMaker::new(paths.iter().map(String::as_str));
    for (name, definers, referrers) in names {
        maker.add(name, definers, referrers.iter().copied());
    }
    maker.finish()
}

proptest! {
    #[test]
    fn the_sum_is_one_and_the_order_of_input_counts_nothing((names, shuffled) in names(), files in prop::collection::btree_set(0..FILES, 0..4), some in prop::collection::btree_set(0..30_u32, 0..4)) {
        let graph = graph_of(&names);
        prop_assert_eq!(&graph, &graph_of(&shuffled));
        let in_play = InPlay {
            files: files.into_iter().collect(),
            starts: some.iter().map(|&n| (n % FILES, f64::from(n))).collect(),
            names: some.into_iter().filter(|&name| (name as usize) < graph.names.len()).collect(),
        };
        let ranks = ranked(&graph, &in_play);
        let sum: f64 = ranks.files.iter().sum();
        prop_assert!((sum - 1.0).abs() < 1e-9, "{}", sum);
        prop_assert!(ranks.files.iter().all(|rank| *rank > 0.0));
        prop_assert_eq!(ranked(&graph, &in_play), ranks);
    }

    #[test]
    fn names_are_found_by_their_text((names, _) in names(), other in "[a-zA-Z_]{1,2}") {
        let graph = graph_of(&names);
        for number in 0..graph.names.len() {
            let name = graph.names.get(number);
            prop_assert!(graph.names.find(name).eq([number]));
            let end = graph.names.end(number) - 1;
            prop_assert_eq!([end - name.len(), end].map(|at| graph.names.at(at)), [number; 2]);
        }
        let is_known = (0..graph.names.len()).any(|number| graph.names.get(number) == other);
        prop_assert_eq!(graph.names.find(&other).count(), usize::from(is_known));
    }
}
