//! Every tenant, once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::task::JoinSet;

use crate::client::{Asked, Client};
use crate::{BoxError, Server};

/// Asks them, a few at a time.
#[expect(clippy::print_stdout, reason = "the result of a command-line program")]
pub(crate) async fn run(server: Server) -> Result<(), BoxError> {
    let (client, next) = (Client::new(&server)?, Arc::new(AtomicUsize::new(0)));
    let mut lanes = JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let (client, next) = (client.clone(), Arc::clone(&next));
        lanes.spawn(async move {
            let mut failed = 0;
            loop {
                let tenant = next.fetch_add(1, Ordering::Relaxed);
                if tenant >= server.tenants {
                    return failed;
                }
                failed += usize::from(once(&client, tenant).await.is_err());
            }
        });
    }
    let failed: usize = lanes.join_all().await.into_iter().sum();
    println!("done={} failed={failed}", server.tenants - failed);
    Ok(())
}

async fn once(client: &Client, tenant: usize) -> Result<(), BoxError> {
    match client.open(tenant).await?.ask().await? {
        Asked::Answered(_) => Ok(()),
        Asked::NotSent => Err("closed before it was asked".into()),
    }
}

const IN_FLIGHT: usize = 8;
