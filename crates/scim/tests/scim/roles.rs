//! Roles that were deleted since a directory was told to give them; and what else an org
//! has to know of its directories.

use identity::NewRole;
use scim::{DirectoryPatch, Mapped, NewDirectory};
use serde_json::{Value, json};

use crate::house::{House, Org, id};

fn mapped(group: &str, role: &str) -> Mapped {
    Mapped { group: group.to_owned(), role: role.to_owned() }
}

async fn role(house: &House, org: &Org, name: &str) {
    let permissions = vec!["patterns:read".to_owned()];
    let new = NewRole { name: name.to_owned(), permissions };
    house.identity.add_role(&org.operator, &new).await.expect("a role");
}

#[tokio::test]
async fn a_mapped_role_that_is_gone_gives_nothing_and_takes_what_its_group_gave() {
    for house in House::on_each_engine().await {
        let org = house.org().await;
        role(&house, &org, "contractor").await;
        let mapping = vec![mapped("Contractors", "contractor"), mapped("Admins", "org:admin")];
        let new =
            NewDirectory { name: "Okta".to_owned(), role: Some("org:viewer".to_owned()), mapping };
        let (directory, token) = house.directory_with(&org, new).await;
        house.identity.remove_role(&org.operator, "contractor").await.expect("nobody has it");
        let ada = id(&house.user(&token, "ada@acme.example").await);
        let bob = id(&house.user(&token, "bob@acme.example").await);
        let has = async |email: &str| house.known(&org, email).await.expect("a member").role;
        let contractors = house.group(&token, "Contractors", &[&ada]).await;
        assert_eq!(has("ada@acme.example").await, "org:viewer", "she keeps what she has");
        let event = house.events(&org, "scim.group.added").await.remove(0);
        assert_eq!(event["changes"]["roles_gone"], json!(["contractor"]), "{event}");
        // A later group gives nothing in its place, and what a group gave goes.
        house.group(&token, "Admins", &[&ada, &bob]).await;
        assert_eq!(has("ada@acme.example").await, "org:viewer");
        assert_eq!(has("bob@acme.example").await, "org:admin");
        let add = json!([{"op": "add", "path": "members", "value": [{"value": bob}]}]);
        let answer = house.patch(&token, &format!("/Groups/{contractors}"), add).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(has("bob@acme.example").await, "org:viewer");
        // The page says so, and a chosen role holds at once.
        let key = house.key(&org.operator, org.owner.id.as_str()).await;
        let path = format!("/directories/{}", directory.id);
        let (_, page) = house.ours(&key, "GET", &path, Value::Null).await;
        assert!(page.contains("no role of the organization any more: <code>contractor</code>"));
        let chosen = DirectoryPatch {
            mapping: Some(vec![mapped("Contractors", "org:member")]),
            ..DirectoryPatch::default()
        };
        house.scim.change_directory(&org.operator, &directory.id, &chosen).await.expect("changed");
        assert_eq!(has("ada@acme.example").await, "org:member");
        let (_, page) = house.ours(&key, "GET", &path, Value::Null).await;
        assert!(!page.contains("any more"), "{page}");
    }
}

#[tokio::test]
async fn nobody_arrives_with_a_role_that_is_gone_and_the_form_keeps_it_as_it_is() {
    for house in House::on_each_engine().await {
        let org = house.org().await;
        role(&house, &org, "newcomer").await;
        let new = NewDirectory {
            name: "Okta".to_owned(),
            role: Some("newcomer".to_owned()),
            mapping: Vec::new(),
        };
        let (directory, token) = house.directory_with(&org, new).await;
        house.identity.remove_role(&org.operator, "newcomer").await.expect("nobody has it");
        let refused = house.ask(&token, "POST", "/Users", &json!({"userName": "ada"})).await;
        assert_eq!(refused.status, 409, "{refused:?}");
        let detail = refused.body["detail"].as_str().expect("words");
        assert!(detail.contains("choose another one in the console"), "{detail}");
        let key = house.key(&org.operator, org.owner.id.as_str()).await;
        let path = format!("/directories/{}", directory.id);
        let (_, page) = house.ours(&key, "GET", &path, Value::Null).await;
        assert!(page.contains("no role of the organization any more: <code>newcomer</code>"));
        assert!(page.contains("<option value=\"newcomer\" selected>newcomer (as it is)"), "{page}");
    }
}

#[tokio::test]
async fn an_org_is_provisioned_as_long_as_it_has_a_directory() {
    for house in House::on_each_engine().await {
        let (org, other) = (house.org().await, house.org().await);
        let provisioned =
            async |org: &Org| house.identity.is_provisioned(&org.operator.itself()).await;
        assert!(!provisioned(&org).await.expect("reads"));
        let (directory, _) = house.directory(&org, "Okta").await;
        assert!(provisioned(&org).await.expect("reads"));
        assert!(!provisioned(&other).await.expect("reads"), "another org has none");
        house.scim.remove_directory(&org.operator, &directory.id).await.expect("removed");
        assert!(!provisioned(&org).await.expect("reads"));
    }
}
