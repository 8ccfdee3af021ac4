//! Alters valid messages in ways that keep them nearly valid.

/// Numbers that look random and can be repeated (xorshift64*).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(number).expect("31 bits") % bound.max(1)
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }
}

/// The whole elements of a text, as ranges. Found by counting tags: the text is our own.
fn elements(text: &str) -> Vec<(usize, usize)> {
    let (mut open, mut found) = (Vec::new(), Vec::new());
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| rest.find('<')) {
        let start = from + at;
        let Some(length) = text.get(start..).and_then(|rest| rest.find('>')) else { break };
        let end = start + length + 1;
        let tag = text.get(start..end).unwrap_or_default();
        if tag.starts_with("</") {
            if let Some(began) = open.pop() {
                found.push((began, end));
            }
        } else if !tag.ends_with("/>") && !tag.starts_with("<!") && !tag.starts_with("<?") {
            open.push(start);
        }
        from = end;
    }
    found
}

/// The attributes and texts of a text, as ranges of their values.
fn values(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| rest.find(['"', '>'])) {
        let start = from + at + 1;
        let quoted = text.as_bytes().get(start - 1) == Some(&b'"');
        let end = if quoted { '"' } else { '<' };
        let Some(length) = text.get(start..).and_then(|rest| rest.find(end)) else { break };
        found.push((start, start + length));
        from = start + length + usize::from(quoted);
    }
    found
}

const WORDS: [&str; 18] = [
    "",
    "mallory@example.com",
    "_assertion",
    "_response",
    "#_assertion",
    "#_response",
    "https://else.example",
    "2.0",
    "<!-- -->",
    "<!---->mallory",
    "&#x41;",
    "&lt;",
    " ",
    "http://www.w3.org/2001/10/xml-exc-c14n#",
    "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
    "urn:oasis:names:tc:SAML:2.0:assertion",
    "2026-11-25T12:00:00Z",
    "<saml:NameID>mallory@example.com</saml:NameID>",
];
const RENAMES: [(&str, &str); 14] = [
    ("saml:Assertion", "saml:EncryptedAssertion"),
    ("saml:Assertion", "samlp:Extensions"),
    ("ds:Object", "saml:Advice"),
    ("saml:NameID", "saml:BaseID"),
    ("ID=", "Id="),
    ("ID=", "id="),
    ("ID=", "xml:id="),
    ("ds:Signature", "ds:Object"),
    ("saml:Subject>", "saml:Advice>"),
    ("xmlns:saml=", "xmlns:samlp="),
    ("xmlns:ds=", "xmlns:saml="),
    ("alice@", "mallory@"),
    ("users", "admins"),
    ("_assertion", "_evil"),
];

/// One to four alterations of a valid message, with pieces of others that are valid too.
pub(crate) fn mutate(text: &str, others: &[String], dice: &mut Dice) -> String {
    let mut text = text.to_owned();
    for _ in 0..=dice.below(4) {
        text = once(&text, others, dice);
    }
    text
}

fn once(text: &str, others: &[String], dice: &mut Dice) -> String {
    let all = elements(text);
    let Some(&(start, end)) = dice.pick(&all) else { return text.to_owned() };
    let piece = text.get(start..end).unwrap_or_default().to_owned();
    let cut = |range: (usize, usize), with: &str| {
        let (before, after) = (text.get(..range.0), text.get(range.1..));
        format!("{}{with}{}", before.unwrap_or_default(), after.unwrap_or_default())
    };
    // A place between two tags: right behind some element, or right inside another.
    let place = dice.pick(&all).map_or(0, |range| range.1);
    match dice.below(11) {
        // Taken away, doubled, moved, replaced by a piece of this or another message.
        0 => cut((start, end), ""),
        1 => cut((place, place), &piece),
        2 if place <= start || place >= end => {
            let moved = cut((start, end), "");
            let place = if place >= end { place - (end - start) } else { place };
            let (before, after) = (moved.get(..place), moved.get(place..));
            format!("{}{piece}{}", before.unwrap_or_default(), after.unwrap_or_default())
        }
        3 => {
            let Some(other) = dice.pick(others) else { return text.to_owned() };
            let range = dice.pick(&elements(other)).copied().unwrap_or_default();
            cut((start, end), other.get(range.0..range.1).unwrap_or_default())
        }
        4 => {
            let Some(other) = dice.pick(others) else { return text.to_owned() };
            let range = dice.pick(&elements(other)).copied().unwrap_or_default();
            cut((place, place), other.get(range.0..range.1).unwrap_or_default())
        }
        // Wrapped into another element, or unwrapped.
        5 => {
            let wrapper =
                dice.pick(&["samlp:Extensions", "saml:Advice", "ds:Object", "x", "saml:Assertion"]);
            let name = wrapper.copied().unwrap_or("x");
            cut((start, end), &format!("<{name}>{piece}</{name}>"))
        }
        6 => {
            let inside = piece.split_once('>').map_or("", |(_, inside)| inside);
            let inside = inside.rsplit_once("</").map_or("", |(inside, _)| inside);
            cut((start, end), inside)
        }
        // A value replaced, or put together with a word.
        7 | 8 => {
            let all = values(text);
            let Some(&range) = dice.pick(&all) else { return text.to_owned() };
            let word = dice.pick(&WORDS).copied().unwrap_or_default();
            let middle = range.0 + dice.below(range.1 - range.0 + 1);
            if dice.below(2) == 0 || !text.is_char_boundary(middle) {
                cut(range, word)
            } else {
                cut((middle, middle), word)
            }
        }
        9 => {
            let (from, to) = dice.pick(&RENAMES).copied().unwrap_or_default();
            if dice.below(2) == 0 { text.replace(from, to) } else { text.replacen(from, to, 1) }
        }
        // A byte, anywhere.
        _ => {
            let at = dice.below(text.len());
            let byte = u8::try_from(32 + dice.below(95)).unwrap_or(b'x');
            let mut bytes = text.as_bytes().to_vec();
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
        }
    }
}
