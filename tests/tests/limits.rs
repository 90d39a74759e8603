//! One rate limit for all executors of an organisation, over processes and a provider that counts.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

use longhaul_client::{Client, NewTask};
use longhaul_core::{Actor, OrgId, Policy, Role, Snapshot, Status, TaskId};
use longhaul_tests::model::{Limit, Mock, Relay, fixtures};
use longhaul_tests::world::{ended, submit};
use longhaul_tests::{Process, World};
use serde_json::{Value, json};

const KEY: &str = "sk-nobody-may-read-this-0123456789";

/// More than may go at once, in two calls each.
const TASKS: usize = 24;

fn provider(tells: bool) -> Limit {
    Limit { per_minute: 240, at_once: 29, tokens: 2_000_000, tells }
}

/// A log, a model behind a relay, and three executors that know of each other only by the log.
struct Place {
    world: World,
    mock: Mock,
    relay: Relay,
    client: Client,
    _services: Vec<Process>,
}

impl Place {
    async fn new(settings: &str) -> Self {
        let world = World::new(1).await;
        let sql = "SELECT country, sum(total) AS sales FROM sales GROUP BY 1";
        let report = json!({
            "title": "Sales",
            "summary": [{"kind": "paragraph", "text": "The USA buys most."}],
            "sections": [{"heading": "Countries", "parts": [{"kind": "table", "query": 1, "caption": "All"}]}]
        });
        let asks = [("c1", "execute_sql", json!({"sql": sql, "purpose": "sales"}))];
        let mock = Mock::start(&[
            fixtures::calls("sales by country", 0, "I look.", &asks),
            fixtures::calls("sales by country", 1, "I write.", &[("c2", "write_report", report)]),
        ]);
        let relay = Relay::start(mock.address()).await;
        std::fs::write(world.path().join("sales.csv"), "country,total\nUSA,523.06\nCanada,303.96\n").unwrap();
        let text = format!(
            "[model.provider.mock]\napi = \"openai\"\nbase-url = \"{}/v1\"\nkey-env = \"MOCK_KEY\"\n{settings}",
            relay.url()
        );
        std::fs::write(world.path().join("longhaul.toml"), text).unwrap();

        let mut policy = Policy::default();
        policy.caps.user = 100;
        policy.caps.organisation = 100;
        let operator = Actor { role: Role::Client, who: "ops".to_owned(), via: "test".to_owned() };
        world.journal.set_policy(&OrgId::new("acme").unwrap(), &operator, policy).await.unwrap();
        let mut services = vec![world.start(&["schedule"])];
        for n in 0..3 {
            let mut command = world.command(&["work", "--kind", "report", "--places", "8"]);
            command.env("MOCK_KEY", KEY);
            services.push(Process::start(command, world.path(), &format!("work-{n}")));
        }
        let client = world.client("ann");
        Self { world, mock, relay, client, _services: services }
    }

    async fn submit(&self) -> TaskId {
        let input = json!({
            "data": self.world.path().join("sales.csv"),
            "prompt": "sales by country",
            "model": "mock/m1",
            "formats": ["markdown"],
        });
        submit(&self.client, NewTask::new("report", "Sales", &input).unwrap()).await
    }

    /// Many reports at once; how each ended.
    async fn many(&self) -> Vec<Snapshot> {
        let mut tasks = Vec::new();
        for _ in 0..TASKS {
            tasks.push(self.submit().await);
        }
        let mut all = Vec::new();
        for task in tasks {
            all.push(ended(&self.client, task).await);
        }
        assert_eq!(self.mock.unprepared().await, Vec::<Value>::new());
        for task in &all {
            assert_eq!((task.status, task.attempt), (Status::Completed, 1), "{task:#?}");
            assert!(task.progress.waits.is_none(), "{task:#?}");
        }
        let executors: std::collections::BTreeSet<_> = all.iter().map(|task| task.executor).collect();
        assert_eq!(executors.len(), 3, "all of them had a part in it");
        all
    }

    /// Whether some task said that it waits.
    async fn waited(&self, tasks: &[Snapshot]) -> bool {
        for task in tasks {
            let events = self.world.events(task.task).await;
            if serde_json::to_string(&events).unwrap().contains("\"rate_limit\"") {
                return true;
            }
        }
        false
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_executors_never_ask_for_more_than_they_were_told_they_may() {
    let place = Place::new("requests-per-minute = 240\ntokens-per-minute = 2000000\n").await;
    place.relay.limit(provider(false));
    let all = place.many().await;
    assert_eq!((place.relay.refused(), place.relay.asked().len()), (0, 2 * TASKS));
    assert!(place.waited(&all).await, "more was wanted at once than may go");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_only_the_provider_knows_costs_time_and_no_task() {
    let place = Place::new("").await;
    place.relay.limit(provider(true));
    let all = place.many().await;
    assert_eq!(place.relay.asked().len(), 2 * TASKS + place.relay.refused());
    for task in &all {
        let calls = place.world.events(task.task).await;
        let paid = calls.iter().filter(|event| event.name() == "usage_recorded").count();
        // Refused calls are recorded too: with nothing.
        assert_eq!(usize::try_from(task.usage.model_calls).unwrap() + 1, paid, "{task:#?}");
    }
}
