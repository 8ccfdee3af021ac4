//! Every fixture under `golden/`, translated, beside the file that says what it must become.
//!
//! `UPDATE_GOLDEN=1 cargo nextest run -p gateway goldens` writes those files anew; review the diff.

use std::{
    fs,
    path::{Path, PathBuf},
};

use bytes::Bytes;

use super::{
    anthropic::{self, BadAnswer, Envelope, Failure, Target, Translator},
    ask::{Ask, Kind},
    meter::{Meter, Seen},
    splice::{Edits, splice},
    sse::{Pass, Splitter},
    tally::Tally,
};

const ENVELOPE: Envelope<'_> =
    Envelope { id: "chatcmpl-1", created: 1_700_000_000, model: "house/claude" };
const TARGET: Target<'_> = Target { model: "claude-sonnet-4-5", max_tokens: 4096 };

/// The fixtures of a folder: files with exactly one dot in the name.
fn fixtures(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/golden").join(folder);
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<_> = files
        .filter(|file| file.file_name().unwrap().to_str().unwrap().split('.').count() == 2)
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

#[expect(clippy::disallowed_methods, reason = "a switch of the test itself, not of the server")]
fn updating() -> bool {
    std::env::var("UPDATE_GOLDEN").is_ok()
}

fn same(fixture: &Path, becomes: &str, found: &[u8]) {
    let golden = fixture.with_extension(becomes);
    if updating() {
        fs::write(&golden, found).unwrap();
    }
    let expected = fs::read(&golden).unwrap_or_default();
    let (expected, found) = (String::from_utf8_lossy(&expected), String::from_utf8_lossy(found));
    assert!(
        expected == found,
        "{} has changed.\n--- expected\n{expected}\n--- found\n{found}",
        golden.display()
    );
}

/// One member per line, so that a diff can be read. Order and values stay as they are.
fn indented(json: &[u8]) -> Vec<u8> {
    serde_json::from_slice::<serde::de::IgnoredAny>(json).expect("what we write is JSON");
    let (mut out, mut depth, mut text, mut escaped) = (String::new(), 0, false, false);
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    };
    for letter in str::from_utf8(json).unwrap().chars() {
        if !text && letter.is_ascii_whitespace() {
            continue;
        }
        if !text && matches!(letter, '}' | ']') {
            depth -= 1;
            line(&mut out, depth);
        }
        out.push(letter);
        match letter {
            '"' if !escaped => text = !text,
            '{' | '[' if !text => {
                depth += 1;
                line(&mut out, depth);
            }
            ',' if !text => line(&mut out, depth),
            ':' if !text => out.push(' '),
            _ => {}
        }
        escaped = text && letter == '\\' && !escaped;
    }
    out.push('\n');
    out.into_bytes()
}

#[test]
fn a_request_reaches_an_openai_provider_as_it_was_written() {
    for fixture in fixtures("requests") {
        let body = Bytes::from(fs::read(&fixture).unwrap());
        let ask = Ask::parse(Kind::Chat, &body).unwrap();
        let edits = Edits { model: Some("gpt-real"), include_usage: true, ceiling: None };
        same(&fixture, "openai.json", &splice(&body, &ask, edits).unwrap());
    }
}

#[test]
fn a_request_reaches_anthropic_in_its_own_words_or_is_refused_by_name() {
    for fixture in fixtures("requests") {
        let body = fs::read(&fixture).unwrap();
        let translated = anthropic::request(&body, &TARGET);
        let translated = translated.unwrap_or_else(|bad| bad.as_openai().to_body());
        same(&fixture, "anthropic.json", &indented(&translated));
    }
}

#[test]
fn an_answer_of_anthropic_reads_like_one_of_openai() {
    for fixture in fixtures("answers") {
        let body = fs::read(&fixture).unwrap();
        let translated = match anthropic::answer(&body, &ENVELOPE) {
            Ok((translated, usage)) => {
                assert_eq!(super::usage::Usage::of_json(&translated), Some(usage));
                translated
            }
            Err(BadAnswer) => Failure::of_json(&body).as_openai().to_body(),
        };
        same(&fixture, "openai.json", &indented(&translated));
    }
}

/// What the caller got, and what is settled.
type Played = (Vec<u8>, Tally);

fn as_text((out, tally): &Played) -> Vec<u8> {
    let tally = format!(": {tally:#?}").replace('\n', "\n: ");
    [out.as_slice(), tally.as_bytes(), b"\n"].concat()
}

fn relayed<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> Played {
    let (mut splitter, mut meter, mut out) = (Splitter::default(), Meter::default(), Vec::new());
    for chunk in chunks {
        let kept = splitter.pass(&Bytes::copy_from_slice(chunk), |event| {
            match event.data().map(|data| meter.see(&data)) {
                Some(Seen::UsageOnly) => Pass::Drop,
                _ => Pass::Keep,
            }
        });
        out.extend(kept.unwrap());
    }
    (out, meter.into_tally())
}

fn translated<'a>(chunks: impl Iterator<Item = &'a [u8]>, include_usage: bool) -> Played {
    let (mut translator, mut out) = (Translator::new(&ENVELOPE, include_usage), Vec::new());
    for chunk in chunks {
        out.extend(translator.pass(&Bytes::copy_from_slice(chunk)).unwrap());
    }
    assert_eq!(
        translator.finish().is_ok(),
        translator.tally().done || translator.failure().is_some()
    );
    (out, translator.tally().clone())
}

/// Replays a stream whole, byte by byte, and cut in two at every place.
fn however_cut(stream: &[u8], replay: impl Fn(&[&[u8]]) -> Played) -> Played {
    let whole = replay(&[stream]);
    assert_eq!(replay(&stream.chunks(1).collect::<Vec<_>>()), whole);
    for at in 0..=stream.len() {
        let (left, right) = stream.split_at(at);
        assert!(replay(&[left, right]) == whole, "differs when cut at byte {at}");
    }
    whole
}

#[test]
fn a_stream_of_openai_is_relayed_and_metered_wherever_its_chunks_end() {
    for fixture in fixtures("streams/openai") {
        let stream = fs::read(&fixture).unwrap();
        let found = however_cut(&stream, |chunks| relayed(chunks.iter().copied()));
        same(&fixture, "caller.sse", &as_text(&found));
    }
}

#[test]
fn a_stream_of_anthropic_reads_like_one_of_openai_wherever_its_chunks_end() {
    for fixture in fixtures("streams/anthropic") {
        let stream = fs::read(&fixture).unwrap();
        let found = however_cut(&stream, |chunks| translated(chunks.iter().copied(), true));
        same(&fixture, "openai.sse", &as_text(&found));
        // What we write, our own meter reads: the same usage, the same end.
        let (_, read) = relayed(std::iter::once(found.0.as_slice()));
        assert_eq!((read.usage, read.done), (found.1.usage, found.1.done));
        let (without, tally) = translated(std::iter::once(stream.as_slice()), false);
        assert!(!String::from_utf8_lossy(&without).contains(r#""usage""#));
        assert_eq!(tally, found.1);
    }
}
