//! Who is left out, for how long, and how it comes back.

use std::sync::Arc;
use std::time::Duration;

use access::Region;
use base::secret::Secret;
use base::time::At;

use super::*;
use crate::catalogue::{Catalogue, Config, Model, Route, Secrets};

struct NoSecrets;

impl Secrets for NoSecrets {
    fn env(&self, name: &str) -> Result<Secret, String> {
        Err(name.to_owned())
    }
    fn file(&self, path: &str) -> Result<Secret, String> {
        Err(path.to_owned())
    }
}

/// A model with so many endpoints.
fn model(endpoints: usize, ejection: &str) -> Arc<Model> {
    let routes = (0..endpoints).map(|name| format!("{{ endpoint = \"e{name}\" }}"));
    let routes = routes.collect::<Vec<_>>().join(",");
    let endpoints = (0..endpoints).map(|name| {
        format!(
            "[endpoints.e{name}]\nspeaks = \"openai\"\nregion = \"eu\"\nbase_url = \"http://e/v1\"\n"
        )
    });
    let endpoints = endpoints.collect::<Vec<_>>().concat();
    let text = format!("{endpoints}[models.m]\nfree = true\n{ejection}\nroutes = [{routes}]\n");
    let config: Config = toml::from_str(&text).unwrap();
    let catalogue = Catalogue::compile(&config, &NoSecrets, &Catalogue::default()).unwrap();
    catalogue.model("m", Region::Eu).unwrap().clone()
}

fn at(secs: i64) -> At {
    At::from_second(1_800_000_000 + secs).unwrap()
}

fn calls(route: &Route, now: At, well: u32, failed: u32, ms: u64) {
    for _ in 0..well {
        route.vitals.began(now, Duration::from_millis(ms));
        route.vitals.went_well(now);
    }
    (0..failed).for_each(|_| route.vitals.went_wrong(now));
}

fn out(model: &Model, now: At) -> Vec<&str> {
    model.judge(Region::Eu, now);
    let routes = model.routes_in(Region::Eu).iter();
    routes.filter(|route| route.vitals.is_out()).map(|route| route.endpoint.name.as_str()).collect()
}

#[test]
fn an_endpoint_that_does_much_worse_than_its_peers_is_left_out() {
    // Of 100 tries, so many failed; the time of its first tokens; whether it is left out.
    let cases =
        [(0, 100, false), (15, 100, false), (25, 100, true), (0, 300, false), (0, 700, true)];
    for (failed, ms, expected) in cases {
        let model = model(3, "");
        let [good, same, bad] = model.routes_in(Region::Eu) else { unreachable!() };
        calls(good, at(0), 99, 1, 100);
        calls(same, at(0), 99, 1, 110);
        calls(bad, at(0), 100 - failed, failed, ms);
        let expected = if expected { vec!["e2"] } else { vec![] };
        assert_eq!(out(&model, at(0)), expected, "{failed} failed, {ms} ms");
    }
}

#[test]
fn what_makes_all_of_them_bad_leaves_none_out_and_few_calls_say_nothing() {
    let model = model(2, "");
    let [one, other] = model.routes_in(Region::Eu) else { unreachable!() };
    calls(one, at(0), 10, 90, 5_000);
    calls(other, at(0), 20, 80, 6_000);
    assert!(out(&model, at(0)).is_empty());
    calls(one, at(100), 100, 0, 10);
    calls(other, at(100), 0, 19, 5_000);
    assert!(out(&model, at(100)).is_empty(), "nineteen are not enough");
    calls(other, at(101), 0, 1, 5_000);
    assert_eq!(out(&model, at(101)), ["e1"]);
}

