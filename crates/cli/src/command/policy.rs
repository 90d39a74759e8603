//! `policy`.

use longhaul_client::{Client, Error};
use longhaul_core::{Actor, Caps, Millis, OrgId, Period, Role, Threshold, TokenBudget, ToolRule, text};

use crate::args::PolicyArgs;
use crate::exit::{Code, told, usage};
use crate::output;

pub(crate) async fn policy(client: &Client, args: &PolicyArgs) -> anyhow::Result<Code> {
    let org: &OrgId = &client.identity().org;
    let before = client.journal().policy(org).await.map_err(Error::from)?;
    let mut policy = before.clone();
    let set = |to: &mut u32, from: Option<u32>| *to = from.unwrap_or(*to);
    set(&mut policy.caps.user, args.user_cap);
    set(&mut policy.caps.organisation, args.organisation_cap);
    set(&mut policy.caps.conversation, args.conversation_cap);
    set(&mut policy.caps.foreground, args.foreground_cap);
    set(&mut policy.weight, args.weight);
    if let Some(tokens) = &args.daily_tokens {
        policy.budget = match tokens.as_str() {
            "none" => None,
            figure => {
                let tokens = figure
                    .parse()
                    .map_err(|_| usage(format!("--daily-tokens {figure:?} is not a number or none")))?;
                Some(TokenBudget { tokens, per: Period::Day })
            }
        };
    }
    policy.continue_unfinished = args.continue_unfinished.unwrap_or(policy.continue_unfinished);
    change(&mut policy.tools, &args.ask, &args.no_ask)?;
    if policy.weight == 0 {
        return Err(told(Code::Usage, "a weight of 0 would starve the organisation; the least is 1"));
    }
    let Caps { user, organisation, conversation, foreground } = policy.caps;
    if [user, organisation, conversation, foreground].contains(&0) {
        return Err(told(Code::Usage, "with a cap of 0 no task would ever start; the least is 1"));
    }
    if policy != before {
        let actor = Actor {
            role: Role::Client,
            who: client.identity().user.to_string(),
            via: client.identity().via.clone(),
        };
        client.journal().set_policy(org, &actor, policy.clone()).await.map_err(Error::from)?;
    }
    output::one(args.shape.format, &policy, |policy| {
        let budget = policy.budget.map_or("none".to_owned(), |b| format!("{} a day", b.tokens));
        let mut rows = vec![
            ("running tasks of one user", policy.caps.user.to_string()),
            ("running tasks of the organisation", policy.caps.organisation.to_string()),
            ("running tasks in one conversation", policy.caps.conversation.to_string()),
            ("running tasks of one user in the foreground", policy.caps.foreground.to_string()),
            ("weight against other organisations", policy.weight.to_string()),
            ("token budget", budget),
            ("continue failed and aborted tasks", policy.continue_unfinished.to_string()),
        ];
        rows.extend(policy.tools.iter().map(|rule| ("a person approves first", written(rule))));
        output::table(&["POLICY", ""], rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]))
    })?;
    Ok(Code::Done)
}

/// Reads a rule: `execute_sql`, `execute_sql rows_read>1000000`, `execute_sql cost>5000 within 2h`.
pub(crate) fn rule(given: &str) -> Result<ToolRule, String> {
    let bad = || {
        format!(
            "{given:?} is no rule; write it as TOOL, TOOL FIGURE>N, and `within 2h` behind it if questions shall lapse sooner than in a day"
        )
    };
    let (what, expires) = match given.split_once(" within ") {
        Some((what, span)) => (what, crate::time::span(span.trim())?),
        None => (given, ToolRule::DAY),
    };
    let (tool, over) = match what.trim().split_once(char::is_whitespace) {
        None => (what.trim(), None),
        Some((tool, over)) => {
            let (figure, most) = over.split_once('>').ok_or_else(bad)?;
            let over = most.trim().replace(['_', ','], "").parse().map_err(|_| bad())?;
            (tool, Some(Threshold { figure: figure.trim().to_owned(), over }))
        }
    };
    let is_name = |name: &str| {
        !name.is_empty()
            && name.len() <= 60
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
    };
    if !is_name(tool) || !over.as_ref().is_none_or(|over| is_name(&over.figure)) || expires == Millis(0) {
        return Err(bad());
    }
    Ok(ToolRule { tool: tool.to_owned(), over, expires })
}

