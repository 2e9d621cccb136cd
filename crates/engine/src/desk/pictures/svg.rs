//! Whether drawing an SVG comes to an end soon. An SVG is a program that draws: with a few lines it can draw the same thing
//! a billion times, move for ever, or blur a sea of pixels.
//!
//! Known parts alone are let through, and of those that draw others again only as many as can do no harm. What is no SVG
//! that a browser reads is for the browser to refuse.

/// Elements that draw once, or hold what does.
const KNOWN: &[&str] = &[
    "a",
    "circle",
    "clipPath",
    "defs",
    "desc",
    "ellipse",
    "g",
    "line",
    "linearGradient",
    "metadata",
    "path",
    "polygon",
    "polyline",
    "radialGradient",
    "rect",
    "stop",
    "style",
    "svg",
    "symbol",
    "text",
    "title",
    "tspan",
    "use",
];
/// Words of attributes and styles that make a cheap element a dear one.
const DEAR: &[&str] = &["animation", "dasharray", "filter", "mask", "transition"];
/// Namespaces in which another name means an element that is drawn.
const DRAWN: &[&str] = &["http://www.w3.org/2000/svg", "http://www.w3.org/1999/xhtml"];
/// Deeper ones are not drawn.
const MAX_DEPTH: usize = 200;
/// So many elements are drawn, those that are drawn again counted each time.
const MAX_DRAWN: f64 = 2e6;

/// The part of an SVG because of which drawing it may not end soon; none: it does.
pub(super) fn endless(text: &str) -> Option<String> {
    let mut scan = Scan::default();
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (between, markup) = rest.split_at(at);
        if scan.styles > 0
            && let Some(part) = dear(between).or_else(|| at_rule(between))
        {
            return Some(part);
        }
        match scan.markup(markup) {
            Ok(length) => rest = &markup[length..],
            Err(part) => return Some(part),
        }
    }
    scan.too_much()
}

#[derive(Default)]
struct Scan {
    elements: u32,
    /// Elements that draw others again, or are cut by others.
    again: u32,
    depth: usize,
    /// How many style sheets are open.
    styles: usize,
}

impl Scan {
    /// Reads what begins with `<`, and says how long it is.
    ///
    /// Errors: what is not drawn.
    fn markup(&mut self, text: &str) -> Result<usize, String> {
        let until = |end: &str| text.find(end).map_or(text.len(), |at| at + end.len());
        if let Some(inside) = text.strip_prefix("<!--") {
            // Its beginning is no part of its end: `<!-->` goes on.
            let end = inside.find("-->");
            return Ok(end.map_or(text.len(), |at| "<!--".len() + at + "-->".len()));
        }
        if text.starts_with("<![CDATA[") {
            let end = until("]]>");
            let inside = &text[..end];
            return match dear(inside).or_else(|| at_rule(inside)) {
                Some(part) if self.styles > 0 => Err(part),
                _ => Ok(end),
            };
        }
        if text.starts_with("<!") {
            let end = tag_length(text);
            // Entities are texts that stand for others, again and again.
            return if text[..end].contains('[') || !text.starts_with("<!DOCTYPE") {
                Err("<!ENTITY".to_owned())
            } else {
                Ok(end)
            };
        }
        if text.starts_with("<?") {
            let end = until("?>");
            let says = text[..end].to_ascii_lowercase();
            let other = says.contains("encoding")
                && !["utf-8", "us-ascii", "utf8"]
                    .iter()
                    .any(|known| says.contains(known));
            return if !says.starts_with("<?xml ") || other {
                Err(short(&text[..end]))
            } else {
                Ok(end)
            };
        }
        self.tag(text)
    }

    fn tag(&mut self, text: &str) -> Result<usize, String> {
        let length = tag_length(text);
        let tag = &text[..length];
        if let Some(ended) = tag.strip_prefix("</") {
            self.depth = self.depth.saturating_sub(1);
            let ends_style = ended.trim_end_matches(['>', ' ']) == "style";
            self.styles = self.styles.saturating_sub(usize::from(ends_style));
            return Ok(length);
        }
        let name_ends = |char: char| char.is_whitespace() || matches!(char, '>' | '/');
        let name = tag[1..].split(name_ends).next().unwrap_or_default();
        if !name.contains(':') && !KNOWN.contains(&name) {
            return Err(format!("<{}>", short(name)));
        }
        if let Some(part) = dear(tag).or_else(|| renames(tag)) {
            return Err(part);
        }
        let cuts = tag.to_ascii_lowercase().contains("clip-path");
        self.elements += 1;
        self.again += u32::from(name == "use") + u32::from(cuts);
        if !tag.ends_with("/>") {
            self.depth += 1;
            self.styles += usize::from(name == "style");
        }
        if self.depth > MAX_DEPTH {
            return Err(format!("more than {MAX_DEPTH} elements in each other"));
        }
        Ok(length)
    }

    /// With so many that draw again, the most that they can come to is when three of them are in each that they draw.
    fn too_much(&self) -> Option<String> {
        let drawn = 3_f64.powf(f64::from(self.again) / 3.0) * f64::from(self.elements);
        (drawn > MAX_DRAWN).then(|| {
            format!(
                "{} elements, {} of which draw others again",
                self.elements, self.again
            )
        })
    }
}

/// Up to the `>` that ends a tag or a DOCTYPE: one inside quotes does not.
fn tag_length(text: &str) -> usize {
    let mut quote = None;
    for (at, char) in text.char_indices() {
        match (quote, char) {
            (None, '"' | '\'') => quote = Some(char),
            (None, '>') => return at + 1,
            (Some(open), _) if open == char => quote = None,
            _ => {}
        }
    }
    text.len()
}

