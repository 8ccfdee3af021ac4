//! Shows every kind of credential of one cell to every door of the others, and keeps the body back.

use std::collections::{BTreeMap, BTreeSet};

use base::secret::Secret;
use futures_util::StreamExt as _;
use serde::Serialize;

use crate::document::{METHODS, Route};
use crate::error::Error;
use crate::wire::{Ask, Body, Said, Wire};

/// Probes at the same time.
const AT_ONCE: usize = 16;
/// Breaches that are told at most; the others are counted.
const TOLD_MAX: usize = 40;

/// What one cell knows of another: its doors, and the way to them.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    pub(crate) name: &'a str,
    pub(crate) wire: &'a Wire,
    pub(crate) region: &'a str,
}

/// What is known at home.
#[derive(Debug)]
pub(crate) struct Home<'a> {
    pub(crate) name: &'a str,
    pub(crate) region: &'a str,
    pub(crate) key: &'a Secret,
    /// The token of a directory, if one was made.
    pub(crate) directory: Option<&'a Secret>,
    /// Canaries of this cell that stand in every probe: in its path, its query and a header.
    pub(crate) marks: [String; 3],
}

/// What came of the probes.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Probes {
    /// How many were sent.
    pub asked: u64,
    /// How many were refused without their body.
    pub refused: u64,
    /// Refusals by their status.
    pub by_status: BTreeMap<String, u64>,
    /// Probes by the kind of credential.
    pub by_credential: BTreeMap<String, u64>,
    /// Combinations of route, method and kind of credential that there are, and that were tried.
    pub combinations: u64,
    /// See `combinations`.
    pub combinations_tried: u64,
    /// Doors that ask for nobody's credentials, or whose room asks by itself (`ANY`): what is sent
    /// to them is read, and they are not probed.
    pub open_doors: Vec<String>,
    /// What was not refused.
    pub breaches: Vec<String>,
}

