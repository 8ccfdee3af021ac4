//! Whether a caller may call a model, as the gateway asks it.

use std::hint::black_box;

use access::{Caller, Permission, Thing};

use crate::Step;
use crate::house::House;

/// By their role.
pub(crate) fn by_role(house: &'static House) -> Step {
    Step::new("permit by a role", move || ask(&house.ada, "small"))
}

/// The same where guardrails are asked, of a model that they were not asked of before.
pub(crate) fn under_guardrails(house: &'static House) -> Step {
    let mut number = 0_u64;
    Step::new("permit under five guardrails", move || {
        number += 1;
        ask(&house.guarded, &format!("model-{number:08}"));
    })
}

fn ask(caller: &Caller, model: &str) {
    let scope = black_box(caller).require_on(Permission::ModelsInvoke, Thing::new("model", model));
    black_box(scope).expect("may");
}
