//! Questions to a service and their answers, as a NATS micro service: any client finds and asks it.

use std::sync::Arc;
use std::time::Duration;

use async_nats::Client;
use async_nats::service::{self, ServiceExt as _};
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt as _};

use super::link::{ANSWER, Failure, Link};
use crate::port::{PortError, Request, ServiceSpec};

const ERROR: &str = "Nats-Service-Error";
const ERROR_CODE: &str = "Nats-Service-Error-Code";

/// What an error's text may have of characters; it goes into a header.
const LONGEST_TEXT: usize = 2000;

/// Takes questions, shared with every other process that serves the same. Dropped, no more come.
pub(super) async fn serve(
    link: Arc<Link>,
    spec: ServiceSpec,
) -> Result<BoxStream<'static, Box<dyn Request>>, PortError> {
    link.up(ANSWER).await?;
    let failed = |why: async_nats::Error| PortError::Refused(format!("cannot serve {}: {why}", spec.name));
    let builder = link.client().service_builder().description(&spec.description);
    let service = builder.start(&spec.name, &spec.version).await.map_err(failed)?;
    let group = service.group(&spec.name);
    let mut endpoints = Vec::new();
    for name in &spec.endpoints {
        let endpoint = group.endpoint_builder().name(name).add(name).await.map_err(failed)?;
        let (name, client): (Arc<str>, _) = (Arc::from(name.as_str()), link.client().clone());
        let questions = endpoint.map(move |question| {
            let question = Question { endpoint: Arc::clone(&name), client: client.clone(), question };
            Box::new(question) as Box<dyn Request>
        });
        endpoints.push(questions.boxed());
    }
    link.settle().await?;
    let questions = stream::select_all(endpoints).map(move |question| {
        // The service is there as long as somebody takes its questions.
        let _keep = (&service, &link);
        question
    });
    Ok(questions.boxed())
}

struct Question {
    endpoint: Arc<str>,
    client: Client,
    question: service::Request,
}

impl Request for Question {
    fn endpoint(&self) -> &str {
        &self.endpoint
    }

    fn body(&self) -> &Bytes {
        &self.question.message.payload
    }

    fn answer(
        self: Box<Self>,
        answer: Result<Bytes, (u16, String)>,
    ) -> BoxFuture<'static, Result<(), PortError>> {
        Box::pin(async move {
            let limit = self.client.max_payload();
            let answer = match answer {
                Ok(body) if body.len() > limit => Err((
                    413,
                    format!("the answer has {} bytes; at most {limit} are allowed: ask for less", body.len()),
                )),
                other => other,
            };
            let answer = answer
                .map_err(|(code, text)| service::error::Error { code: code.into(), status: one_line(&text) });
            let answered = self.question.respond(answer).await;
            answered.map_err(|why| PortError::Unreachable(format!("an answer: {why}")))
        })
    }
}

/// A text as a header can carry it: line ends would end it.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_TEXT).collect()
}

/// Asks a service once: who answers may have done something.
pub(super) async fn ask(
    link: &Link,
    subject: &str,
    body: Bytes,
    timeout: Duration,
) -> Result<Result<Bytes, (u16, String)>, PortError> {
    let answer = match link.request(subject, None, body, timeout).await {
        Ok(answer) => answer,
        Err(Failure::Nobody(subject)) => {
            return Err(PortError::NotFound(format!(
                "a process that answers {subject} (start one: `longhaul up`, or `longhaul project` beside \
                 the others)"
            )));
        }
        Err(Failure::Silence(waited)) => {
            return Err(PortError::Unreachable(format!("no answer from {subject} within {waited:?}")));
        }
        Err(failure) => return Err(failure.into()),
    };
    let headers = answer.headers.unwrap_or_default();
    let text = |name: &str| headers.get(name).map(|value| value.as_str().to_owned());
    match (text(ERROR_CODE), text(ERROR)) {
        (None, None) => Ok(Ok(answer.payload)),
        (code, text) => {
            let code = code.and_then(|code| code.parse().ok()).unwrap_or(500);
            Ok(Err((code, text.unwrap_or_default())))
        }
    }
}
