//! What the user said last: the text that patterns are matched against.

use std::borrow::Cow;

use serde::Deserialize;

use super::{ask::Ask, json::Text};

/// The text of the last user message; the text parts of a message in parts are joined by a line
/// break. Read only when asked for, because only pattern models need it.
pub(crate) fn last_user_text<'a>(ask: &Ask<'a>) -> Option<Cow<'a, str>> {
    #[derive(Deserialize)]
    struct Part<'a> {
        #[serde(borrow)]
        text: Option<Text<'a>>,
    }
    let content = ask.last_user?.get();
    if content.starts_with('"') {
        return serde_json::from_str::<Text<'a>>(content).ok().map(|text| text.0);
    }
    let parts: Vec<Part<'a>> = serde_json::from_str(content).ok()?;
    let texts: Vec<_> = parts.into_iter().filter_map(|part| Some(part.text?.0)).collect();
    if texts.is_empty() { None } else { Some(Cow::Owned(texts.join("\n"))) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::ask::Kind;

    fn of(messages: &str) -> Option<String> {
        let body = format!(r#"{{"model":"patterns","messages":[{messages}]}}"#);
        let ask = Ask::parse(Kind::Chat, body.as_bytes()).unwrap();
        last_user_text(&ask).map(Cow::into_owned)
    }

    #[test]
    fn a_pattern_sees_what_the_user_said_last() {
        let two = r#"{"role":"user","content":"first"},{"role":"user","content":"say \"hi\" \u00e9"},
            {"role":"assistant","content":"no"}"#;
        assert_eq!(of(two).as_deref(), Some("say \"hi\" é"));
    }

    #[test]
    fn a_pattern_sees_the_text_beside_an_image() {
        let parts = r#"{"role":"user","content":[{"type":"text","text":"a"},
            {"type":"image_url","image_url":{"url":"https://x.test/i.png"}},{"type":"text","text":"b"}]}"#;
        assert_eq!(of(parts).as_deref(), Some("a\nb"));
    }

    #[test]
    fn a_chat_in_which_no_user_wrote_text_has_none() {
        assert_eq!(of(r#"{"role":"system","content":"x"}"#), None);
        assert_eq!(of(r#"{"role":"user","content":null}"#), None);
        assert_eq!(of(r#"{"role":"user","content":[]}"#), None);
    }
}
