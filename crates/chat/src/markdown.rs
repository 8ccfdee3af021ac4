//! Markdown of a model as HTML that cannot run: what looks like HTML is shown as text, links
//! go to the web or to a mailbox, and pictures are links, so that nothing is fetched unasked.

use std::fmt::{self, Write as _};

use pulldown_cmark::{CodeBlockKind, CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// Where a link may lead.
const SCHEMES: [&str; 3] = ["https://", "http://", "mailto:"];
/// How much longer than a text its HTML may be, and what each text may have besides.
const GROWS_MAX: usize = 8;
const FRAME_MAX: usize = 16 << 10;
/// Characters of a code block's language that are shown.
const LANGUAGE_CHARS_MAX: usize = 30;

/// The HTML of a text that a model wrote. `id` is unique on the page: its code blocks are
/// named after it, so that each can be copied.
pub fn html(id: &str, markdown: &str) -> String {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut shown = Shown { id, blocks: 0, links: Vec::new(), code: None };
    let events = Parser::new_ext(markdown, options).filter_map(|event| shown.event(event));
    let most = markdown.len() * GROWS_MAX + FRAME_MAX;
    let mut html = Bounded { html: String::with_capacity(markdown.len() * 3 / 2), most };
    match pulldown_cmark::html::write_html_fmt(&mut html, events) {
        Ok(()) => html.html,
        // A table of empty cells, say: as it was written.
        Err(_) => format!("<pre tabindex=\"0\">{}</pre>", escaped(markdown)),
    }
}

/// HTML that may become so long, and no longer.
struct Bounded {
    html: String,
    most: usize,
}

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.html.len() + text.len() > self.most {
            return Err(fmt::Error);
        }
        self.html.push_str(text);
        Ok(())
    }
}

/// What is open while events pass.
struct Shown<'i> {
    id: &'i str,
    /// Code blocks so far.
    blocks: usize,
    /// For each open link or picture, whether it became a link.
    links: Vec<bool>,
    /// The code block that is open.
    code: Option<String>,
}

impl Shown<'_> {
    fn event<'a>(&mut self, event: Event<'a>) -> Option<Event<'a>> {
        if let Some(code) = &mut self.code {
            match event {
                Event::Text(text) => {
                    code.push_str(&escaped(&text));
                    return None;
                }
                Event::End(TagEnd::CodeBlock) => {
                    let mut html = self.code.take().unwrap_or_default();
                    html.push_str("</code></pre></div>\n");
                    return Some(Event::Html(html.into()));
                }
                _ => return None,
            }
        }
        Some(match event {
            // Escaped when it is written, as any text is.
            Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
            Event::Start(Tag::HtmlBlock) => Event::Start(Tag::Paragraph),
            Event::End(TagEnd::HtmlBlock) => Event::End(TagEnd::Paragraph),
            Event::Start(Tag::Link { dest_url, .. }) => self.link(&dest_url, "")?,
            Event::Start(Tag::Image { dest_url, .. }) => self.link(&dest_url, "Image: ")?,
            Event::End(TagEnd::Link | TagEnd::Image) => {
                self.links.pop().filter(|is_link| *is_link)?;
                Event::InlineHtml(CowStr::Borrowed("</a>"))
            }
            Event::Start(Tag::CodeBlock(kind)) => {
                self.blocks += 1;
                self.code = Some(code_block(self.id, self.blocks, &kind));
                return None;
            }
            // As text: a box that nobody can tick needs no name and no place among the controls.
            Event::TaskListMarker(done) => Event::InlineHtml(CowStr::Borrowed(if done {
                "<span aria-hidden=\"true\">\u{2611}</span><span class=\"visually-hidden\">Done:</span> "
            } else {
                "<span aria-hidden=\"true\">\u{2610}</span><span class=\"visually-hidden\">Open:</span> "
            })),
            // The page has its own first level.
            Event::Start(Tag::Heading { level, .. }) => Event::Start(Tag::Heading {
                level: lower(level),
                id: None,
                classes: Vec::new(),
                attrs: Vec::new(),
            }),
            Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(lower(level))),
            other => other,
        })
    }

    fn link<'a>(&mut self, url: &str, before: &str) -> Option<Event<'a>> {
        let lower = url.to_ascii_lowercase();
        let leads_out = SCHEMES.iter().any(|scheme| lower.starts_with(scheme));
        // A link inside of a link is none.
        let is_link = leads_out && !self.links.contains(&true);
        self.links.push(is_link);
        let url = escaped(url);
        is_link.then(|| {
            let link = format!("<a href=\"{url}\" rel=\"noopener noreferrer nofollow\">{before}");
            Event::InlineHtml(link.into())
        })
    }
}

