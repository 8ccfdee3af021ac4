//! Letters to those who decide.

use std::collections::BTreeSet;
use std::sync::Arc;

use access::Permission;
use identity::testing::{House, Org, Plan};
use identity::{Letter, Mail, MemberPatch, MemberState, Sent};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// A mail server that hands on what it takes.
#[derive(Debug)]
struct Postbox(UnboundedSender<Letter>);

impl Mail for Postbox {
    fn public_url(&self) -> &'static str {
        "https://portico.example"
    }

    fn send(&self, letter: Letter) -> Sent<'_> {
        self.0.send(letter).expect("somebody reads");
        Box::pin(std::future::ready(Ok(())))
    }
}

async fn written_to(
    house: &House,
    org: &Org,
    post: &mut UnboundedReceiver<Letter>,
) -> BTreeSet<String> {
    let hearers = house.identity.hearers(&org.operator, Permission::SettingsSupport).await;
    let hearers = hearers.expect("reads").expect("a mail server");
    let count = hearers.ids().len();
    hearers.write(|org| format!("About {org}"), |org| format!("Look at {org}."), "/page");
    let mut to = BTreeSet::new();
    for _ in 0..count {
        let letter = post.recv().await.expect("a letter");
        assert_eq!(letter.subject, "About ACME");
        assert_eq!(
            letter.text.reveal(),
            "Hello,\n\nLook at ACME.\n\nhttps://portico.example/page\n"
        );
        to.insert(letter.to);
    }
    assert_eq!(to.len(), count, "one letter each");
    to
}

#[tokio::test]
async fn those_who_may_decide_hear_of_it_by_mail_and_not_more_than_twenty() {
    let (sender, mut post) = unbounded_channel();
    let plan = Plan { mail: Some(Arc::new(Postbox(sender))), ..Plan::of(&[]) };
    for house in plan.houses().await {
        let org = house.org("acme").await;
        let both = ["admin@acme.example", "owner@acme.example"].map(str::to_owned);
        assert_eq!(written_to(&house, &org, &mut post).await, BTreeSet::from(both));
        let gone = MemberPatch { state: Some(MemberState::Suspended), ..MemberPatch::default() };
        let admin = org.admin.id.parse().expect("an id");
        house.identity.change_member(&org.operator, &admin, &gone).await.expect("suspended");
        let one = BTreeSet::from([org.owner.email.clone()]);
        assert_eq!(written_to(&house, &org, &mut post).await, one);
        for place in 0..25 {
            let email = format!("admin{place}@acme.example");
            house.member(&org.operator, &email, "org:admin").await;
        }
        assert_eq!(written_to(&house, &org, &mut post).await.len(), 20);
    }
}

#[tokio::test]
async fn where_there_is_no_mail_server_nobody_is_written_to() {
    for house in Plan::of(&[]).houses().await {
        let org = house.org("acme").await;
        let hearers = house.identity.hearers(&org.operator, Permission::SettingsSupport).await;
        assert!(hearers.expect("reads").is_none());
    }
}