fn dear(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    // A reference or an escape may spell any word.
    let hides = text.contains("&#") || text.contains('\\');
    let word = DEAR.iter().find(|word| text.contains(**word));
    word.map(|word| (*word).to_owned())
        .or_else(|| hides.then(|| "an escaped character".to_owned()))
}

/// Of a style sheet, what loads, moves or cuts.
fn at_rule(style: &str) -> Option<String> {
    let style = style.to_ascii_lowercase();
    ["@", "clip-path"]
        .iter()
        .find(|word| style.contains(**word))
        .map(|word| (*word).to_owned())
}

/// A prefix under which an element has one of the known names and is another, or the other way round.
fn renames(tag: &str) -> Option<String> {
    let at = tag.find("xmlns:")?;
    let said = &tag[at..];
    DRAWN
        .iter()
        .any(|space| said.split("xmlns:").skip(1).any(|one| one.contains(space)))
        .then(|| "a prefix for elements that are drawn".to_owned())
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    const NS: &str = "xmlns=\"http://www.w3.org/2000/svg\"";

    #[rstest]
    #[case::plain("<rect width='1' height='1'/>")]
    #[case::a_gradient(
        "<defs><linearGradient id='a'><stop offset='0'/></linearGradient></defs><path fill='url(#a)' d='M0 0'/>"
    )]
    #[case::a_style("<style>.a{fill:#f00}</style><g class='a'><circle r='1'/></g>")]
    #[case::a_sprite("<symbol id='a'><path d='M0'/></symbol><use href='#a'/><use href='#a'/>")]
    #[case::an_angle_in_quotes("<text title='a > b'>a</text>")]
    #[case::a_comment("<!-- <animate/> --><rect/>")]
    #[case::an_editors_own("<sodipodi:namedview pagecolor='#fff'/><rect/>")]
    #[case::escaped_text("<text>a &#60; b</text>")]
    fn what_ends_is_drawn(#[case] inside: &str) {
        let svg = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"x\">\n<svg {NS}>{inside}</svg>"
        );
        assert_eq!(endless(&svg), None, "{svg}");
    }

    /// `levels` groups, each of which draws the one before it `times` times.
    fn laughs(levels: usize, times: usize) -> String {
        (1..=levels)
            .map(|level| {
                let uses = format!("<use href='#g{}'/>", level - 1).repeat(times);
                format!("<g id='g{level}'>{uses}</g>")
            })
            .collect()
    }

    #[rstest]
    #[case::a_billion(&laughs(9, 10))]
    #[case::with_few(&laughs(30, 2))]
    #[case::cut_by_each_other(&"<clipPath id='a'><rect clip-path='url(#b)'/></clipPath>".repeat(60))]
    #[case::moving("<rect><animate attributeName='x' dur='1s' repeatCount='indefinite'/></rect>")]
    #[case::moving_by_style("<style>rect{ANIMATION: a 1s infinite}</style>")]
    #[case::moving_by_a_rule("<style><![CDATA[@keyframes a{}]]></style>")]
    #[case::spelled_in_another_way("<style>rect{a\\6eimation: a 1s}</style>")]
    #[case::spelled_by_reference("<rect style='&#97;nimation: a 1s'/>")]
    #[case::moving_behind_an_element("<style><g></g>rect{animation: a 1s}</style>")]
    #[case::moving_behind_a_style("<style><style></style>rect{animation: a 1s}</style>")]
    #[case::noise("<filter id='a'><feTurbulence numOctaves='999999'/></filter>")]
    #[case::blurred("<g style='filter:blur(9999px)'/>")]
    #[case::dashes("<path stroke-dasharray='0.0001' d='M0 0H999999999'/>")]
    #[case::tiles("<pattern id='p' width='0.0001' height='0.0001'/>")]
    #[case::other_markup("<foreignObject><body/></foreignObject>")]
    #[case::under_a_prefix("<x:animate xmlns:x='http://www.w3.org/2000/svg'/>")]
    #[case::an_own_name_first(
        "<g xmlns:y='z' xmlns:x='http://www.w3.org/2000/svg'><x:filter/></g>"
    )]
    #[case::another_style_sheet("<?xml-stylesheet href='x.css'?>")]
    #[case::deep(&"<g>".repeat(300))]
    #[case::behind_a_comment_that_is_none("<![CDATA[<!--]]><animate/><!-- -->")]
    #[case::behind_a_quote("<text title='>'/><animate/>")]
    fn what_may_not_end_is_not(#[case] inside: &str) {
        let svg = format!("<svg {NS}>{inside}</svg>");
        assert!(endless(&svg).is_some(), "{svg:.200}");
    }

    #[rstest]
    #[case("<!DOCTYPE svg [<!ENTITY a '<animate/>'>]><svg>&a;</svg>")]
    #[case("<?xml version='1.0' encoding='UTF-7'?><svg/>")]
    #[case::behind_what_is_no_whole_comment(
        "<svg xmlns=\"http://www.w3.org/2000/svg\"><!--><g title=\" --><rect><animate attributeName='x' dur='1s' repeatCount='indefinite'/></rect>\"/></svg>"
    )]
    #[case::behind_a_quote_of_the_doctype(
        "<!DOCTYPE svg SYSTEM \"><g title='\"><svg xmlns=\"http://www.w3.org/2000/svg\"><animate dur=\"1s\"/></svg><!--'/>-->"
    )]
    fn texts_that_mean_others_are_not(#[case] svg: &str) {
        assert!(endless(svg).is_some(), "{svg}");
    }

    proptest! {
        #[test]
        fn any_text_is_told(text in "(<|>|!|-|\\[|'|\"|/|\\?|use|svg|CDATA|xmlns:|style| |ä){0,60}") {
            let _told = endless(&text);
        }
    }
}
