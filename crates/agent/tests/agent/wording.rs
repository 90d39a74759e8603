//! What the sentences of a report may and may not say.

use longhaul_agent::analyst::sentences;

use crate::support::{chinook, csv, report, text};

#[test]
fn those_who_have_the_same_share_their_place() {
    let mut data = chinook();
    let said = text(&report(&mut data, "top 3 tracks", 3).1);
    assert!(said.contains("share the first place with revenue of 3.98 each"), "{said}");
    assert!(said.contains("the revenue is level at 3.98"), "{said}");
    assert!(!said.contains("ahead of") && !said.contains("from 3.98 to 3.98"), "{said}");

    let mut data = csv("shop,amount\nNorth,5\nSouth,5\nEast,3\n").unwrap();
    let said = text(&report(&mut data, "amount by shop", 3).1);
    assert!(said.contains("North and South share the lead with 5 each, 38.5% of the"), "{said}");
}

#[test]
fn the_words_for_a_share_follow_from_it() {
    let mut data = chinook();
    for (prompt, said, never) in [
        ("top 3 tracks", "more than their number, but little of the whole", "far more"),
        ("top 12 genres", "more than their number.", "hardly"),
        ("top 20 genres", "more than their number.", "hardly"),
    ] {
        let summary = sentences(&report(&mut data, prompt, 3).1).join("\n");
        assert!(summary.contains(said), "{prompt}: {summary}");
        assert!(!summary.contains(never), "{prompt}: {summary}");
    }
    for n in 1..=50 {
        for of in ["customers", "tracks", "artists", "countries"] {
            let summary = sentences(&report(&mut data, &format!("top {n} {of}"), 3).1).join("\n");
            let opposite = summary.contains("far more") && summary.contains("spread widely");
            assert!(!opposite, "top {n} {of}: {summary}");
        }
    }
}
