//! Turns text into the terms that the index compares.
//!
//! Lowercase, accents folded, punctuation dropped, light English stemming.
//! Scripts written without spaces become pairs of characters.

/// How much of a question is read; the rest cannot change the answer.
pub(super) const CHARS_MAX: usize = 4_000;

/// The distinct terms of a text, sorted.
pub(super) fn terms(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut word = String::new();
    let mut dense: Option<char> = None;
    let mut dense_len = 0_usize;
    for c in text.chars().take(CHARS_MAX) {
        if is_dense(c) {
            finish(&mut word, &mut found);
            if let Some(before) = dense {
                found.push([before, c].iter().collect());
            }
            dense = Some(c);
            dense_len += 1;
            continue;
        }
        if let Some(alone) = dense.take()
            && dense_len == 1
        {
            found.push(alone.to_string());
        }
        dense_len = 0;
        match c {
            // "don't" and "dont" are one word, and so are "e-mail" and "email".
            '\'' | '\u{2019}' => {}
            '-' | '\u{2010}' | '\u{2011}' if word == "e" => {}
            _ if is_mark(c) => {}
            _ if c.is_alphanumeric() => fold(c, &mut word),
            _ => finish(&mut word, &mut found),
        }
    }
    finish(&mut word, &mut found);
    if let Some(alone) = dense
        && dense_len == 1
    {
        found.push(alone.to_string());
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Whether a term says how a question is asked rather than what about.
pub(super) fn is_stop(term: &str) -> bool {
    STOP.binary_search(&term).is_ok()
}

fn finish(word: &mut String, found: &mut Vec<String>) {
    if word.is_empty() {
        return;
    }
    if !is_stop(word) {
        stem(word);
    }
    found.push(std::mem::take(word));
}

/// Combining marks: what is left of an accent in decomposed text.
const fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

/// Kana, Han and Thai do not put spaces between words.
const fn is_dense(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{e7f}' | '\u{3041}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{2fa1f}')
}

/// Adds a character in lower case and without its accent.
pub(super) fn fold(c: char, word: &mut String) {
    if c.is_ascii() {
        word.push(c.to_ascii_lowercase());
        return;
    }
    for lower in c.to_lowercase() {
        match lower {
            'à'..='å' | 'ā' | 'ă' | 'ą' => word.push('a'),
            'æ' => word.push_str("ae"),
            'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => word.push('c'),
            'ð' | 'ď' | 'đ' => word.push('d'),
            'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => word.push('e'),
            'ĝ' | 'ğ' | 'ġ' | 'ģ' => word.push('g'),
            'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => word.push('i'),
            'ł' | 'ĺ' | 'ļ' | 'ľ' => word.push('l'),
            'ñ' | 'ń' | 'ņ' | 'ň' => word.push('n'),
            'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => word.push('o'),
            'œ' => word.push_str("oe"),
            'ŕ' | 'ř' => word.push('r'),
            'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => word.push('s'),
            'ß' => word.push_str("ss"),
            'ţ' | 'ť' | 'ț' => word.push('t'),
            'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => word.push('u'),
            'ý' | 'ÿ' => word.push('y'),
            'ź' | 'ż' | 'ž' => word.push('z'),
            _ if is_mark(lower) => {}
            _ => word.push(lower),
        }
    }
}

/// Brings the forms of an English word together. Too little is better than
/// too much: "policy" must not meet "police".
fn stem(word: &mut String) {
    if !word.is_ascii() || word.len() < 4 {
        return;
    }
    plural(word);
    if let Some(root) = word.strip_suffix("ing").or_else(|| past(word))
        && root.len() >= 3
        && root.bytes().any(is_vowel)
    {
        let root_len = root.len();
        word.truncate(root_len);
        mend(word);
    }
    if word.len() >= 6 && word.ends_with("ll") {
        word.pop();
    }
    if word.len() >= 5 && word.ends_with('e') {
        word.pop();
    }
}

fn plural(word: &mut String) {
    if word.len() > 4 && word.ends_with("ies") {
        word.truncate(word.len() - 3);
        word.push('y');
    } else if ["sses", "shes", "ches", "xes", "zes"].iter().any(|end| word.ends_with(end)) {
        word.truncate(word.len() - 2);
    } else if word.ends_with('s') && !["ss", "us", "is"].iter().any(|end| word.ends_with(end)) {
        word.pop();
    }
}

fn past(word: &str) -> Option<&str> {
    word.strip_suffix("ed").filter(|root| !root.ends_with('e'))
}

/// After "-ing" or "-ed" is gone: "resett" is "reset", "fil" was "file".
fn mend(word: &mut String) {
    let mut last = word.bytes().rev();
    let (Some(end), Some(middle), Some(start)) = (last.next(), last.next(), last.next()) else {
        return;
    };
    if end == middle && word.len() > 3 && !matches!(end, b'l' | b's' | b'z') && !is_vowel(end) {
        word.pop();
    } else if word.len() == 3
        && !is_vowel(start)
        && is_vowel(middle)
        && !is_vowel(end)
        && !matches!(end, b'w' | b'x' | b'y')
    {
        word.push('e');
    }
}

const fn is_vowel(byte: u8) -> bool {
    matches!(byte, b'a' | b'e' | b'i' | b'o' | b'u' | b'y')
}

/// Sorted, because it is searched by halves. Kept with a low weight rather
/// than removed, so that "Who are you?" can be a trigger.
#[rustfmt::skip]
const STOP: &[&str] = &[
    "a", "about", "afternoon", "again", "all", "already", "also", "am", "an", "and", "any",
    "anyone", "are", "arent", "as", "at", "be", "been", "both", "but", "by", "can", "cannot",
    "cant", "could", "dear", "did", "didnt", "do", "does", "doesnt", "dont", "each", "every", "for",
    "from", "get", "give", "go", "going", "good", "got", "had", "happen", "happened", "has", "have",
    "hello", "help", "here", "hey", "hi", "how", "i", "id", "if", "ill", "im", "in", "into", "is",
    "isnt", "it", "its", "ive", "just", "kindly", "know", "let", "like", "long", "looking", "many",
    "may", "me", "morning", "much", "must", "my", "need", "new", "no", "not", "now", "of", "on",
    "one", "only", "or", "other", "our", "out", "please", "pls", "really", "regards", "same",
    "should", "since", "so", "some", "somebody", "someone", "something", "still", "such", "take",
    "tell", "than", "thank", "thanks", "that", "the", "their", "them", "then", "there", "theres",
    "these", "they", "thing", "this", "to", "today", "too", "up", "us", "use", "very", "want",
    "was", "wasnt", "we", "well", "were", "what", "whats", "when", "where", "wheres", "which",
    "while", "who", "whos", "whose", "why", "will", "with", "without", "wont", "would", "you",
    "your", "youre",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stop_words_are_sorted() {
        assert!(STOP.is_sorted());
    }

    #[test]
    fn forms_of_a_word_meet() {
        for forms in [
            &["reset", "resets", "resetting"][..],
            &["policy", "policies"],
            &["change", "changes", "changed", "changing"],
            &["file", "files", "filed", "filing"],
            &["pay", "pays", "paying"],
            &["cancel", "cancelled", "canceling", "cancels"],
            &["address", "addresses"],
            &["box", "boxes"],
            &["need", "needs"],
            &["invoice", "invoices", "invoiced"],
            &["bill", "bills", "billing"],
        ] {
            let stems: Vec<_> = forms.iter().map(|form| terms(form)).collect();
            assert!(
                stems.iter().all(|one| *one == stems[0] || is_stop(&one[0])),
                "{forms:?} {stems:?}"
            );
        }
    }

    #[test]
    fn different_words_stay_apart() {
        for (one, other) in [("car", "care"), ("policy", "police"), ("rate", "rat"), ("bus", "bu")]
        {
            assert_ne!(terms(one), terms(other), "{one} {other}");
        }
    }

    #[test]
    fn case_accents_and_punctuation_do_not_matter() {
        assert_eq!(terms("Où est le CAFÉ?"), terms("ou est le cafe"));
        assert_eq!(terms("cafe\u{301}"), terms("café"));
        assert_eq!(terms("Straße (neu)"), terms("strasse, neu!"));
        assert_eq!(terms("e-mail"), terms("Email"));
        assert_eq!(terms("don\u{2019}t"), terms("DON'T"));
        assert_eq!(terms("İstanbul"), terms("istanbul"));
    }

    #[test]
    fn scripts_without_spaces_become_pairs() {
        assert_eq!(terms("重置密码"), ["密码", "置密", "重置"]);
        assert_eq!(terms("PIN 码"), ["pin", "码"]);
        assert_eq!(terms("码a"), ["a", "码"]);
    }

    #[test]
    fn only_the_beginning_of_a_long_text_is_read() {
        let long = format!("{} password", "word ".repeat(2_000));
        assert_eq!(terms(&long), ["word"]);
        assert_eq!(terms(""), Vec::<String>::new());
        assert_eq!(terms("?! -- …"), Vec::<String>::new());
    }
}
