//! The ceiling of an answer, told to a provider where no more may be used than is held.

use std::ops::Range;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{
    ask::Ask,
    splice::{Cut, inside},
};

/// How an endpoint reads the ceiling of an answer's tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CeilingName {
    /// As `OpenAI` names it now; bounds what a model thinks, too.
    #[default]
    MaxCompletionTokens,
    /// The older name, and the only one that some servers know.
    MaxTokens,
}

impl CeilingName {
    /// The key in a body.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MaxCompletionTokens => "max_completion_tokens",
            Self::MaxTokens => "max_tokens",
        }
    }
}

/// What a provider must be told of the length of an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ceiling {
    /// As the endpoint reads it.
    pub(crate) name: CeilingName,
    /// The tokens, where the caller names no number.
    pub(crate) tokens: u64,
}

impl Ceiling {
    /// Names the ceiling as the endpoint reads it. A number under the other name moves there: where
    /// both stand, some providers refuse the call.
    pub(super) fn cut(self, body: &Bytes, ask: &Ask<'_>, cuts: &mut Vec<Cut>) -> Option<()> {
        let (own, other) = match self.name {
            CeilingName::MaxCompletionTokens => (&ask.max_completion_tokens, &ask.max_tokens),
            CeilingName::MaxTokens => (&ask.max_tokens, &ask.max_completion_tokens),
        };
        let other = other.as_ref().and_then(|other| Some((other.tokens?, other.span.clone())));
        match (own, other) {
            (Some(own), _) if own.tokens.is_some() => {}
            (Some(own), Some((tokens, span))) => {
                cuts.push((own.span.clone(), tokens.to_string().into()));
                cuts.push((span, "null".into()));
            }
            (Some(own), None) => cuts.push((own.span.clone(), self.tokens.to_string().into())),
            (None, Some((_, value))) => {
                cuts.push((key_of(body, &value)?, format!("\"{}\"", self.name.as_str()).into()));
            }
            (None, None) => {
                let member = format!("\"{}\":{},", self.name.as_str(), self.tokens);
                cuts.push((inside(body)?, member.into()));
            }
        }
        Some(())
    }
}

/// Where the key of this value lies, quotes included. There is no quote within the keys that we
/// read, and none between a key and its value.
fn key_of(body: &Bytes, value: &Range<usize>) -> Option<Range<usize>> {
    let before = body.get(..value.start)?;
    let end = before.iter().rposition(|byte| *byte == b'"')?;
    let start = before.get(..end)?.iter().rposition(|byte| *byte == b'"')?;
    Some(start..end.checked_add(1)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{
        ask::Kind,
        splice::{Edits, splice},
    };

    const MESSAGES: &str = r#""messages":[{"role":"user","content":"x"}]"#;

    fn edited(body: &str, edits: Edits<'_>) -> String {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let ask = Ask::parse(Kind::Chat, &body).unwrap();
        String::from_utf8(splice(&body, &ask, edits).unwrap().to_vec()).unwrap()
    }

    #[test]
    fn a_ceiling_is_told_once_and_as_the_endpoint_reads_it() {
        use CeilingName::{MaxCompletionTokens as Newer, MaxTokens as Older};
        for (name, before, after) in [
            (Newer, "", r#""max_completion_tokens":50,"#),
            (Older, "", r#""max_tokens":50,"#),
            (Newer, r#""max_completion_tokens":9,"#, r#""max_completion_tokens":9,"#),
            (Older, r#""max_completion_tokens" : 9,"#, r#""max_tokens" : 9,"#),
            (Newer, r#""max_\u0074okens": 9,"#, r#""max_completion_tokens": 9,"#),
            (Newer, r#""max_completion_tokens":null,"#, r#""max_completion_tokens":50,"#),
            (Newer, r#""max_tokens":null,"#, r#""max_completion_tokens":50,"max_tokens":null,"#),
            (
                Older,
                r#""max_tokens":null,"max_completion_tokens":9,"#,
                r#""max_tokens":9,"max_completion_tokens":null,"#,
            ),
            (
                Newer,
                r#""max_tokens":7,"max_completion_tokens":9,"#,
                r#""max_tokens":7,"max_completion_tokens":9,"#,
            ),
        ] {
            let body = |settings: &str| format!(r#"{{{settings}"n":2,"model":"m",{MESSAGES}}}"#);
            let ceiling = Some(Ceiling { name, tokens: 50 });
            let found = edited(&body(before), Edits { ceiling, ..Edits::default() });
            assert_eq!(found, body(after));
        }
        // What is inserted and what is renamed stand at the same byte.
        for settings in [
            r#""max_tokens":9,"stream":true,"stream_options":null,"#,
            r#""max_tokens":9,"stream":true,"#,
            r#""max_tokens":null,"max_completion_tokens":7,"stream":true,"#,
        ] {
            for name in [Newer, Older] {
                let body = format!(r#"{{{settings}"model":"m",{MESSAGES}}}"#);
                let ceiling = Some(Ceiling { name, tokens: 50 });
                let edits = Edits { model: Some("other"), include_usage: true, ceiling };
                let found: serde_json::Value = serde_json::from_str(&edited(&body, edits)).unwrap();
                assert_eq!((&found["model"], &found["stream"]), (&"other".into(), &true.into()));
                assert_eq!(found["stream_options"]["include_usage"], true, "{settings}");
                let told = if settings.contains('7') { 7 } else { 9 };
                assert_eq!(found[name.as_str()], told, "{settings}");
            }
        }
        let stream = format!(r#"{{"model":"m","stream":true,{MESSAGES}}}"#);
        let ceiling = Some(Ceiling { name: Newer, tokens: 50 });
        let found = edited(&stream, Edits { model: None, include_usage: true, ceiling });
        let found: serde_json::Value = serde_json::from_str(&found).unwrap();
        assert_eq!(
            (&found["max_completion_tokens"], &found["stream_options"]["include_usage"]),
            (&50.into(), &true.into())
        );
    }
}
