//! Guardrails for people who do not write Cedar: a few questions, and the text that says
//! what was answered. The text is what is kept; it can be read and changed.

use std::net::IpAddr;

use access::{DataClass, Permission, Role};
use base::page::Faults;
use ipnet::IpNet;
use jiff::civil::{Time, Weekday};

use crate::asked::day_name;
use crate::schema;

/// Nets in one template at most: more do not fit into a policy.
const NETS_MAX: usize = 40;
/// Minutes of a factor's age at most: a day.
const MINUTES_MAX: i64 = 24 * 60;

/// What a template is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    Addresses,
    Factor,
    Hours,
    Keys,
}

/// The answers, as they were typed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answers {
    /// The text of `About`.
    pub(crate) about: String,
    /// A permission, a group of them, or nothing: all.
    pub(crate) action: String,
    /// A role, or nothing: everybody.
    pub(crate) role: String,
    /// The lowest class of data that is meant, or nothing: all data.
    pub(crate) data_class: String,
    /// One in each line.
    pub(crate) addresses: String,
    pub(crate) minutes: String,
    /// `08:00`.
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) days: Vec<String>,
}

impl About {
    pub(crate) const ALL: [Self; 4] = [Self::Addresses, Self::Factor, Self::Hours, Self::Keys];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Addresses => "addresses",
            Self::Factor => "factor",
            Self::Hours => "hours",
            Self::Keys => "keys",
        }
    }

    /// As one chooses it.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Addresses => "Only from these addresses",
            Self::Factor => "Only with a recent second factor",
            Self::Hours => "Only in these hours",
            Self::Keys => "Not with a key",
        }
    }
}

/// Every day, in the order of the week.
pub(crate) const DAYS: [Weekday; 7] = [
    Weekday::Monday,
    Weekday::Tuesday,
    Weekday::Wednesday,
    Weekday::Thursday,
    Weekday::Friday,
    Weekday::Saturday,
    Weekday::Sunday,
];

impl Answers {
    /// A name for it, and the policy.
    pub(crate) fn policy(&self) -> Result<(String, String), Faults> {
        let about = About::ALL.into_iter().find(|about| about.as_str() == self.about);
        let about = about.ok_or_else(|| Faults::field("about", "must be chosen"))?;
        let (principal, action, data) = (self.principal()?, self.action()?, self.data()?);
        let condition = match about {
            About::Addresses => format!("unless {{ context has ip && ({}) }}", self.nets()?),
            About::Factor => format!(
                "unless {{\n    context.with_key ||\n    (context has factor_age_secs && \
                 context.factor_age_secs <= {})\n}}",
                self.seconds()?
            ),
            About::Hours => self.hours()?,
            About::Keys => "when { context.with_key }".to_owned(),
        };
        let about = about.words();
        let name = match (self.action.as_str(), self.data_class.as_str()) {
            ("", "") => about.to_owned(),
            (action, "") => format!("{about}: {action}"),
            ("", class) => format!("{about}: {class} data"),
            (action, class) => format!("{about}: {action}, {class} data"),
        };
        let policy = format!(
            "forbid (\n    {principal},\n    {action},\n    resource\n)\n{data}{condition};"
        );
        Ok((name, policy))
    }

    fn principal(&self) -> Result<String, Faults> {
        let role = self.role.trim();
        if role.is_empty() {
            return Ok("principal".to_owned());
        }
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if Role::named(role).is_none() && !role.chars().all(plain) {
            let detail = "must be a role as it is written, such as `org:admin` or `auditor`";
            return Err(Faults::field("role", detail));
        }
        Ok(format!("principal in Role::\"{role}\""))
    }

    fn action(&self) -> Result<String, Faults> {
        let wanted = self.action.as_str();
        if wanted.is_empty() {
            Ok("action".to_owned())
        } else if wanted.parse::<Permission>().is_ok() {
            Ok(format!("action == Action::\"{wanted}\""))
        } else if schema::groups().contains(&wanted) {
            Ok(format!("action in Action::\"{wanted}\""))
        } else {
            Err(Faults::field("action", "must be chosen"))
        }
    }

    /// Narrows it to patterns and models of this class and those above it.
    fn data(&self) -> Result<String, Faults> {
        if self.data_class.is_empty() {
            return Ok(String::new());
        }
        let refused = |detail| Err(Faults::field("data_class", detail));
        let Some(class) = DataClass::named(&self.data_class) else {
            return refused("must be chosen");
        };
        let group = self.action.split(':').next().unwrap_or_default();
        if !["", "patterns", "models"].contains(&group) {
            return refused("is said of patterns and models alone: choose all data");
        }
        let classes: Vec<_> = class.and_above().map(|class| format!("\"{class}\"")).collect();
        Ok(format!(
            "when {{\n    resource has data_class &&\n    [{}].contains(resource.data_class)\n}}\n",
            classes.join(", ")
        ))
    }

