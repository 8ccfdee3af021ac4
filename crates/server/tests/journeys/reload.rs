//! The catalogue is replaced while calls go on; TLS comes from files.

use gateway::testing::FakeProvider;
use serde_json::json;

use crate::portico::Portico;
use crate::until::until;

#[tokio::test]
async fn a_catalogue_is_replaced_while_serving_and_a_faulty_one_is_not_applied() {
    let provider = FakeProvider::start().await;
    let mut portico = Portico::on_sqlite("");
    let org = portico.org("acme", "eu");
    portico.serve().await;
    let ask = json!({ "model": "small", "messages": [{ "role": "user", "content": "hi" }] });
    let answer = portico.http.post(&org.member, "/v1/chat/completions", &ask).await;
    assert_eq!((answer.status, &answer.json()["error"]["param"]), (404, &json!("model")));
    let before = std::fs::read_to_string(portico.config()).expect("reads");
    let catalogue = format!(
        "[gateway.endpoints.fake]\nspeaks = \"openai\"\nbase_url = \"{}\"\nregion = \"eu\"\n\
         key_env = \"PORTICO_FAKE\"\n[gateway.models.small]\nfree = true\nroutes = [{{ endpoint = \"fake\" }}]\n",
        provider.base_url()
    );
    std::fs::write(portico.config(), format!("{before}\n{catalogue}")).expect("writes");
    until(async || {
        portico.http.post(&org.member, "/v1/chat/completions", &ask).await.status == 200
    })
    .await;
    let (headers, _) = provider.last().expect("a call");
    assert_eq!(headers["authorization"], "Bearer sk-fake");

    std::fs::write(portico.config(), format!("{before}\n{}", catalogue.replace("routes", "rotes")))
        .expect("writes");
    until(async || portico.log().contains("did you mean `routes`?")).await;
    let answer = portico.http.post(&org.member, "/v1/chat/completions", &ask).await;
    assert_eq!(answer.status, 200, "the old one stays");
}

#[test]
fn a_check_of_the_configuration_finds_what_serving_would_refuse() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("portico.toml");
    for (text, said) in [
        ("[outbound]\nca_file = \"gone.pem\"\n", "outbound.ca_file"),
        (
            "[record.s3.eu]\nbucket = \"b\"\nregion = \"r\"\naccess_key_id = \"k\"\n\
             secret_key_file = \"gone\"\n",
            "[record.s3.eu]",
        ),
    ] {
        std::fs::write(&file, text).expect("writes");
        let told = std::process::Command::new(env!("CARGO_BIN_EXE_portico"))
            .args(["config", "check", "--config"])
            .arg(&file)
            .output()
            .expect("runs");
        let why = String::from_utf8_lossy(&told.stderr);
        assert!(!told.status.success() && why.contains(said), "{why}");
    }
}