/// The head of a code block: its language and a button that copies it.
fn code_block(id: &str, block: usize, kind: &CodeBlockKind<'_>) -> String {
    let language = match kind {
        CodeBlockKind::Fenced(info) => info.split([' ', ',']).next().unwrap_or_default(),
        CodeBlockKind::Indented => "",
    };
    let language: String = language.chars().take(LANGUAGE_CHARS_MAX).collect();
    let (id, mut html) = (escaped(id), String::new());
    if !language.is_empty() {
        let _infallible = write!(html, "<div class=\"small soft\">{}</div>", escaped(&language));
    }
    let _infallible = write!(
        html,
        "<div class=\"code\"><button type=\"button\" class=\"btn small\" data-copy=\"#{id}-{block}\" \
         hidden>Copy</button><pre tabindex=\"0\"><code id=\"{id}-{block}\">"
    );
    html
}

fn lower(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 => HeadingLevel::H2,
        HeadingLevel::H2 => HeadingLevel::H3,
        HeadingLevel::H3 => HeadingLevel::H4,
        HeadingLevel::H4 => HeadingLevel::H5,
        HeadingLevel::H5 | HeadingLevel::H6 => HeadingLevel::H6,
    }
}

fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every tag that may stand in what is shown.
    const TAGS: [&str; 27] = [
        "a",
        "blockquote",
        "br",
        "button",
        "code",
        "del",
        "div",
        "em",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "li",
        "ol",
        "p",
        "pre",
        "span",
        "strong",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
        "ul",
    ];

    fn only_known_tags(html: &str) {
        for tag in html.split('<').skip(1) {
            let name = tag.trim_start_matches('/');
            let name: String = name.chars().take_while(|c| c.is_alphanumeric()).collect();
            assert!(TAGS.contains(&name.as_str()), "<{tag} in {html}");
            let inside = tag.split('>').next().unwrap_or_default().to_lowercase();
            assert!(!inside.contains(" on"), "a handler in <{inside}>");
        }
    }

    #[test]
    fn what_a_model_writes_is_shown_and_never_run() {
        for hostile in [
            "<script>alert(1)</script>",
            "a <img src=x onerror=alert(1)> b",
            "<svg/onload=alert(1)>\n\n<iframe src=//evil></iframe>",
            "[x](javascript:alert(1)) [y](JaVaScRiPt:alert(1)) [z](data:text/html,<script>)",
            "[x](  javascript:alert(1)) [x](&#106;avascript:alert(1)) <javascript:alert(1)>",
            "[x](https://a\"onmouseover=alert(1)) ![x\" onerror=\"y](https://a)",
            "![x](javascript:alert(1)) ![](https://evil.example/pixel.gif)",
            "```\"><script>alert(1)</script>\n</code></pre><script>alert(2)</script>\n```",
            "    <script>alert(1)</script>",
            "# <b onclick=x>h</b> {#id .class onclick=x}",
            "| <script>a</script> | [b](vbscript:x) |\n|---|---|\n| `<img src=x>` | <!-- c --> |",
            "[a [b](https://b.example)](https://a.example)",
            "<style>*{display:none}</style>\n<form action=//evil><input name=a></form>",
        ] {
            let html = html("m", hostile);
            only_known_tags(&html);
            let lower = html.to_lowercase();
            assert!(
                !lower.contains("href=\"javascript") && !lower.contains("href=\"data"),
                "{html}"
            );
            assert!(!lower.contains("<img") && !lower.contains("src=\""), "{html}");
        }
    }

    #[test]
    fn a_short_text_does_not_become_a_page_that_is_too_long_to_show() {
        let cells = |cell: &str| cell.repeat(512);
        let table = format!("{}\n{}\n{}", cells("|a"), cells("|:-:"), "|x\n".repeat(513));
        for text in [table, ">".repeat(9_000), "* ".repeat(9_000)] {
            let html = html("m", &text);
            assert!(html.len() <= text.len() * GROWS_MAX + FRAME_MAX, "{} bytes", html.len());
            only_known_tags(&html);
        }
    }

    #[test]
    fn what_people_expect_of_markdown_is_there() {
        let html = html(
            "msg",
            "# Title\n\nSome **bold** and `code` on [the web](https://example.com/?a=1&b=\"2\").\n\n\
             ```rust,ignore\nfn main() { a < b }\n```\n\n- [x] done\n\n| a |\n|---|\n| 1 |\n",
        );
        for part in [
            "<h2>Title</h2>",
            "<strong>bold</strong>",
            "<a href=\"https://example.com/?a=1&amp;b=&quot;2&quot;\" rel=\"noopener noreferrer nofollow\">",
            "<div class=\"small soft\">rust</div>",
            "data-copy=\"#msg-1\"",
            "<code id=\"msg-1\">",
            "fn main() { a &lt; b }",
            "\u{2611}",
            "<table>",
        ] {
            assert!(html.contains(part), "{part} is not in {html}");
        }
        let picture = super::html("m", "![a cat](https://example.com/cat.png)");
        assert!(picture.contains("nofollow\">Image: a cat</a>"), "{picture}");
    }
}
