//! What is planted: words that stand nowhere else in the world.
//!
//! A canary is two words. Each begins with the same mark, so that a scan looks for few things
//! whatever the number of canaries, and each alone betrays it: what cuts a text in two (a page of
//! a database, a line of base64) leaves one of them whole. Letters alone, all of them small:
//! nothing escapes them, and they may stand in a name, an address, a path and a short name.

use std::collections::HashMap;
use std::io;

/// What each word begins with.
pub const MARK: [u8; 5] = *b"qzxvk";
/// Letters of a word behind its mark: 56 bits.
pub const LETTERS: usize = 12;
/// Canaries of one run at most.
pub const CANARIES_MAX: usize = 100_000;

/// The letters of one word.
pub type Word = [u8; LETTERS];

/// One canary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canary([Word; 2]);

impl Canary {
    /// A new one.
    pub fn fresh() -> io::Result<Self> {
        let mut words = [[0; LETTERS]; 2];
        for word in &mut words {
            *word = random()?;
        }
        Ok(Self(words))
    }

    /// As it is planted.
    pub fn text(&self) -> String {
        let mark = MARK.iter().copied();
        let letters = self.0.iter().flat_map(|word| mark.clone().chain(word.iter().copied()));
        letters.map(char::from).collect()
    }

    /// Its words.
    pub fn words(&self) -> [Word; 2] {
        self.0
    }
}

/// Twelve letters, each as likely as any other.
fn random() -> io::Result<Word> {
    let mut word = [0; LETTERS];
    let mut place = 0;
    while place < LETTERS {
        for byte in base::seal::random::<32>()? {
            // 234 is nine times the letters: what is above would favour the first ones.
            if byte < 234
                && let Some(letter) = word.get_mut(place)
            {
                *letter = b'a' + byte % 26;
                place += 1;
            }
        }
    }
    Ok(word)
}

/// Where a canary was planted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planted {
    /// The place of its home cell in the plan.
    pub cell: usize,
    /// Through which door: `POST /api/teams`.
    pub door: String,
    /// In which field: `/name`, `header user-agent`.
    pub field: String,
}

/// All canaries of a run.
#[derive(Debug, Default)]
pub struct Canaries {
    planted: Vec<Planted>,
    words: HashMap<Word, usize>,
}

/// More canaries than a run may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a run plants at most {CANARIES_MAX} canaries")]
pub struct TooMany;

impl Canaries {
    /// Remembers what is planted where; gives its number.
    pub fn plant(&mut self, canary: &Canary, planted: Planted) -> Result<usize, TooMany> {
        let number = self.planted.len();
        if number >= CANARIES_MAX {
            return Err(TooMany);
        }
        self.planted.push(planted);
        for word in canary.words() {
            self.words.insert(word, number);
        }
        Ok(number)
    }

    /// The number of the canary that a word belongs to.
    pub fn of(&self, word: &Word) -> Option<usize> {
        self.words.get(word).copied()
    }

    /// Where the canary of this number was planted.
    pub fn planted(&self, number: usize) -> Option<&Planted> {
        self.planted.get(number)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.planted.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.planted.is_empty()
    }

    /// All of them, by number.
    pub fn all(&self) -> &[Planted] {
        &self.planted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canary_is_two_words_of_small_letters_and_no_other_is_like_it() {
        let (one, other) = (Canary::fresh().unwrap(), Canary::fresh().unwrap());
        assert_ne!(one, other);
        let text = one.text();
        assert_eq!(text.len(), 2 * (MARK.len() + LETTERS));
        assert!(text.bytes().all(|letter| letter.is_ascii_lowercase()), "{text}");
        let mut canaries = Canaries::default();
        let place = |cell| Planted { cell, door: "GET /".to_owned(), field: "/a".to_owned() };
        assert_eq!(canaries.plant(&one, place(0)), Ok(0));
        assert_eq!(canaries.plant(&other, place(1)), Ok(1));
        for word in other.words() {
            assert_eq!(canaries.of(&word), Some(1));
        }
        assert_eq!(canaries.of(b"abcdefghijkl"), None);
    }
}
