use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::data::Rows;

fn kept(sql: &str, rows: usize) -> Kept {
    let rows = (0..rows).map(|n| vec![json!(format!("place {n}")), json!(n)]).collect();
    let rows = Rows { columns: vec!["country".into(), "n".into()], rows, truncated: false, millis: 1 };
    Kept { purpose: "sales by country".into(), sql: sql.into(), rows }
}

fn adds(sql: &str) -> Memory {
    Memory { answers: vec![kept(sql, 2)], ..Memory::default() }.said(sql, "well")
}

#[test]
fn what_is_asked_again_is_remembered_once_and_last() {
    let known = adds("SELECT 1").merge(adds("SELECT 2")).merge(adds("SELECT 1 "));
    let asked: Vec<&str> = known.answers.iter().map(|answer| answer.sql.trim()).collect();
    assert_eq!(asked, ["SELECT 2", "SELECT 1"]);
    assert_eq!(known.turns.len(), 3);
}

#[test]
fn what_is_remembered_has_bounds() {
    let mut known = Memory::default();
    for n in 0..40 {
        let long = Memory { answers: vec![kept(&format!("SELECT {n}"), 1_000)], ..Memory::default() };
        known = known.merge(long.said(&"x".repeat(5_000), "y"));
    }
    assert_eq!((known.turns.len(), known.turns[0].asked.chars().count()), (TURNS, TURN));
    assert!(known.answers.iter().all(|answer| answer.rows.rows.len() == ROWS && answer.rows.truncated));
    assert!(serde_json::to_vec(&known.answers).unwrap().len() <= ANSWERS + 2 * known.answers.len());
    assert_eq!(known.answers.last().unwrap().sql, "SELECT 39", "the oldest are forgotten");
    assert!(known.answers.len() > 10);
}

#[test]
fn rows_and_headings_are_at_hand() {
    let at_hand = adds("SELECT 1").at_hand();
    assert!(at_hand.speaks_of("country") && at_hand.speaks_of("place"));
    assert!(!at_hand.speaks_of("refund") && Memory::default().at_hand().is_empty());
}

#[test]
fn a_model_is_told_the_newest_rows_if_not_all() {
    let long = "z".repeat(1_000);
    let mut known = Memory::default();
    for n in 0..3 {
        let mut one = kept(&format!("SELECT {n}"), 0);
        one.rows.rows = (0..20).map(|n| vec![json!(long), json!(n)]).collect();
        known.answers.push(one);
    }
    let told = super::known(&known);
    let rows = |n: usize| told["queries"][n]["rows"].as_array().unwrap().len();
    assert_eq!((rows(2), rows(1), rows(0)), (20, 12, 0));
    assert_eq!(told["queries"][1]["note"], "the first 12 rows of more");
    assert!(told.to_string().len() < super::told::known(&Memory::default()).to_string().len() + 40 * 1024);
}

proptest! {
    /// Whether the one who merges begins in the middle or not, and however often it is bounded.
    #[test]
    fn merging_may_be_grouped_as_one_likes(which in prop::collection::vec(0_usize..6, 3..30), at in 1_usize..29) {
        let parts: Vec<Memory> = which.iter().map(|n| adds(&format!("SELECT {n}"))).collect();
        let all = |parts: &[Memory]| parts.iter().cloned().fold(Memory::default(), Memory::merge);
        let (head, tail) = parts.split_at(at.min(parts.len()));
        prop_assert_eq!(all(head).merge(all(tail)), all(&parts));
        prop_assert_eq!(all(&parts).bounded(), all(&parts));
    }
}
