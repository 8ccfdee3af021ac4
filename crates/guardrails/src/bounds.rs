//! How much a policy may say: what is asked on every request must cost little, and
//! whoever writes one must not exhaust who reads it.

/// Bytes of one policy at most.
pub(crate) const TEXT_MAX: usize = 4 * 1024;
/// Guardrails of an org at most: the cost of a decision grows with them.
pub(crate) const POLICIES_MAX: usize = 20;
/// Brackets inside each other at most, and conditions: reading goes as deep.
const DEPTH_MAX: usize = 16;
/// Operators and brackets of one policy at most: 40 address ranges need 250.
const MARKS_MAX: usize = 320;
/// What is said about one policy at most.
pub(crate) const FINDINGS_MAX: usize = 20;

/// What is too much in a text, and where.
pub(crate) fn exceeded(text: &str) -> Option<(String, usize)> {
    if text.len() > TEXT_MAX {
        return Some((format!("a policy has at most {TEXT_MAX} bytes"), TEXT_MAX));
    }
    let (mut depth, mut marks, mut conditions) = (0_usize, 0_usize, 0_usize);
    let mut rest = text.char_indices().peekable();
    while let Some((at, character)) = rest.next() {
        match character {
            '"' => {
                // A text, in which anything may stand.
                while let Some((_, inside)) = rest.next() {
                    if inside == '\\' {
                        rest.next();
                    } else if inside == '"' {
                        break;
                    }
                }
            }
            '/' if rest.peek().is_some_and(|(_, next)| *next == '/') => {
                while rest.next_if(|(_, inside)| *inside != '\n').is_some() {}
            }
            '(' | '[' | '{' => {
                depth += 1;
                marks += 1;
            }
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            // One inside another needs no bracket.
            'i' if is_if(text, at) => conditions += 1,
            '&' | '|' | '!' | '=' | '<' | '>' | '+' | '-' | '*' | '.' => marks += 1,
            _ => {}
        }
        if depth > DEPTH_MAX {
            let what = format!("brackets stand inside each other at most {DEPTH_MAX} deep");
            return Some((what, at));
        }
        if conditions > DEPTH_MAX {
            return Some((format!("a policy has at most {DEPTH_MAX} `if`"), at));
        }
        if marks > MARKS_MAX {
            return Some(("a policy of this length is split into several".to_owned(), at));
        }
    }
    None
}

/// Whether the word `if` begins there.
fn is_if(text: &str, at: usize) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let (before, from) = text.split_at_checked(at).unwrap_or_default();
    !before.ends_with(word) && from.strip_prefix("if").is_some_and(|rest| !rest.starts_with(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_comments_count_for_nothing() {
        let text = format!("forbid (principal, action, resource) // {}", "(".repeat(900));
        assert_eq!(exceeded(&text), None);
        let text = format!("when {{ context.method == \"{}\" }};", "\\\"((&&".repeat(300));
        assert_eq!(exceeded(&text), None);
        let deep = format!("when {{ {}1", "(".repeat(DEPTH_MAX));
        assert_eq!(exceeded(&deep).map(|(_, at)| at), Some(6 + DEPTH_MAX));
        assert!(exceeded(&"1+".repeat(MARKS_MAX + 1)).is_some());
        assert!(exceeded(&"if a then ".repeat(DEPTH_MAX + 1)).is_some());
        assert_eq!(exceeded(&"iffy elif if_ ".repeat(100)), None);
        assert!(exceeded(&" ".repeat(TEXT_MAX + 1)).is_some());
    }
}
