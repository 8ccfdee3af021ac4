//! What a witness says about itself, as plain text.

use std::fmt::Write as _;

use base::time::At;

use crate::room::Witness;
use crate::watched::Told;

const ABOUT: &str = "\
This is a witness of transparency logs (https://c2sp.org/tlog-witness).

It remembers one head of each log below. It signs a checkpoint only if a proof shows that it
continues that head: what was in the log is still in it, in the same order. It does not see
what the logs hold, and does not say that it is true.

POST /add-checkpoint   for logs
GET  /metrics          for monitoring

";

/// The page.
pub(crate) fn page(witness: &Witness) -> String {
    let mut text = String::from(ABOUT);
    // Writing to a string cannot fail.
    let _written = write(&mut text, witness);
    text
}

fn write(text: &mut String, witness: &Witness) -> std::fmt::Result {
    writeln!(text, "Its keys:\n")?;
    for verifier in witness.verifiers() {
        writeln!(text, "{verifier}")?;
    }
    for Told { origin, head, evidence } in witness.told() {
        writeln!(text, "\nlog       {origin}")?;
        if let Some((head, time_secs)) = head {
            writeln!(text, "size      {}\nroot      {}", head.size, head.root)?;
            let time = i64::try_from(time_secs).ok().and_then(|secs| At::from_second(secs).ok());
            writeln!(text, "cosigned  {}", time.unwrap_or(At::MAX))?;
        } else {
            writeln!(text, "size      nothing was cosigned yet")?;
        }
        for (kind, count) in evidence.into_iter().filter(|(_, count)| *count > 0) {
            writeln!(text, "evidence  {kind}: {count}")?;
        }
    }
    Ok(())
}
