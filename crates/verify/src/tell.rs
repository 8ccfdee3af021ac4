//! Tells a verdict to people.

use std::fmt::{self, Display, Formatter};

use serde_json::Value;

use crate::fault::Fault;
use crate::listed::Listed;
use crate::receipt::Receipt;
use crate::ring::{Believed, Role, Signed};
use crate::verdict::{SignedCheckpoint, Verdict};

impl Display for Verdict {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.fault {
            None if self.stands_alone() => {
                writeln!(f, "SOUND IN ITSELF: its keys were compared with nothing that you hold")?;
            }
            None => writeln!(f, "SOUND")?,
            Some(Fault { index: Some(index), words, .. }) => {
                writeln!(f, "FAULT at entry {index}: {words}")?;
            }
            Some(Fault { index: None, words, .. }) => writeln!(f, "FAULT: {words}")?,
        }
        if let (Some(org), Some(period)) = (&self.org, &self.period) {
            writeln!(f, "\n  org         {}", plain(org))?;
            writeln!(f, "  period      {} to {}", period.from, period.to)?;
            writeln!(f, "  made        {}", period.made_at)?;
        }
        self.tree(f)?;
        if let Some(checkpoint) = &self.checkpoint {
            writeln!(f, "\nSigned by")?;
            checkpoint.signatures.iter().try_for_each(|signed| signature(f, signed))?;
        }
        if let Some(listed) = &self.listed {
            writeln!(f, "\nDirectory signed by")?;
            listed.signatures.iter().try_for_each(|signed| signature(f, signed))?;
        }
        let counts = &self.counts;
        writeln!(f, "\nSeen{}", if self.sound { "" } else { " before the fault" })?;
        let lines = [
            (counts.entries, "entries"),
            (counts.openings, "openings that agree with their entries"),
            (counts.core_not_shown, "cores withheld"),
            (counts.subject_not_shown, "subjects withheld or erased"),
            (counts.payload_not_shown, "payloads withheld or erased"),
            (counts.late_outcomes, "outcomes and journalled events that came late"),
            (counts.calls_without_outcome, "calls whose outcome is not in the bundle"),
            (counts.outcomes_of_earlier_calls, "outcomes of calls that began before"),
        ];
        for (count, what) in lines.iter().filter(|(count, what)| *count > 0 || *what == "entries") {
            writeln!(f, "  {count:>10}  {what}")?;
        }
        for (title, sentences) in [("Proven", &self.proven), ("Not proven", &self.not_proven)] {
            if !sentences.is_empty() {
                writeln!(f, "\n{title}")?;
                sentences.iter().try_for_each(|words| writeln!(f, "  - {}", plain(words)))?;
            }
        }
        Ok(())
    }
}

impl Verdict {
    /// From the entries to the root.
    fn tree(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Some(SignedCheckpoint { origin, size, root, .. }) = &self.checkpoint else {
            return Ok(());
        };
        let reached = if self.sound { "=" } else { "?" };
        writeln!(f, "\n  checkpoint  {}", plain(origin))?;
        writeln!(f, "              root {root} of {size} entries")?;
        writeln!(f, "                {reached}  hashed up, two by two")?;
        if let Some(Listed { origin, epoch, at, .. }) = &self.listed {
            writeln!(f, "  directory   {}", plain(origin))?;
            writeln!(f, "              epoch {epoch}, closed at {}", plain(at))?;
        }
        match &self.completeness {
            Some(completeness) => writeln!(f, "              {}", completeness.words),
            None => Ok(()),
        }
    }
}

impl Display for Receipt {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.stands_alone() {
            writeln!(f, "SOUND IN ITSELF: its keys were compared with nothing that you hold")?;
        } else {
            writeln!(f, "SOUND")?;
        }
        let SignedCheckpoint { origin, size, root, signatures, .. } = &self.checkpoint;
        let Listed { epoch, at, .. } = &self.listed;
        writeln!(f, "\n  call        {}", plain(&self.id))?;
        writeln!(f, "  org         {}", plain(&self.org))?;
        writeln!(f, "  event       {} of {size}", self.index)?;
        for (name, value) in &self.event {
            match value {
                Value::Null => {}
                Value::String(text) => writeln!(f, "    {}: {}", plain(name), plain(text))?,
                other => writeln!(f, "    {}: {}", plain(name), plain(&other.to_string()))?,
            }
        }
        writeln!(f, "  checkpoint  {}, root {root}", plain(origin))?;
        writeln!(f, "  directory   lists it in epoch {epoch}, closed at {}", plain(at))?;
        writeln!(f, "\nSigned by")?;
        signatures.iter().try_for_each(|signed| signature(f, signed))?;
        writeln!(f, "\nDirectory signed by")?;
        self.listed.signatures.iter().try_for_each(|signed| signature(f, signed))?;
        writeln!(
            f,
            "\nProven\n  - This event was in the record when the checkpoint was signed, and says this."
        )?;
        if !self.hidden.is_empty() {
            let hidden = self.hidden.join(" and ");
            writeln!(
                f,
                "  - Of {hidden} only that something was committed to: it was erased, or is withheld."
            )?;
        }
        writeln!(f, "\nNot proven")?;
        if self.checkpoint.log != Believed::Given {
            writeln!(
                f,
                "  - The keys are those of the receipt: give the key of the log that you know."
            )?;
        }
        writeln!(
            f,
            "  - That the record still is as it was: compare the checkpoint with later ones."
        )
    }
}

fn signature(f: &mut Formatter<'_>, signed: &Signed) -> fmt::Result {
    let role = match signed.role {
        Role::Log => "the log",
        Role::Witness => "a witness",
        Role::Unknown => "somebody unknown",
    };
    let believed = match signed.believed {
        Believed::Given => "verified with a key that you gave",
        Believed::Brought => "verified with a key that came with it",
        Believed::NotChecked => "not checked: you gave no key for it",
    };
    write!(f, "  {} ({role}): {believed}", plain(&signed.by))?;
    if let Some(time) = &signed.time {
        write!(f, ", at {time}")?;
    }
    writeln!(f)
}

/// Names are of strangers: what would steer a terminal is shown as a sign.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