/// A rule as it is given.
pub(crate) fn written(rule: &ToolRule) -> String {
    let over = rule.over.as_ref().map(|over| format!(" {}>{}", over.figure, over.over)).unwrap_or_default();
    let within = if rule.expires == ToolRule::DAY {
        String::new()
    } else {
        format!(
            " within {:#}",
            jiff::SignedDuration::from_millis(i64::try_from(rule.expires.0).unwrap_or(i64::MAX))
        )
    };
    text::line(&format!("{}{over}{within}", rule.tool), 200)
}

/// Whether a rule is the one that is given: as it is shown, or without its time.
fn is_given(shown: &str, given: &str) -> bool {
    shown.strip_prefix(given).is_some_and(|rest| rest.is_empty() || rest.starts_with(" within "))
}

/// Takes rules away and adds others. One on the same figure of the same tool replaces the one before.
fn change(rules: &mut Vec<ToolRule>, ask: &[ToolRule], no_ask: &[String]) -> anyhow::Result<()> {
    for given in no_ask {
        let before = rules.len();
        match given.trim() {
            "all" => rules.clear(),
            given => rules.retain(|rule| rule.tool != given && !is_given(&written(rule), given)),
        }
        if rules.len() == before && given != "all" {
            let there: Vec<String> = rules.iter().map(written).collect();
            let there = if there.is_empty() { "none".to_owned() } else { there.join("; ") };
            return Err(usage(format!("there is no rule {given:?}; there are: {there}")));
        }
    }
    let figure = |rule: &ToolRule| rule.over.as_ref().map(|over| over.figure.clone());
    for new in ask {
        rules.retain(|rule| rule.tool != new.tool || figure(rule) != figure(new));
        rules.push(new.clone());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_shown_as_they_are_given() {
        for (given, shown) in [
            ("execute_sql", "execute_sql"),
            ("execute_sql rows_read>1000000", "execute_sql rows_read>1000000"),
            (" execute_sql  rows_read > 1_000_000 ", "execute_sql rows_read>1000000"),
            ("execute_sql cost>5,000 within 2h", "execute_sql cost>5000 within 2h"),
            ("write_report within 1h 30m", "write_report within 1h 30m"),
            ("write_report within 24h", "write_report"),
        ] {
            let read = rule(given).unwrap();
            assert_eq!(written(&read), shown);
            assert_eq!(rule(shown).unwrap(), read);
        }
        for bad in [
            "",
            "a b",
            "a b>",
            "a b>-1",
            "a b>1.5",
            "a >1",
            "a b>1 within",
            "a b>1 within soon",
            "a within 0s",
            "ä",
            "a;b",
            "a b c>1",
        ] {
            assert!(rule(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn rules_are_added_replaced_and_taken_away() {
        let mut rules = Vec::new();
        let all = |rules: &[ToolRule]| rules.iter().map(written).collect::<Vec<_>>();
        let of = |given: &[&str]| given.iter().map(|given| rule(given).unwrap()).collect::<Vec<_>>();
        let names = |given: &[&str]| given.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        change(&mut rules, &of(&["a x>1", "a y>2", "a", "b"]), &[]).unwrap();
        change(&mut rules, &of(&["a x>7 within 1h"]), &[]).unwrap();
        assert_eq!(all(&rules), ["a y>2", "a", "b", "a x>7 within 1h"]);
        change(&mut rules, &[], &names(&["a x>7"])).unwrap();
        assert_eq!(all(&rules), ["a y>2", "a", "b"]);
        assert!(change(&mut rules, &[], &names(&["a y>"])).is_err(), "not the beginning of a figure");
        let error = change(&mut rules, &[], &names(&["c"])).unwrap_err().to_string();
        assert!(error.contains("a y>2; a; b"), "{error}");
        change(&mut rules, &[], &names(&["a"])).unwrap();
        assert_eq!(all(&rules), ["b"]);
        change(&mut rules, &of(&["c"]), &names(&["all"])).unwrap();
        assert_eq!(all(&rules), ["c"]);
    }
}
