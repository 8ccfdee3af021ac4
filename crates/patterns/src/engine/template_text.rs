//! Cuts a template's text into plain pieces and variables.

/// A piece of a template's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Stands as it is.
    Text(&'a str),
    /// Is replaced by the value of this name.
    Variable(&'a str),
}

/// The longest name of a variable, in characters.
const NAME_CHARS_MAX: usize = 64;

/// Cuts `text` at its variables; the error says what is wrong and in which line.
pub(super) fn pieces(text: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut pieces = Vec::new();
    let mut left = text;
    while let Some((before, after)) = left.split_once("{{") {
        if let Some(plain) = before.strip_suffix('\\') {
            pieces.push(Piece::Text(plain));
            pieces.push(Piece::Text("{{"));
            left = after;
            continue;
        }
        pieces.push(Piece::Text(before));
        let line = 1 + text.matches('\n').count() - after.matches('\n').count();
        let Some((inside, rest)) = after.split_once("}}") else {
            return Err(format!("has `{{{{` without `}}}}` in line {line}"));
        };
        let name = inside.trim();
        if !is_name(name) {
            let shown: String = name.chars().take(NAME_CHARS_MAX).collect();
            return Err(format!(
                "has `{{{{{shown}}}}}` in line {line}: a variable is named with lowercase \
                 letters, digits and `_`; write `\\{{{{` for two braces"
            ));
        }
        pieces.push(Piece::Variable(name));
        left = rest;
    }
    pieces.push(Piece::Text(left));
    pieces.retain(|piece| *piece != Piece::Text(""));
    Ok(pieces)
}

/// Whether `name` can name a variable.
pub(super) fn is_name(name: &str) -> bool {
    name.len() <= NAME_CHARS_MAX
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use Piece::{Text, Variable};

    #[test]
    fn text_is_cut_at_its_variables() {
        assert_eq!(pieces("").unwrap(), []);
        assert_eq!(pieces("plain").unwrap(), [Text("plain")]);
        assert_eq!(pieces("{{a}}{{ b_2 }}").unwrap(), [Variable("a"), Variable("b_2")]);
        assert_eq!(pieces("é{{a}}é").unwrap(), [Text("é"), Variable("a"), Text("é")]);
        assert_eq!(pieces(r"a\{{b}}").unwrap(), [Text("a"), Text("{{"), Text("b}}")]);
        assert_eq!(pieces(r#"{"a":{"b":1}}"#).unwrap(), [Text(r#"{"a":{"b":1}}"#)]);
    }

    #[test]
    fn what_is_not_a_variable_is_refused_with_its_line() {
        for (text, says) in [
            ("a\n{{b", "without `}}` in line 2"),
            ("{{", "line 1"),
            ("{{}}", "`{{}}`"),
            ("{{ A }}", "`{{A}}`"),
            ("{{a b}}", "`{{a b}}`"),
            ("{{{a}}}", "`{{{a}}`"),
            ("x\n\n{{a-b}}\n{{c}}", "line 3"),
        ] {
            let error = pieces(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
        assert!(pieces(&format!("{{{{{}}}}}", "a".repeat(65))).is_err());
    }
}
