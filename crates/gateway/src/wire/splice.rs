//! Edits that leave every other byte of a request as the caller sent it.

use std::{borrow::Cow, ops::Range};

use bytes::Bytes;

use super::{
    ask::{Ask, OptionsShape},
    ceiling::Ceiling,
    json,
};

/// What has to change on the way to a provider.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Edits<'a> {
    /// The provider's own name for the model.
    pub(crate) model: Option<&'a str>,
    /// A stream must end with its usage, whether or not the caller wants to see it.
    pub(crate) include_usage: bool,
    /// No answer may be longer than what is held for it.
    pub(crate) ceiling: Option<Ceiling>,
}

/// What is cut out, and what comes in its place.
pub(super) type Cut = (Range<usize>, Cow<'static, str>);

/// The body with these edits; the very same bytes when nothing changes. `None` if the ask was read
/// from another body: then there is no body that could be sent.
pub(crate) fn splice(body: &Bytes, ask: &Ask<'_>, edits: Edits<'_>) -> Option<Bytes> {
    let mut cuts = Vec::new();
    if let Some(model) = edits.model.filter(|model| *model != ask.model) {
        cuts.push((ask.model_span.clone(), Cow::Owned(json::quoted(model))));
    }
    if edits.include_usage && ask.stream && !ask.wants_usage() {
        cuts.push(usage_cut(body, ask)?);
    }
    if let Some(ceiling) = edits.ceiling {
        ceiling.cut(body, ask, &mut cuts)?;
    }
    if cuts.is_empty() {
        return Some(body.clone());
    }
    // What is inserted where another cut begins comes before it.
    cuts.sort_by_key(|(range, _)| (range.start, range.end));
    let added: usize = cuts.iter().map(|(_, text)| text.len()).sum();
    let mut out = Vec::with_capacity(body.len().saturating_add(added));
    let mut at = 0;
    for (range, text) in cuts {
        out.extend_from_slice(body.get(at..range.start)?);
        out.extend_from_slice(text.as_bytes());
        at = range.end;
    }
    out.extend_from_slice(body.get(at..)?);
    Some(Bytes::from(out))
}

/// Where a first member can stand. The body has others: without a model it is none.
pub(super) fn inside(body: &Bytes) -> Option<Range<usize>> {
    let inside = body.iter().position(|byte| *byte == b'{')?.checked_add(1)?;
    Some(inside..inside)
}

fn usage_cut(body: &Bytes, ask: &Ask<'_>) -> Option<Cut> {
    let Some(options) = &ask.stream_options else {
        return Some((inside(body)?, r#""stream_options":{"include_usage":true},"#.into()));
    };
    if let Some(value) = &options.include_usage_span {
        return Some((value.clone(), "true".into()));
    }
    let inside = options.span.start.checked_add(1)?;
    Some(match options.shape {
        OptionsShape::Null => (options.span.clone(), r#"{"include_usage":true}"#.into()),
        OptionsShape::Empty => (inside..inside, r#""include_usage":true"#.into()),
        OptionsShape::Members => (inside..inside, r#""include_usage":true,"#.into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{ask::Kind, ceiling::CeilingName};

    const MESSAGES: &str = r#""messages" :[ {"role":"user","content":"caf\u00e9 \"model\""}]"#;
    const BOTH: Edits<'_> = Edits { model: Some("real\"1"), include_usage: true, ceiling: None };

    fn edited(body: &str, edits: Edits<'_>) -> String {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let ask = Ask::parse(Kind::Chat, &body).unwrap();
        String::from_utf8(splice(&body, &ask, edits).unwrap().to_vec()).unwrap()
    }

    #[test]
    fn every_byte_but_the_edited_ones_is_the_callers() {
        for (before, after) in [
            (
                r#" { "model": "nice" ,"stream":true, "#,
                r#" {"stream_options":{"include_usage":true}, "model": "real\"1" ,"stream":true, "#,
            ),
            (
                r#"{"stream_options":{ },"stream":true,"model":"nice","#,
                r#"{"stream_options":{"include_usage":true },"stream":true,"model":"real\"1","#,
            ),
            (
                r#"{"stream":true,"stream_options":null,"model":"nice","#,
                r#"{"stream":true,"stream_options":{"include_usage":true},"model":"real\"1","#,
            ),
            (
                r#"{"stream":true,"stream_options":{"x":[1]},"model":"nice","#,
                r#"{"stream":true,"stream_options":{"include_usage":true,"x":[1]},"model":"real\"1","#,
            ),
            (
                r#"{"stream":true,"model":"nice","stream_options":{"x":1, "include_usage" : false},"#,
                r#"{"stream":true,"model":"real\"1","stream_options":{"x":1, "include_usage" : true},"#,
            ),
            (
                r#"{"stream":true,"model":"nice","stream_options":{"include_usage":null},"#,
                r#"{"stream":true,"model":"real\"1","stream_options":{"include_usage":true},"#,
            ),
        ] {
            let (before, after) =
                (format!("{before}{MESSAGES}}}\n"), format!("{after}{MESSAGES}}}\n"));
            assert_eq!(edited(&before, BOTH), after);
        }
    }

    #[test]
    fn a_request_that_needs_no_change_is_forwarded_as_the_same_memory() {
        let body = Bytes::from(format!(
            r#"{{"model":"m","stream":true,"stream_options":{{"include_usage":true}},{MESSAGES}}}"#
        ));
        let ask = Ask::parse(Kind::Chat, &body).unwrap();
        let edits = Edits { model: Some("m"), include_usage: true, ceiling: None };
        assert_eq!(splice(&body, &ask, edits).unwrap().as_ptr(), body.as_ptr());
        let body = Bytes::from(format!(r#"{{"model":"m","max_tokens":9,{MESSAGES}}}"#));
        let ask = Ask::parse(Kind::Chat, &body).unwrap();
        let ceiling = Some(Ceiling { name: CeilingName::MaxTokens, tokens: 50 });
        let edits = Edits { ceiling, ..Edits::default() };
        assert_eq!(splice(&body, &ask, edits).unwrap().as_ptr(), body.as_ptr());
    }

    #[test]
    fn usage_is_asked_of_streams_only() {
        let body = format!(r#"{{"model":"m",{MESSAGES}}}"#);
        assert_eq!(edited(&body, Edits { include_usage: true, ..Edits::default() }), body);
    }

    #[test]
    fn the_spans_of_one_body_never_edit_another() {
        let body = format!(r#"{{"model":"m",{MESSAGES}}}"#);
        let ask = Ask::parse(Kind::Chat, body.as_bytes()).unwrap();
        assert_eq!(splice(&Bytes::from_static(b"{}"), &ask, BOTH), None);
    }
}
