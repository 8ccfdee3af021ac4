//! The grammar of filters and paths, bounded before it is parsed.

use scim_v2::filter::{Filter, PatchPath};

use crate::error::Error;

/// Bytes of a filter or a path at most: a hundred ids in a row fit.
const BYTES_MAX: usize = 8 * 1024;
/// Brackets that stand within each other at most. People write three.
const DEPTH_MAX: usize = 16;
/// Comparisons in one filter at most: each resource that is looked at pays for all of them.
const TERMS_MAX: usize = 120;

/// Reads a filter (RFC 7644, section 3.4.2.2).
pub(crate) fn filter(text: &str) -> Result<Filter, Error> {
    let text = bounded(text).map_err(Error::Filter)?;
    text.parse().map_err(|_| Error::Filter("the filter cannot be understood".to_owned()))
}

/// Reads the path of a patch (RFC 7644, section 3.5.2).
pub(crate) fn path(text: &str) -> Result<PatchPath, Error> {
    let text = bounded(text).map_err(Error::Path)?;
    text.parse().map_err(|_| Error::Path("a path cannot be understood".to_owned()))
}

/// Refuses what is too long, too deep or has too many terms, in one pass without memory,
/// so that a hostile text never reaches the parser. `not(` gets the space that the parser
/// wants and the RFC does not ask for.
fn bounded(text: &str) -> Result<String, String> {
    if text.len() > BYTES_MAX {
        return Err(format!("has at most {BYTES_MAX} bytes"));
    }
    let mut out = String::with_capacity(text.len() + 8);
    let (mut depth, mut terms, mut quoted, mut escaped) = (0_usize, 1_usize, false, false);
    for letter in text.chars() {
        if quoted {
            quoted = escaped || letter != '"';
            escaped = !escaped && letter == '\\';
        } else {
            match letter {
                '"' => quoted = true,
                '(' | '[' => {
                    depth += 1;
                    if letter == '(' && ends_with_not(&out) {
                        out.push(' ');
                    }
                }
                ')' | ']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if letter.is_whitespace() && (ends_with_word(&out, "and") || ends_with_word(&out, "or"))
            {
                terms += 1;
            }
        }
        if depth > DEPTH_MAX {
            return Err(format!("has at most {DEPTH_MAX} brackets within each other"));
        }
        if terms > TERMS_MAX {
            return Err(format!("has at most {TERMS_MAX} comparisons"));
        }
        out.push(letter);
    }
    Ok(out)
}

fn ends_with_not(text: &str) -> bool {
    ends_with_word(text, "not")
}

/// Whether the last word is this one, in any case.
fn ends_with_word(text: &str, word: &str) -> bool {
    let Some(start) = text.len().checked_sub(word.len()) else { return false };
    let Some((before, last)) = text.split_at_checked(start) else { return false };
    last.eq_ignore_ascii_case(word)
        && before.chars().next_back().is_none_or(|c| c.is_whitespace() || "([)]".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_too_long_too_deep_or_with_too_many_terms_is_refused_before_it_is_parsed() {
        let deep = format!("{}title pr{}", "(".repeat(100_000), ")".repeat(100_000));
        let deep_but_short = format!("{}title pr{}", "not (".repeat(17), ")".repeat(17));
        let many = vec!["title pr"; 121].join(" or ");
        let long = format!("title eq \"{}\"", "x".repeat(BYTES_MAX));
        for text in [&deep, &deep_but_short, &many, &long] {
            assert!(bounded(text).is_err());
            assert_eq!(filter(text).unwrap_err().scim_type(), Some("invalidFilter"));
            assert_eq!(path(text).unwrap_err().scim_type(), Some("invalidPath"));
        }
        let fits = format!("{}title pr{}", "(".repeat(16), ")".repeat(16));
        assert!(filter(&fits).is_ok());
        assert!(filter(&vec!["title pr"; 120].join(" and ")).is_ok());
    }

    #[test]
    fn the_whole_grammar_is_read() {
        for text in [
            r#"userName Eq "bjensen""#,
            r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J""#,
            r#"meta.lastModified ge "2011-05-13T04:42:34Z""#,
            r#"title pr and userType eq "Employee" or not(emails co "and (or [")"#,
            r#"emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp"]"#,
            r#"userType ne "Employee" and NOT (emails.value ew "(\"")"#,
            "active eq true",
            "externalId eq null",
        ] {
            assert!(filter(text).is_ok(), "{text}: {:?}", filter(text));
        }
        for text in ["", "userName", "userName eq", "eq \"a\"", "userName eq \"a", "a eq b", "()"] {
            assert_eq!(filter(text).unwrap_err().scim_type(), Some("invalidFilter"), "{text}");
        }
        for text in ["members", "name.givenName", r#"emails[type eq "work"].value"#] {
            assert!(path(text).is_ok(), "{text}");
        }
        assert!(path("emails[").is_err() && path("").is_err() && path("a.b.c").is_err());
    }
}