    fn nets(&self) -> Result<String, Faults> {
        let lines = self.addresses.lines().map(str::trim).filter(|line| !line.is_empty());
        let mut nets = Vec::new();
        for line in lines {
            let one = line.parse::<IpAddr>().map(IpNet::from).or_else(|_| line.parse::<IpNet>());
            let net = one.map_err(|_| {
                Faults::field("addresses", format!("`{line}` is neither an address nor a net"))
            })?;
            nets.push(format!("context.ip.isInRange(ip(\"{}\"))", net.trunc()));
        }
        if nets.is_empty() || nets.len() > NETS_MAX {
            return Err(Faults::field("addresses", format!("must be 1 to {NETS_MAX} lines")));
        }
        Ok(nets.join(" ||\n    "))
    }

    fn seconds(&self) -> Result<i64, Faults> {
        let minutes = self.minutes.trim().parse().ok().filter(|m| (1..=MINUTES_MAX).contains(m));
        let wrong = || Faults::field("minutes", format!("must be 1 to {MINUTES_MAX}"));
        minutes.map(|minutes: i64| minutes * 60).ok_or_else(wrong)
    }

    fn hours(&self) -> Result<String, Faults> {
        let minute = |name: &str, text: &str| {
            let time = text.trim().parse::<Time>();
            let wrong = |_| Faults::field(name, "must be a time of day, such as 08:00");
            time.map_err(wrong).map(|at| i64::from(at.hour()) * 60 + i64::from(at.minute()))
        };
        let (from, to) = (minute("from", &self.from)?, minute("to", &self.to)?);
        if from == to {
            return Err(Faults::field("to", "must be another time than the beginning"));
        }
        let days: Vec<_> = DAYS
            .into_iter()
            .map(day_name)
            .filter(|day| self.days.iter().any(|chosen| chosen == day))
            .map(|day| format!("\"{day}\""))
            .collect();
        if days.is_empty() {
            return Err(Faults::field("days", "must be chosen: at least one day"));
        }
        // Hours that go over midnight are those after the beginning or before the end.
        let joint = if from < to { "&&" } else { "||" };
        Ok(format!(
            "unless {{\n    [{}].contains(context.weekday) &&\n    (context.minute_of_day >= {from} \
             {joint} context.minute_of_day < {to})\n}}",
            days.join(", ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Rulebook;

    fn answers() -> Answers {
        Answers {
            addresses: "192.0.2.7\r\n 2001:db8::/32 \n".to_owned(),
            minutes: "15".to_owned(),
            from: "08:00".to_owned(),
            to: "18:30".to_owned(),
            days: vec!["friday".to_owned(), "monday".to_owned()],
            ..Answers::default()
        }
    }

    #[test]
    fn every_template_gives_a_policy_without_findings() {
        let rulebook = Rulebook::open().unwrap();
        for about in About::ALL {
            for action in ["", "settings", "users", "models:invoke", "patterns:publish"] {
                for (role, class) in [("", ""), ("org:admin", "confidential"), ("auditor", "")] {
                    let about = about.as_str().to_owned();
                    let (action, role) = (action.to_owned(), role.to_owned());
                    let data_class = class.to_owned();
                    let answers = Answers { about, action, role, data_class, ..answers() };
                    let classless = ["settings", "users"].contains(&answers.action.as_str());
                    if classless && !class.is_empty() {
                        assert!(answers.policy().is_err(), "it would forbid nothing: {answers:?}");
                        continue;
                    }
                    let (_, policy) = answers.policy().unwrap();
                    assert_eq!(
                        policy.contains("[\"confidential\", \"secret\"]"),
                        !class.is_empty()
                    );
                    let checked = rulebook.check("grl_1", &policy);
                    assert!(checked.findings.is_empty(), "{policy}: {:?}", checked.findings);
                }
            }
        }
    }

    #[test]
    fn forty_nets_fit_into_a_policy() {
        let net = |n| format!("2001:db8:1111:2222:3333:4444:5555:{n:x}");
        let addresses = (0x1000..0x1000 + NETS_MAX).map(net).collect::<Vec<_>>().join("\n");
        let (about, data_class) = ("addresses".to_owned(), "public".to_owned());
        let answers = Answers { about, data_class, addresses, ..answers() };
        let (_, policy) = answers.policy().unwrap();
        let checked = Rulebook::open().unwrap().check("grl_1", &policy);
        assert!(checked.findings.is_empty(), "{} bytes: {:?}", policy.len(), checked.findings);
    }

    #[test]
    fn what_was_answered_wrongly_is_named() {
        let of = |about: &str| Answers { about: about.to_owned(), ..answers() };
        for (wrong, field) in [
            (of("wishes"), "about"),
            (Answers { action: "users:fly".to_owned(), ..of("keys") }, "action"),
            (Answers { role: "x\", action".to_owned(), ..of("keys") }, "role"),
            (Answers { data_class: "top".to_owned(), ..of("keys") }, "data_class"),
            (Answers { addresses: "nonsense".to_owned(), ..of("addresses") }, "addresses"),
            (Answers { addresses: " \n".to_owned(), ..of("addresses") }, "addresses"),
            (Answers { minutes: "0".to_owned(), ..of("factor") }, "minutes"),
            (Answers { from: "25:00".to_owned(), ..of("hours") }, "from"),
            (Answers { to: "08:00".to_owned(), ..of("hours") }, "to"),
            (Answers { days: Vec::new(), ..of("hours") }, "days"),
        ] {
            let faults = wrong.policy().unwrap_err();
            assert!(faults.of_field(field).is_some(), "{field}: {faults:?}");
        }
    }
}
