//! Metrics for Prometheus.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use scim_store::PoolStatus;

/// The bounds of the histogram of times, in seconds.
const BUCKETS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

/// The metrics of a host.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    seconds: Family<OperationLabels, Histogram>,
    quirks: Family<QuirkLabels, Counter>,
    store_errors: Counter,
    pool: Family<PoolLabels, Gauge<u64, AtomicU64>>,
    unrecorded: Gauge<u64, AtomicU64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    operation: &'static str,
    status: u16,
    tenant: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabels {
    operation: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct QuirkLabels {
    quirk: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PoolLabels {
    connections: &'static str,
}

impl Metrics {
    pub(super) fn new() -> Self {
        let mut registry = Registry::with_prefix("scim");
        let requests = Family::default();
        registry.register("requests", "Requests, by operation, status and tenant", requests.clone());
        let seconds = Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> Histogram);
        registry.register(
            "request_seconds",
            "The time from the head of a request to its answer",
            seconds.clone(),
        );
        let quirks = Family::default();
        registry.register("quirks", "Deviations of clients that were tolerated", quirks.clone());
        let store_errors = Counter::default();
        registry.register("store_errors", "Errors of the store", store_errors.clone());
        let pool = Family::default();
        registry.register("pool_connections", "Connections to the database", pool.clone());
        let unrecorded = Gauge::default();
        let help = "Requests that the provisioning log has not recorded, since the start";
        registry.register("unrecorded_requests", help, unrecorded.clone());
        Self { registry, requests, seconds, quirks, store_errors, pool, unrecorded }
    }

    pub(super) fn count(&self, operation: &'static str, status: u16, tenant: Option<&str>, time: Duration) {
        let labels = RequestLabels { operation, status, tenant: tenant.unwrap_or_default().to_owned() };
        self.requests.get_or_create(&labels).inc();
        self.seconds.get_or_create(&OperationLabels { operation }).observe(time.as_secs_f64());
    }

    pub(super) fn count_quirk(&self, quirk: &'static str) {
        self.quirks.get_or_create(&QuirkLabels { quirk }).inc();
    }

    pub(super) fn count_store_error(&self) {
        self.store_errors.inc();
    }

    /// The metrics as text, with the state of the pool, and how many requests the provisioning log has not recorded.
    pub(crate) fn text(&self, pool: Option<PoolStatus>, unrecorded: u64) -> String {
        self.unrecorded.set(unrecorded);
        if let Some(pool) = pool {
            for (connections, number) in [("max", pool.max), ("open", pool.open), ("idle", pool.idle)] {
                self.pool.get_or_create(&PoolLabels { connections }).set(number as u64);
            }
        }
        let mut text = String::new();
        // Writing to a String never fails.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
