//! The kind that does nothing, in every way.

use longhaul_core::*;
use serde_json::json;

use crate::stage::*;

#[tokio::test(start_paused = true)]
async fn it_does_what_it_is_told() {
    let stage = Stage::new();
    let _working = stage.start(stage.executor().handle_rehearsal());
    for (input, status, text, given) in [
        (json!({"say": "hello"}), Status::Completed, "hello", json!({"said": "hello"})),
        (
            json!("slow 3 200"),
            Status::Completed,
            "step 1 of 3\nstep 2 of 3\nstep 3 of 3\n",
            json!({"steps": 3}),
        ),
        (json!({"command": "fail"}), Status::Failed, "This will not go well.\n", json!("rehearsed")),
        (json!("slow 3"), Status::Failed, "", json!("bad_input")),
    ] {
        let task = stage.submit(submission("rehearsal", input)).await;
        let ended = stage.end(&task).await;
        assert_eq!(ended.status, status);
        let told: String = stage.text(&task).await.into_values().collect();
        assert_eq!(told, text);
        match &ended.error {
            Some(error) => assert_eq!(json!(error.code), given),
            None => assert_eq!(output(&ended), &given),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn it_asks_and_can_be_stopped() {
    let stage = Stage::new();
    let _working = stage.start(stage.executor().handle_rehearsal());
    let task = stage.submit(submission("rehearsal", json!("approve"))).await;
    stage.until(&task, "paused", |snapshot| snapshot.status == Status::Paused).await;
    stage.decide(&task, Decision::Approved).await;
    assert_eq!(output(&stage.end(&task).await), &json!({"approved": {"what": "nothing at all"}}));

    let task = stage.submit(submission("rehearsal", json!("slow 100 1000"))).await;
    let running = stage.until(&task, "in its third step", |snapshot| snapshot.steps.len() == 3).await;
    assert_eq!(running.current_step().unwrap().of, Some(100));
    stage.abort(&task).await.unwrap();
    let ended = stage.end(&task).await;
    assert_eq!(ended.abort.unwrap().checkpoint.as_deref(), Some("step 3"));
}
