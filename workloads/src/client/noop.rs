//! The `noop` client: answers at once, keeps nothing.
//!
//! It measures the runner. Its histories are no register's: reads see null, every cas succeeds.

use serde_json::Value;

use super::{BoxFuture, Client, Connector, Endpoint, OpenError, Outcome};
use crate::Invocation;

/// Opens clients that answer at once.
pub(super) struct NoopConnector;

struct NoopClient;

impl Connector for NoopConnector {
    fn open<'a>(
        &'a self,
        _process: u64,
        _endpoint: &'a Endpoint,
    ) -> BoxFuture<'a, Result<Box<dyn Client>, OpenError>> {
        Box::pin(async { Ok(Box::new(NoopClient) as Box<dyn Client>) })
    }
}

impl Client for NoopClient {
    fn invoke<'a>(&'a mut self, operation: &'a Invocation) -> BoxFuture<'a, Outcome> {
        let result = if operation.f == "read" { Value::Null } else { operation.value.clone() };
        Box::pin(async { Outcome::Ok(result) })
    }
}