/// A way of showing who one is.
type Shown = (&'static str, Vec<(String, String)>);

/// One kind after the other: what a client of the home cell may show, by mistake or on purpose.
fn credentials(home: &Home<'_>, target: &str) -> Vec<Shown> {
    let key = home.key.reveal();
    let org = key.split('_').nth(2).unwrap_or_default();
    let one = |name: &str, value: String| vec![(name.to_owned(), value)];
    let bearer = |token: &str| one("authorization", format!("Bearer {token}"));
    let token = |kind: &str, region: &str| {
        format!("{kind}_{region}_{org}_{}", "Pr0beOfNobody".repeat(3).get(..32).unwrap_or_default())
    };
    let cookie = |value: String| {
        one("cookie", format!("__Host-portico_session={value}; portico_session={value}"))
    };
    let renamed = key.replacen(&format!("_{}_", home.region), &format!("_{target}_"), 1);
    let mistyped: String = key.chars().rev().collect();
    let mut all = vec![
        ("key", bearer(key)),
        ("key in x-api-key", one("x-api-key", key.to_owned())),
        ("key in api-key", one("api-key", key.to_owned())),
        ("key as Basic", one("authorization", format!("Basic {key}"))),
        ("key with another region", bearer(&renamed)),
        ("mistyped key", bearer(&mistyped)),
        ("session", cookie(token("ps", home.region))),
        ("session with another region", cookie(token("ps", target))),
        ("visit of support", cookie(token("px", home.region))),
        ("setup session", cookie(token("pg", home.region))),
        ("nobody", Vec::new()),
    ];
    if let Some(directory) = home.directory {
        all.push(("token of a directory", bearer(directory.reveal())));
    }
    all
}

/// Whether a room behind this path finds out by itself who is there, whatever the method.
fn is_own_door(path: &str) -> bool {
    let connection = path.strip_prefix("/sso/").is_some_and(|rest| rest.contains('/'));
    connection || path.starts_with("/setup/")
}

fn is_open(route: &Route, method: &str) -> bool {
    is_own_door(&route.path) || route.open.iter().any(|open| open == method)
}

/// What is not probed, each method by itself; one of a room that finds out by itself who is
/// there is so whatever the method.
fn open_doors(routes: &[Route]) -> Vec<String> {
    let of = |route: &Route| -> Vec<String> {
        if is_own_door(&route.path) {
            return vec![format!("ANY {}", route.path)];
        }
        let open = METHODS.iter().filter(|method| **method != "HEAD" && is_open(route, method));
        open.map(|method| format!("{method} {}", route.path)).collect()
    };
    routes.iter().flat_map(of).collect()
}

/// Sends `count` probes, or one for each combination if not told; each pair of cells has its turn.
pub(crate) async fn probe(
    pairs: &[(Home<'_>, Target<'_>)],
    routes: &[Route],
    count: Option<u64>,
) -> Result<Probes, Error> {
    let mut probes = Probes::default();
    let closed: Vec<(&Route, &str)> = routes
        .iter()
        .flat_map(|route| METHODS.map(|method| (route, method)))
        .filter(|(route, method)| !is_open(route, method))
        .collect();
    probes.open_doors = open_doors(routes);
    let kinds: Vec<Vec<Shown>> =
        pairs.iter().map(|(home, target)| credentials(home, target.region)).collect();
    let kinds_max = kinds.iter().map(Vec::len).max().unwrap_or_default();
    let all = closed.len() * kinds_max;
    probes.combinations = u64::try_from(all).unwrap_or_default();
    let stride = stride(all);
    let count = count.unwrap_or(probes.combinations.max(10_000));
    let numbers = (0..usize::try_from(count).unwrap_or(usize::MAX))
        .take_while(|_| all > 0 && !pairs.is_empty());
    let sent = futures_util::stream::iter(numbers.map(|number| {
        let combination = number.wrapping_mul(stride) % all;
        let pair = (number + number / all) % pairs.len();
        (combination, pair)
    }))
    .map(|(combination, pair)| {
        let route = closed.get(combination / kinds_max);
        let shown =
            kinds.get(pair).and_then(|kinds| kinds.get(combination % kinds_max % kinds.len()));
        let pair = pairs.get(pair);
        async move {
            let (Some((route, method)), Some(shown), Some(pair)) = (route, shown, pair) else {
                return Ok(None);
            };
            let found = one(pair, (route, method), shown).await?;
            Ok::<_, Error>(Some((combination, shown.0, found)))
        }
    })
    .buffer_unordered(AT_ONCE);
    let mut sent = std::pin::pin!(sent);
    let mut tried = BTreeSet::new();
    while let Some(done) = sent.next().await {
        let Some((combination, kind, found)) = done? else { continue };
        tried.insert(combination);
        probes.asked += 1;
        *probes.by_credential.entry(kind.to_owned()).or_default() += 1;
        match found {
            Ok(status) => {
                probes.refused += 1;
                *probes.by_status.entry(status.to_string()).or_default() += 1;
            }
            Err(breach) if probes.breaches.len() < TOLD_MAX => probes.breaches.push(breach),
            Err(_) => {}
        }
    }
    probes.combinations_tried = u64::try_from(tried.len()).unwrap_or_default();
    Ok(probes)
}

/// A step that comes by every number below `all` before it comes by one again, far from its
/// neighbours: few probes see some of everything.
fn stride(all: usize) -> usize {
    let mut step = (all / 8 * 5).max(1);
    while gcd(step, all.max(1)) != 1 {
        step += 1;
    }
    step
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// One probe: the status of the refusal, or what happened instead.
async fn one(
    (home, target): &(Home<'_>, Target<'_>),
    (route, method): (&Route, &str),
    (kind, headers): &Shown,
) -> Result<Result<u16, String>, Error> {
    let [in_path, in_query, in_header] = &home.marks;
    let path = with_parameters(&route.path, in_path);
    let mut headers = headers.clone();
    headers.push(("user-agent".to_owned(), in_header.clone()));
    headers.push(("content-type".to_owned(), "application/json".to_owned()));
    let ask = Ask {
        method: method.to_owned(),
        target: format!("{path}?q={in_query}"),
        headers,
        body: Body::Withheld,
    };
    let said = target.wire.show(&ask).await?;
    let told = |what: &str| {
        format!("{method} {} with {kind} of {} at {}: {what}", route.path, home.name, target.name)
    };
    let answer = match said {
        Said::Answer(answer) => answer,
        Said::GoOn => return Ok(Err(told("it asks for the body"))),
        Said::Nothing => return Ok(Err(told("it waits for the body"))),
    };
    let cached = answer.header("cache-control").is_none_or(|value| !value.contains("no-store"));
    let to_sign_in = answer.header("location").is_some_and(|to| to.starts_with("/sign-in"));
    Ok(match answer.status {
        421 if cached => Err(told("a refusal that may be cached")),
        status @ (401 | 421) => Ok(status),
        status @ 303 if route.page && to_sign_in => Ok(status),
        status => Err(told(&format!("it answers {status}"))),
    })
}

/// A path with something in each place that takes something.
pub(crate) fn with_parameters(path: &str, value: &str) -> String {
    let part = |part: &str| if part.starts_with('{') { value.to_owned() } else { part.to_owned() };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_has_its_turn_before_any_comes_again() {
        for all in [1, 2, 7, 96, 1000, 9973] {
            let step = stride(all);
            let seen: BTreeSet<_> = (0..all).map(|number| number * step % all).collect();
            assert_eq!(seen.len(), all, "{all}");
        }
    }

    #[test]
    fn every_door_that_is_not_probed_is_listed() {
        let route = |path: &str, open: &[&str]| Route {
            path: path.to_owned(),
            open: open.iter().map(|method| (*method).to_owned()).collect(),
            page: false,
        };
        let routes = [
            route("/sign-in", &["HEAD", "GET"]),
            route("/sso/{connection}/acs", &[]),
            route("/setup/saml", &["GET"]),
            route("/sso/logout", &[]),
        ];
        let listed = ["GET /sign-in", "ANY /sso/{connection}/acs", "ANY /setup/saml"];
        assert_eq!(open_doors(&routes), listed);
    }

    #[test]
    fn a_key_is_shown_in_each_way_and_its_other_kinds_beside_it() {
        let key = Secret::new("pk_eu_ORG_secret_check".to_owned());
        let home = Home {
            name: "a",
            region: "eu",
            key: &key,
            directory: None,
            marks: [const { String::new() }; 3],
        };
        let all = credentials(&home, "us");
        let text = |kind: &str| {
            let (_, headers) = all.iter().find(|(name, _)| *name == kind).unwrap();
            headers.first().map(|(_, value)| value.clone()).unwrap_or_default()
        };
        assert_eq!(text("key with another region"), "Bearer pk_us_ORG_secret_check");
        assert!(text("session").contains("portico_session=ps_eu_ORG_Pr0be"), "{}", text("session"));
        assert_eq!(text("nobody"), "");
        assert_eq!(with_parameters("/api/a/{id}/b", "x"), "/api/a/x/b");
    }
}
