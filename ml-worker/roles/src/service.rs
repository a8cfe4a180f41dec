//! Services: loops over the finalised blocks that survive what happens to the node and to themselves.

use crate::metrics::Metrics;
use std::{future::Future, time::Duration};

/// Runs a service for ever. When it fails it is started again, after a pause that grows while it keeps failing.
pub async fn keep_running<F, Fut>(name: &'static str, metrics: &Metrics, mut service: F)
where
	F: FnMut() -> Fut,
	Fut: Future<Output = anyhow::Result<()>>,
{
	let (first, longest) = (Duration::from_secs(1), Duration::from_secs(60));
	let mut pause = first;
	loop {
		let started = std::time::Instant::now();
		match service().await {
			Ok(()) => return,
			Err(error) => {
				tracing::error!(role = name, error = format!("{error:#}"), "starting again");
				metrics.restarted(name);
			}
		}
		if started.elapsed() > longest {
			pause = first;
		}
		tokio::time::sleep(pause).await;
		pause = (pause * 2).min(longest);
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[tokio::test(start_paused = true)]
	async fn a_failed_service_is_started_again() {
		let (mut runs, metrics) = (0, Metrics::new());
		keep_running("test", &metrics, || {
			runs += 1;
			let done = runs == 4;
			async move { if done { Ok(()) } else { anyhow::bail!("not yet") } }
		})
		.await;
		assert_eq!(runs, 4);
		let text = metrics.text().unwrap();
		assert!(text.contains("oda_worker_role_restarts_total{role=\"test\"} 3"), "{text}");
	}
}
