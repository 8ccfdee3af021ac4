//! The room through its verb: bundles are made by code of the tests alone.
#![expect(clippy::expect_used, reason = "a test stops at the first surprise")]
#![expect(clippy::print_stdout, reason = "a test tells its figures")]
#![expect(clippy::indexing_slicing, reason = "a test stops at the first surprise")]

mod altered;
mod book;
mod cases;
mod files;
mod keys;
mod kinds;
mod page;
mod parts;
mod receipts;
mod strangers;
mod told;
mod trusting;
mod zip;

use std::io::Cursor;

use verify::{Options, Outside, Unreadable, Verdict, check};

fn judge(zip: &[u8], options: &Options) -> Result<Verdict, Unreadable> {
    check(Cursor::new(zip), options)
}

fn verdict(zip: &[u8], options: &Options) -> Verdict {
    judge(zip, options).expect("readable")
}

fn given(keys: &[String]) -> Options {
    let trusted = keys.iter().map(|key| key.parse().expect("a key")).collect();
    Options { trusted, ..Options::default() }
}

fn outside(name: &str, note: &str) -> Outside {
    Outside::parse(name, note.as_bytes()).expect("a checkpoint")
}