#[test]
fn no_more_than_the_share_is_left_out_and_never_all() {
    for (percent, expected) in [(0, 0), (20, 1), (50, 2), (100, 4)] {
        let model = model(5, &format!("ejection = {{ share_max_percent = {percent} }}"));
        let [good, bad @ ..] = model.routes_in(Region::Eu) else { unreachable!() };
        for second in 0..20 {
            calls(good, at(second), 50, 0, 10);
            for bad in bad {
                calls(bad, at(second), 0, 50, 10);
            }
            assert!(out(&model, at(second)).len() <= expected, "{percent} %");
        }
        assert_eq!(out(&model, at(20)).len(), expected, "{percent} %");
    }
}

#[test]
fn it_stays_out_longer_each_time_and_one_probe_lets_it_in_again() {
    let model = model(2, "");
    let [good, bad] = model.routes_in(Region::Eu) else { unreachable!() };
    calls(good, at(0), 100, 0, 100);
    calls(bad, at(0), 50, 50, 100);
    assert_eq!(out(&model, at(0)), ["e1"]);
    let mut now = 0;
    for secs in [30, 60, 120, 240, 480, 480] {
        assert_eq!(bad.vitals.out_until(), Some(at(now + secs)), "{secs}");
        assert_eq!(bad.vitals.enter(at(now + secs - 1)), Enter::Out);
        assert!(bad.vitals.is_shut(at(now + secs - 1)));
        now += secs;
        assert_eq!(bad.vitals.enter(at(now)), Enter::Probe, "one tries");
        assert_eq!(bad.vitals.enter(at(now)), Enter::Out, "the others wait for it");
        bad.vitals.stays_out(at(now));
    }
    now += 480;
    assert_eq!(bad.vitals.enter(at(now)), Enter::Probe);
    bad.vitals.probe_again(at(now));
    assert_eq!(bad.vitals.enter(at(now)), Enter::Probe, "its caller left: the next one tries");
    assert!(!bad.vitals.began(at(now), Duration::from_secs(5)), "slower than its peers were");
    assert!(bad.vitals.began(at(now), Duration::from_millis(200)));
    bad.vitals.comes_back(at(now));
    assert_eq!(bad.vitals.enter(at(now)), Enter::Usual);
    assert!(out(&model, at(now)).is_empty(), "what it did before is forgotten");
    assert_eq!(bad.vitals.totals().ejections, 7);

    // As bad as before: it is out for as long as it had come to. After a long good time: anew.
    for (after, secs) in [(10, 480), (10_000, 30)] {
        now += after;
        calls(good, at(now), 100, 0, 100);
        calls(bad, at(now), 50, 50, 100);
        assert_eq!(out(&model, at(now)), ["e1"]);
        assert_eq!(bad.vitals.out_until(), Some(at(now + secs)));
        bad.vitals.comes_back(at(now));
    }
}

#[test]
fn what_is_learned_is_kept_when_the_catalogue_changes_and_the_endpoint_does_not() {
    let text = |price: &str, timeout: u32| {
        format!(
            "[endpoints.e]\nspeaks = \"openai\"\nregion = \"eu\"\nbase_url = \"http://e/v1\"\n\
             first_token_timeout_ms = {timeout}\n[models.m]\n{price}\nroutes = [{{ endpoint = \"e\" }}]\n"
        )
    };
    let paid = "prices = [{ from = \"2026-01-01\", input_per_million = \"1\", output_per_million = \"1\" }]";
    let compile = |text: &str, before: &Catalogue| {
        Catalogue::compile(&toml::from_str(text).unwrap(), &NoSecrets, before).unwrap()
    };
    let tries = |catalogue: &Catalogue| {
        let model = catalogue.model("m", Region::Eu).unwrap();
        model.routes_in(Region::Eu)[0].vitals.seen(at(0)).tries()
    };
    let first = compile(&text("free = true", 1_000), &Catalogue::default());
    calls(&first.model("m", Region::Eu).unwrap().routes_in(Region::Eu)[0], at(0), 3, 0, 10);
    let second = compile(&text(paid, 1_000), &first);
    assert_eq!(tries(&second), 3);
    assert_eq!(tries(&compile(&text(paid, 2_000), &second)), 0, "another endpoint is not known");
}
