//! Who calls: the key is read, its check and keyed hash are made, its owner is looked up.

use std::hint::black_box;

use futures_util::FutureExt as _;
use http::Method;

use crate::Step;
use crate::house::{House, origin};

pub(crate) fn step(house: &'static House) -> Step {
    Step::new("key check", move || {
        let found = house.rooms.identity.identify(&Method::POST, &house.headers, origin());
        let found = found.now_or_never().expect("a known key asks no database");
        black_box(found).expect("a member");
    })
}
