//! Traces of calls: one span for each, made at its end from what the record knows of
//! it, named as OpenTelemetry's conventions for generative AI name it. A queue that is
//! full loses spans, never calls.

mod collector;
mod post;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use audit::Outcome;
use gateway::{Does, EndedCall};
use opentelemetry::trace::{
    Span as _, SpanContext, SpanKind, Status, TraceContextExt as _, TraceFlags, TraceState,
    Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider,
};

pub(crate) use self::collector::{BadOtlp, Collector};
use self::post::Post;
use crate::config::Otlp;

/// Spans that wait for the collector; further ones are dropped and counted in the log.
const QUEUE_MAX: usize = 8_192;
/// Spans in one request to the collector.
const BATCH_MAX: usize = 512;
/// A span waits at most this long for others.
const BATCH_DELAY: Duration = Duration::from_secs(1);
/// One request to the collector, repeats included.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);
/// What waits is sent within this at the stop, or lost.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);
/// The provider that lives in this process.
const EMBEDDED: &str = "embedded";

/// Makes the spans, and sends them.
#[derive(Debug, Clone)]
pub(crate) struct Traces {
    tracer: SdkTracer,
    provider: SdkTracerProvider,
}

impl Traces {
    /// Starts sending to the collector, if there is one.
    pub(crate) fn open(otlp: &Otlp) -> anyhow::Result<Option<Self>> {
        let Some(collector) = Collector::read(otlp)? else { return Ok(None) };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(collector.endpoint.to_string())
            .with_timeout(SEND_TIMEOUT)
            .with_http_client(Post::open(collector.header, SEND_TIMEOUT)?)
            .build()?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(QUEUE_MAX)
            .with_max_export_batch_size(BATCH_MAX)
            .with_scheduled_delay(BATCH_DELAY)
            .build();
        let processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches).build();
        let resource = Resource::builder_empty().with_service_name(otlp.service_name.clone());
        let provider = SdkTracerProvider::builder()
            .with_span_processor(processor)
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)))
            .with_resource(resource.build())
            .build();
        Ok(Some(Self { tracer: provider.tracer("portico"), provider }))
    }

    /// Where the gateway tells its calls.
    pub(crate) fn socket(&self) -> Arc<dyn gateway::Trace> {
        Arc::new(self.clone())
    }

    /// Sends what waits, and stops.
    pub(crate) async fn flush(self) {
        let flush = move || self.provider.shutdown_with_timeout(FLUSH_TIMEOUT);
        match tokio::task::spawn_blocking(flush).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last traces were not sent"),
            Err(error) => tracing::warn!(%error, "the last traces were not sent"),
        }
    }
}

impl gateway::Trace for Traces {
    fn ended(&self, call: &EndedCall<'_>) {
        let embedded = call.facts.endpoint.as_deref() == Some(EMBEDDED);
        let kind = if embedded { SpanKind::Internal } else { SpanKind::Client };
        let mut span = self
            .tracer
            .span_builder(format!("{} {}", operation(call.does), call.facts.model))
            .with_kind(kind)
            .with_start_time(SystemTime::from(call.facts.started_at))
            .with_attributes(attributes(call))
            .start_with_context(&self.tracer, &parent(call));
        if call.outcome == Outcome::Failed {
            span.set_status(Status::error(error_type(call).to_owned()));
        }
        span.end_with_timestamp(SystemTime::from(call.ended_at));
    }
}

const fn operation(does: Does) -> &'static str {
    match does {
        Does::Chat => "chat",
        Does::Embeddings => "embeddings",
    }
}

fn error_type<'a>(call: &EndedCall<'a>) -> &'a str {
    call.failure.unwrap_or("_OTHER")
}

/// Names and numbers alone: what the operator named, and what was counted.
fn attributes(call: &EndedCall<'_>) -> Vec<KeyValue> {
    let facts = call.facts;
    let count = |tokens: u64| i64::try_from(tokens).unwrap_or(i64::MAX);
    let mut all = vec![
        KeyValue::new("gen_ai.operation.name", operation(call.does)),
        KeyValue::new("gen_ai.request.model", facts.model.clone()),
        KeyValue::new("gen_ai.usage.input_tokens", count(facts.tokens_in)),
        KeyValue::new("gen_ai.usage.output_tokens", count(facts.tokens_out)),
        KeyValue::new("portico.call.id", call.id.to_owned()),
        KeyValue::new("portico.region", call.region.as_str()),
        KeyValue::new("portico.outcome", call.outcome.as_str()),
    ];
    for (name, value) in [
        ("gen_ai.provider.name", &facts.provider),
        ("portico.endpoint", &facts.endpoint),
        ("portico.pattern", &facts.pattern),
    ] {
        all.extend(value.clone().map(|value| KeyValue::new(name, value)));
    }
    if call.outcome == Outcome::Failed {
        all.push(KeyValue::new("error.type", error_type(call).to_owned()));
    }
    all
}

/// The caller's span, if it traces.
fn parent(call: &EndedCall<'_>) -> Context {
    let Some(parent) = call.parent else { return Context::new() };
    let flags = TraceFlags::default().with_sampled(parent.sampled);
    let (trace, span) = (parent.trace.into(), parent.span.into());
    let remote = SpanContext::new(trace, span, flags, true, TraceState::default());
    Context::new().with_remote_span_context(remote)
}
