//! The policy as text: what `portico policy` prints and `policy.txt` holds.

use std::fmt::Write as _;

use crate::{Permission, Role};

/// What each built-in role may do, one line per permission and role.
pub fn policy() -> String {
    let mut table = String::from(
        "# What each built-in role may do.\n\
         # Running a pattern needs patterns:run, which comes with patterns:read.\n\
         # Calling a model needs models:invoke, which comes with patterns:create.\n\
         # Everybody may manage their own keys, sessions and password.\n\n",
    );
    for role in Role::ALL {
        let _infallible = writeln!(table, "{role} = {}", role.definition().join(" "));
    }
    for permission in Permission::ALL {
        table.push('\n');
        for role in Role::ALL {
            let may = role.permissions().is_ok_and(|set| set.has(*permission));
            let answer = if may { "may" } else { "may not" };
            let _infallible = writeln!(table, "{role} {answer} {permission}");
        }
    }
    table
}
