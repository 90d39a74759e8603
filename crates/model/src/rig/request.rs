//! A dialog of ours, written as the library wants it.

use std::collections::BTreeMap;

use rig_core::completion::{CompletionRequest, ToolDefinition};
use rig_core::message::{
    AssistantContent, AssistantMessage, CallId, EmptyToolName, Message, StopReason, ToolCall, ToolChoice,
    ToolFunction, ToolName, ToolResult, ToolResultContent, UserContent,
};

use crate::{Ask, Reply, Said};

/// The request for a question.
///
/// # Errors
/// If a tool has no name: the library takes none without.
pub(super) fn request(ask: &Ask) -> Result<CompletionRequest, EmptyToolName> {
    let mut history = Vec::with_capacity(ask.dialog.len() + 1);
    if !ask.system.is_empty() {
        history.push(Message::system(&ask.system));
    }
    // What the calls of the turn before are called there.
    let mut ids: BTreeMap<&str, CallId> = BTreeMap::new();
    for said in ask.dialog.iter() {
        match said {
            Said::Person { text } => history.push(Message::user(text)),
            Said::Model(reply) => {
                let message = of_reply(reply)?;
                ids = reply
                    .calls
                    .iter()
                    .zip(message.tool_calls())
                    .map(|(ours, theirs)| (ours.id.as_str(), theirs.id.clone()))
                    .collect();
                if !message.content.is_empty() {
                    history.push(Message::Assistant(message));
                }
            }
            Said::Tool { call, name, answer } => {
                let result = ToolResult {
                    call: ids.get(call.as_str()).cloned().unwrap_or_else(|| CallId::from_wire(call)),
                    name: ToolName::new(name)?,
                    content: vec![ToolResultContent::json(answer.clone())],
                    is_error: false,
                };
                // The answers to the calls of one turn belong in one message.
                match history.last_mut() {
                    Some(Message::User { content })
                        if content.iter().all(|part| matches!(part, UserContent::ToolResult(_))) =>
                    {
                        content.push(UserContent::ToolResult(result));
                    }
                    _ => history.push(Message::tool_results(vec![result])),
                }
            }
        }
    }
    let mut request = CompletionRequest::new("").max_tokens(u64::from(ask.most_output));
    request.chat_history = history;
    for tool in ask.tools.iter() {
        let parameters = tool.parameters.clone();
        request =
            request.tool(ToolDefinition::new(ToolName::new(&tool.name)?, &tool.description, parameters));
    }
    if let Some(name) = &ask.must_call {
        request = request.tool_choice(ToolChoice::Specific { function_names: vec![ToolName::new(name)?] });
    }
    Ok(request)
}

/// A turn of the model: the provider's own form where it was kept and still reads, ours otherwise.
fn of_reply(reply: &Reply) -> Result<AssistantMessage, EmptyToolName> {
    if let Some(native) = &reply.native
        && let Ok(message) = serde_json::from_value::<AssistantMessage>(native.clone())
        && message.tool_calls().count() == reply.calls.len()
    {
        return Ok(message);
    }
    let mut content = Vec::with_capacity(reply.calls.len() + 1);
    if !reply.text.trim().is_empty() {
        content.push(AssistantContent::text(&reply.text));
    }
    for call in &reply.calls {
        let name = ToolName::new(&call.name)?;
        let function = match &call.arguments {
            Ok(arguments) => ToolFunction::new(name, arguments.clone()),
            Err(text) => ToolFunction::parse(name, text),
        };
        content.push(AssistantContent::ToolCall(ToolCall::from_wire(&call.id, function)));
    }
    let stop = if reply.calls.is_empty() { StopReason::Stop } else { StopReason::ToolUse };
    Ok(AssistantMessage::new(content).with_stop(stop))
}
