//! Markdown: its headings, each inside of the one above it that is larger.

use super::super::{
    grammar::{Grammar, Rule::*, Step},
    walk::Walk,
};
use tree_sitter::Node;

/// Blocks only; the text in them is not parsed. Headings in quotes and lists are not of this document.
pub(super) const MARKDOWN: Grammar = Grammar {
    language: || tree_sitter_md::LANGUAGE.into(),
    rules: &[&[
        ("atx_heading", Special(heading)),
        ("setext_heading", Special(heading)),
        ("html_block", Special(html)),
        ("paragraph", Skip),
        ("fenced_code_block", Skip),
        ("block_quote", Skip),
        ("list", Skip),
        ("pipe_table", Skip),
    ]],
    tails: &[],
    words: &[],
    blanks: &[],
};

fn heading(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    let Some(content) = node.child_by_field_name("heading_content") else {
        return Step::Over;
    };
    let level = (0..4)
        .filter_map(|number| node.named_child(number))
        .find_map(|child| {
            child
                .kind()
                .split_once("_h")
                .and_then(|(_, rest)| rest.bytes().next())
        })
        .map_or(1, |digit| digit.saturating_sub(b'0'));
    let text = walk.text_of(content).trim();
    // `### Title ###` is closed by marks that are not of the title.
    let closed = text.trim_end_matches('#');
    let text = if closed.ends_with([' ', '\t']) {
        closed
    } else {
        text
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    walk.enter_heading(
        node,
        content,
        &words.join(" ").replace(['`', '*'], ""),
        level,
    );
    Step::Over
}

fn html(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    if walk.text_of(node).starts_with("<!--") {
        walk.comment(node);
    }
    Step::Over
}
