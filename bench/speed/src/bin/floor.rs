//! A proxy that passes everything on and does nothing else: what HTTP itself costs.
//!
//! `floor --listen 127.0.0.1:9200 --to 127.0.0.1:9100`

use hyper::Request;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use speed::{option, serve};

fn main() {
    let to: String = option("--to", "127.0.0.1:9100".to_owned());
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(256).build(connector);
    serve(option("--listen", ([127, 0, 0, 1], 9200).into()), 2, move |mut request: Request<Incoming>| {
        let uri = format!("http://{to}{}", request.uri().path());
        *request.uri_mut() = uri.parse().expect("an address");
        request.headers_mut().remove("host");
        client.request(request)
    })
}
